// Owns how tallies lie in a store: rows as packed numbers, summaries as JSON.
import { CodedError } from '../base/errors.ts';
import { type SketchJson, sketchFromJson, sketchToJson } from '../contract/sketch.ts';
import type { ArmSummary } from './arm-summary.ts';
import type { DeviceTally, MeasureSums } from './window-tallies.ts';

const FORMAT = 1;
const HEAD = 5;
const PER_MEASURE = 6;

function pack(sums: MeasureSums): number[] {
  return [sums.bad, sums.trials, sums.reports, sums.badSquared, sums.badTrials, sums.trialsSquared];
}

/** A row as little-endian doubles: format, number of measures, inferences, reports, window, then the sums of all, then of the window. */
export function encodeTally(tally: DeviceTally): Uint8Array {
  const sums = [...tally.whole, ...tally.current].flatMap(pack);
  const numbers = [FORMAT, tally.whole.length, tally.inferences, tally.reports, tally.window, ...sums];
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

/** Reads what `encodeTally` wrote. Throws TELEMETRY_ROW_BROKEN. */
export function decodeTally(bytes: Uint8Array): DeviceTally {
  if (bytes.length % 8 !== 0 || bytes.length < HEAD * 8) throw broken(`has ${bytes.length} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const at = (index: number): number => view.getFloat64(index * 8, true);
  const measures = at(1);
  if (at(0) !== FORMAT) throw broken(`has format ${at(0)}, not ${FORMAT}`);
  if (bytes.length !== 8 * (HEAD + 2 * PER_MEASURE * measures)) throw broken(`has ${bytes.length} bytes`);
  const unpack = (first: number): MeasureSums[] =>
    Array.from({ length: measures }, (_, i) => {
      const start = first + i * PER_MEASURE;
      return {
        bad: at(start),
        trials: at(start + 1),
        reports: at(start + 2),
        badSquared: at(start + 3),
        badTrials: at(start + 4),
        trialsSquared: at(start + 5),
      };
    });
  const whole = unpack(HEAD);
  const current = unpack(HEAD + measures * PER_MEASURE);
  return { inferences: at(2), reports: at(3), window: at(4), whole, current };
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
    format: FORMAT,
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
  if (json?.format !== FORMAT) throw broken(`has format ${json?.format}, not ${FORMAT}`);
  return {
    inferences: json.inferences,
    errors: { ...json.errors },
    latencyMs: sketchFromJson(json.latencyMs),
    confidence: [...json.confidence],
    classes: new Map(json.classes),
  };
}
