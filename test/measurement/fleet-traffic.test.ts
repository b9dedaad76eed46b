// What plans know of a fleet: its devices and their traffic, together and in the groups that its policy makes.
import { expect, test } from 'vitest';
import { readTraffic } from '../../src/measurement/fleet-traffic.ts';
import { openedWindowName } from '../../src/measurement/window-measurement.ts';
import { enrolled, folder, interval, NOW, openPublished, openStore, report, spec } from '../store/reports.ts';

const MINUTE = 60_000;

test('groups are those of the open window, each with its own traffic once there was time to hear it', async () => {
  using place = folder();
  await using store = openStore(place.file, { heartbeatMs: MINUTE });
  const devices = [
    { id: 'd1', labels: { hw: 'rev1' }, properties: {} },
    { id: 'd2', labels: { hw: 'rev1' }, properties: {} },
    { id: 'd3', labels: { hw: 'rev2' }, properties: {} },
    { id: 'd4', labels: {}, properties: {} },
  ];
  const { rollout } = spec();
  expect(await readTraffic(store, rollout, devices)).toEqual({ devices: 4, perMinute: null, groups: [] });
  await store.recordListening(NOW);
  const epochs = await Promise.all(devices.map(({ id, labels }) => enrolled(store, id, 'key', labels)));
  await openPublished(store, spec({ groups: [{ by: 'hw', values: ['rev1', 'rev2', 'rev9'] }] }), NOW);
  await store.putValue(openedWindowName(rollout), spec().openedRevision);
  const told = devices.map(({ id, labels }, i) => {
    const intervals = [interval({ inferences: 60 * (i + 1) })];
    return { report: report({ device: id, epoch: epochs[i] ?? 0, intervals, labels }), receivedAtMs: NOW };
  });
  await store.ingest(told);
  const groupsOf = async () => (await readTraffic(store, rollout, devices)).groups[0]?.groups;
  expect(await groupsOf()).toContainEqual({ value: 'rev1', devices: 2, perMinute: null });
  await store.recordListening(NOW + MINUTE);
  await store.recordListening(NOW + 2 * MINUTE);
  const { perMinute, groups } = await readTraffic(store, rollout, devices);
  expect(perMinute).toBeCloseTo((60 + 120 + 180 + 240) / 2 / 4, 6);
  expect(groups).toEqual([
    {
      by: 'hw',
      groups: [
        { value: 'rev1', devices: 2, perMinute: (60 + 120) / 2 / 2 },
        { value: 'rev2', devices: 1, perMinute: 180 / 2 },
        { value: 'rev9', devices: 0, perMinute: null },
        { value: '(others)', devices: 1, perMinute: 240 / 2 },
      ],
    },
  ]);
});
