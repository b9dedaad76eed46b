// Owns what is remembered of a device from report to report; the result does not depend on the order in which reports arrive.

import type { StoredAnswer } from '../contract/fleet-messages.ts';
import { type DeviceReport, MOST_MODELS, type ModelState, outcomeKey } from '../contract/report.ts';
import { type AnswerSteps, addAnswers, stepAt, usualAnswers } from '../telemetry/answer-steps.ts';
import { SILENT_INTERVALS } from '../telemetry/window.ts';
import type { HeardRevision, LatestOutcome, Silence, TakenDigest } from './device-register.ts';
import { admitSequence, type SequencesSeen } from './report-sequence.ts';

/** A candidate and a stable version of each model that a device may have. */
const MOST_OUTCOMES_KEPT = 2 * MOST_MODELS;
const MOST_ROLLOUTS_KEPT = MOST_MODELS;
const MOST_TAKEN_KEPT = 4;
const MOST_HEARD_KEPT = 8;
const MOST_SILENCES_KEPT = 8;
/** How often devices report, where the store is not told. */
export const DEFAULT_REPORT_MS = 60_000;

/** An outcome with the number of the report that it came in: a later report wins. */
export interface RememberedOutcome extends LatestOutcome {
  readonly sequence: number;
}

export type Outcomes = ReadonlyMap<string, RememberedOutcome>;
export type Taken = ReadonlyMap<string, readonly TakenDigest[]>;
export type HeardRevisions = ReadonlyMap<string, readonly HeardRevision[]>;
export type Answers = ReadonlyMap<string, AnswerSteps>;

/** What a store remembers of a device besides what the newest report says. */
export interface DeviceMemory {
  readonly seen: SequencesSeen;
  readonly lastSeenAtMs: number;
  readonly lastSeenListenedMs: number;
  readonly outcomes: Outcomes;
  readonly tookCandidate: Taken;
  readonly heard: HeardRevisions;
  readonly silences: readonly Silence[];
  readonly answers: Answers;
}

/** What the newest report before said of each model. */
interface Models {
  readonly models: ReadonlyMap<string, ModelState>;
}

export type Admitted =
  | { readonly kind: 'new'; readonly seen: SequencesSeen }
  | { readonly kind: Exclude<StoredAnswer, 'accepted'> };

/** Does the report count, and has it not been counted before? */
export function admitReport(
  device: { readonly epoch: number; readonly seen: SequencesSeen } | undefined,
  { epoch, sequence }: DeviceReport,
): Admitted {
  if (device === undefined) return { kind: 'unknown-device' };
  if (device.epoch !== epoch) return { kind: 'other-epoch' };
  return admitSequence(device.seen, sequence);
}

export interface Heard {
  readonly report: DeviceReport;
  readonly receivedAtMs: number;
  /** Listening time of the store now. */
  readonly listenedMs: number;
  /** How often devices report. */
  readonly reportMs: number;
  /** The report numbers after this one was admitted. */
  readonly seen: SequencesSeen;
}

/** What is remembered after a report that was admitted. */
export function rememberReport(before: DeviceMemory & Models, heard: Heard): DeviceMemory {
  const { report, listenedMs, seen } = heard;
  const receivedAtMs = Math.floor(heard.receivedAtMs);
  return {
    seen,
    lastSeenAtMs: Math.max(before.lastSeenAtMs, receivedAtMs),
    lastSeenListenedMs: Math.max(before.lastSeenListenedMs, listenedMs),
    outcomes: rememberOutcomes(before.outcomes, report, receivedAtMs),
    tookCandidate: rememberTaken(before.tookCandidate, report, { receivedAtMs, listenedMs }),
    heard: rememberHeard(before, heard),
    silences: rememberSilences(before, heard),
    answers: rememberAnswers(before.answers, heard),
  };
}

/** Outcomes of an epoch that has ended stay known, but any report of the new one is later than they are. */
export function outcomesOfNewEpoch(before: Outcomes): Outcomes {
  return new Map([...before].map(([key, outcome]) => [key, { ...outcome, sequence: 0 }]));
}

/** States in which the device has the digest's bytes and has begun, or is about, to run them. */
const TAKING: readonly ModelState['state'][] = ['staged', 'selfTested', 'trial', 'committed', 'rollingBack', 'failed'];

/** The map unchanged when the report tells nothing new. A higher attempt wins, then the later report. */
export function rememberOutcomes(before: Outcomes, report: DeviceReport, receivedAtMs: number): Outcomes {
  if (report.outcomes.length === 0) return before;
  const after = new Map(before);
  const { sequence } = report;
  for (const { rollout, digest, kind, model, attempt, reason, message } of report.outcomes) {
    const key = outcomeKey(rollout, digest);
    const known = after.get(key);
    if (known !== undefined && (known.attempt > attempt || (known.attempt === attempt && known.sequence > sequence)))
      continue;
    after.set(key, { kind, model, attempt, reason, message, atMs: receivedAtMs, sequence });
  }
  return keepNewest(after, MOST_OUTCOMES_KEPT, (outcome) => outcome.atMs);
}

interface Sighting {
  readonly rollout: string;
  readonly digest: TakenDigest['digest'];
  readonly attempt: number;
}

