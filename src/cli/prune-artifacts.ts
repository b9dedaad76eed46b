// Owns pruning: who needs which artifact by the branch, the published directive and the devices, and removing what nobody does.
import path from 'node:path';
import { readFileIfPresent } from '../base/durable-file.ts';
import { CodedError } from '../base/errors.ts';
import { type Digest, digestOf, hexOf } from '../contract/digest.ts';
import type { Directive } from '../contract/directive.ts';
import type { ModelManifest } from '../contract/types.generated.ts';
import { readDirective } from '../distribution/pointer.ts';
import { type LyingArtifact, listArtifacts, removeArtifact } from '../distribution/stored-artifacts.ts';
import { parseDocument } from '../documents/parse-document.ts';
import type { RepositoryFiles } from '../git/repository-files.ts';
import { type KnownManifest, type Need, neededVersions } from '../rollout/needed-versions.ts';
import { type FoundDocuments, readDocuments, rolloutsOf } from '../snapshot/repository-documents.ts';
import type { DeviceRecord } from '../store/device-register.ts';
import { assertManifests } from './manifests-here.ts';

/** Why an artifact stays; `version` is the model's version that has it. */
export type Keeping =
  | { readonly kind: 'young' }
  | { readonly kind: 'needed'; readonly version: string; readonly need: Need };

export interface KeptArtifact extends LyingArtifact {
  readonly keeping: Keeping;
}

export interface UnneededArtifact extends LyingArtifact {
  /** Versions that have it, which nobody needs. */
  readonly versions: readonly string[];
}

export interface PrunePlan {
  readonly kept: readonly KeptArtifact[];
  readonly unneeded: readonly UnneededArtifact[];
}

export interface PruneQuestion {
  readonly publication: string;
  readonly files: RepositoryFiles;
  readonly devices: Iterable<DeviceRecord>;
  /** Artifacts that were used since then stay. */
  readonly olderThanMs: number;
}

/** Removes nothing. Throws PRUNE_BROKEN, PRUNE_PUBLICATION, PRUNE_BEHIND, PRUNE_MANIFEST_MISSING, REPO_NO_DOCUMENTS. */
export async function planPrune({ publication, files, devices, olderThanMs }: PruneQuestion): Promise<PrunePlan> {
  // Listed first: what comes later is nobody's to remove.
  const lying = await listArtifacts(publication);
  const found = await readDocuments(files);
  assertManifests(files, found);
  assertWhole(found);
  const directive = await publishedDirective(publication);
  const rollouts = rolloutsOf(found).rollouts.map(({ rollout }) => rollout);
  assertNotBehind(directive, rollouts);
  const manifests = found.documents.flatMap(({ bytes, parsed }): KnownManifest[] =>
    parsed.kind === 'parsed' && parsed.document.kind === 'ModelManifest'
      ? [{ digest: digestOf(bytes), manifest: parsed.document }]
      : [],
  );
  const { needs, running } = neededVersions({ manifests, rollouts, directive, held: heldBy(devices) });
  const known = new Map(manifests.map(({ digest, manifest }) => [digest, manifest]));
  for (const digest of needs.keys()) {
    const manifest = known.get(digest) ?? (await readPublished(publication, digest));
    if (manifest !== undefined) known.set(digest, manifest);
    else if (running.has(digest)) throw manifestMissing(digest);
  }
  return planOf(lying, known, needs, olderThanMs);
}

function planOf(
  lying: readonly LyingArtifact[],
  known: ReadonlyMap<Digest, ModelManifest>,
  needs: ReadonlyMap<Digest, Need>,
  olderThanMs: number,
): PrunePlan {
  const needed = new Map<Digest, Keeping>();
  const others = new Map<Digest, string[]>();
  for (const [digest, manifest] of known) {
    const need = needs.get(digest);
    const version = `${manifest.metadata.name} ${manifest.metadata.version}`;
    for (const file of manifest.spec.variants.flatMap((variant) => variant.files)) {
      const artifact = file.digest as Digest;
      if (need === undefined) others.set(artifact, [...(others.get(artifact) ?? []), version]);
      else if (!needed.has(artifact)) needed.set(artifact, { kind: 'needed', version, need });
    }
  }
  const kept: KeptArtifact[] = [];
  const unneeded: UnneededArtifact[] = [];
  for (const one of lying) {
    const keeping = needed.get(one.digest) ?? (one.usedAtMs > olderThanMs ? ({ kind: 'young' } as const) : undefined);
    if (keeping !== undefined) kept.push({ ...one, keeping });
    else unneeded.push({ ...one, versions: [...new Set(others.get(one.digest))] });
  }
  return { kept, unneeded };
}

