// A rollback that does not land in time is published without its commit: whatever kept it, over restarts, and no other step is.
import { describe, expect, test } from 'vitest';
import { EmergencyRollbacks } from '../../src/reconcile/emergency-rollbacks.ts';
import type { Plan } from '../../src/rollout/decide.ts';
import type { Transition } from '../../src/rollout/transition.ts';
import type { FleetStore } from '../../src/store/fleet-store.ts';
import { directiveAt } from '../distribution/publication-world.ts';
import { folder, openStore } from '../store/reports.ts';

const PUBLISHED = directiveAt(7);
const ROLLOUT = PUBLISHED.entries[0]!.rollout;
const AFTER_MS = 1000;

function stepOf(kind: Transition['kind'], becomes?: 'rolled-back' | 'held' | 'rejoined'): Transition {
  const groups = becomes === undefined ? {} : { groups: { becomes, names: ['hw:rev2'] } };
  return { kind, rollout: ROLLOUT, reason: 'too slow', next: { revision: 8 }, ...groups } as unknown as Transition;
}

const BACK = stepOf('roll-back');
const outlooksAt = (revision: number) => [{ rollout: ROLLOUT, revision }] as unknown as Plan['outlooks'];

/** What a process sees that has just started, at a time. */
async function cycleAt(
  store: FleetStore,
  nowMs: number,
  steps: readonly Transition[],
  revision = 7,
  emergencies = new EmergencyRollbacks(store, () => AFTER_MS),
) {
  await emergencies.note({ steps, outlooks: outlooksAt(revision), published: PUBLISHED, nowMs });
  return (await emergencies.apply(directiveAt(revision))).entries.some((entry) => entry.emergency);
}

async function withStore(story: (store: FleetStore) => Promise<void>): Promise<void> {
  using place = folder();
  await using store = openStore(place.file);
  await story(store);
}

describe('is published without its commit', () => {
  test.each([
    ['a rollback', BACK, true],
    ['a group that goes back alone', stepOf('except', 'rolled-back'), true],
    ['a group that is held', stepOf('except', 'held'), false],
    ['a group that goes along again', stepOf('except', 'rejoined'), false],
    ['an advance', stepOf('advance'), false],
  ])('%s: %o', async (_, step, isPublished) => {
    await withStore(async (store) => {
      expect(await cycleAt(store, 10_000, [step])).toBe(false);
      expect(await cycleAt(store, 10_999, [step])).toBe(false);
      expect(await cycleAt(store, 11_000, [step])).toBe(isPublished);
    });
  });
});

describe('the time of a rollback that does not land', () => {
  test('runs over restarts, and begins anew only once the rollback was not decided any more', async () => {
    await withStore(async (store) => {
      const process = new EmergencyRollbacks(store, () => AFTER_MS);
      await cycleAt(store, 10_000, [BACK]);
      await cycleAt(store, 10_800, [BACK], 7, process);
      await cycleAt(store, 10_900, [], 7, process);
      expect(await cycleAt(store, 11_000, [BACK])).toBe(false);
      expect(await cycleAt(store, 12_000, [BACK])).toBe(true);
    });
  });

  test('is not ended by a process that never decided it, until it is stale', async () => {
    await withStore(async (store) => {
      await cycleAt(store, 10_000, [BACK]);
      await cycleAt(store, 10_500, []);
      expect(await cycleAt(store, 11_000, [BACK])).toBe(true);
    });
    await withStore(async (store) => {
      await cycleAt(store, 10_000, [BACK]);
      await cycleAt(store, 21_000, []);
      expect(await cycleAt(store, 21_500, [BACK])).toBe(false);
    });
  });

  test('is not ended by a process that still sees an older revision', async () => {
    await withStore(async (store) => {
      await cycleAt(store, 10_000, [BACK]);
      await cycleAt(store, 10_500, [], 6);
      expect(await cycleAt(store, 11_000, [BACK])).toBe(true);
    });
  });

  test('goes on when the clock was put back', async () => {
    await withStore(async (store) => {
      await cycleAt(store, 50_000, [BACK]);
      expect(await cycleAt(store, 10_000, [BACK])).toBe(false);
      expect(await cycleAt(store, 11_000, [BACK])).toBe(true);
    });
  });
});

test('an emergency rollback holds until a higher revision is on the branch, whatever is decided meanwhile', async () => {
  await withStore(async (store) => {
    await cycleAt(store, 10_000, [BACK]);
    expect(await cycleAt(store, 11_000, [BACK])).toBe(true);
    expect(await cycleAt(store, 12_000, [])).toBe(true);
    expect(await cycleAt(store, 13_000, [], 8)).toBe(false);
    expect((await store.readEmergencyRollbacks()).size).toBe(0);
  });
});
