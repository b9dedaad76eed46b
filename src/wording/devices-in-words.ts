// Owns the words for devices that are not as they should be: the same in commit messages, explanations, tables and alerts.
import { clipped, oneLine } from '../base/plain-text.ts';
import type { FailureReason } from '../contract/report.ts';
import { type CohortCounts, type MissingDevice, missingCount, type TroubledDevice } from '../rollout/count-cohort.ts';
import type { Deviation } from '../rollout/off-declared.ts';
import { formatCount } from './amounts.ts';

type Place = 'installing' | 'onTrial' | 'pending' | TroubledDevice['kind'];
type Counted = Place | 'unreachable' | 'newcomers' | 'apart';

/** In the order in which they are shown: on their way, in trouble, out of the count. */
const PLACES: Readonly<Record<Counted, string>> = {
  installing: 'still installing',
  onTrial: 'on trial',
  pending: 'not started',
  failed: 'failed',
  refused: 'refused it',
  silent: 'went silent',
  incompatible: "can't run it",
  conflicted: 'in two rollouts',
  undelivered: 'got wrong bytes from a host',
  unreachable: 'not reached',
  newcomers: 'enrolled since the stage opened',
  apart: 'in excepted groups',
};

export const ON_THE_WAY: readonly Counted[] = ['installing', 'onTrial', 'pending'];
export const IN_TROUBLE: readonly Counted[] = [
  'failed',
  'refused',
  'silent',
  'incompatible',
  'conflicted',
  'undelivered',
  'unreachable',
];
/** Out of the number that a rule is judged on. */
export const NOT_COUNTED: readonly Counted[] = [
  'incompatible',
  'conflicted',
  'undelivered',
  'unreachable',
  'newcomers',
  'apart',
];

/** `2 still installing`, `1 failed`: of these places, those with any device. */
export function devicesApart(cohort: CohortCounts, places: readonly Counted[]): string[] {
  const counts: Readonly<Record<Counted, number>> = {
    ...cohort,
    installing: cohort.trying - cohort.onTrial,
    newcomers: cohort.newcomers ?? 0,
  };
  const known = Object.keys(PLACES) as Counted[];
  return known
    .filter((place) => places.includes(place) && counts[place] > 0)
    .map((place) => `${formatCount(counts[place])} ${PLACES[place]}`);
}

/** `; 3 more can't run it`, after a number of devices; nothing when all can. */
export function unfitInWords(unfit = 0): string {
  return unfit === 0 ? '' : `; ${formatCount(unfit)} more can't run it`;
}

const FAILURES: Readonly<Record<FailureReason, string>> = {
  network: 'the download failed',
  signature: 'the signature did not verify',
  'storage-full': 'storage is full',
  corrupt: 'the file is corrupt',
  'out-of-memory': 'it ran out of memory',
  'bad-shape': 'inputs or outputs have the wrong shape',
  load: 'the model did not load',
  timeout: 'it timed out',
  'self-test': 'the self-test failed',
  trial: 'the trial failed',
  incompatible: 'the manifest excludes this device',
};

/** What is wrong with a device: in its own words, where they are known. */
export function troubleInWords({ kind, reason, detail }: TroubledDevice, most = 200): string {
  if (detail !== undefined) return clipped(oneLine(detail), most);
  if (reason === null) return PLACES[kind];
  return kind === 'failed' ? FAILURES[reason] : `${PLACES[kind]}: ${FAILURES[reason]}`;
}

export function missingInWords({ kind }: MissingDevice): string {
  return PLACES[kind];
}

/** Those that don't have it yet, with how they stand: `dev-1 (not reached), dev-2 (on trial) and 8 more`. */
export function missingListed(cohort: CohortCounts): string | null {
  const names = (cohort.missing ?? []).map((one) => `${oneLine(one.device)} (${missingInWords(one)})`);
  const more = missingCount(cohort) - names.length;
  if (names.length === 0) return null;
  return `${names.join(', ')}${more > 0 ? ` and ${formatCount(more)} more` : ''}`;
}

/** `runs 1.0.0 instead of 2.0.0`. */
export function deviationInWords({ running, declared, failure }: Deviation): string {
  if (declared === null) return `runs ${oneLine(running)}, which no rollout declares`;
  const what = `runs ${oneLine(running)} instead of ${oneLine(declared)}`;
  return failure === null ? what : `${what} (${oneLine(failure)})`;
}
