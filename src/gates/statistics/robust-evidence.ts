// Owns p-values over histograms that must hold whichever device is left out, since the stage opened or in the newest window alone.
import type { HistogramRows } from './histogram-rows.ts';
import type { HistogramTally } from './histogram-tally.ts';
import { withWindow } from './late-regression.ts';
import { LEAST_DEVICES_TO_DROP, type Verdict } from './rate-verdict.ts';

/** Fewer reports say too little of how far reports differ. */
export const LEAST_REPORTS = 8;

export interface HistogramOptions {
  readonly alpha?: number;
  readonly beta?: number;
  /** A fail must survive leaving out any one device (three devices or more). */
  readonly dropWorst?: boolean;
  /** false: nothing is asked that can't matter any more, so that a reading may name neither the worst device nor the least p-value. */
  readonly nameWorst?: boolean;
  /** The newest tumbling window, weighed as for rates. */
  readonly window?: HistogramWindow | null;
}

export interface HistogramWindow {
  readonly devices: HistogramRows;
  readonly baseline: HistogramTally | null;
  readonly weight: number;
}

export interface HistogramReading {
  readonly verdict: Verdict;
  readonly estimate: number | null;
  /** Is the observed value within the limit, decided or not? */
  readonly isWithin: boolean;
  readonly pFail: number;
  /** pFail of all devices, before one is left out. */
  readonly pFailAll: number;
  readonly pPass: number;
  /** The device without which there is least evidence for a fail. */
  readonly worst: string | null;
  /** Does the newest window say more for a fail than the whole stage? */
  readonly isLate: boolean;
  readonly reason: HistogramOpenReason | null;
}

export type HistogramOpenReason = 'no-data' | 'no-baseline' | 'too-few-reports' | 'one-device';

/** Lower bounds of the logarithm of the evidence without a row. */
export interface RowBound {
  /** Whichever row it is. */
  readonly ofAny: number;
  /** From the row's trials, reports and counts alone, which begin at `at`. */
  readonly of: (sums: Float64Array, at: number) => number;
}

/** Ways to ask of histograms how far they are beyond a limit beside one baseline. */
export interface Prober {
  /** The p-value of a histogram whose sums change in place. */
  readonly probe: (candidate: HistogramTally) => () => number;
  readonly bound: (devices: HistogramRows) => RowBound;
}

interface Robust {
  readonly p: number;
  readonly pAll: number;
  readonly worst: string | null;
}

const NOTHING: Robust = { p: 1, pAll: 1, worst: null };

/**
 * The greatest p-value over leaving out one device, and that device: of equal ones the first by name. With `enough`, devices without
 * which there is at least so much evidence (its logarithm) by a bound are not left out in earnest, and count with the bound.
 */
function withoutAnyOne(devices: HistogramRows, pAll: number, { probe, bound }: Prober, enough: number): Robust {
  const atLeast = enough === Number.POSITIVE_INFINITY ? null : bound(devices);
  if (atLeast !== null && atLeast.ofAny >= enough) {
    return { p: Math.max(pAll, Math.exp(-atLeast.ofAny)), pAll, worst: null };
  }
  let least = -Math.log(pAll);
  let worst: string | null = null;
  const { tally, leaveOut } = devices.withoutOne();
  const ask = probe(tally);
  const exactly = (row: number): number => {
    leaveOut(row);
    return tally.reports < LEAST_REPORTS ? 0 : -Math.log(ask());
  };
  const { sums, width } = devices;
  for (const row of devices.liveRows()) {
    const bounded = atLeast === null ? 0 : atLeast.of(sums, row * width);
    const evidence = atLeast !== null && bounded >= enough ? bounded : exactly(row);
    if (evidence > least) continue;
    const device = devices.nameOf(row);
    if (evidence === least && worst !== null && device >= worst) continue;
    least = evidence;
    worst = device;
  }
  return { p: Math.exp(-least), pAll, worst };
}

function robust(
  devices: HistogramRows,
  baseline: HistogramTally | null,
  prober: (baseline: HistogramTally) => Prober,
  { dropWorst = true, mostP }: { readonly dropWorst: boolean | undefined; readonly mostP: number },
): Robust {
  if (baseline === null || whyIncomparable(devices, baseline) !== null) return NOTHING;
  const against = prober(baseline);
  const pAll = against.probe(devices.all)();
  const isAsked = dropWorst && devices.live >= LEAST_DEVICES_TO_DROP && pAll < 1 && pAll <= mostP;
  if (!isAsked) return { p: pAll, pAll, worst: null };
  return withoutAnyOne(devices, pAll, against, mostP < 1 ? -Math.log(mostP) : Number.POSITIVE_INFINITY);
}

/** What keeps histograms from being compared at all; null when nothing does. */
export function whyIncomparable(devices: HistogramRows, baseline: HistogramTally | null): HistogramOpenReason | null {
  if (baseline === null || !(baseline.trials > 0)) return 'no-baseline';
  if (devices.live === 0) return 'no-data';
  return devices.all.reports < LEAST_REPORTS || baseline.reports < LEAST_REPORTS ? 'too-few-reports' : null;
}

/** A reading that decides nothing. */
export function openHistogram(reason: HistogramOpenReason): HistogramReading {
  const p = { pFail: 1, pFailAll: 1, pPass: 1 };
  return { verdict: 'undecided', estimate: null, isWithin: false, ...p, worst: null, isLate: false, reason };
}

/** The evidence for a fail: of the whole stage and of its newest window, half of the error each. */
export function failEvidence(
  devices: HistogramRows,
  baseline: HistogramTally,
  prober: (baseline: HistogramTally) => Prober,
  { alpha = 0.05, dropWorst, nameWorst = true, window = null }: HistogramOptions,
): Pick<HistogramReading, 'pFail' | 'pFailAll' | 'worst' | 'isLate'> {
  const mostP = (weight: number): number => (nameWorst ? 1 : alpha / weight);
  const stage = robust(devices, baseline, prober, { dropWorst, mostP: mostP(window === null ? 1 : 2) });
  if (window === null) return { pFail: stage.p, pFailAll: stage.pAll, worst: stage.worst, isLate: false };
  const { weight } = window;
  const isProven = !nameWorst && withWindow(stage.p, 1, weight) <= alpha;
  const late = isProven
    ? NOTHING
    : robust(window.devices, window.baseline, prober, { dropWorst, mostP: mostP(2 * weight) });
  const isLate = weight * late.p < stage.p;
  return {
    pFail: withWindow(stage.p, late.p, weight),
    pFailAll: withWindow(stage.pAll, late.pAll, weight),
    worst: isLate ? late.worst : stage.worst,
    isLate,
  };
}

/**
 * A reading against stable beside the devices, and one against their own past (null where there is none). A fail must hold against
 * both, against the own past at the stage's undivided level; a pass needs one of them, at twice the price.
 */
export function againstEither<Reading extends Pick<HistogramReading, 'verdict' | 'pFail' | 'pPass' | 'isWithin'>>(
  beside: Reading,
  own: Pick<Reading, 'pFail' | 'pPass' | 'isWithin'> | null,
  { alpha, beta }: { readonly alpha: number; readonly beta: number },
): Reading {
  if (own === null) return beside;
  const pFail = Math.max(beside.pFail, own.pFail);
  const pPass = Math.min(1, 2 * Math.min(beside.pPass, own.pPass));
  const isFail = beside.pFail <= alpha && own.pFail <= beta;
  const verdict = isFail ? 'fail' : pPass <= beta ? 'pass' : 'undecided';
  return { ...beside, verdict, pFail, pPass, isWithin: beside.isWithin || own.isWithin };
}
