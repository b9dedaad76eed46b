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

test('judging measures verdicts of every kind by the rules of the careful policy', async () => {
  const lines = await measureVerdicts(60, 1);
  positive(lines);
  expect(lines.map(({ what }) => what.split(': ').at(-1))).toEqual([
    // Healthy, with an own past too; errors at the limit and over it; less sure, with an own past too.
    ...['pass', 'pass', 'undecided', 'fail', 'fail', 'fail'],
    // Devices without the file, in time and too late; one that claims too much; the first rollout.
    ...['undecided', 'fail', 'pass', 'pass'],
  ]);
});

test('reading is measured on a store that holds reports', async () => {
  positive(await measureReading(20, 1));
});
