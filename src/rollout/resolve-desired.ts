// Owns the answer to "which version does the spec ask for": a pin, the latest, or the best of a range.
import { compareVersions, isVersionRange, satisfiesRange } from '../contract/model-version.ts';
import type { Fix } from './reasons.ts';
import { type KnownVersion, refusalOf, type VersionStanding } from './rollout-facts.ts';

export type DesiredVersion =
  /** `passedOver`: a newer version that may not be used. */
  | { readonly kind: 'resolved'; readonly known: KnownVersion; readonly passedOver: Fix | null }
  /** Found, and may not be used: unsigned, wrongly signed, broken, changed. Or not found. */
  | { readonly kind: 'unusable'; readonly fix: Fix }
  | { readonly kind: 'rejected'; readonly known: KnownVersion };

export interface NamedDigest {
  readonly version: string;
  readonly digest: string;
}

export interface DesiredQuestion {
  readonly desired: string;
  readonly versions: readonly KnownVersion[];
  readonly rejected: ReadonlySet<string>;
  /** What runs, the candidate before stable. It was admitted when it began, and only revocation takes that back. */
  readonly held: readonly NamedDigest[];
  /** Versions and the content that this rollout knew them by: a version once published keeps it. */
  readonly published: readonly NamedDigest[];
}

/** Is it a version by name, rather than `latest` or a range? */
export function isPin(desired: string): boolean {
  return desired !== 'latest' && !isVersionRange(desired);
}

function satisfies(version: string, desired: string): boolean {
  return desired === 'latest' || satisfiesRange(version, desired);
}

function isChanged(known: KnownVersion, { published }: DesiredQuestion): boolean {
  const same = published.filter((one) => one.version === known.version);
  return same.length > 0 && !same.some((one) => one.digest === known.digest);
}

function judge(known: KnownVersion, question: DesiredQuestion): DesiredVersion {
  const { standing } = known;
  const isHeld = question.held.some((one) => one.digest === known.digest);
  if (standing.kind !== 'admitted' && !(isHeld && !(standing.kind === 'refused' && standing.revoked))) {
    return { kind: 'unusable', fix: fixOf(known.version, standing) };
  }
  if (isChanged(known, question)) {
    return {
      kind: 'unusable',
      fix: { kind: 'version-changed', code: 'MODEL_VERSION_CHANGED', version: known.version },
    };
  }
  if (!isHeld && question.rejected.has(known.digest)) return { kind: 'rejected', known };
  return { kind: 'resolved', known, passedOver: null };
}

/** What has to be fixed about a version that is not admitted. */
export function fixOf(version: string, standing: Exclude<VersionStanding, { kind: 'admitted' }>): Fix {
  if (standing.kind === 'draft') return { kind: 'version-draft', code: 'MODEL_VERSION_DRAFT', version };
  if (standing.kind === 'broken') return { ...standing, kind: 'document', version };
  return { kind: 'version-refused', version, ...refusalOf(standing) };
}

function missing(desired: string, running: string | null = null): DesiredVersion {
  return { kind: 'unusable', fix: { kind: 'version-missing', code: 'MODEL_VERSION_MISSING', desired, running } };
}

function resolvePin(question: DesiredQuestion): DesiredVersion {
  const known = question.versions.find((one) => one.version === question.desired);
  if (known === undefined) return missing(question.desired);
  return judge(known, question);
}

/** What runs first of all, when it still is what is desired and its signer is still trusted: `latest` and ranges never go back behind it by themselves. */
function floorOf({ desired, versions, held }: DesiredQuestion): NamedDigest | null {
  const [runs] = held;
  if (runs === undefined || !satisfies(runs.version, desired)) return null;
  const standing = versions.find((one) => one.digest === runs.digest)?.standing;
  return standing?.kind === 'refused' && standing.revoked ? null : runs;
}

/** A draft is nobody's mistake: only where there is nothing else it is told. */
function isDraft(answer: DesiredVersion): boolean {
  return answer.kind === 'unusable' && answer.fix.kind === 'version-draft';
}

function newestFirst(a: KnownVersion, b: KnownVersion): number {
  return compareVersions(b.version, a.version) || (a.version < b.version ? 1 : -1);
}

/**
 * The version that the spec means. `latest` and ranges pass over drafts, rejected and refused versions, so that a bad release never hides a good one,
 * and stay with what runs until something newer comes; a pin that is rejected or refused says so.
 */
export function resolveDesired(question: DesiredQuestion): DesiredVersion {
  const { desired, versions } = question;
  if (isPin(desired)) return resolvePin(question);
  const floor = floorOf(question);
  let first: DesiredVersion | undefined;
  for (const known of versions.filter((one) => satisfies(one.version, desired)).sort(newestFirst)) {
    const isBehind = floor !== null && compareVersions(known.version, floor.version) <= 0;
    if (isBehind && known.digest !== floor.digest) continue;
    const answer = judge(known, question);
    if (answer.kind === 'resolved')
      return { ...answer, passedOver: first?.kind === 'unusable' && !isDraft(first) ? first.fix : null };
    if (first === undefined || isDraft(first)) first = answer;
  }
  return floor === null ? (first ?? missing(desired)) : missing(desired, floor.version);
}
