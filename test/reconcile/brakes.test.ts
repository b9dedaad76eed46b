// What waits for its push when it takes a candidate away from devices is braked, whether from all of them or from some groups.
import { expect, test } from 'vitest';
import { Brakes } from '../../src/reconcile/brakes.ts';
import type { Transition } from '../../src/rollout/transition.ts';
import { directiveAt } from '../distribution/publication-world.ts';
import { folder, openStore } from '../store/reports.ts';

const PUBLISHED = directiveAt(7);
const ROLLOUT = PUBLISHED.entries[0]!.rollout;

function stepOf(kind: Transition['kind'], becomes?: 'rolled-back' | 'held' | 'rejoined'): Transition {
  const groups = becomes === undefined ? {} : { groups: { becomes, names: ['hw:rev2'] } };
  return { kind, rollout: ROLLOUT, reason: 'too slow', ...groups } as unknown as Transition;
}

async function isBrakedAfter(step: Transition): Promise<boolean> {
  using place = folder();
  await using store = openStore(place.file);
  const brakes = new Brakes(store, 1000);
  await brakes.noteUnpushed([step], PUBLISHED, 10_000);
  await brakes.noteUnpushed([step], PUBLISHED, 11_000);
  return (await brakes.apply(PUBLISHED)).entries.some((entry) => entry.brake);
}

test.each([
  ['a rollback', stepOf('roll-back'), true],
  ['a group that goes back alone', stepOf('except', 'rolled-back'), true],
  ['a group that is held', stepOf('except', 'held'), false],
  ['a group that goes along again', stepOf('except', 'rejoined'), false],
  ['an advance', stepOf('advance'), false],
])('%s', async (_, step, isBraked) => {
  expect(await isBrakedAfter(step)).toBe(isBraked);
});
