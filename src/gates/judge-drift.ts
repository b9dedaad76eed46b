// Owns rules over drift: how far a distribution is from stable's, at looks whose sums were frozen when their interval closed.
import { binsOf, FIRST_LOOK, type HistogramSpec, lookAt } from '../telemetry/histogram-sums.ts';
import { blankVerdict } from './blank-verdict.ts';
import { THINNEST_BASELINE } from './counted-evidence.ts';
import { outlierReason } from './judge-counts.ts';
import type { ErrorLevels } from './judge-rate-rule.ts';
import type { RuleReason } from './rule-reason.ts';
import type { BaselineSource, RuleVerdict } from './rule-verdict.ts';
import type { ArmEvidence, StageQuestion } from './stage-question.ts';
import type { StageRule } from './stage-rule.ts';
import { type DriftReading, driftVerdict } from './statistics/drift-verdict.ts';
import { HistogramRows } from './statistics/histogram-rows.ts';
import type { HistogramTally } from './statistics/histogram-tally.ts';
import { furtherOutlier, type OutlierRow } from './statistics/outlier-rows.ts';
import { LEAST_CLUSTERS } from './statistics/tally.ts';

/** Fewer answers in the devices' own past say nothing of their composition. */
const LEAST_OWN_ANSWERS = 200;

/** The newest look that has closed: by the clock, or by what any row shows; −1 before the first. */
function newestLook({ candidate, openMs = 0, intervalMs }: StageQuestion): number {
  return Math.max(lookAt({ openedAtMs: 0, intervalMs }, openMs), candidate.looked.newest);
}

/** The histograms of an arm's devices at a look, of some devices if so asked; undefined when the arm does not keep this one. */
function histogramsAt(
  { histograms, names, looked }: ArmEvidence,
  kind: HistogramSpec['kind'],
  look: number,
  only?: ReadonlySet<string>,
): HistogramRows | undefined {
  const place = histograms.findIndex((one) => one.kind === kind);
  const [kept, sums] = [histograms[place], looked.parts[place]];
  if (kept === undefined || sums === undefined) return undefined;
  const { periods, newest } = looked;
  return new HistogramRows({ sums, names, bins: binsOf(kept), periods, newest }, look, only);
}

interface Baseline {
  readonly whole: HistogramTally;
  /** Without the devices that claim far more than the median one; null where there are none. */
  readonly inliers: { readonly whole: HistogramTally; readonly outlier: OutlierRow } | null;
  readonly devices: number;
  readonly from: BaselineSource;
}

const WHOLE = Number.POSITIVE_INFINITY;

function baselineOf(
  arm: ArmEvidence | null | undefined,
  histogram: HistogramSpec,
  look: number,
  only?: ReadonlySet<string>,
): Baseline | null {
  if (!arm) return null;
  const kept = arm.histograms.find((one) => one.kind === histogram.kind);
  // Of other classes: nothing to compare bin by bin.
  if (JSON.stringify(kept) !== JSON.stringify(histogram)) return null;
  const rows = histogramsAt(arm, histogram.kind, look, only);
  if (rows === undefined || rows.live === 0) return null;
  const without = rows.inliers();
  const inliers = without === null ? null : { whole: without.rows.all, outlier: without.outlier };
  return { whole: rows.all, inliers, devices: rows.live, from: look === WHOLE ? 'earlier' : 'beside' };
}

/** Stable beside the candidate; where it is going away, as it was before. */
function chooseBaseline(question: StageQuestion, histogram: HistogramSpec, look: number, trials: number) {
  const beside = baselineOf(question.baseline, histogram, look);
  const isThick = (beside?.whole.trials ?? 0) >= THINNEST_BASELINE * trials;
  if (isThick && (beside?.whole.reports ?? 0) >= LEAST_CLUSTERS) return beside;
  return baselineOf(question.earlierBaseline, histogram, WHOLE) ?? beside;
}

/** What the candidate's own devices showed before anything rolled, where that is enough to go by: canaries are not like the fleet. */
function ownPast(
  question: StageQuestion,
  histogram: HistogramSpec,
  devices: HistogramRows,
  trials: number,
): HistogramTally | null {
  if (!question.restBaseline) return null;
  const own = baselineOf(question.restBaseline, histogram, WHOLE, devices.liveNames())?.whole ?? null;
  if (own === null || own.reports < LEAST_CLUSTERS) return null;
  return own.trials >= Math.max(LEAST_OWN_ANSWERS, THINNEST_BASELINE * trials) ? own : null;
}

/** The bin that moved most, as its part of the distance. */
function largestMove(histogram: HistogramSpec, candidate: HistogramTally, baseline: HistogramTally): RuleReason {
  const share = (tally: HistogramTally, bin: number): number => (tally.counts[bin] ?? 0) / tally.trials;
  const moves = candidate.counts.map((_, bin) =>
    Math.abs(Math.sqrt(share(candidate, bin)) - Math.sqrt(share(baseline, bin))),
  );
  const bin = moves.indexOf(Math.max(...moves));
  const [from, to] = [share(baseline, bin), share(candidate, bin)];
  if (histogram.kind === 'class') return { kind: 'class-moved', name: histogram.names[bin] ?? null, from, to };
  return { kind: 'confidence-moved', least: bin / candidate.bins, most: (bin + 1) / candidate.bins, from, to };
}

