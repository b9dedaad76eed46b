// Laws of how tallies lie in a store.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { foldReport } from '../../src/telemetry/fold-report.ts';
import { NO_PERIOD } from '../../src/telemetry/period-table.ts';
import { measureAt } from '../../src/telemetry/rate-sums.ts';
import { decodeRow, decodeSummary, encodeRow, encodeSummary } from '../../src/telemetry/tally-codec.ts';
import { type ArmLayout, applyFold, emptyWindowTallies, type RowSums } from '../../src/telemetry/window-tallies.ts';
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

test('a row from before histograms were kept is read as one without', () => {
  const row = decodeRow(bytesOf(1, 1, 30, 4, 2, ...WHOLE, ...CURRENT), ERRORS);
  expect(row.rates.period).toBe(2);
  expect(measureAt(row.rates.whole, 0)).toMatchObject({ bad: 1, trials: 30, trialsSquared: 250 });
  expect(measureAt(row.rates.current, 0)).toMatchObject({ bad: 0, trials: 10 });
  expect(row.looked).toMatchObject({ period: NO_PERIOD, whole: new Float64Array(0) });
});

test('a row whose histograms were kept as before and since the newest look is read with all of them', () => {
  const histogram = (trials: number, a: number, b: number) => [
    ...[2, trials, 1, trials ** 2, a, b, a * trials, b * trials],
    ...[a * a, a * b, b * b],
  ];
  const numbers = [2, 1, 30, 4, 2, ...WHOLE, ...CURRENT, 3, 1, ...histogram(9, 7, 2), ...histogram(5, 1, 4)];
  const { rates, looked } = decodeRow(bytesOf(...numbers), WITH_CLASSES);
  expect(measureAt(rates.whole, 0).bad).toBe(1);
  expect(looked.period).toBe(3);
  expect([...looked.whole]).toEqual([14, 2, 106, 8, 6, 68, 38, 50, 18, 20]);
  expect([...looked.current]).toEqual([5, 1, 25, 1, 4, 5, 20, 1, 4, 16]);
});

const ROW: RowSums = {
  rates: { period: 2, whole: Float64Array.from(WHOLE), current: Float64Array.from(CURRENT) },
  looked: { period: -1, whole: new Float64Array(0), current: new Float64Array(0) },
};

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
  refused(() => decodeRow(bytesOf(1, 2, 30, 4, 2, ...WHOLE, ...CURRENT), ERRORS));
  refused(() => decodeRow(bytesOf(2, 1, 30, 4, 2, ...WHOLE, ...CURRENT, 3, 1, 64), WITH_CLASSES));
  refused(() => decodeSummary('{'));
  refused(() => decodeSummary('null'));
  refused(() => decodeSummary('{"format":2}'));
});
