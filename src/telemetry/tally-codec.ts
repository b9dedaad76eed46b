// Owns how tallies lie in a store: rows as packed numbers, summaries as JSON.
import { CodedError } from '../base/errors.ts';
import type { OutputSketch } from '../contract/output-sketch.ts';
import { type SketchJson, sketchFromJson, sketchToJson } from '../contract/sketch.ts';
import type { ArmSummary } from './arm-summary.ts';
import type { PeriodRow } from './period-table.ts';
import { type ArmLayout, partsOf } from './window-tallies.ts';

const SUMMARY_FORMAT = 2;
const FORMAT = 4;

/** A row as little-endian doubles: format; how many sums; window; sums of all, sums of the window. */
export function encodeRow({ period, whole, current }: PeriodRow): Uint8Array {
  const numbers = new Float64Array(3 + 2 * whole.length);
  numbers.set([FORMAT, whole.length, period]);
  numbers.set(whole, 3);
  numbers.set(current, 3 + whole.length);
  return encodeNumbers(numbers);
}

/** Little-endian doubles. */
export function encodeNumbers(numbers: Float64Array): Uint8Array {
  const bytes = new Uint8Array(numbers.length * 8);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < numbers.length; i++) view.setFloat64(i * 8, numbers[i] ?? 0, true);
  return bytes;
}

/** Reads what `encodeNumbers` wrote. Throws TELEMETRY_ROW_BROKEN. */
export function decodeNumbers(bytes: Uint8Array): Float64Array {
  const row = new RowReader(bytes);
  return row.list(row.left);
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

/** Reads what `encodeRow` wrote for an arm that counts the same. Throws TELEMETRY_ROW_BROKEN. */
export function decodeRow(bytes: Uint8Array, layout: Pick<ArmLayout, 'measures' | 'histograms'>): PeriodRow {
  const row = new RowReader(bytes);
  row.expect('as format', FORMAT);
  const numbers = partsOf(layout).reduce((sum, { width }) => sum + width, 0);
  row.expect('numbers', numbers);
  const sums = { period: row.number(), whole: row.list(numbers), current: row.list(numbers) };
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
  /** Absent where no scalar output is summed up. */
  readonly outputs?: readonly OutputJson[];
}

interface OutputJson extends Pick<OutputSketch, 'zero' | 'odd'> {
  readonly name: string;
  readonly plus: readonly (readonly [number, number])[];
  readonly minus: readonly (readonly [number, number])[];
}

function outputsToJson(outputs: ArmSummary['outputs']): readonly OutputJson[] {
  return [...outputs].map(([name, { zero, odd, plus, minus }]) => ({
    ...{ name, zero, odd, plus: [...plus], minus: [...minus] },
  }));
}

function outputsFromJson(outputs: readonly OutputJson[]): ArmSummary['outputs'] {
  return new Map(
    outputs.map(({ name, zero, odd, plus, minus }) => [
      name,
      { zero, odd, plus: new Map(plus), minus: new Map(minus) },
    ]),
  );
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
    ...(summary.outputs.size === 0 ? {} : { outputs: outputsToJson(summary.outputs) }),
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
    outputs: outputsFromJson(json.outputs ?? []),
  };
}
