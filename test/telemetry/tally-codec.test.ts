// Laws of how tallies lie in a store.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { foldReport } from '../../src/telemetry/fold-report.ts';
import { decodeSummary, decodeTally, encodeSummary, encodeTally } from '../../src/telemetry/tally-codec.ts';
import { applyFold, emptyWindowTallies } from '../../src/telemetry/window-tallies.ts';
import { anyArrivals, makeSpec } from './false-reports.ts';

const NONE = { look: -1, before: [], since: [] };

test('what is written is what is read', () => {
  const spec = makeSpec();
  fc.assert(
    fc.property(anyArrivals, (arrivals) => {
      const tallies = emptyWindowTallies(spec);
      for (const { report, receivedAtMs } of arrivals) {
        for (const folded of foldReport(spec, report, receivedAtMs)) applyFold(tallies, folded);
      }
      for (const { devices, summary } of [tallies.candidate, tallies.stable]) {
        for (const tally of devices.values()) expect(decodeTally(encodeTally(tally))).toEqual(tally);
        expect(encodeSummary(decodeSummary(encodeSummary(summary)))).toBe(encodeSummary(summary));
        expect(decodeSummary(encodeSummary(summary)).inferences).toBe(summary.inferences);
      }
    }),
  );
});

test('a row from before histograms were kept is read as one without', () => {
  const numbers = [1, 1, 30, 4, 2, ...[1, 30, 4, 1, 8, 250], ...[0, 10, 1, 0, 0, 100]];
  const row = decodeTally(new Uint8Array(new Float64Array(numbers).buffer));
  expect(row).toMatchObject({ inferences: 30, reports: 4, window: 2, looked: NONE });
  expect(row.whole).toMatchObject([{ bad: 1, trials: 30, trialsSquared: 250 }]);
  expect(row.current).toMatchObject([{ bad: 0, trials: 10 }]);
});

test('a row is read wherever it lies in a larger buffer', () => {
  const tally = { inferences: 3, reports: 1, window: 2, whole: [], current: [], looked: NONE };
  const bytes = encodeTally(tally);
  const shifted = new Uint8Array(bytes.length + 3);
  shifted.set(bytes, 3);
  expect(decodeTally(shifted.subarray(3))).toEqual(tally);
});

test('a damaged row is refused by name, never read as other numbers', () => {
  const refused = (read: () => unknown) =>
    expect(read).toThrow(expect.objectContaining({ code: 'TELEMETRY_ROW_BROKEN' }));
  const bytes = encodeTally({ inferences: 3, reports: 1, window: 2, whole: [], current: [], looked: NONE });
  refused(() => decodeTally(bytes.subarray(8)));
  refused(() => decodeTally(bytes.subarray(0, 39)));
  refused(() => decodeTally(new Uint8Array([...bytes, ...bytes])));
  refused(() => decodeTally(new Uint8Array(40).fill(255)));
  refused(() => decodeSummary('{'));
  refused(() => decodeSummary('null'));
  refused(() => decodeSummary('{"format":2}'));
});
