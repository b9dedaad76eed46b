// Owns where a stage's confidence leads: what its devices lost against their own past, moved by what stable lost meanwhile.
import { COURSE_GROUPS, COURSE_WIDTH, courseGroup, levelOf } from '../telemetry/course-sums.ts';
import { binsOf } from '../telemetry/histogram-sums.ts';
import type { HistogramCase } from './histogram-evidence.ts';
import { rowsIn } from './own-past.ts';
import type { CourseSummary } from './rule-verdict.ts';
import type { ArmEvidence, StageQuestion } from './stage-question.ts';
import { type CourseSums, courseVerdict } from './statistics/course.ts';
import { COUNTS } from './statistics/histogram-tally.ts';

const MINUTE_MS = 60_000;
const GROUPS = Array.from({ length: COURSE_GROUPS }, (_, group) => group);
/** With fewer groups none is left out. */
const LEAST_GROUPS = 3;

/** Mean level of an answer in each hash group before anything rolled, by the devices' present answers. */
type Past = readonly number[];
const NO_PAST: Past = GROUPS.map(() => 0);

interface Confidences {
  readonly whole: Float64Array;
  readonly width: number;
}

function confidencesOf({ histograms, measures, sums }: ArmEvidence): Confidences | undefined {
  const place = histograms.findIndex(({ kind }) => kind === 'confidence');
  return place < 0 ? undefined : sums.parts[measures.length + place];
}

interface Levels {
  /** Mean level of an answer of each row; 0 without answers, for every answer has a level above that. */
  readonly means: Float64Array;
  /** State of the table that they were read from. */
  readonly additions: number;
}

/** What was before hardly changes. */
const levels = new WeakMap<ArmEvidence['sums'], Levels>();

function meanLevels({ sums, names }: ArmEvidence, { whole, width }: Confidences, bins: number): Float64Array {
  const known = levels.get(sums);
  if (known?.additions === sums.additions) return known.means;
  const means = new Float64Array(names.length);
  for (let row = 0; row < means.length; row++) {
    const { answers, level } = levelOf(whole, { from: row * width + COUNTS, bins });
    means[row] = answers > 0 ? level / answers : 0;
  }
  levels.set(sums, { means, additions: sums.additions });
  return means;
}

/** The hash group of each row, by the names of an arm: they only grow. */
const groups = new WeakMap<ArmEvidence['names'], Uint8Array>();

function groupsOf({ names }: ArmEvidence): Uint8Array {
  const known = groups.get(names);
  if (known?.length === names.length) return known;
  const found = new Uint8Array(names.length);
  for (let row = 0; row < names.length; row++) found[row] = courseGroup(names[row] ?? '');
  groups.set(names, found);
  return found;
}

/** Null where a group with answers now has none of before. */
function pastOf(arm: ArmEvidence, before: ArmEvidence, rowsBefore: Int32Array, bins: number): Past | null {
  const [now, then] = [confidencesOf(arm), confidencesOf(before)];
  if (now === undefined || then === undefined) return null;
  const level = GROUPS.map(() => 0);
  const weight = GROUPS.map(() => 0);
  const isMissed = GROUPS.map(() => false);
  const [groupOf, means] = [groupsOf(arm), meanLevels(before, then, bins)];
  for (let row = 0; row < arm.names.length; row++) {
    const answers = now.whole[row * now.width] ?? 0;
    if (answers === 0) continue;
    const group = groupOf[row] ?? 0;
    const rowBefore = rowsBefore[row] ?? -1;
    const mean = rowBefore < 0 ? 0 : (means[rowBefore] ?? 0);
    if (mean === 0) {
      isMissed[group] = true;
      continue;
    }
    level[group] = (level[group] ?? 0) + answers * mean;
    weight[group] = (weight[group] ?? 0) + answers;
  }
  const isUnknown = GROUPS.some((group) => isMissed[group] && weight[group] === 0);
  return isUnknown ? null : level.map((sum, group) => sum / (weight[group] || 1));
}

/** The sums of a group in a slot, as losses from an expected level of an answer. */
function lossFrom(sums: Float64Array, group: number, expected: number): Omit<CourseSums, 'at'> {
  const [reports = 0, answers = 0, level = 0, answersSquared = 0, levelAnswers = 0, levelSquared = 0] = sums.subarray(
    group * COURSE_WIDTH,
    (group + 1) * COURSE_WIDTH,
  );
  return {
    ...{ reports, answers, answersSquared },
    loss: expected * answers - level,
    lossAnswers: expected * answersSquared - levelAnswers,
    lossSquared: expected ** 2 * answersSquared - 2 * expected * levelAnswers + levelSquared,
  };
}

/** What stable lost in a slot, and the variance of that; undefined without its answers. */
function movedIn(sums: Float64Array | undefined, groups: readonly number[], past: Past) {
  if (sums === undefined) return undefined;
  let [answers, loss] = [0, 0];
  for (const group of groups) {
    const own = lossFrom(sums, group, past[group] ?? 0);
    answers += own.answers;
    loss += own.loss;
  }
  if (answers === 0) return undefined;
  const moved = loss / answers;
  let squares = 0;
  for (const group of groups) squares += lossFrom(sums, group, (past[group] ?? 0) - moved).lossSquared;
  return { moved, variance: squares / answers ** 2 };
}

