// Owns the order of versions: SemVer and free-form ones such as `2026.01.10-rc1` or `2025-04-14T16-38-25` in one total order, and ranges.
// One by one: the whole package would be 9 KB more on each device.
import coerce from 'semver/functions/coerce.js';
import parse from 'semver/functions/parse.js';
import satisfies from 'semver/functions/satisfies.js';
import validRange from 'semver/ranges/valid.js';
import { TextError } from './source/text-error.ts';

/** What a version may look like: a safe file name without `latest`, ranges or spaces in it. */
export const VERSION_PATTERN = '^[A-Za-z0-9](?:[A-Za-z0-9._+-]{0,126}[A-Za-z0-9])?$';
const MOST_RANGE_LENGTH = 256;

interface VersionKey {
  readonly core: readonly string[];
  readonly suffix: readonly string[] | undefined;
}

/** Runs of digits and of letters: `rc10` is `rc`, `10`, so that it follows `rc2`. */
function runsOf(text: string): string[] {
  return text.match(/\d+|[^\d._+-]+/g) ?? [];
}

/** Numbers of the version, and what follows the first hyphen after them; hyphens inside a date (`2025-04-14…`) only separate. */
function keyOf(version: string): VersionKey {
  const bare = version.replace(/^v(?=\d)/, '').replace(/\+.*$/, '');
  const hyphen = /^\d{4}-\d{2}-\d{2}/.test(bare) ? -1 : bare.indexOf('-');
  if (hyphen < 0) return { core: runsOf(bare), suffix: undefined };
  return { core: runsOf(bare.slice(0, hyphen)), suffix: runsOf(bare.slice(hyphen + 1)) };
}

function isNumber(run: string): boolean {
  return run.charCodeAt(0) <= 0x39 && run.charCodeAt(0) >= 0x30;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Numbers by value whatever their length, words by code units, a number before a word. */
function compareRun(a: string, b: string): number {
  if (!isNumber(a) || !isNumber(b)) return isNumber(a) ? -1 : isNumber(b) ? 1 : compareText(a, b);
  const [x, y] = [a.replace(/^0+(?=\d)/, ''), b.replace(/^0+(?=\d)/, '')];
  return x.length - y.length || compareText(x, y);
}

function compareRuns(a: readonly string[], b: readonly string[], missing: string | undefined): number {
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const [x, y] = [a[i] ?? missing, b[i] ?? missing];
    if (x === undefined || y === undefined) return x === undefined ? -1 : 1;
    const order = compareRun(x, y);
    if (order !== 0) return order;
  }
  return 0;
}

/**
 * Precedence of two versions, negative when `a` comes first: numbers by value, missing ones as 0 (`3.0` = `3.0.0`), a version with a
 * suffix before the one without, build data ignored. As SemVer 2.0.0 §11, but for `rc10`, which comes after `rc2` here.
 */
export function compareVersions(a: string, b: string): number {
  const [x, y] = [keyOf(a), keyOf(b)];
  const order = compareRuns(x.core, y.core, '0');
  if (order !== 0) return order;
  if (x.suffix === undefined || y.suffix === undefined) {
    return x.suffix === y.suffix ? 0 : x.suffix === undefined ? 1 : -1;
  }
  return compareRuns(x.suffix, y.suffix, undefined);
}

const VERSION = new RegExp(VERSION_PATTERN);

/** May a manifest carry this version? Free-form, but a safe file name, and not `latest`. */
export function isVersion(text: string): boolean {
  return VERSION.test(text) && text !== 'latest';
}

/** Is the text a range such as `>=1.2 <2`, `^1.4.0`, `1.x || 3.x`, or a single version of SemVer? */
export function isRange(text: string): boolean {
  return text.length <= MOST_RANGE_LENGTH && validRange(text) !== null;
}

/** Throws VERSION_RANGE, a TextError, where `isRange` is false. */
export function parseRange(text: string): void {
  if (isRange(text)) return;
  const message = `"${text}" is not a version range.`;
  const remedy = 'Write a range such as `>=1.2 <2` or `^1.4`.';
  throw new TextError({ code: 'VERSION_RANGE', message, remedy, column: 1 });
}

/** Is the text a range rather than `latest` or a single version? */
export function isVersionRange(text: string): boolean {
  return /[<>=^~*|\s]|\.x\b/i.test(text) && isRange(text);
}

/** Is the version in the range? Strict SemVer: a free-form version is in no range, a pre-release only where the range names one of the same version. */
export function satisfiesRange(version: string, range: string): boolean {
  return range.length <= MOST_RANGE_LENGTH && satisfies(version, range);
}

/** The same for what devices report (firmware `2.1`, `v3`, `2.4.0-beta`): missing numbers count as 0, pre-releases by their place in the order. */
export function satisfiesRangeLoosely(version: string, range: string): boolean {
  if (version.length > MOST_RANGE_LENGTH || range.length > MOST_RANGE_LENGTH) return false;
  const known = parse(version) ?? coerce(version, { includePrerelease: true });
  return known !== null && satisfies(known, range, { includePrerelease: true });
}

/** Does going from one version to the other promise nothing about the interface? Undefined where either is not SemVer. */
export function isMajorStep(from: string, to: string): boolean | undefined {
  const [a, b] = [parse(from), parse(to)];
  if (a === null || b === null) return undefined;
  return a.major !== b.major || (a.major === 0 && a.minor !== b.minor);
}
