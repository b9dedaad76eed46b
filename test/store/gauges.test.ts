// Laws of gauges in the store: they outlive a restart, add up over transactions, and go with their window.
import { describe, expect, it } from 'vitest';
import type { FleetStore } from '../../src/store/fleet-store.ts';
import { hashRow } from '../../src/telemetry/groups.ts';
import { enrolled, interval, NOW, openPublished, report, spec } from './reports.ts';
import { STORES } from './stores.ts';

const SPEC = spec({ gauges: [{ gauge: 'cpu', limit: 0.85, bad: 'above' }], events: ['complaint'] });

function busy(sequence: number, epoch: number) {
  const startedAt = new Date(NOW + (sequence - 1) * 60_000).toISOString();
  const cpu = { min: 0.9, mean: 0.9, max: 0.9, samples: 12 };
  return report({ sequence, epoch, startedAt, gauges: { cpu }, intervals: [interval({ userReports: 1 })] });
}

describe.each(STORES)('gauges, in $name', ({ makePlace }) => {
  it('a device that is beyond its limit over a restart of the service has been so all the time', async () => {
    using place = makePlace();
    const tell = async (sequences: readonly number[], store: FleetStore, epoch: number) => {
      for (const sequence of sequences)
        await store.ingest([{ report: busy(sequence, epoch), receivedAtMs: NOW + sequence * 60_000 }]);
    };
    const first = place.open();
    const epoch = await enrolled(first, 'd1');
    await openPublished(first, SPEC, NOW);
    await tell([1, 2], first, epoch);
    expect(
      (await first.readWindow('invoice-ocr-eu', 5))?.tallies.candidate.gauges.devices.get('d1')?.[0]?.longestMs,
    ).toBe(120_000);
    await tell([3], first, epoch);
    await first.close();
    const second = place.open();
    await tell([3, 4, 5], second, epoch);
    const reading = await second.readWindow('invoice-ocr-eu', 5);
    expect(reading?.tallies.candidate.gauges.devices.get('d1')?.[0]).toMatchObject({ longestMs: 300_000, reports: 5 });
    expect(reading?.tallies.candidate.summary.gauges.get('cpu')?.weight).toBe(60);
    expect(reading?.tallies.candidate.measures).toContain('complaint');
    await second.close();
  });

  it('of many devices one of each hash group is kept, whoever reported first', async () => {
    const gauges = [{ gauge: 'cpu', limit: null, bad: 'above' as const }];
    const many = { ...SPEC, gauges, rows: { candidate: 'group' as const, stable: 'group' as const } };
    // Two devices that share a group.
    const byRow = new Map<string, string>();
    let pair: readonly string[] = [];
    for (let i = 0; pair.length === 0; i++) {
      const other = byRow.get(hashRow(`d${i}`, 4096));
      if (other !== undefined) pair = [other, `d${i}`];
      byRow.set(hashRow(`d${i}`, 4096), `d${i}`);
    }
    const kept: string[] = [];
    for (const order of [pair, [...pair].reverse()]) {
      using place = makePlace();
      const store = place.open();
      const epochs = new Map<string, number>();
      for (const device of order) epochs.set(device, await enrolled(store, device));
      await openPublished(store, many, NOW);
      for (const [device, epoch] of epochs) {
        for (const sequence of [1, 2]) {
          await store.ingest([{ report: { ...busy(sequence, epoch), device }, receivedAtMs: NOW + sequence * 60_000 }]);
          await store.readWindow('invoice-ocr-eu', 5);
        }
      }
      await store.close();
      await using again = place.open();
      const { devices } = (await again.readWindow('invoice-ocr-eu', 5))?.tallies.candidate.gauges ?? {
        devices: new Map(),
      };
      expect([...devices.values()].map(([state]) => state?.reports)).toEqual([2]);
      kept.push(...devices.keys());
    }
    expect(kept[0]).toBe(kept[1]);
  });
});
