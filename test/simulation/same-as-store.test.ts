// The rehearsal's memory counts as the service's real store does: the same reports, repeated and out of order, give the same sums.
import { expect, test, vi } from 'vitest';
import type { VerifiedReport } from '../../src/contract/fleet-messages.ts';
import type { DeviceRecord } from '../../src/store/device-register.ts';
import { enrolled, folder, openStore } from '../store/reports.ts';
import { settled } from '../telemetry/plain-tallies.ts';
import { watchedRehearsal } from './watched-store.ts';

vi.mock('../../src/store/memory/open-memory-fleet-store.ts', { spy: true });

/** Without listening time, of which the real store has had none. */
function remembered({ models, outcomes, labels, tookCandidate, heard }: DeviceRecord) {
  const taken = [...tookCandidate].map(([rollout, list]) => [
    rollout,
    list.map(({ digest, attempt, firstSeenAtMs }) => ({ digest, attempt, firstSeenAtMs })),
  ]);
  const revisions = [...heard].map(([rollout, list]) => [rollout, list.map(({ revision }) => revision)]);
  return { models, outcomes, labels, taken, revisions };
}

test('a rehearsed history, replayed into SQLite, leaves the same windows and the same devices', async () => {
  const { store, happened } = await watchedRehearsal('reports-reordered', { devices: 40, hours: 1 });
  const mine = (await store.readFleet()).devices;

  using place = folder();
  await using real = openStore(place.file);
  const epochs = new Map<string, number>();
  for (const [id, { labels }] of mine) epochs.set(id, await enrolled(real, id, 'key', labels));
  const revisions: number[] = [];
  let batch: VerifiedReport[] = [];
  for (const one of happened) {
    if ('report' in one) {
      const { report, receivedAtMs } = one;
      batch.push({ report: { ...report, epoch: epochs.get(report.device)! }, receivedAtMs });
      continue;
    }
    await real.ingest(batch);
    batch = [];
    if ('kept' in one) {
      await real.keepEntries(one.kept);
      continue;
    }
    await real.openWindow(one.opened, one.atMs);
    revisions.push(one.opened.openedRevision);
  }
  await real.ingest(batch);

  expect(revisions.length).toBeGreaterThanOrEqual(3);
  for (const revision of revisions) {
    const [ours, theirs] = [
      await store.readWindow('rehearsal', revision),
      await real.readWindow('rehearsal', revision),
    ];
    expect(settled(ours!.tallies)).toEqual(settled(theirs!.tallies));
    expect(theirs?.tallies.stable.names.length).toBeGreaterThan(10);
  }
  const { devices } = await real.readFleet();
  for (const [id, device] of mine) {
    expect(remembered(device)).toEqual(remembered(devices.get(id)!));
  }
});
