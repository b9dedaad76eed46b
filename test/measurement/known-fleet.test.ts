// Whom decisions count: enrolled devices that the fleet documents neither turn away nor contradict.
import { expect, test } from 'vitest';
import { KnownFleets } from '../../src/measurement/known-fleet.ts';
import { openMemoryFleetStore } from '../../src/store/memory/open-memory-fleet-store.ts';
import { enrolled, NOW, report } from '../store/reports.ts';

test('denied devices, and those that contradict their labels, are in no target; the latter are shown', async () => {
  await using store = openMemoryFleetStore();
  const devices = ['plain', 'denied', 'contradicts'];
  const labels = { region: 'eu-west' };
  const metadata = { name: 'all' };
  const spec = { deny: ['denied'], devices: devices.map((id) => ({ id, labels })) };
  const group = { apiVersion: 'slipway.dev/v1alpha1', kind: 'DeviceGroup', metadata, spec } as const;
  const documents = {
    groups: new Map([['fleet/all.yaml', { kind: 'group' as const, group, oid: 'one' }]]),
    ...{ admitsListedOnly: false, settingsFrom: null },
  };
  await store.bindLabels(new Map(devices.map((id) => [id, { ...labels, groups: 'all' }])));
  for (const device of devices) {
    const epoch = await enrolled(store, device, 'key', labels);
    const stated = device === 'contradicts' ? { region: 'us-east' } : labels;
    await store.ingest([{ report: report({ device, epoch, labels: stated, intervals: [] }), receivedAtMs: NOW }]);
  }
  const fleet = new KnownFleets().of(await store.readFleet(), documents);
  expect(fleet.devices.map(({ id }) => id)).toEqual(['plain']);
  expect(fleet.matching('*')).toEqual(['plain']);
  expect(fleet.contradicting).toEqual([{ device: 'contradicts', what: expect.stringContaining('region:us-east') }]);
});

test('devices with an older agent than declared are counted by what they report, newer ones and those that say none are not', async () => {
  await using store = openMemoryFleetStore();
  const agents = { old: '0.9.1', same: '0.10.0', newer: '0.11.0-rc1', silent: undefined };
  for (const [device, agent] of Object.entries(agents)) {
    const epoch = await enrolled(store, device);
    const properties = agent === undefined ? {} : { agent };
    await store.ingest([{ report: report({ device, epoch, properties, intervals: [] }), receivedAtMs: NOW }]);
  }
  const documents = { groups: new Map(), admitsListedOnly: false, settingsFrom: null };
  const fleets = new KnownFleets();
  expect(fleets.of(await store.readFleet(), documents).outdated).toEqual({ count: 0, first: [] });
  const declaring = { ...documents, agentVersion: '0.10.0', settingsFrom: 'another' };
  expect(fleets.of(await store.readFleet(), declaring).outdated).toEqual({
    count: 1,
    first: [{ device: 'old', what: 'agent 0.9.1 is older than the declared 0.10.0' }],
  });
});
