// Owns how the devices of a stage stand: who has the candidate, who failed, who is silent, who was never reached.
import { assertNever } from '../base/errors.ts';
import { type Candidate, type DirectiveEntry, isOnCandidate } from '../contract/directive.ts';
import { groupsApart, isInAnyGroup } from '../contract/group-exception.ts';
import { type FailureReason, type ModelState, type Outcome, outcomeKey } from '../contract/report.ts';
import { type DeviceFacts, matchesSelector, parseSelector } from '../contract/selector.ts';
import type { AnswerSteps } from '../telemetry/answer-steps.ts';
import type { HeardRevision, TakenCandidate } from './device-past.ts';

/** The newest outcome that a device reported for a digest under a rollout. */
export interface DeviceOutcome {
  readonly kind: Outcome['kind'];
  readonly attempt: number;
  readonly reason: FailureReason | null;
  readonly message: string;
}

/** What the service knows of one device, as far as decisions need it. */
export interface KnownDevice extends DeviceFacts {
  /** Listening time of the store when the device was last heard; silence is counted in listening time only. */
  readonly lastSeenListenedMs: number;
  /** Numbers of the store's changes by which it enrolled, and changed its labels last; 0 unless given. */
  readonly joined?: number;
  readonly relabelled?: number;
  readonly models: ReadonlyMap<string, ModelState>;
  /** By `outcomeKey` of rollout and digest. */
  readonly outcomes: ReadonlyMap<string, DeviceOutcome>;
  /** By rollout: digests that it was seen taking, with the highest attempt (0 when only seen running). */
  readonly tookCandidate: ReadonlyMap<string, readonly TakenCandidate[]>;
  /** By rollout: revisions that it was seen following, the oldest first; none unless given. */
  readonly heard?: ReadonlyMap<string, readonly HeardRevision[]>;
  /** The last few silences that are over, oldest first; none unless given. */
  readonly silences?: readonly { readonly fromListenedMs: number; readonly untilListenedMs: number }[];
  /** By rollout: how often it answers of late; nobody knows unless given. */
  readonly answers?: ReadonlyMap<string, AnswerSteps>;
}

/** How the devices of a target stand with the candidate. */
export interface CohortCounts {
  /** Known devices that match the target. */
  readonly matching: number;
  /** Of them, in groups that are exceptions, and counted nowhere below. */
  readonly apart: number;
  /** Of them, enrolled since the stage opened, or with other labels than when the attempt began: they count from the next one on. Absent when there are none. */
  readonly newcomers?: number;
  /** Of them, in the cohort: the sum of all below. */
  readonly wanted: number;
  /** The candidate is committed. */
  readonly ready: number;
  /** Seen taking it: downloading, on trial. */
  readonly trying: number;
  /** Of those, how many run it already, on trial. */
  readonly onTrial: number;
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
  /** Hosts kept sending it other bytes than were published: out of the denominator, for it says nothing of the version. */
  readonly undelivered: number;
  /** Devices that failed, refused or fell silent, at most ten, for people. */
  readonly troubled: readonly TroubledDevice[];
  /** Devices that don't have it yet or were not reached, at most ten, for people who look now; absent when there are none. */
  readonly missing?: readonly MissingDevice[];
}

export interface MissingDevice {
  readonly device: string;
  readonly kind: 'installing' | 'onTrial' | 'pending' | 'unreachable';
}

/** All devices of the cohort that don't have it yet or were not reached. */
export function missingCount({ pending, trying, unreachable }: CohortCounts): number {
  return pending + trying + unreachable;
}

/** A device that failed, refused, fell silent, or is in two rollouts. */
export interface TroubledDevice {
  readonly device: string;
  readonly kind: 'failed' | 'refused' | 'incompatible' | 'silent' | 'conflicted' | 'undelivered';
  readonly reason: FailureReason | null;
  /** The device's own words; for people who look now, never kept. */
  readonly detail?: string;
}

type Place = Exclude<
  keyof CohortCounts,
  'matching' | 'apart' | 'newcomers' | 'wanted' | 'onTrial' | 'troubled' | 'missing'
>;

export interface CountingFacts {
  readonly entry: DirectiveEntry;
  readonly devices: Iterable<KnownDevice>;
  /** Listening time of the store now. */
  readonly listenedMs: number;
  /** Silence longer than this counts. */
  readonly silenceMs: number;
  /** Revision that opened the stage; the entry's own unless given. */
  readonly openedRevision?: number;
  /** Can the device run the candidate? All can unless given. */
  readonly canRun?: (device: DeviceFacts) => boolean;
  /** Numbers of the store's newest change when the stage opened, and when the attempt began; later ones unless given. */
  readonly opened?: { readonly openedChange: number; readonly attemptChange: number };
  /** Listening time since the stage opened, and how often devices report; absent where nobody asks who is heard. */
  readonly hearing?: { readonly openMs: number; readonly intervalMs: number };
}

/**
 * Has the device a say in the stage? Only if it was enrolled when the stage opened, and had its labels when the attempt began: the cohort
 * can be computed by anyone once it is published, so whoever comes later may have chosen a place in it.
 */
export function hasSay(
  { joined = 0, relabelled = 0 }: Pick<KnownDevice, 'joined' | 'relabelled'>,
  { openedChange, attemptChange }: NonNullable<CountingFacts['opened']>,
): boolean {
  return joined <= openedChange && relabelled <= attemptChange;
}

export interface Standing {
  readonly place: Place;
  readonly outcome?: DeviceOutcome;
  readonly isOnTrial?: boolean;
}

