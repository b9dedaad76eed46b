// Laws of the sums in the store: the same as folded in memory, whatever happens on the way.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { DeviceReport } from '../../src/contract/report.ts';
import { type FoldedInterval, foldReport } from '../../src/telemetry/fold-report.ts';
import { applyFold, emptyWindowTallies } from '../../src/telemetry/window-tallies.ts';
import { type Arrival, anyArrivals, LABELS_OF, makeSpec } from '../telemetry/false-reports.ts';
import { settled } from '../telemetry/plain-tallies.ts';
import { enrolled, NOW, openPublished } from './reports.ts';
import { STORES } from './stores.ts';

const spec = makeSpec();
const DEVICES = ['a', 'b', 'c', 'd'];

/** A device that did not switch tells one story in a report, or none that counts. */
function countedOf(report: DeviceReport, receivedAtMs: number): readonly FoldedInterval[] {
  const folded = foldReport(spec, report, receivedAtMs);
  return folded.length > 1 ? [] : folded;
}

interface Send {
  /** Which of the reports. */
  readonly place: number;
  /** Together with the next, in one transaction. */
  readonly isGrouped: boolean;
  readonly isReadAfter: boolean;
}

/** Reports numbered as devices number them, and each sent one to three times in any order. */
const anyHistory = anyArrivals
  .map((arrivals) => arrivals.map((one, i): Arrival => ({ ...one, report: { ...one.report, sequence: i + 1 } })))
  .chain((arrivals) => {
    const places = [...arrivals.keys()].flatMap((place) => [place, place, place]);
    const sends = fc
      .shuffledSubarray(places, { minLength: 0, maxLength: places.length })
      .chain((order) =>
        fc.tuple(
          ...[...arrivals.keys(), ...order].map((place) =>
            fc.record({ place: fc.constant(place), isGrouped: fc.boolean(), isReadAfter: fc.boolean() }),
          ),
        ),
      )
      .map((all): Send[] => all);
    return fc.record({ arrivals: fc.constant(arrivals), sends });
  });

describe.each(STORES)('the sums, in $name', ({ makePlace }) => {
  test('each report counts exactly once in every sum of its arm, whatever the order, repetition, grouping and readings between', async () => {
    await fc.assert(
      fc.asyncProperty(anyHistory, async ({ arrivals, sends }) => {
        using place = makePlace();
        await using store = place.open();
        await using other = place.open();
        const epochs = new Map<string, number>();
        for (const device of DEVICES) epochs.set(device, await enrolled(store, device, 'key', LABELS_OF[device]));
        await openPublished(store, spec, NOW);
        let group: Arrival[] = [];
        for (const { place: at, isGrouped, isReadAfter } of sends) {
          const { report, receivedAtMs } = arrivals[at]!;
          group.push({ report: { ...report, epoch: epochs.get(report.device)! }, receivedAtMs });
          if (isGrouped) continue;
          await store.ingest(group);
          group = [];
          if (isReadAfter) await store.readWindow('eu', 7);
        }
        await store.ingest(group);
        const folded = emptyWindowTallies(spec);
        for (const { report, receivedAtMs } of arrivals) {
          for (const one of countedOf(report, receivedAtMs)) applyFold(folded, one);
        }
        const [read, afresh] = [await store.readWindow('eu', 7), await other.readWindow('eu', 7)];
        expect(settled(read!.tallies)).toEqual(settled(folded));
        expect(settled(afresh!.tallies)).toEqual(settled(folded));
      }),
      { numRuns: 40 },
    );
  });

  test('a reading is brought up to what another process wrote', async () => {
    using place = makePlace();
    await using reader = place.open();
    await using writer = place.open();
    const epoch = await enrolled(writer, 'a', 'key', LABELS_OF.a);
    await openPublished(writer, spec, NOW);
    const sample = fc.sample(anyArrivals, { numRuns: 30, seed: 1 }).flat();
    const folded = emptyWindowTallies(spec);
    for (const [i, { report, receivedAtMs }] of sample.slice(0, 60).entries()) {
      const sent = { ...report, device: 'a', labels: LABELS_OF.a ?? {}, epoch, sequence: i + 1 };
      await writer.ingest([{ report: sent, receivedAtMs }]);
      for (const one of countedOf(sent, receivedAtMs)) applyFold(folded, one);
      if (i % 7 === 0) expect(settled((await reader.readWindow('eu', 7))!.tallies)).toEqual(settled(folded));
    }
  });
});
