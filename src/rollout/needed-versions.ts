// Owns which versions somebody may still need: whoever throws files away keeps those of all others.
import { type Digest, isDigest } from '../contract/digest.ts';
import { choicesOf, type Directive } from '../contract/directive.ts';
import { compareVersions, isVersionRange, satisfiesRange } from '../contract/model-version.ts';
import type { ModelManifest } from '../contract/types.generated.ts';
import type { Rollout } from '../documents/types.generated.ts';
import { isPin } from './resolve-desired.ts';

/** Who needs a version, the first that was found. */
export type Need =
  /** Its status or its requests name the version. */
  | { readonly kind: 'rollout'; readonly rollout: string }
  | { readonly kind: 'directive'; readonly rollout: string }
  /** It runs the version, or has it on its disk. */
  | { readonly kind: 'device'; readonly device: string }
  /** Its `version` asks for it, or falls back to it. */
  | { readonly kind: 'desired'; readonly rollout: string }
  /** It is not older than what runs: somebody may roll it out yet. */
  | { readonly kind: 'upcoming' }
  /** Without a sequence, nobody can tell whether it is older than what runs. */
  | { readonly kind: 'no-sequence' };

export interface KnownManifest {
  readonly digest: Digest;
  readonly manifest: ModelManifest;
}

export interface VersionsQuestion {
  /** Those of the branch. */
  readonly manifests: readonly KnownManifest[];
  readonly rollouts: readonly Rollout[];
  readonly directive: Directive | undefined;
  /** What each device runs and has. */
  readonly held: Iterable<{ readonly device: string; readonly digest: Digest }>;
}

export interface NeededVersions {
  readonly needs: ReadonlyMap<Digest, Need>;
  /** Digests of what runs or is to run: their manifests have to be known. */
  readonly running: ReadonlySet<Digest>;
}

/** A range or `latest` goes to an older version when newer ones are rejected or refused. */
const MOST_FALLBACKS = 5;

export function neededVersions(question: VersionsQuestion): NeededVersions {
  const { manifests, rollouts, directive, held } = question;
  const needs = new Map<Digest, Need>();
  const running = new Set<Digest>();
  const need = (digest: Digest, by: Need): void => {
    if (!needs.has(digest)) needs.set(digest, by);
  };
  for (const { metadata, spec, status } of rollouts) {
    // Any digest: what a status remembers is what a retry, a rollback or a held-back group may come back to.
    for (const digest of digestsIn([spec, status ?? null])) need(digest, { kind: 'rollout', rollout: metadata.name });
    for (const choice of [status?.candidate, status?.stable]) if (choice != null) running.add(choice.digest);
  }
  for (const entry of directive?.entries ?? []) {
    for (const { digest } of choicesOf(entry)) {
      need(digest, { kind: 'directive', rollout: entry.rollout });
      running.add(digest);
    }
  }
  for (const { device, digest } of held) need(digest, { kind: 'device', device });
  for (const rollout of rollouts) {
    for (const digest of desiredBy(rollout, manifests))
      need(digest, { kind: 'desired', rollout: rollout.metadata.name });
  }
  for (const [model, its] of Map.groupBy(manifests, ({ manifest }) => manifest.metadata.name)) {
    const least = leastStable(model, question);
    for (const { digest, manifest } of its) {
      const { sequence } = manifest.metadata;
      if (sequence === undefined) need(digest, { kind: 'no-sequence' });
      else if (sequence >= least) need(digest, { kind: 'upcoming' });
    }
  }
  return { needs, running };
}

function* digestsIn(value: unknown): Iterable<Digest> {
  if (isDigest(value)) yield value;
  else if (value !== null && typeof value === 'object')
    for (const member of Object.values(value)) yield* digestsIn(member);
}

function desiredBy({ spec, status }: Rollout, manifests: readonly KnownManifest[]): readonly Digest[] {
  const versions = manifests.filter(({ manifest }) => manifest.metadata.name === spec.model);
  const versionOf = ({ manifest }: KnownManifest): string => manifest.metadata.version;
  if (isPin(spec.version)) return versions.filter((one) => versionOf(one) === spec.version).map(({ digest }) => digest);
  const refused = new Set(status?.rejected.map(({ digest }) => digest));
  return versions
    .filter((one) => !isVersionRange(spec.version) || satisfiesRange(versionOf(one), spec.version))
    .filter(({ digest }) => !refused.has(digest))
    .sort((a, b) => compareVersions(versionOf(b), versionOf(a)))
    .slice(0, MOST_FALLBACKS)
    .map(({ digest }) => digest);
}

/** The lowest sequence that is stable in any rollout of the model; 0 while one of them has no stable version, or none whose sequence is known. */
function leastStable(model: string, { rollouts, manifests }: VersionsQuestion): number {
  const own = rollouts.filter(({ spec }) => spec.model === model);
  const sequences = own.map(({ status }) => {
    const stable = manifests.find(({ digest }) => digest === status?.stable?.digest);
    return stable?.manifest.metadata.sequence ?? 0;
  });
  return sequences.length === 0 ? 0 : Math.min(...sequences);
}