function standingByOutcome(outcome: DeviceOutcome | undefined, attempt: number): Standing | undefined {
  if (outcome === undefined || outcome.attempt < attempt) return undefined;
  switch (outcome.kind) {
    case 'conflict':
      return { place: 'conflicted', outcome };
    case 'failed':
    case 'rolled-back':
      return { place: 'failed', outcome };
    case 'refused':
      return { place: outcome.reason === 'incompatible' ? 'incompatible' : 'refused', outcome };
    case 'undelivered':
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

/** When it was seen taking the candidate's present attempt, or a later one; undefined before. */
export function takenCandidate(
  { tookCandidate }: KnownDevice,
  rollout: string,
  { digest, attempt }: Candidate,
): TakenCandidate | undefined {
  for (const taken of tookCandidate.get(rollout) ?? [])
    if (taken.digest === digest) return taken.attempt >= attempt ? taken : undefined;
  return undefined;
}

function standingOf(device: KnownDevice, candidate: Candidate, facts: CountingFacts): Standing {
  const { model, rollout } = facts.entry;
  const outcome = device.outcomes.get(outcomeKey(rollout, candidate.digest));
  const byOutcome = standingByOutcome(outcome, candidate.attempt);
  if (byOutcome !== undefined) return byOutcome;
  const state = device.models.get(model);
  const isRunning = state?.running?.digest === candidate.digest && hasWord(state, facts);
  if (outcome?.kind === 'undelivered' && outcome.attempt >= candidate.attempt && !isRunning)
    return { place: 'undelivered', outcome };
  const took = isRunning || takenCandidate(device, rollout, candidate) !== undefined;
  if (!took && facts.canRun?.(device) === false) return { place: 'incompatible' };
  const isSilent = facts.listenedMs - device.lastSeenListenedMs > facts.silenceMs;
  if (isSilent) return { place: took ? 'silent' : 'unreachable' };
  if (isRunning && state?.state !== 'trial') return { place: 'ready' };
  const isTrying = took || state?.subject?.digest === candidate.digest;
  return { place: isTrying ? 'trying' : 'pending', isOnTrial: isRunning };
}

const MOST_TROUBLED = 10;
const MOST_MISSING = 10;

function missingDevice(device: string, { place, isOnTrial = false }: Standing): MissingDevice[] {
  if (place === 'pending' || place === 'unreachable') return [{ device, kind: place }];
  return place === 'trying' ? [{ device, kind: isOnTrial ? 'onTrial' : 'installing' }] : [];
}

function troubledDevice(device: string, { place, outcome }: Standing): TroubledDevice | null {
  switch (place) {
    case 'failed':
    case 'refused':
    case 'incompatible':
    case 'silent':
    case 'conflicted':
    case 'undelivered': {
      const detail = outcome === undefined || outcome.message === '' ? {} : { detail: outcome.message };
      return { device, kind: place, reason: outcome?.reason ?? null, ...detail };
    }
    case 'ready':
    case 'trying':
    case 'unreachable':
    case 'pending':
      return null;
    default:
      return assertNever(place);
  }
}

/** A known device that matches the target of an entry. */
export type Matching =
  | { readonly kind: 'apart' | 'newcomer' }
  | { readonly kind: 'other-arm'; readonly device: KnownDevice }
  | {
      readonly kind: 'wanted';
      readonly device: KnownDevice;
      readonly candidate: Candidate;
      readonly standing: Standing;
    };

/** The devices of an entry's target: those of its cohort with how they stand. */
export function* devicesOfTarget(facts: CountingFacts): Generator<Matching> {
  const { candidate, target, exceptions } = facts.entry;
  const selector = parseSelector(target);
  const excepted = groupsApart(exceptions);
  for (const device of facts.devices) {
    if (!matchesSelector(selector, device)) continue;
    if (isInAnyGroup(excepted, device.labels)) yield { kind: 'apart' };
    else if (candidate === null || !isOnCandidate(facts.entry, device)) yield { kind: 'other-arm', device };
    else if (facts.opened !== undefined && !hasSay(device, facts.opened)) yield { kind: 'newcomer' };
    else yield { kind: 'wanted', device, candidate, standing: standingOf(device, candidate, facts) };
  }
}

/** Counts the devices of an entry's target by how they stand with its candidate: those of the facts unless `devices` has them already. */
export function countCohort(facts: CountingFacts, devices: Iterable<Matching> = devicesOfTarget(facts)): CohortCounts {
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
    undelivered: 0,
  };
  const troubled: TroubledDevice[] = [];
  const missing: MissingDevice[] = [];
  let matching = 0;
  let apart = 0;
  let newcomers = 0;
  let wanted = 0;
  let onTrial = 0;
  for (const one of devices) {
    matching++;
    if (one.kind === 'apart') apart++;
    if (one.kind === 'newcomer') newcomers++;
    if (one.kind !== 'wanted') continue;
    wanted++;
    const { device, standing } = one;
    places[standing.place]++;
    if (standing.isOnTrial === true) onTrial++;
    const trouble = troubled.length < MOST_TROUBLED ? troubledDevice(device.id, standing) : null;
    if (trouble !== null) troubled.push(trouble);
    if (missing.length < MOST_MISSING) missing.push(...missingDevice(device.id, standing));
  }
  return {
    ...{ matching, apart, wanted, ...places, onTrial, troubled },
    ...(newcomers > 0 ? { newcomers } : {}),
    ...(missing.length > 0 ? { missing } : {}),
  };
}

/** The share that `failed_devices` is judged on: failures count whole, the unreachable and the incompatible not at all. */
export function installShare(cohort: CohortCounts): { bad: number; good: number; pending: number } {
  return {
    bad: cohort.failed + cohort.refused + cohort.silent,
    good: cohort.ready,
    pending: cohort.pending + cohort.trying,
  };
}
