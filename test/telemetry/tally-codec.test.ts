// Laws of how tallies lie in a store.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { foldReport } from '../../src/telemetry/fold-report.ts';
import type { PeriodRow } from '../../src/telemetry/period-table.ts';
import { decodeRow, decodeSummary, encodeRow, encodeSummary } from '../../src/telemetry/tally-codec.ts';
import { type ArmLayout, applyFold, emptyWindowTallies } from '../../src/telemetry/window-tallies.ts';
import { anyArrivals, makeSpec } from './false-reports.ts';

test('what is written is what is read', () => {
  const spec = makeSpec();
  fc.assert(
    fc.property(anyArrivals, (arrivals) => {
      const tallies = emptyWindowTallies(spec);
      for (const { report, receivedAtMs } of arrivals) {
        for (const folded of foldReport(spec, report, receivedAtMs)) applyFold(tallies, folded);
      }
      for (const arm of [tallies.candidate, tallies.stable]) {
        for (const name of arm.names) expect(decodeRow(encodeRow(arm.read(name)!), arm)).toEqual(arm.read(name));
        expect(encodeSummary(decodeSummary(encodeSummary(arm.summary)))).toBe(encodeSummary(arm.summary));
        expect(decodeSummary(encodeSummary(arm.summary)).inferences).toBe(arm.summary.inferences);
      }
    }),
  );
});

const bytesOf = (...numbers: readonly number[]) => new Uint8Array(new Float64Array(numbers).buffer);
const ERRORS: ArmLayout = { measures: ['error'], histograms: [] };
const WITH_CLASSES: ArmLayout = { measures: ['error'], histograms: [{ kind: 'class', names: ['invoice'] }] };
const [WHOLE, CURRENT] = [
  [1, 30, 4, 1, 8, 250],
  [0, 10, 1, 0, 0, 100],
];

const ROW: PeriodRow = { period: 2, whole: Float64Array.from(WHOLE), current: Float64Array.from(CURRENT) };

test('a row is read wherever it lies in a larger buffer', () => {
  const bytes = encodeRow(ROW);
  const shifted = new Uint8Array(bytes.length + 3);
  shifted.set(bytes, 3);
  expect(decodeRow(shifted.subarray(3), ERRORS)).toEqual(ROW);
});

test('a damaged row, or one of other measures, is refused by name, never read as other numbers', () => {
  const refused = (read: () => unknown) =>
    expect(read).toThrow(expect.objectContaining({ code: 'TELEMETRY_ROW_BROKEN' }));
  const bytes = encodeRow(ROW);
  refused(() => decodeRow(bytes.subarray(8), ERRORS));
  refused(() => decodeRow(bytes.subarray(0, 39), ERRORS));
  refused(() => decodeRow(new Uint8Array([...bytes, ...bytes]), ERRORS));
  refused(() => decodeRow(new Uint8Array(40).fill(255), ERRORS));
  refused(() => decodeRow(bytes, WITH_CLASSES));
  refused(() => decodeRow(bytes, { ...ERRORS, measures: ['error', 'unknown'] }));
  refused(() => decodeRow(bytesOf(2, ...new Float64Array(bytes.buffer).subarray(1)), ERRORS));
  refused(() => decodeSummary('{'));
  refused(() => decodeSummary('null'));
  refused(() => decodeSummary('{"format":1}'));
});