/** What a look says, and why it says no more. */
interface Weighed extends Omit<DriftReading, 'reason'> {
  readonly reason: RuleReason | null;
}

/** A fail must hold against the baseline, and against the devices' own past at the stage's undivided error level. */
function readBoth(
  baseline: HistogramTally,
  own: HistogramTally | null,
  read: (against: HistogramTally, side: 'beside' | 'before') => DriftReading,
): Weighed {
  const beside = read(baseline, 'beside');
  const reason = beside.reason === null ? null : { kind: beside.reason };
  if (beside.verdict !== 'fail' || own === null || read(own, 'before').verdict === 'fail') return { ...beside, reason };
  return { ...beside, verdict: 'undecided', reason: { kind: 'own-past' } };
}

type ReadDrift = (devices: HistogramRows, against: HistogramTally) => DriftReading;

/**
 * What one device says of itself decides nothing here either: a fail must hold against stable's inliers as well, a pass for the
 * inliers against the inliers. Asked only where there are outliers: `readPlain` leaves no device out.
 */
function withInliers(
  reading: Weighed,
  devices: HistogramRows,
  { whole, inliers }: Baseline,
  readPlain: ReadDrift,
): Weighed {
  if (reading.verdict === 'fail') {
    if (inliers === null || readPlain(devices, inliers.whole).verdict === 'fail') return reading;
    return { ...reading, verdict: 'undecided', reason: outlierReason('fail', inliers.outlier) };
  }
  const own = devices.inliers();
  const furthest = furtherOutlier(own?.outlier ?? null, inliers?.outlier ?? null);
  if (furthest === null) return reading;
  const others = readPlain(own?.rows ?? devices, inliers?.whole ?? whole);
  const both = { ...reading, isWithin: reading.isWithin && others.isWithin };
  const isPass = reading.verdict === 'pass';
  if ((isPass && others.verdict === 'pass') || (!isPass && both.isWithin === reading.isWithin)) return both;
  const areOver = !others.isWithin && others.estimate !== null;
  return { ...both, verdict: 'undecided', reason: outlierReason(isPass ? 'pass' : 'within', furthest, areOver) };
}

/** What is missing until the next look. */
function untilNextLook(look: number, { openMs = 0, intervalMs }: StageQuestion): RuleVerdict['needs'] {
  const nextMs = FIRST_LOOK * 2 ** (look + 1) * intervalMs;
  return { trials: 0, minutes: Math.max(1, Math.ceil((nextMs - openMs) / 60_000)) };
}

/** confidence_drift and class_drift: stage scope, drop-worst, at the newest look. */
export function judgeDrift(
  asked: StageRule,
  kind: HistogramSpec['kind'],
  levels: ErrorLevels,
  question: StageQuestion,
): RuleVerdict {
  const { limit, scale = 'psi' } = asked.rule;
  const histogram = question.candidate.histograms.find((one) => one.kind === kind);
  if (limit.kind !== 'absolute') return blankVerdict(asked, { kind: 'no-relative-limit' });
  if (histogram === undefined) return blankVerdict(asked, { kind: 'not-measured' });
  const look = newestLook(question);
  const needs = untilNextLook(look, question);
  const blank = (reason: RuleReason): RuleVerdict => ({ ...blankVerdict(asked, reason), limit: limit.value, needs });
  if (look < 0) return blank({ kind: 'before-first-look', intervals: FIRST_LOOK });
  const devices = histogramsAt(question.candidate, kind, look);
  if (devices === undefined || devices.live === 0) return blank({ kind: 'no-data' });
  const { all } = devices;
  const baseline = chooseBaseline(question, histogram, look, all.trials);
  if (baseline === null) return { ...blank({ kind: 'no-baseline' }), needs: null };
  const own = ownPast(question, histogram, devices, all.trials);
  const byAll = readBoth(baseline.whole, own, (against, side) => {
    const alpha = side === 'beside' ? levels.alpha : levels.beta;
    return driftVerdict(devices, against, limit.value, look, { alpha, beta: levels.beta, scale });
  });
  const reading = withInliers(byAll, devices, baseline, (rows, against) =>
    driftVerdict(rows, against, limit.value, look, { ...levels, scale, dropWorst: false }),
  );
  const { reason: open, isWithin } = reading;
  const reason = {
    fail: () => largestMove(histogram, all, baseline.whole),
    undecided: (): RuleReason => open ?? { kind: 'too-little', within: isWithin },
    pass: () => null,
  };
  return {
    ...blankVerdict(asked, reason[reading.verdict]()),
    verdict: reading.verdict,
    within: isWithin,
    estimate: reading.estimate,
    lower: reading.estimate === null ? null : reading.lowerAll,
    upper: Number.isFinite(reading.upper) ? reading.upper : null,
    limit: limit.value,
    baseline: { estimate: null, devices: baseline.devices, from: baseline.from },
    trials: all.trials,
    devices: devices.live,
    worstDevice: reading.worst,
    needs: reading.verdict === 'undecided' ? needs : null,
    kind: 'histogram',
    sums: {
      look,
      candidate: { reports: all.reports, counts: all.counts },
      baseline: { reports: baseline.whole.reports, counts: baseline.whole.counts },
    },
  };
}
