// Owns how tallies lie in a store: rows as packed numbers, summaries as JSON.
import { CodedError } from '../base/errors.ts';
import { type SketchJson, sketchFromJson, sketchToJson } from '../contract/sketch.ts';
import type { ArmSummary } from './arm-summary.ts';
import { binsOf, histogramWidth } from './histogram-sums.ts';
import type { PeriodRow } from './period-table.ts';
import { MEASURE_WIDTH } from './rate-sums.ts';
import type { ArmLayout, RowSums } from './window-tallies.ts';

const SUMMARY_FORMAT = 2;
const FORMAT = 3;

/** A row as little-endian doubles: format; number of measures and of all numbers about them; window; sums of all, sums of the window; the same of histograms. */
export function encodeRow({ rates, looked }: RowSums): Uint8Array {
  const numbers = 3 + 2 * rates.whole.length + 2 + 2 * looked.whole.length;
  const bytes = new Uint8Array(numbers * 8);
  const view = new DataView(bytes.buffer);
  let at = 0;
  const write = (number: number): void => {
    view.setFloat64(at, number, true);
    at += 8;
  };
  write(FORMAT);
  for (const { period, whole, current } of [rates, looked]) {
    write(whole.length);
    write(period);
    for (const number of whole) write(number);
    for (const number of current) write(number);
  }
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

  expect(what: string, wanted: number): void {
    const found = this.number();
    if (found !== wanted) throw broken(`has ${found} ${what}, not ${wanted}`);
  }

  list(length: number): Float64Array {
    if (this.left < length) throw broken('ends too early');
    return Float64Array.from({ length }, () => this.number());
  }
}

function widthsOf({ measures, histograms }: ArmLayout): { readonly rates: number; readonly looked: number } {
  const looked = histograms.reduce((sum, one) => sum + histogramWidth(binsOf(one)), 0);
  return { rates: measures.length * MEASURE_WIDTH, looked };
}

function decodeSums(row: RowReader, width: number): PeriodRow {
  row.expect('numbers', width);
  return { period: row.number(), whole: row.list(width), current: row.list(width) };
}

/** Reads what `encodeRow` wrote for an arm that counts the same. Throws TELEMETRY_ROW_BROKEN. */
export function decodeRow(bytes: Uint8Array, layout: ArmLayout): RowSums {
  const row = new RowReader(bytes);
  row.expect('as format', FORMAT);
  const { rates, looked } = widthsOf(layout);
  const sums = { rates: decodeSums(row, rates), looked: decodeSums(row, looked) };
  if (row.left > 0) throw broken(`has ${row.left} numbers too many`);
  return sums;
}

interface SummaryJson {
  readonly format: number;
  readonly inferences: number;
  readonly rejected: number;
  readonly errors: ArmSummary['errors'];
  readonly latencyMs: SketchJson;
  readonly confidence: readonly number[];
  readonly classes: readonly (readonly [string, number])[];
  /** Name, Σ value·weight, Σ weight. */
  readonly gauges: readonly (readonly [string, number, number])[];
}

/** An arm's summary as JSON text. */
export function encodeSummary(summary: ArmSummary): string {
  const json: SummaryJson = {
    format: SUMMARY_FORMAT,
    inferences: summary.inferences,
    rejected: summary.rejected,
    errors: summary.errors,
    latencyMs: sketchToJson(summary.latencyMs),
    confidence: summary.confidence,
    classes: [...summary.classes],
    gauges: [...summary.gauges].map(([name, { total, weight }]) => [name, total, weight] as const),
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
    rejected: json.rejected,
    errors: { ...json.errors },
    latencyMs: sketchFromJson(json.latencyMs),
    confidence: [...json.confidence],
    classes: new Map(json.classes),
    gauges: new Map(json.gauges.map(([name, total, weight]) => [name, { total, weight }])),
  };
}
