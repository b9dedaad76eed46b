// Owns the answer to "which version does the spec ask for": a pin, the latest, or the best of a range.
import { compareVersions, isVersionRange, satisfiesRange } from '../contract/model-version.ts';
import type { KnownVersion } from './rollout-facts.ts';

export interface Refused {
  readonly known: KnownVersion;
  readonly code: string;
  readonly reason: string;
}

export type Wish =
  /** `passedOver`: a newer version that may not be used. */
  | { readonly kind: 'resolved'; readonly known: KnownVersion; readonly passedOver: Refused | null }
  /** Found, and may not be used: unsigned, wrongly signed, broken, changed. */
  | ({ readonly kind: 'refused' } & Refused)
  | { readonly kind: 'rejected'; readonly known: KnownVersion }
  | { readonly kind: 'missing'; readonly code: string; readonly reason: string };

export interface NamedDigest {
  readonly version: string;
  readonly digest: string;
}

export interface WishQuestion {
  readonly wish: string;
  readonly versions: readonly KnownVersion[];
  readonly rejected: ReadonlySet<string>;
  /** What runs, the candidate before stable. It was admitted when it began, and only revocation takes that back. */
  readonly held: readonly NamedDigest[];
  /** Versions and the content that this rollout knew them by: a version once published keeps it. */
  readonly published: readonly NamedDigest[];
}

/** Is the wish a version by name, rather than `latest` or a range? */
export function isPin(wish: string): boolean {
  return wish !== 'latest' && !isVersionRange(wish);
}

function isWished(version: string, wish: string): boolean {
  return wish === 'latest' || satisfiesRange(version, wish);
}

function isChanged(known: KnownVersion, { published }: WishQuestion): boolean {
  const same = published.filter((one) => one.version === known.version);
  return same.length > 0 && !same.some((one) => one.digest === known.digest);
}

function judge(known: KnownVersion, question: WishQuestion): Wish {
  const { standing } = known;
  const isHeld = question.held.some((one) => one.digest === known.digest);
  if (standing.kind !== 'admitted' && !(isHeld && !(standing.kind === 'refused' && standing.revoked))) {
    return { kind: 'refused', known, code: standing.code, reason: standing.reason };
  }
  if (isChanged(known, question)) {
    const reason = 'its content is not what was published under this version; give the change a version of its own';
    return { kind: 'refused', known, code: 'MODEL_VERSION_CHANGED', reason };
  }
  if (!isHeld && question.rejected.has(known.digest)) return { kind: 'rejected', known };
  return { kind: 'resolved', known, passedOver: null };
}

function missing(reason: string): Wish {
  return { kind: 'missing', code: 'MODEL_VERSION_MISSING', reason };
}

function resolvePin(question: WishQuestion): Wish {
  const known = question.versions.find((one) => one.version === question.wish);
  if (known === undefined) return missing(`no version ${question.wish} of the model is in the repository`);
  return judge(known, question);
}

/** What runs first of all, when the wish still means it and its signer is still trusted: `latest` and ranges never go back behind it by themselves. */
function floorOf({ wish, versions, held }: WishQuestion): NamedDigest | null {
  const [runs] = held;
  if (runs === undefined || !isWished(runs.version, wish)) return null;
  const standing = versions.find((one) => one.digest === runs.digest)?.standing;
  return standing?.kind === 'refused' && standing.revoked ? null : runs;
}

function newestFirst(a: KnownVersion, b: KnownVersion): number {
  return compareVersions(b.version, a.version) || (a.version < b.version ? 1 : -1);
}

/**
 * The version that a wish means. `latest` and ranges pass over rejected and refused versions, so that a bad release never hides a good one,
 * and stay with what runs until something newer comes; a pin that is rejected or refused says so.
 */
export function resolveWish(question: WishQuestion): Wish {
  const { wish, versions } = question;
  if (isPin(wish)) return resolvePin(question);
  const floor = floorOf(question);
  let first: Wish | undefined;
  for (const known of versions.filter((one) => isWished(one.version, wish)).sort(newestFirst)) {
    const isBehind = floor !== null && compareVersions(known.version, floor.version) <= 0;
    if (isBehind && known.digest !== floor.digest) continue;
    const answer = judge(known, question);
    if (answer.kind === 'resolved') return { ...answer, passedOver: first?.kind === 'refused' ? first : null };
    first ??= answer;
  }
  if (floor !== null)
    return missing(`${floor.version}, which runs, is not in the repository, and nothing newer may take its place`);
  return (
    first ?? missing(wish === 'latest' ? 'the model has no version yet' : `no version of the model satisfies ${wish}`)
  );
}
