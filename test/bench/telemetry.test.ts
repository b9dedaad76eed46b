// Owns the proof that the benchmarks of folding and judging measure what they say, at the smallest size; times are never tested.
import { expect, test } from 'vitest';
import { measureFolding } from '../../bench/folding.ts';
import { measureReading, measureVerdicts } from '../../bench/judging.ts';

const positive = (lines: readonly { readonly ours: { readonly median: number } }[]) =>
  expect(lines.every(({ ours }) => ours.median > 0)).toBe(true);

test('folding counts every report of every device in a row of its arm', async () => {
  const lines = await measureFolding({ rollouts: 2, devices: 400, runs: 2 });
  positive(lines);
  expect(lines.find(({ what }) => what.includes('rows in all'))?.ours.median).toBe(400);
});

test('judging measures a verdict that passes and one that fails', async () => {
  const lines = await measureVerdicts(60, 1);
  positive(lines);
  expect(lines.map(({ what }) => what.split(': ')[1])).toEqual([
    ...['pass', 'undecided', 'fail', 'pass', 'fail'],
    // With the devices' own past.
    ...['pass', 'fail'],
  ]);
});

test('reading is measured on a store that holds reports', async () => {
  positive(await measureReading(20, 1));
});
