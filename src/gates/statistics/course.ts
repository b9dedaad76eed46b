// Owns whether a loss is on course to pass its limit by some time: a straight line through what devices reported, drawn out to there.
import type { HistogramTally } from './histogram-tally.ts';
import { normalP } from './normal-evidence.ts';

/** What was measured at one time, as sums over reports; a loss is positive. */
export interface CourseSums {
  /** In any unit of time. */
  readonly at: number;
  readonly reports: number;
  /** Σ answers, Σ loss, and the sums of their products: a report's loss is summed over its answers. */
  readonly answers: number;
  readonly loss: number;
  readonly answersSquared: number;
  readonly lossAnswers: number;
  readonly lossSquared: number;
}

export interface CourseReading {
  /** The loss of one answer at the horizon; null with fewer reports than a line takes. */
  readonly level: number | null;
  readonly deviation: number;
  /** When the line crosses the limit; null where it does not rise. */
  readonly crossesAt: number | null;
  /** Small means: beyond the limit at the horizon. */
  readonly pFail: number;
  /** The same before a device is left out. */
  readonly pFailAll: number;
}

const LEAST_REPORTS_OF_LINE = 12;
const LEAST_DEVICES_TO_DROP = 3;
/** The newest part of the time, which must be on course by itself: what levels off is not. */
const NEWEST = 2 / 3;

type Line = Omit<CourseReading, 'pFailAll'>;
const NO_LINE: Line = { level: null, deviation: Number.POSITIVE_INFINITY, crossesAt: null, pFail: 1 };

/** Least squares, weighed by answers; the deviation at the horizon by the cluster sandwich over reports. */
function fitLine(sums: readonly CourseSums[], limit: number, horizon: number): Line {
  let [n0, n1, n2, y0, y1, reports] = [0, 0, 0, 0, 0, 0];
  for (const { at, answers, loss, reports: own } of sums) {
    n0 += answers;
    n1 += answers * at;
    n2 += answers * at * at;
    y0 += loss;
    y1 += loss * at;
    reports += own;
  }
  const determinant = n0 * n2 - n1 * n1;
  if (reports < LEAST_REPORTS_OF_LINE || !(determinant > 1e-9 * n0 * n2)) return NO_LINE;
  const start = (n2 * y0 - n1 * y1) / determinant;
  const slope = (n0 * y1 - n1 * y0) / determinant;
  let variance = 0;
  for (const { at, answersSquared, lossAnswers, lossSquared } of sums) {
    const pull = (n2 - n1 * horizon + (n0 * horizon - n1) * at) / determinant;
    const fitted = start + slope * at;
    variance += pull * pull * (lossSquared - 2 * fitted * lossAnswers + fitted * fitted * answersSquared);
  }
  const level = start + slope * horizon;
  const deviation = Math.sqrt((variance * reports) / (reports - 3));
  const crossesAt = slope > 0 ? (limit - start) / slope : null;
  return {
    level,
    deviation,
    crossesAt,
    pFail: normalP((level - limit) / deviation, (2 * limit) ** 2 / deviation ** 2),
  };
}

/**
 * Does a loss that goes on as it did exceed `limit` by `horizon`? It must for all devices, without any one of them (three or more), and
 * for the newest two thirds of the time alone. One list of sums a device, or a hash group of them.
 */
export function courseVerdict(
  devices: readonly (readonly CourseSums[])[],
  limit: number,
  horizon: number,
): CourseReading {
  const all = devices.flat();
  const newest = Math.max(0, ...all.map(({ at }) => at));
  const { level, deviation, crossesAt, pFail } = fitLine(all, limit, horizon);
  const late = all.filter(({ at }) => at >= newest * (1 - NEWEST));
  const pFailAll = Math.max(pFail, fitLine(late, limit, horizon).pFail);
  const others =
    devices.length >= LEAST_DEVICES_TO_DROP && pFailAll < 1
      ? devices.map((one) => devices.filter((d) => d !== one))
      : [];
  const pOthers = others.map((some) => fitLine(some.flat(), limit, horizon).pFail);
  return { level, deviation, crossesAt, pFailAll, pFail: Math.max(pFailAll, ...pOthers) };
}

/** The loss of mean confidence that a mere shift of stable's histogram needs to reach a drift of `limit` (PSI): its spread times the root. */
export function shiftOfDrift({ bins, counts, trials }: HistogramTally, limit: number): number {
  let [mean, square] = [0, 0];
  counts.forEach((count, k) => {
    const middle = (k + 0.5) / bins;
    mean += (middle * count) / trials;
    square += (middle * middle * count) / trials;
  });
  return Math.sqrt(limit * Math.max(0, square - mean * mean));
}
