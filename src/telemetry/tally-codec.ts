// Owns how tallies lie in a store: rows as packed numbers, summaries as JSON.
import { CodedError } from '../base/errors.ts';
import { type SketchJson, sketchFromJson, sketchToJson } from '../contract/sketch.ts';
import type { ArmSummary } from './arm-summary.ts';
import type { HistogramSums, LookedSums } from './histogram-sums.ts';
import type { DeviceTally, MeasureSums } from './window-tallies.ts';

const SUMMARY_FORMAT = 1;
/** Rows as they were before histograms were kept. */
const FORMAT_WITHOUT_HISTOGRAMS = 1;
const FORMAT = 2;
const HEAD = 5;
const PER_MEASURE = 6;

function pack(into: number[], sums: MeasureSums): void {
  into.push(sums.bad, sums.trials, sums.reports, sums.badSquared, sums.badTrials, sums.trialsSquared);
}

/** Products of pairs of bins are symmetric: one half is written. */
function packHistogram(into: number[], sums: HistogramSums): void {
  const { bins, counts, countTrials, countProducts } = sums;
  into.push(bins, sums.trials, sums.reports, sums.trialsSquared, ...counts, ...countTrials);
  for (let row = 0; row < bins; row++) {
    for (let column = row; column < bins; column++) into.push(countProducts[row * bins + column] ?? 0);
  }
}

/**
 * A row as little-endian doubles: format, number of measures, inferences, reports, window, then the sums of all, then of the window; then
 * look, number of histograms, and their sums before the look and since.
 */
export function encodeTally(tally: DeviceTally): Uint8Array {
  const { look, before, since } = tally.looked;
  const numbers = [FORMAT, tally.whole.length, tally.inferences, tally.reports, tally.window];
  for (const sums of tally.whole) pack(numbers, sums);
  for (const sums of tally.current) pack(numbers, sums);
  numbers.push(look, before.length);
  for (const sums of before) packHistogram(numbers, sums);
  for (const sums of since) packHistogram(numbers, sums);
  const bytes = new Uint8Array(numbers.length * 8);
  const view = new DataView(bytes.buffer);
  numbers.forEach((number, i) => {
    view.setFloat64(i * 8, number, true);
  });
  return bytes;
}

function broken(problem: string): CodedError {
  return new CodedError({
    code: 'TELEMETRY_ROW_BROKEN',
    kind: 'bug',
    message: `A stored tally ${problem}.`,
    remedy:
      'The store was written by another version or damaged; restore it from a backup or let the stage start anew.',
  });
}

const MOST_BINS = 64;
const NOTHING_LOOKED: LookedSums = { look: -1, before: [], since: [] };

/** Numbers of a stored row, one after the other; none beyond its end. */
class RowReader {
  readonly #view: DataView;
  #next = 0;

  constructor(bytes: Uint8Array) {
    if (bytes.length % 8 !== 0) throw broken(`has ${bytes.length} bytes`);
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get left(): number {
    return this.#view.byteLength / 8 - this.#next;
  }

  number(): number {
    if (this.left < 1) throw broken('ends too early');
    const value = this.#view.getFloat64(this.#next * 8, true);
    this.#next++;
    return value;
  }

  /** A count of things of which each takes at least so many numbers. */
  count(each: number): number {
    const count = this.number();
    if (!Number.isInteger(count) || count < 0 || count * each > this.left) throw broken(`has ${count} parts`);
    return count;
  }

  list(length: number): number[] {
    const numbers: number[] = [];
    for (let i = 0; i < length; i++) numbers.push(this.number());
    return numbers;
  }

  measure(): MeasureSums {
    const [bad = 0, trials = 0, reports = 0, badSquared = 0, badTrials = 0, trialsSquared = 0] = this.list(PER_MEASURE);
    return { bad, trials, reports, badSquared, badTrials, trialsSquared };
  }

  histogram(): HistogramSums {
    const bins = this.count(1);
    if (bins > MOST_BINS) throw broken(`has ${bins} bins`);
    const [trials = 0, reports = 0, trialsSquared = 0] = this.list(3);
    const [counts, countTrials] = [this.list(bins), this.list(bins)];
    const countProducts = new Array<number>(bins * bins).fill(0);
    for (let row = 0; row < bins; row++) {
      for (let column = row; column < bins; column++) {
        const product = this.number();
        countProducts[row * bins + column] = product;
        countProducts[column * bins + row] = product;
      }
    }
    return { bins, trials, reports, trialsSquared, counts, countTrials, countProducts };
  }

  looked(): LookedSums {
    const look = this.number();
    const histograms = this.count(2);
    const all = Array.from({ length: 2 * histograms }, () => this.histogram());
    return { look, before: all.slice(0, histograms), since: all.slice(histograms) };
  }
}

/** Reads what `encodeTally` wrote, of this version or an earlier one. Throws TELEMETRY_ROW_BROKEN. */
export function decodeTally(bytes: Uint8Array): DeviceTally {
  const row = new RowReader(bytes);
  const format = row.number();
  if (format !== FORMAT && format !== FORMAT_WITHOUT_HISTOGRAMS) throw broken(`has format ${format}, not ${FORMAT}`);
  const measures = row.number();
  const [inferences = 0, reports = 0, window = 0] = row.list(HEAD - 2);
  if (!(Number.isInteger(measures) && measures >= 0 && 2 * PER_MEASURE * measures <= row.left)) {
    throw broken(`has ${measures} measures`);
  }
  const sums = Array.from({ length: 2 * measures }, () => row.measure());
  const looked = format === FORMAT ? row.looked() : NOTHING_LOOKED;
  if (row.left > 0) throw broken(`has ${row.left} numbers too many`);
  return { inferences, reports, window, whole: sums.slice(0, measures), current: sums.slice(measures), looked };
}

interface SummaryJson {
  readonly format: number;
  readonly inferences: number;
  readonly errors: ArmSummary['errors'];
  readonly latencyMs: SketchJson;
  readonly confidence: readonly number[];
  readonly classes: readonly (readonly [string, number])[];
}

/** An arm's summary as JSON text. */
export function encodeSummary(summary: ArmSummary): string {
  const json: SummaryJson = {
    format: SUMMARY_FORMAT,
    inferences: summary.inferences,
    errors: summary.errors,
    latencyMs: sketchToJson(summary.latencyMs),
    confidence: summary.confidence,
    classes: [...summary.classes],
  };
  return JSON.stringify(json);
}

/** Reads what `encodeSummary` wrote. Throws TELEMETRY_ROW_BROKEN. */
export function decodeSummary(text: string): ArmSummary {
  let json: SummaryJson;
  try {
    json = JSON.parse(text) as SummaryJson;
  } catch {
    throw broken('is not JSON');
  }
  if (json?.format !== SUMMARY_FORMAT) throw broken(`has format ${json?.format}, not ${SUMMARY_FORMAT}`);
  return {
    inferences: json.inferences,
    errors: { ...json.errors },
    latencyMs: sketchFromJson(json.latencyMs),
    confidence: [...json.confidence],
    classes: new Map(json.classes),
  };
}
