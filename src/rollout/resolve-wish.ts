// Owns the answer to "which version does the spec ask for": a pin, the latest, or the best of a range.
import { compareVersions, isVersionRange, satisfiesRange } from '../contract/model-version.ts';
import type { KnownVersion } from './rollout-facts.ts';

export type Wish =
  | { readonly kind: 'resolved'; readonly known: KnownVersion }
  /** Found, and may not be used: unsigned, wrongly signed, broken. */
  | { readonly kind: 'refused'; readonly known: KnownVersion; readonly code: string; readonly reason: string }
  | { readonly kind: 'rejected'; readonly known: KnownVersion }
  | { readonly kind: 'missing'; readonly reason: string };

function judge(known: KnownVersion, rejected: ReadonlySet<string>): Wish {
  if (known.standing.kind !== 'admitted') {
    return { kind: 'refused', known, code: known.standing.code, reason: known.standing.reason };
  }
  return rejected.has(known.digest) ? { kind: 'rejected', known } : { kind: 'resolved', known };
}

/** Is the wish a version by name, rather than `latest` or a range? */
export function isPin(wish: string): boolean {
  return wish !== 'latest' && !isVersionRange(wish);
}

/**
 * The version that a wish means. `latest` and ranges pass over rejected and refused versions, so that a bad release never hides a good one;
 * a pin that is rejected or refused says so.
 */
export function resolveWish(wish: string, versions: readonly KnownVersion[], rejected: ReadonlySet<string>): Wish {
  if (isPin(wish)) {
    const known = versions.find((candidate) => candidate.version === wish);
    return known === undefined
      ? { kind: 'missing', reason: `no version ${wish} of the model is in the repository` }
      : judge(known, rejected);
  }
  const matching = versions
    .filter((known) => wish === 'latest' || satisfiesRange(known.version, wish))
    .sort((a, b) => compareVersions(b.version, a.version));
  const judged = matching.map((known) => judge(known, rejected));
  const first = judged[0];
  if (first === undefined) return { kind: 'missing', reason: `no version of the model satisfies ${wish}` };
  return judged.find((answer) => answer.kind === 'resolved') ?? first;
}
