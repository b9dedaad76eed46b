// Laws of folding outputs that are no classes: exact counts by arm, of the manifest's own centre and space alone, and summed up for the next window.
import { expect, test } from 'vitest';
import type { OutputCounts } from '../../src/contract/output-counts.ts';
import { addOutput, countsOfSketch, emptyOutputSketch, outputEdges } from '../../src/contract/output-sketch.ts';
import { foldReport } from '../../src/telemetry/fold-report.ts';
import { decodeSummary, encodeSummary } from '../../src/telemetry/tally-codec.ts';
import type { WindowSpec } from '../../src/telemetry/window.ts';
import { applyFold, emptyWindowTallies, mergeWindowTallies } from '../../src/telemetry/window-tallies.ts';
import { makeInterval, makeReport, makeSpec, STABLE } from './false-reports.ts';
import { plainRow } from './plain-tallies.ts';

const sketchOf = (values: readonly number[], centre: number) => {
  const sketch = emptyOutputSketch();
  for (const value of values) addOutput(sketch, value - centre);
  return sketch;
};
const price = (values: readonly number[], centre = 10): OutputCounts => ({
  scalars: { price: countsOfSketch(sketchOf(values, centre), centre) },
});
const PAST = Array.from({ length: 100 }, (_, i) => i);
const edges = outputEdges(sketchOf(PAST, 10));
const bins = (length: number, counts: Record<number, number>) => Array.from({ length }, (_, i) => counts[i] ?? 0);

const spec: WindowSpec = makeSpec({
  histograms: [
    { kind: 'output', name: 'price', centre: 10, edges },
    { kind: 'direction', direction: 1, space: 's1' },
    { kind: 'detections' },
    { kind: 'length' },
  ],
  outputs: { candidate: [{ name: 'price', centre: 10 }], stable: [{ name: 'price', centre: 10 }] },
  events: ['odd', 'empty'],
});

const folded = (...outputs: readonly OutputCounts[]) => {
  const tallies = emptyWindowTallies(spec);
  outputs.forEach((one, i) => {
    const report = makeReport('d', [makeInterval({ outputs: one })], i + 1);
    for (const found of foldReport(spec, report, 1000 * i)) applyFold(tallies, found);
  });
  return tallies;
};
const countsOf = (tallies: ReturnType<typeof folded>, place: number) =>
  plainRow(tallies.candidate, 'd')!.histograms[place]!.counts;

test('values are cut at the edges of the window, exactly, with NaN and infinities apart', () => {
  const tallies = folded(price([...PAST, Number.NaN]), price([-1e9, 1e9, Number.POSITIVE_INFINITY]));
  const counts = countsOf(tallies, 0);
  expect(counts).toHaveLength(edges.length + 2);
  expect(counts.at(-1)).toBe(2);
  expect(counts.reduce((sum, one) => sum + one)).toBe(104);
  for (const one of counts.slice(0, -1)) expect(one).toBeGreaterThan(4);
});

test('what has another centre or another space is not counted', () => {
  const embedding = (space: string) => ({ embedding: { space, bins: bins(80, { 10: 5, 19: 2 }) } });
  const tallies = folded(price([1, 2, 3], 11), embedding('s2'));
  expect(countsOf(tallies, 0).reduce((sum, one) => sum + one)).toBe(0);
  expect(tallies.candidate.summary.outputs.size).toBe(0);
  expect(countsOf(tallies, 1)).toEqual(bins(10, {}));
  expect(countsOf(folded(embedding('s1')), 1)).toEqual(bins(10, { 0: 5, 9: 2 }));
});

test('counts and texts have their bins, odd and empty ones their rates, and ends are classes', () => {
  const counted = { detections: bins(10, { 3: 4 }), lengths: bins(13, { 0: 1, 8: 9 }), ends: { stop: 9, length: 1 } };
  const tallies = folded({ ...price([1, Number.NaN]), ...counted });
  expect(countsOf(tallies, 2)).toEqual(counted.detections);
  expect(countsOf(tallies, 3)).toEqual(counted.lengths);
  const { measures, summary } = tallies.candidate;
  const { whole } = plainRow(tallies.candidate, 'd')!;
  expect(whole[measures.indexOf('odd')]).toMatchObject({ bad: 1, trials: 2 });
  expect(whole[measures.indexOf('empty')]).toMatchObject({ bad: 1, trials: 10 });
  expect(Object.fromEntries(summary.classes)).toEqual({ stop: 9, length: 1 });
});

test('a report that only tells of texts counts as well, and one without outputs counts nowhere', () => {
  const idle = makeInterval({ inferences: 0, outputs: { lengths: bins(13, { 4: 2 }) } });
  expect(foldReport(spec, makeReport('d', [idle]), 0)[0]?.histograms[3]).toEqual(bins(13, { 4: 2 }));
  const tallies = folded({});
  for (const place of [0, 1, 2, 3]) expect(countsOf(tallies, place).every((one) => one === 0)).toBe(true);
});

test('the values of an arm add up over devices and shards, and are read from the store as they were written', () => {
  const [all, first, second] = [folded(price(PAST), price([7])), folded(price(PAST)), folded(price([7]))];
  mergeWindowTallies(first, second);
  const { summary } = all.candidate;
  expect(first.candidate.summary.outputs).toEqual(summary.outputs);
  expect(decodeSummary(encodeSummary(summary)).outputs).toEqual(summary.outputs);
  expect(summary.outputs.get('price')?.plus.size).toBeGreaterThan(10);
  const stable = makeReport('s', [makeInterval({ arm: 'stable', digest: STABLE, outputs: price([7]) })]);
  for (const one of foldReport(spec, stable, 0)) applyFold(all, one);
  expect(all.stable.summary.outputs.get('price')).toEqual(sketchOf([7], 10));
});
