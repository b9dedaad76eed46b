// Owns what a rule over distributions is judged on: the candidate's histograms, stable's, and those of the devices' own past.
import { binsOf, type HistogramSpec, histogramKey } from '../telemetry/histogram-sums.ts';
import { WINDOW_INTERVALS } from '../telemetry/window.ts';
import { THINNEST_BASELINE } from './counted-evidence.ts';
import { pastRowsOf } from './own-past.ts';
import type { BaselineSource } from './rule-verdict.ts';
import { type ArmEvidence, newestWindow, rowsInWindow, type StageQuestion } from './stage-question.ts';
import { HistogramRows } from './statistics/histogram-rows.ts';
import type { HistogramTally } from './statistics/histogram-tally.ts';
import { windowWeight } from './statistics/late-regression.ts';
import type { OutlierRow } from './statistics/outlier-rows.ts';
import { LEAST_REPORTS } from './statistics/robust-evidence.ts';

/** Fewer answers in the devices' own past say nothing of their composition. */
const LEAST_OWN_ANSWERS = 200;

/** An arm's histograms since the stage opened, and in one tumbling window. */
interface SeenHistograms {
  readonly whole: HistogramRows;
  readonly window: HistogramRows;
}

/** What is held against the candidate: since the stage opened, and in the newest window. */
export interface HistogramAgainst {
  readonly whole: HistogramTally;
  readonly window: HistogramTally | null;
}

export interface HistogramBaseline extends HistogramAgainst {
  /** Without the devices that claim far more than the median one; null where there are none. */
  readonly inliers: (HistogramAgainst & { readonly outlier: OutlierRow }) | null;
  readonly devices: number;
  readonly from: BaselineSource;
}

/** The candidate's histograms. */
export interface HistogramEvidence extends SeenHistograms {
  readonly histogram: HistogramSpec;
  /** What the newest window is weighed with. */
  readonly weight: number;
}

function histogramsOf(arm: ArmEvidence, key: string, window: number): SeenHistograms | undefined {
  const { measures, histograms, names, sums } = arm;
  const place = histograms.findIndex((one) => histogramKey(one) === key);
  const [kept, part] = [histograms[place], sums.parts[measures.length + place]];
  if (kept === undefined || part === undefined) return undefined;
  const bins = binsOf(kept);
  const newest = window === sums.newest ? { all: part.newestTotal, live: part.newestLive } : {};
  return {
    whole: new HistogramRows({ names, bins, sums: part.whole }, { all: part.total, live: part.live }),
    window: new HistogramRows({ names, bins, sums: part.current }, { rows: rowsInWindow(arm, window), ...newest }),
  };
}

function candidateHistograms(question: StageQuestion, key: string): HistogramEvidence | undefined {
  const { candidate, deadlineMs, intervalMs } = question;
  const histogram = candidate.histograms.find((one) => histogramKey(one) === key);
  const index = newestWindow(candidate);
  const seen = histogramsOf(candidate, key, index);
  if (histogram === undefined || seen === undefined) return undefined;
  const windows = deadlineMs === null ? null : Math.ceil(deadlineMs / (WINDOW_INTERVALS * intervalMs));
  return { ...seen, histogram, weight: windowWeight(index, windows) };
}

/** Sums of an arm that is not beside the candidate stay as they are, so that its newest window is held against all of them. */
function againstOf(whole: HistogramRows, window: HistogramRows | null): HistogramAgainst {
  return { whole: whole.all, window: window === null ? whole.all : window.live === 0 ? null : window.all };
}

function baselineOf(
  arm: ArmEvidence | null | undefined,
  histogram: HistogramSpec,
  beside: { readonly window: number } | null,
  rows?: Uint32Array,
): HistogramBaseline | null {
  const kept = arm?.histograms.find((one) => histogramKey(one) === histogramKey(histogram));
  // Of other classes or edges: nothing to compare bin by bin.
  if (!arm || JSON.stringify(kept) !== JSON.stringify(histogram)) return null;
  const seen = histogramsOf(arm, histogramKey(histogram), beside?.window ?? 0);
  if (seen === undefined) return null;
  const whole = rows === undefined ? seen.whole : seen.whole.only(rows);
  if (whole.live === 0) return null;
  const window = beside === null ? null : seen.window;
  const without = whole.inliers();
  const inliers = without && {
    ...againstOf(without.rows, window && (window.inliers()?.rows ?? window)),
    outlier: without.outlier,
  };
  return { ...againstOf(whole, window), inliers, devices: whole.live, from: beside === null ? 'earlier' : 'beside' };
}

/** Stable beside the candidate; where it is going away, as it was before. */
function chooseBaseline(question: StageQuestion, { histogram, whole }: HistogramEvidence): HistogramBaseline | null {
  const beside = baselineOf(question.baseline, histogram, { window: newestWindow(question.candidate) });
  const isThick = question.isHeldBack === true || (beside?.whole.trials ?? 0) >= THINNEST_BASELINE * whole.all.trials;
  if (isThick && (beside?.whole.reports ?? 0) >= LEAST_REPORTS) return beside;
  return baselineOf(question.earlierBaseline, histogram, null) ?? beside;
}

/** What the candidate's own devices showed before anything rolled, where that is enough to go by: canaries are not like the fleet. */
function ownPast(question: StageQuestion, { histogram, whole }: HistogramEvidence): HistogramBaseline | null {
  const { restBaseline } = question;
  if (!restBaseline) return null;
  const own = baselineOf(restBaseline, histogram, null, pastRowsOf(question, restBaseline, whole));
  if (own === null || own.whole.reports < LEAST_REPORTS) return null;
  return own.whole.trials >= Math.max(LEAST_OWN_ANSWERS, THINNEST_BASELINE * whole.all.trials) ? own : null;
}

export interface HistogramCase {
  readonly devices: HistogramEvidence;
  /** Null when there is nothing to compare with. */
  readonly baseline: HistogramBaseline | null;
  readonly own: HistogramBaseline | null;
}

/** Found once a question: several rules are about one histogram. */
const known = new WeakMap<StageQuestion, Map<string, HistogramCase | undefined>>();

/** All that a rule over a histogram (by `histogramKey`) is judged on; undefined when the window that is open does not keep it. */
export function histogramCase(question: StageQuestion, key: string): HistogramCase | undefined {
  const ofQuestion = known.get(question) ?? new Map<string, HistogramCase | undefined>();
  known.set(question, ofQuestion);
  if (!ofQuestion.has(key)) {
    const devices = candidateHistograms(question, key);
    const found = devices && { devices, baseline: chooseBaseline(question, devices), own: ownPast(question, devices) };
    ofQuestion.set(key, found);
  }
  return ofQuestion.get(key);
}
