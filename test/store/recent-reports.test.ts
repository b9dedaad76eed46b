// Laws of the recent past of a device: added up in steps, bounded, and the same after a restart.
import { describe, expect, it } from 'vitest';
import {
  addToRecent,
  appendStep,
  MOST_RECENT,
  RECENT_STEP_MS,
  type RecentStep,
  recentPoints,
} from '../../src/store/recent-reports.ts';
import { enrolled, interval, NOW, report } from './reports.ts';
import { STORES } from './stores.ts';

const START = Math.ceil(NOW / RECENT_STEP_MS) * RECENT_STEP_MS;
const GAUGES = { cpu: { min: 0.1, mean: 0.5, max: 0.9, samples: 3 } };

describe.each(STORES)('the recent past, in $name', ({ makePlace }) => {
  it('adds reports up in steps, and goes on after a restart', async () => {
    using place = makePlace();
    const store = place.open();
    const epoch = await enrolled(store, 'd1');
    const tell = (sequence: number, atMs: number) => ({
      report: report({ epoch, sequence, gauges: GAUGES, intervals: [interval()] }),
      receivedAtMs: atMs,
    });
    await store.ingest([tell(1, START), tell(2, START + 60_000)]);
    await store.close();
    await using again = place.open();
    await again.ingest([tell(3, START + 2 * RECENT_STEP_MS)]);
    const [first, second, ...more] = await again.readRecent('d1');
    expect(more).toEqual([]);
    expect(first).toMatchObject({ atMs: START, inferences: 20, errors: 2, unknown: 4, cpu: 0.5, disk: null });
    expect(first?.latencyP95Ms).toBeGreaterThan(0);
    expect(second).toMatchObject({ atMs: START + 2 * RECENT_STEP_MS, inferences: 10 });
    expect(await again.readRecent('nobody')).toEqual([]);
  });
});

it('the recent past keeps the newest steps, whatever comes', () => {
  let points: Uint8Array = new Uint8Array(0);
  let step: RecentStep = [];
  for (let i = 0; i < 200; i++) {
    const next = addToRecent(step, [1000 + i, 1, 0, 0, null, null, null, null, null]);
    if (next.ended !== null) points = appendStep(points, next.ended);
    step = next.step;
  }
  const read = recentPoints(points, step);
  expect(read).toHaveLength(MOST_RECENT);
  expect(read.at(-1)).toMatchObject({ atMs: 1199 * RECENT_STEP_MS, latencyP95Ms: null, cpu: null });
});
