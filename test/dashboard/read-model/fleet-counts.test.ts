// Laws of the fleet in numbers: a device counts as declared only where something is declared for it, and lies of some move no number of what rollouts name.
import { expect, test } from 'vitest';
import { digestOf } from '../../../src/contract/digest.ts';
import { countFleet, fleetSummary, NO_DEVICES } from '../../../src/dashboard/read-model/fleet-counts.ts';
import { modelVersions, type RolesOfModel } from '../../../src/dashboard/read-model/models-in-field.ts';
import type { KnownFleet } from '../../../src/measurement/known-fleet.ts';

const told = (off: number) => {
  const states = new Map([['as-declared', 3]] as const);
  const { asDeclared, share, states: counts } = fleetSummary({ ...NO_DEVICES, enrolled: 3, states, idle: 2 }, off);
  return { asDeclared, share, counts: Object.fromEntries(counts.map(({ state, count }) => [state, count])) };
};

test('devices that run nothing, as no version is stable yet, are not managed', () => {
  expect(told(0)).toEqual({ asDeclared: 1, share: 1, counts: { 'as-declared': 1, 'not-managed': 2 } });
});

test('devices that have not begun to take what is declared are changing', () => {
  expect(told(2)).toEqual({ asDeclared: 1, share: 1 / 3, counts: { 'as-declared': 1, changing: 2 } });
  expect(told(1)).toEqual({ asDeclared: 1, share: 1 / 2, counts: { 'as-declared': 1, changing: 1, 'not-managed': 1 } });
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
  const fleet = { devices, contradicting: [], denied: 0 } as unknown as KnownFleet;
  const ofOcr: RolesOfModel = new Map([[STABLE, { role: 'stable', version: '1.0.0' }]]);
  const roles = new Map([['ocr', ofOcr]]);
  const counts = await countFleet(fleet, { listenedMs: 0, reportMs: 60_000 }, roles);
  expect(counts.models.get('ocr')?.get(STABLE)?.running).toBe(50);
  expect(counts.models.size).toBeLessThanOrEqual(1_002);
  const shown = modelVersions(counts, roles).find(({ model }) => model === 'ocr');
  expect(shown?.versions[0]).toMatchObject({ role: 'stable', devices: 50 });
});
