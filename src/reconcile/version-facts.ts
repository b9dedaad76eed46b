// Owns what the loop asks of a version's manifest: its classes, and which devices can run it.
import { type DeclaredOutputs, declaredOutputs } from '../contract/declared-outputs.ts';
import type { Digest } from '../contract/digest.ts';
import { chooseVariant } from '../contract/manifest/choose-variant.ts';
import { ANSWER_ENDS } from '../contract/output-counts.ts';
import type { DeviceFacts } from '../contract/selector.ts';
import type { ModelManifest } from '../contract/types.generated.ts';
import type { DeclaredByArm } from '../documents/comparable-outputs.ts';
import type { RolloutStatus } from '../documents/types.generated.ts';
import type { VersionFit } from '../measurement/known-fleet.ts';
import type { VersionDocument } from '../snapshot/standing.ts';

/** The manifest of a version; undefined where HEAD does not hold it. */
export function manifestOf(
  documents: readonly VersionDocument[],
  digest: Digest | undefined,
): ModelManifest | undefined {
  const found = documents.find((one) => one.kind === 'model' && one.digest === digest);
  return found?.kind === 'model' ? found.manifest : undefined;
}

/** What a device runs on is known from its first report on. */
function isUnheard({ properties }: DeviceFacts): boolean {
  return Object.keys(properties).length === 0;
}

/** Which devices can run a version; undefined where its manifest is not to be had: then each device finds out by itself. */
export function fitOf(documents: readonly VersionDocument[], digest: Digest | undefined): VersionFit | undefined {
  const manifest = manifestOf(documents, digest);
  if (digest === undefined || manifest === undefined) return undefined;
  return { digest, fits: (device) => isUnheard(device) || chooseVariant(manifest, device).kind === 'fits' };
}

/** What a version's manifest declares of outputs that are no classes; undefined where it is not to be had. */
function outputsOf(documents: readonly VersionDocument[], digest: Digest | undefined): DeclaredOutputs | undefined {
  const manifest = manifestOf(documents, digest);
  return manifest && declaredOutputs(manifest.spec.interface.outputs);
}

/** The same of both arms. */
export function outputsByArm(
  documents: readonly VersionDocument[],
  { candidate, stable }: Pick<RolloutStatus, 'candidate' | 'stable'>,
): DeclaredByArm {
  const [ofCandidate, ofStable] = [candidate, stable].map((one) => outputsOf(documents, one?.digest));
  return {
    ...(ofCandidate === undefined ? {} : { candidate: ofCandidate }),
    ...(ofStable === undefined ? {} : { stable: ofStable }),
  };
}

/** The classes that a version's manifest names; of texts, how they end. */
export function classesOf(documents: readonly VersionDocument[], digest: Digest | undefined): readonly string[] {
  const outputs = manifestOf(documents, digest)?.spec.interface.outputs ?? [];
  const named = outputs.find((output) => (output.classes?.length ?? 0) > 0)?.classes ?? [];
  return named.length === 0 && declaredOutputs(outputs).text !== null ? ANSWER_ENDS : named;
}
