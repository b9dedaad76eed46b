// Laws of gauges in the store: they outlive a restart, add up over transactions, and go with their window.
import { expect, it } from 'vitest';
import type { SqliteFleetStore } from '../../src/store/sqlite-fleet-store.ts';
import { enrolled, folder, interval, NOW, openStore, report, spec } from './reports.ts';

const SPEC = spec({ gauges: [{ gauge: 'cpu', limit: 0.85, bad: 'above' }], events: ['complaint'] });

function busy(sequence: number, epoch: number) {
  const startedAt = new Date(NOW + (sequence - 1) * 60_000).toISOString();
  const cpu = { min: 0.9, mean: 0.9, max: 0.9, samples: 12 };
  return report({ sequence, epoch, startedAt, gauges: { cpu }, intervals: [interval({ userReports: 1 })] });
}

it('a device that is beyond its limit over a restart of the service has been so all the time', async () => {
  using place = folder();
  const tell = async (sequences: readonly number[], store: SqliteFleetStore, epoch: number) => {
    for (const sequence of sequences)
      await store.ingest([{ report: busy(sequence, epoch), receivedAtMs: NOW + sequence * 60_000 }]);
  };
  const first = openStore(place.file);
  const epoch = await enrolled(first, 'd1');
  await first.openWindow(SPEC, NOW);
  await tell([1, 2], first, epoch);
  expect(
    (await first.readWindow('invoice-ocr-eu', 5))?.tallies.candidate.gauges.devices.get('d1')?.[0]?.longestMs,
  ).toBe(120_000);
  await tell([3], first, epoch);
  await first.close();
  const second = openStore(place.file);
  await tell([3, 4, 5], second, epoch);
  const reading = await second.readWindow('invoice-ocr-eu', 5);
  expect(reading?.tallies.candidate.gauges.devices.get('d1')?.[0]).toMatchObject({ longestMs: 300_000, reports: 5 });
  expect(reading?.tallies.candidate.summary.gauges.get('cpu')?.weight).toBe(60);
  expect(reading?.tallies.candidate.measures).toContain('complaint');
  await second.close();
});
