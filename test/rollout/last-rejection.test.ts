// Laws of what is shown after a rollback.
import { expect, it } from 'vitest';
import { digestOf } from '../../src/contract/digest.ts';
import { outlookCells } from '../../src/wording/plan-in-words.ts';
import { FalseWorld, version } from './false-world.ts';

const rejected = (world: FalseWorld) => world.decide().outlook.rejected;

it('a version that was rolled back is shown with its reason, though all is as declared, until another one starts', () => {
  const world = FalseWorld.rolling();
  expect(rejected(world)).toBeNull();
  world.measure('fail');
  const step = world.mustTake('roll-back');
  expect(world.spec.version).toBe('1.0.0');
  const { outlook } = world.decide();
  expect(outlook.waitingOn).toEqual([]);
  expect(outlook.rejected).toMatchObject({ version: '2.0.0', reason: step.reason });
  expect(outlookCells(outlook).verdict).toBe('rejected 2.0.0');
  world.versions.push(version('3.0.0'));
  world.spec.version = '3.0.0';
  world.mustTake('start');
  expect(rejected(world)).toBeNull();
  while (world.at.candidate !== null) world.pass();
  // It stays rejected; it only is no news any more.
  expect(world.at.rejected).toHaveLength(1);
  expect(rejected(world)).toBeNull();
});

it('a retry takes it off; the version then starts when it is desired again, not before', () => {
  const world = FalseWorld.rolling();
  world.measure('fail');
  world.mustTake('roll-back');
  world.ask({ act: 'retry', digest: digestOf('2.0.0'), by: 'alice' });
  world.mustTake('answer');
  expect(rejected(world)).toBeNull();
  expect(world.take()).toBeNull();
  world.spec.version = '2.0.0';
  expect(world.mustTake('start').subject).toMatchObject({ version: '2.0.0', attempt: 2 });
});
