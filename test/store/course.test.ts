// Laws of a stage's course in the store: it adds up over transactions and restarts, and has a bound.
import { describe, expect, it } from 'vitest';
import type { FleetStore } from '../../src/store/fleet-store.ts';
import { COURSE_WIDTH, courseGroup } from '../../src/telemetry/course-sums.ts';
import { enrolled, NOW, openPublished, report, spec } from './reports.ts';
import { STORES } from './stores.ts';

const SPEC = spec({ histograms: [{ kind: 'confidence' }], course: { slotMs: 120_000, slots: 3 } });

async function slotsOf(store: FleetStore): Promise<readonly (readonly [number, readonly number[]])[]> {
  const from = courseGroup('d1') * COURSE_WIDTH;
  const { slots } = (await store.readWindow('invoice-ocr-eu', 5))!.tallies.candidate.course;
  return [...slots].map(([slot, sums]) => [slot, [...sums.subarray(from, from + COURSE_WIDTH)]] as const);
}

describe.each(STORES)('the course, in $name', ({ makePlace }) => {
  it('adds the reports of a slot up, and keeps none after the last slot', async () => {
    using place = makePlace();
    const first = place.open();
    const epoch = await enrolled(first, 'd1');
    await openPublished(first, SPEC, NOW);
    const tell = (store: FleetStore, minute: number) =>
      store.ingest([{ report: report({ epoch, sequence: minute + 1 }), receivedAtMs: NOW + minute * 60_000 }]);
    for (const minute of [0, 1]) await tell(first, minute);
    // Nine answers in the last of ten bins.
    const one = [1, 9, 9 * 19, 81, 81 * 19, 81 * 361];
    const both = one.map((number) => 2 * number);
    expect(await slotsOf(first)).toEqual([[0, both]]);
    await first.close();
    await using second = place.open();
    for (const minute of [2, 3, 4, 6, 7]) await tell(second, minute);
    expect(await slotsOf(second)).toEqual([
      [0, both],
      [1, both],
      [2, one],
    ]);
  });
});