function sightings({ states, outcomes }: DeviceReport): Sighting[] {
  const seen: Sighting[] = [];
  for (const { rollout, running, subject, state } of states) {
    if (rollout === null) continue;
    if (running !== null) seen.push({ rollout, digest: running.digest, attempt: 0 });
    if (subject !== null && TAKING.includes(state)) seen.push({ rollout, ...subject });
  }
  for (const { rollout, digest, attempt, kind } of outcomes) {
    if (kind !== 'refused' && kind !== 'conflict' && kind !== 'undelivered') seen.push({ rollout, digest, attempt });
  }
  return seen;
}

/** The map unchanged when the report shows no digest or attempt that was not known. */
export function rememberTaken(
  before: Taken,
  report: DeviceReport,
  { receivedAtMs, listenedMs }: Pick<Heard, 'receivedAtMs' | 'listenedMs'>,
): Taken {
  let after: Map<string, readonly TakenDigest[]> | undefined;
  for (const { rollout, digest, attempt } of sightings(report)) {
    const list = (after ?? before).get(rollout) ?? [];
    const known = list.find((one) => one.digest === digest);
    if (known !== undefined && known.attempt >= attempt) continue;
    const firstSeenAtMs = known?.firstSeenAtMs ?? receivedAtMs;
    const others = list.filter((one) => one.digest !== digest);
    after ??= new Map(before);
    after.set(
      rollout,
      [...others, { digest, attempt, firstSeenAtMs, takenListenedMs: listenedMs }].slice(-MOST_TAKEN_KEPT),
    );
  }
  if (after === undefined) return before;
  return keepNewest(after, MOST_ROLLOUTS_KEPT, (list) => list.at(-1)?.firstSeenAtMs ?? 0);
}

/** A trial that ended tells of both arms, and leaves what ran before. */
function answersInBoth({ intervals, outcomes }: DeviceReport, rollout: string): boolean {
  const own = intervals.filter((one) => one.rollout === rollout && one.inferences > 0);
  const hasEnded = outcomes.some((one) => one.rollout === rollout);
  return !hasEnded && own.some(({ arm }) => arm === 'candidate') && own.some(({ arm }) => arm === 'stable');
}

/** Does the device run something else than before, or follow another revision? */
export function hasSwitched(
  { states }: Pick<DeviceReport, 'states'>,
  models: Models['models'],
  model: string,
): boolean {
  const [before, now] = [models.get(model), states.find((state) => state.model === model)];
  return before?.running?.digest !== now?.running?.digest || before?.revision !== now?.revision;
}

/** The map unchanged when the report follows no newer revision than those that were known. */
export function rememberHeard(
  { heard: before, models, answers }: Pick<DeviceMemory, 'heard' | 'answers'> & Models,
  { report, listenedMs, reportMs, seen }: Heard,
): HeardRevisions {
  let after: Map<string, readonly HeardRevision[]> | undefined;
  const isNewest = report.sequence === seen.newest;
  for (const { rollout, revision, model } of report.states) {
    if (rollout === null || revision === null) continue;
    const list = (after ?? before).get(rollout) ?? [];
    const last = list.at(-1);
    const isNew = (last?.revision ?? -1) < revision;
    const isInBoth =
      isNewest && last?.isInBoth !== true && answersInBoth(report, rollout) && !hasSwitched(report, models, model);
    if (!isNew && !isInBoth) continue;
    const usual = isNew ? usualAnswers(answers.get(rollout), stepAt(listenedMs, reportMs)) : null;
    const heard = {
      ...(isNew || last === undefined ? { revision, heardListenedMs: listenedMs } : last),
      ...(usual === null ? {} : { usual }),
      ...(isInBoth ? { isInBoth } : {}),
    };
    after ??= new Map(before);
    after.set(rollout, [...(isNew ? list : list.slice(0, -1)), heard].slice(-MOST_HEARD_KEPT));
  }
  if (after === undefined) return before;
  return keepNewest(after, MOST_ROLLOUTS_KEPT, (list) => list.at(-1)?.heardListenedMs ?? 0);
}

/** The map unchanged when the report tells of no answers. They count when the report came: a device's clock can't choose when. */
export function rememberAnswers(
  before: Answers,
  { report, listenedMs, reportMs }: Pick<Heard, 'report' | 'listenedMs' | 'reportMs'>,
): Answers {
  let after: Map<string, AnswerSteps> | undefined;
  const step = stepAt(listenedMs, reportMs);
  for (const { rollout, inferences } of report.intervals) {
    if (rollout === null || inferences === 0) continue;
    after ??= new Map(before);
    after.set(rollout, addAnswers(after.get(rollout), step, inferences));
  }
  return after === undefined ? before : keepNewest(after, MOST_ROLLOUTS_KEPT, (answers) => answers.step);
}

/** The list unchanged unless the report ends a silence. Of more than are kept the oldest go: a device that comes and goes stays known as one. */
export function rememberSilences(
  { silences, lastSeenListenedMs }: Pick<DeviceMemory, 'silences' | 'lastSeenListenedMs'>,
  { listenedMs, reportMs }: Pick<Heard, 'listenedMs' | 'reportMs'>,
): readonly Silence[] {
  if (listenedMs - lastSeenListenedMs <= SILENT_INTERVALS * reportMs) return silences;
  const ended = { fromListenedMs: lastSeenListenedMs, untilListenedMs: listenedMs };
  return [...silences, ended].slice(-MOST_SILENCES_KEPT);
}

function keepNewest<T>(map: ReadonlyMap<string, T>, most: number, atMs: (value: T) => number): ReadonlyMap<string, T> {
  if (map.size <= most) return map;
  return new Map([...map].sort(([, a], [, b]) => atMs(b) - atMs(a)).slice(0, most));
}
