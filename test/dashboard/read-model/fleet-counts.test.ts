// Laws of the fleet in numbers: a device counts as declared only where something is declared for it, and lies of some move no number of what rollouts name.
import { expect, test } from 'vitest';
import { digestOf } from '../../../src/contract/digest.ts';
import { countFleet, fleetSummary } from '../../../src/dashboard/read-model/fleet-counts.ts';
import type { FleetList } from '../../../src/dashboard/read-model/fleet-index.ts';
import { modelVersions, type RolesOfModel } from '../../../src/dashboard/read-model/models-in-field.ts';
import type { DeviceState } from '../../../src/dashboard/read-model/types.generated.ts';

/** A list of devices in these states; `null` reports without an agent. */
function listOf(devices: readonly (readonly [record: object | null, state: DeviceState])[]): FleetList {
  const indexed = devices.map(([record]) => ({ record }));
  return { version: 1, devices: indexed as never, states: devices.map(([, state]) => state), silentBefore: 5 };
}

test('the share is of enrolled devices with something declared, in the states that lists show', async () => {
  const heard = { models: new Map(), lastSeenListenedMs: 9 };
  const counts = await countFleet(
    listOf([
      ...([
        [heard, 'as-declared'],
        [heard, 'as-declared'],
        [heard, 'changing'],
        [heard, 'not-managed'],
      ] as const),
      ...([
        [{ ...heard, lastSeenListenedMs: 1 }, 'silent'],
        [heard, 'denied'],
        [null, 'not-managed'],
      ] as const),
    ]),
    new Map(),
  );
  expect(counts).toMatchObject({ enrolled: 6, heard: 5 });
  const { share, asDeclared, states } = fleetSummary(counts);
  expect({ share, asDeclared }).toEqual({ share: 2 / 4, asDeclared: 2 });
  expect(Object.fromEntries(states.map(({ state, count }) => [state, count]))).toEqual({
    ...{ 'as-declared': 2, changing: 1, 'not-managed': 1 },
    ...{ silent: 1, denied: 1 },
  });
});

test('nothing is counted where there are no devices, and no share is made of nothing', async () => {
  expect(fleetSummary(await countFleet(listOf([]), new Map()))).toMatchObject({ enrolled: 0, states: [], share: null });
});

const STABLE = digestOf('stable');

function device(models: readonly (readonly [model: string, digest: string])[]) {
  const states = models.map(([model, digest]) => [
    model,
    { model, rollout: null, running: { digest, version: '1.0.0' }, subject: null, state: 'active' },
  ]);
  return { models: new Map(states as never), properties: {}, lastSeenListenedMs: 0 };
}

test('devices that make up models and versions hide none that a rollout names', async () => {
  const models = Array.from({ length: 8 }, (_, i) =>
    device(Array.from({ length: 256 }, (_, j) => [`a${i}-${j}`, STABLE])),
  );
  const versions = Array.from({ length: 300 }, (_, i) => device([['ocr', digestOf(`made up ${i}`)]]));
  const honest = Array.from({ length: 50 }, () => device([['ocr', STABLE]]));
  const devices = [...models, ...versions, ...honest];
  const ofOcr: RolesOfModel = new Map([[STABLE, { role: 'stable', version: '1.0.0' }]]);
  const roles = new Map([['ocr', ofOcr]]);
  const counts = await countFleet(listOf(devices.map((one) => [one, 'as-declared'])), roles);
  expect(counts.models.get('ocr')?.get(STABLE)?.running).toBe(50);
  expect(counts.models.size).toBeLessThanOrEqual(1_002);
  const shown = modelVersions(counts, roles).find(({ model }) => model === 'ocr');
  expect(shown?.versions[0]).toMatchObject({ role: 'stable', devices: 50 });
});