/** Gives those that were removed; one that was used meanwhile stays. */
export async function removeUnneeded(
  publication: string,
  unneeded: readonly UnneededArtifact[],
): Promise<UnneededArtifact[]> {
  const removed: UnneededArtifact[] = [];
  for (const one of unneeded) if (await removeArtifact(publication, one)) removed.push(one);
  return removed;
}

function* heldBy(devices: Iterable<DeviceRecord>): Iterable<{ readonly device: string; readonly digest: Digest }> {
  for (const { id: device, models, tookCandidate } of devices) {
    for (const { running, subject } of models.values()) {
      if (running !== null) yield { device, digest: running.digest };
      if (subject !== null) yield { device, digest: subject.digest };
    }
    for (const taken of tookCandidate.values()) for (const { digest } of taken) yield { device, digest };
  }
}

/** A version that is in force may have left the branch; its published manifest is kept. */
async function readPublished(publication: string, digest: Digest): Promise<ModelManifest | undefined> {
  const file = path.join(publication, 'manifests', `${hexOf(digest)}.yaml`);
  const bytes = await readFileIfPresent(file);
  if (bytes === undefined || digestOf(bytes) !== digest) return undefined;
  const parsed = parseDocument(file, bytes, { isCopy: true });
  return parsed.kind === 'parsed' && parsed.document.kind === 'ModelManifest' ? parsed.document : undefined;
}

function assertWhole({ documents, problems }: FoundDocuments): void {
  const errors = [...documents.flatMap(({ parsed }) => (parsed.kind === 'broken' ? parsed.errors : [])), ...problems];
  const [first] = errors;
  if (first === undefined) return;
  const more = errors.length === 1 ? '' : ` There are ${errors.length - 1} more.`;
  throw new CodedError({
    code: 'PRUNE_BROKEN',
    message: `The repository can't be read whole, so nothing was removed: ${first.message}${more}`,
    remedy: 'Run `slipway validate`, and correct what it says.',
    ...(first.at === undefined ? {} : { at: first.at }),
    cause: first,
  });
}

/** Undefined before the first publication. A damaged one names versions that nobody can read. */
async function publishedDirective(publication: string): Promise<Directive | undefined> {
  const directive = await readDirective(publication);
  if (directive !== undefined) return directive;
  if ((await readFileIfPresent(path.join(publication, 'metadata', 'timestamp.json'))) === undefined) return undefined;
  throw new CodedError({
    code: 'PRUNE_PUBLICATION',
    message: `The directive in ${publication} is damaged or missing, so nobody can tell what devices are to run. Nothing was removed.`,
    remedy: 'Let the service run until it has published anew, then try again.',
  });
}

/** By an old clone, what runs now would look unneeded. */
function assertNotBehind(
  directive: Directive | undefined,
  rollouts: readonly {
    readonly metadata: { readonly name: string };
    readonly status?: { readonly revision: number };
  }[],
): void {
  const revisions = new Map(rollouts.map(({ metadata, status }) => [metadata.name, status?.revision ?? 0]));
  for (const { rollout, revision } of directive?.entries ?? []) {
    const found = revisions.get(rollout);
    if (found === undefined || found >= revision) continue;
    throw new CodedError({
      code: 'PRUNE_BEHIND',
      message: `Revision ${revision} of ${rollout} is published, and this repository has revision ${found}. Nothing was removed.`,
      remedy: 'Pass the repository and branch that the service follows, with --repo and --branch.',
    });
  }
}

function manifestMissing(digest: Digest): CodedError {
  return new CodedError({
    code: 'PRUNE_MANIFEST_MISSING',
    message: `Devices are to run ${digest}, and its manifest is neither on the branch nor in the publication, so nobody can tell which artifacts it needs. Nothing was removed.`,
    remedy: 'Put the manifest back on the branch.',
  });
}
