// Owns how the devices of a stage stand: who has the candidate, who failed, who is silent, who was never reached.
import { assertNever } from '../base/errors.ts';
import { type Candidate, type DirectiveEntry, isOnCandidate } from '../contract/directive.ts';
import { groupsApart, isInAnyGroup } from '../contract/group-exception.ts';
import { type ModelState, outcomeKey } from '../contract/report.ts';
import { type DeviceFacts, matchesSelector, parseSelector } from '../contract/selector.ts';

/** The newest outcome that a device reported for a digest under a rollout. */
export interface DeviceOutcome {
  readonly kind: 'committed' | 'failed' | 'refused' | 'rolled-back' | 'conflict';
  readonly attempt: number;
  readonly reason: string | null;
  readonly message: string;
}

/** What the service knows of one device, as far as decisions need it. */
export interface KnownDevice extends DeviceFacts {
  /** Listening time of the store when the device was last heard; silence is counted in listening time only. */
  readonly lastSeenListenedMs: number;
  readonly models: ReadonlyMap<string, ModelState>;
  /** By `outcomeKey` of rollout and digest. */
  readonly outcomes: ReadonlyMap<string, DeviceOutcome>;
  /** By rollout: digests that it was seen taking, with the highest attempt (0 when only seen running). */
  readonly tookCandidate: ReadonlyMap<string, readonly { readonly digest: string; readonly attempt: number }[]>;
}

/** How the devices of a target stand with the candidate. */
export interface CohortCounts {
  /** Known devices that match the target. */
  readonly matching: number;
  /** Of them, in groups that stand apart from the others, and counted nowhere below; absent when there are none. */
  readonly apart?: number;
  /** Of them, in the cohort: the sum of all below. */
  readonly wanted: number;
  /** The candidate is committed. */
  readonly ready: number;
  /** Seen taking it: downloading, on trial. */
  readonly trying: number;
  /** Of those, how many run it already, on trial; absent in evidence of before this was counted. */
  readonly onTrial?: number;
  /** Tried and went back. */
  readonly failed: number;
  /** Would not try: signature, content. */
  readonly refused: number;
  /** Would not try because the manifest's compatibility excludes it: out of the denominator. */
  readonly incompatible: number;
  /** Seen taking it, then silent past the deadline: counts as failed. */
  readonly silent: number;
  /** Never seen taking it and silent: out of the denominator. */
  readonly unreachable: number;
  /** Reachable, has not begun. */
  readonly pending: number;
  /** Two rollouts claim the model there. */
  readonly conflicted: number;
  /** Devices that failed, refused or fell silent, at most ten, for people. */
  readonly troubled: readonly { readonly device: string; readonly what: string }[];
}

type Place = Exclude<keyof CohortCounts, 'matching' | 'apart' | 'wanted' | 'onTrial' | 'troubled'>;

export interface CountingFacts {
  readonly entry: DirectiveEntry;
  readonly devices: Iterable<KnownDevice>;
  /** Listening time of the store now. */
  readonly listenedMs: number;
  /** Silence longer than this counts. */
  readonly silenceMs: number;
  /** Revision that opened the stage; the entry's own unless given. */
  readonly openedRevision?: number;
}

type Standing = { readonly place: Place; readonly what: string; readonly isOnTrial?: boolean };

function standingByOutcome(outcome: DeviceOutcome | undefined, attempt: number): Standing | undefined {
  if (outcome === undefined || outcome.attempt < attempt) return undefined;
  switch (outcome.kind) {
    case 'conflict':
      return { place: 'conflicted', what: outcome.message };
    case 'failed':
    case 'rolled-back':
      return { place: 'failed', what: outcome.message };
    case 'refused':
      return { place: outcome.reason === 'incompatible' ? 'incompatible' : 'refused', what: outcome.message };
    case 'committed':
      return undefined;
    default:
      return assertNever(outcome.kind);
  }
}

/** Where both arms share a digest (only parameters differ), a device is on the candidate once it has heard of this stage. */
function hasWord({ rollout, revision }: ModelState, { entry, openedRevision }: CountingFacts): boolean {
  if (entry.stable === null || entry.stable.digest !== entry.candidate?.digest) return true;
  return rollout === entry.rollout && (revision ?? -1) >= (openedRevision ?? entry.revision);
}

function standingOf(device: KnownDevice, candidate: Candidate, facts: CountingFacts): Standing {
  const { model, rollout } = facts.entry;
  const outcome = device.outcomes.get(outcomeKey(rollout, candidate.digest));
  const byOutcome = standingByOutcome(outcome, candidate.attempt);
  if (byOutcome !== undefined) return byOutcome;
  const state = device.models.get(model);
  const isRunning = state?.running?.digest === candidate.digest && hasWord(state, facts);
  const taken = device.tookCandidate.get(rollout)?.find((one) => one.digest === candidate.digest);
  const took = isRunning || (taken !== undefined && taken.attempt >= candidate.attempt);
  const isSilent = facts.listenedMs - device.lastSeenListenedMs > facts.silenceMs;
  if (isSilent) return took ? { place: 'silent', what: 'took it and fell silent' } : { place: 'unreachable', what: '' };
  if (isRunning && state?.state !== 'trial') return { place: 'ready', what: '' };
  const isTrying = took || state?.subject?.digest === candidate.digest;
  return { place: isTrying ? 'trying' : 'pending', what: '', isOnTrial: isRunning };
}

const MOST_TROUBLED = 10;

/** Counts the devices of an entry's target by how they stand with its candidate. */
export function countCohort(facts: CountingFacts): CohortCounts {
  const places: Record<Place, number> = {
    ready: 0,
    trying: 0,
    failed: 0,
    refused: 0,
    incompatible: 0,
    silent: 0,
    unreachable: 0,
    pending: 0,
    conflicted: 0,
  };
  const troubled: { device: string; what: string }[] = [];
  const { candidate } = facts.entry;
  const target = parseSelector(facts.entry.target);
  const excepted = groupsApart(facts.entry.exceptions);
  let matching = 0;
  let apart = 0;
  let wanted = 0;
  let onTrial = 0;
  for (const device of facts.devices) {
    if (!matchesSelector(target, device)) continue;
    matching++;
    if (isInAnyGroup(excepted, device.labels)) {
      apart++;
      continue;
    }
    if (candidate === null || !isOnCandidate(facts.entry, device)) continue;
    wanted++;
    const { place, what, isOnTrial = false } = standingOf(device, candidate, facts);
    places[place]++;
    if (isOnTrial) onTrial++;
    if (what !== '' && troubled.length < MOST_TROUBLED) troubled.push({ device: device.id, what });
  }
  return { matching, ...(excepted.length === 0 ? {} : { apart }), wanted, ...places, onTrial, troubled };
}

/** The share that `failed_devices` is judged on: failures count whole, the unreachable and the incompatible not at all. */
export function installShare(cohort: CohortCounts): { bad: number; good: number; pending: number } {
  return {
    bad: cohort.failed + cohort.refused + cohort.silent,
    good: cohort.ready,
    pending: cohort.pending + cohort.trying,
  };
}
