// Two rollouts of one model never pull a device to and fro: the newcomer waits, and what both have is an alert.
import { expect, test } from 'vitest';
import { rolloutPath } from '../../src/simulation/virtual-manifests.ts';
import { LoopWorld, ROLLOUT } from './loop-world.ts';

test('a newcomer whose target takes in devices of another rollout stalls, with both places, until the targets exclude each other', async () => {
  const world = await LoopWorld.stable({ files: LoopWorld.file('newcomer', '2.0.0') });
  expect(world.stalls('newcomer')).toEqual(['ROLLOUT_TARGETS_OVERLAP']);
  expect(world.outlook('newcomer')?.waitingOn).toMatchObject([
    {
      kind: 'needs-fix',
      fix: {
        ...{ kind: 'targets-overlap', rollout: ROLLOUT, devices: 12 },
        at: { file: rolloutPath('newcomer'), line: 8, column: 11 },
        other: { file: rolloutPath(ROLLOUT), line: 8, column: 11 },
      },
    },
  ]);
  expect(world.entry('newcomer')).toBeUndefined();
  // The other one goes on as if nothing were.
  await world.edit({ version: '2.0.0' });
  await world.untilRolling();
  await world.push(LoopWorld.file('newcomer', '2.0.0', 'region:nowhere'));
  await world.tick();
  expect(world.stalls('newcomer')).toEqual([]);
});

test('of two newcomers that want the same devices one starts', async () => {
  const world = await LoopWorld.stable();
  await world.push({ [rolloutPath(ROLLOUT)]: null });
  await world.tick();
  await world.push({ ...LoopWorld.file('one', '1.0.0'), ...LoopWorld.file('two', '2.0.0') });
  await world.tick();
  expect(world.entry('one')?.candidate?.version).toBe('1.0.0');
  expect(world.entry('two')).toBeUndefined();
  expect(world.stalls('two')).toEqual(['ROLLOUT_TARGETS_OVERLAP']);
});