interface Arms {
  readonly candidate: ArmEvidence;
  readonly stable: ArmEvidence;
  readonly past: { readonly candidate: Past; readonly stable: Past };
  readonly slotMs: number;
  readonly intervalMs: number;
}

/** The candidate's losses by hash group, in half bins, against some of stable's groups. What stable's chance adds is spread over answers. */
function lossesOf(
  { candidate, stable, past, slotMs, intervalMs }: Arms,
  stableGroups: readonly number[],
): CourseSums[][] {
  const byGroup: CourseSums[][] = GROUPS.map(() => []);
  // A report tells of the interval before it.
  const minuteOf = (slot: number): number => ((slot + 0.5) * slotMs - intervalMs / 2) / MINUTE_MS;
  for (const [slot, sums] of candidate.course?.slots ?? []) {
    const beside = movedIn(stable.course?.slots.get(slot), stableGroups, past.stable);
    if (beside === undefined) continue;
    const all = GROUPS.reduce((sum, group) => sum + (sums[group * COURSE_WIDTH + 1] ?? 0), 0);
    for (const group of GROUPS) {
      const own = lossFrom(sums, group, (past.candidate[group] ?? 0) - beside.moved);
      if (own.answers === 0) continue;
      const lossSquared = own.lossSquared + all * own.answers * beside.variance;
      byGroup[group]?.push({ ...own, lossSquared, at: minuteOf(slot) });
    }
  }
  return byGroup.filter((one) => one.length > 0);
}

function hasAnswers({ course }: ArmEvidence, group: number): boolean {
  return [...(course?.slots.values() ?? [])].some((sums) => (sums[group * COURSE_WIDTH] ?? 0) > 0);
}

interface KnownArms {
  readonly arms: Arms;
  readonly endsMs: number;
}

/** Found once a question: several rules are about confidences. */
const known = new WeakMap<StageQuestion, KnownArms | null>();

function armsOf(question: StageQuestion, found: HistogramCase, bins: number): KnownArms | null {
  const before = known.get(question);
  if (before !== undefined) return before;
  const arms = findArms(question, found, bins);
  known.set(question, arms);
  return arms;
}

function findArms(question: StageQuestion, { own }: HistogramCase, bins: number): KnownArms | null {
  const { candidate, baseline, restBaseline, intervalMs } = question;
  const spec = candidate.course?.spec ?? null;
  if (spec === null || baseline === null) return null;
  const before = own === null ? null : (restBaseline ?? null);
  const ofOwn = before && pastOf(candidate, before, rowsIn(before, candidate), bins);
  const ofStable = ofOwn && before && pastOf(baseline, before, rowsIn(before, baseline), bins);
  const past = ofOwn && ofStable ? { candidate: ofOwn, stable: ofStable } : { candidate: NO_PAST, stable: NO_PAST };
  return {
    arms: { candidate, stable: baseline, past, slotMs: spec.slotMs, intervalMs },
    endsMs: spec.slots * spec.slotMs,
  };
}

/**
 * Will the loss of mean confidence exceed `limit` (0..1) at the end of the soak, if it goes on as it did? That must hold without any one hash
 * group of either arm. Null after the soak, without stable beside, and where there is no line yet. `alpha`: below it a p-value matters.
 */
export function confidenceCourse(
  question: StageQuestion,
  found: HistogramCase,
  { limit, alpha }: { readonly limit: number; readonly alpha: number },
): CourseSummary | null {
  const { soakEndsMs = 0, openMs = 0 } = question;
  const bins = binsOf(found.devices.histogram);
  const told = armsOf(question, found, bins);
  if (told === null || openMs >= Math.min(soakEndsMs, told.endsMs)) return null;
  const { arms } = told;
  const horizon = soakEndsMs / MINUTE_MS;
  const read = (losses: CourseSums[][]) => courseVerdict(losses, 2 * bins * limit, horizon);
  const losses = lossesOf(arms, GROUPS);
  const { level, deviation, crossesAt, pFail: pOfAll } = read(losses);
  if (level === null) return null;
  // Devices that share a group can't be left out one by one.
  const areClumped = losses.length < LEAST_GROUPS && arms.candidate.names.length >= LEAST_GROUPS;
  const beside = GROUPS.filter((group) => hasAnswers(arms.stable, group));
  const others = pOfAll <= alpha && beside.length >= LEAST_GROUPS ? beside : [];
  const pOthers = others.map(
    (group) =>
      read(
        lossesOf(
          arms,
          beside.filter((one) => one !== group),
        ),
      ).pFail,
  );
  return {
    ...{ level: level / (2 * bins), deviation: deviation / (2 * bins), limit },
    pFail: areClumped ? 1 : Math.max(pOfAll, ...pOthers),
    minute: Math.max(0, Math.ceil(crossesAt ?? 0)),
    until: Math.ceil(horizon),
  };
}
