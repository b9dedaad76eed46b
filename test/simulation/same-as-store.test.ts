// The rehearsal's memory counts as the service's real store does: the same reports, repeated and out of order, give the same sums.
import { expect, test, vi } from 'vitest';
import type { VerifiedReport } from '../../src/contract/fleet-messages.ts';
import { VirtualStore } from '../../src/simulation/virtual-store.ts';
import type { WindowSpec } from '../../src/telemetry/window.ts';
import { enrolled, folder, openStore } from '../store/reports.ts';
import { settled } from '../telemetry/plain-tallies.ts';
import { rehearsed } from './rehearsed.ts';

type Happened = { readonly opened: WindowSpec; readonly atMs: number } | { readonly heard: VerifiedReport };

test('a rehearsed history, replayed into SQLite, leaves the same windows and the same devices', async () => {
  const happened: Happened[] = [];
  const stores = new Set<VirtualStore>();
  const { ingest, openWindow } = VirtualStore.prototype;
  const spies = [
    vi.spyOn(VirtualStore.prototype, 'ingest').mockImplementation(function (this: VirtualStore, report, receivedAtMs) {
      stores.add(this);
      happened.push({ heard: { report, receivedAtMs } });
      return ingest.call(this, report, receivedAtMs);
    }),
    vi.spyOn(VirtualStore.prototype, 'openWindow').mockImplementation(function (this: VirtualStore, opened, atMs) {
      happened.push({ opened, atMs });
      return openWindow.call(this, opened, atMs);
    }),
  ];
  await rehearsed('reports-reordered', { devices: 40, hours: 1 });
  for (const spy of spies) spy.mockRestore();
  const [virtual] = [...stores];

  using place = folder();
  await using real = openStore(place.file);
  const epochs = new Map<string, number>();
  for (const { id } of virtual!.devices()) epochs.set(id, await enrolled(real, id));
  const revisions: number[] = [];
  let batch: VerifiedReport[] = [];
  for (const one of happened) {
    if ('heard' in one) {
      const { report, receivedAtMs } = one.heard;
      batch.push({ report: { ...report, epoch: epochs.get(report.device)! }, receivedAtMs });
      continue;
    }
    await real.ingest(batch);
    batch = [];
    await real.openWindow(one.opened, one.atMs);
    revisions.push(one.opened.openedRevision);
  }
  await real.ingest(batch);

  expect(revisions.length).toBeGreaterThanOrEqual(3);
  for (const revision of revisions) {
    const [mine, theirs] = [
      await virtual!.readWindow('rehearsal', revision),
      await real.readWindow('rehearsal', revision),
    ];
    expect(settled(mine!.tallies)).toEqual(settled(theirs!.tallies));
    expect(theirs?.tallies.stable.names.length).toBeGreaterThan(10);
  }
  const { devices } = await real.readFleet();
  for (const device of virtual!.devices()) {
    const { models, outcomes, tookCandidate, labels } = devices.get(device.id)!;
    expect({
      models: device.models,
      outcomes: device.outcomes,
      tookCandidate: device.tookCandidate,
      labels: device.labels,
    }).toEqual({
      ...{ models, outcomes, tookCandidate, labels },
    });
  }
});
