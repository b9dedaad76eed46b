// Devices outside the cohort neither revert a good model nor pass a bad one, whatever they say and however many of them there are.
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { DirectiveEntry } from '../../src/contract/directive.ts';
import { rehearse } from '../../src/simulation/rehearsal.ts';
import type { Rehearsal } from '../../src/simulation/rehearsal-order.ts';
import { parsePolicy } from '../../src/simulation/scenario-policies.ts';
import { findScenario } from '../../src/simulation/scenarios.ts';
import * as memory from '../../src/store/memory/open-memory-fleet-store.ts';
import { openSqliteFleetStore } from '../../src/store/sqlite/open-sqlite-fleet-store.ts';
import { type Aim, Crowd, doorsOf, KINDS, TARGET } from './liars.ts';
import { ROLLOUT, World } from './world.ts';

vi.mock('../../src/store/memory/open-memory-fleet-store.ts', { spy: true });
vi.setConfig({ testTimeout: 600_000 });

// Those who enrol late are devices of the fleet from the next stage on: a tenth a stage is a sixth of the last, which their word may count in.
const POLICY = parsePolicy(
  'enemies.yaml',
  Buffer.from(`apiVersion: slipway.dev/v1alpha1
kind: RolloutPolicy
metadata: { name: enemies }
spec:
  appliesTo: { rollouts: ["*"] }
  stages:
    - name: canary
      size: 20%
      soak: 10m
      deadline: 90m
      onDeadline: hold
      rules: [error_rate < 3%, "latency_p95 < 1.5x baseline, floor 5ms", vanished_classes == 0, failed_devices < 20%]
    - { name: full, size: 100%, soak: 10m }
`),
);

interface Story {
  readonly devices: number;
  /** Liars, as a share of the fleet. */
  readonly share: number;
  readonly aim: Aim;
  readonly kinds?: typeof KINDS;
  readonly seed?: number;
}

interface Told extends Rehearsal {
  readonly lies: number;
}

const SCENARIOS = { revert: 'good', pass: 'missing-class' } as const;

async function tell({ devices, share, aim, kinds = KINDS, seed = 7 }: Story): Promise<Told> {
  const spied = vi.mocked(memory.openMemoryFleetStore);
  const open = spied.getMockImplementation() ?? memory.openMemoryFleetStore;
  let crowd: Crowd | undefined;
  spied.mockImplementationOnce((settings) => {
    const store = open(settings);
    const liars = new Crowd(store, { aim, kinds, count: Math.ceil(devices * share) });
    let newest: DirectiveEntry | undefined;
    let isEnrolled = share === 0;
    crowd = liars;
    return {
      ...store,
      keepEntries: async (entries) => {
        newest = entries[0];
        await store.keepEntries(entries);
      },
      recordListening: async (nowMs) => {
        if (!isEnrolled) await liars.enrol(nowMs);
        isEnrolled = true;
        if (newest !== undefined && share > 0) await liars.lie(newest, nowMs);
        return store.recordListening(nowMs);
      },
    };
  });
  const scenario = findScenario(SCENARIOS[aim]);
  const rehearsal = await rehearse({ policy: POLICY, scenario, devices, seed, hours: 4, target: TARGET });
  expect(rehearsal.breaches).toEqual([]);
  return { ...rehearsal, lies: crowd?.told ?? 0 };
}

function summaryOf({ outcome, stage, groupsApart }: Told) {
  return { outcome, stage, groupsApart };
}

const GOOD_END = { outcome: 'completed', stage: 'full-rest', groupsApart: [] };
const BAD_END = { outcome: 'reverted', stage: 'canary', groupsApart: [] };

afterEach(() => {
  vi.mocked(memory.openMemoryFleetStore).mockReset();
});

describe.each([50, 1_000])('in a fleet of %i', (devices) => {
  const shares = devices === 50 ? [0.02, 0.05, 0.1] : [0.01, 0.1];

  test.each(shares)('liars of all kinds, %f of the fleet, revert no good model', async (share) => {
    const told = await tell({ devices, share, aim: 'revert' });
    expect(told.lies).toBeGreaterThan(10);
    expect(summaryOf(told)).toEqual(GOOD_END);
  });

  test.each(shares)('liars of all kinds, %f of the fleet, pass no bad one', async (share) => {
    const told = await tell({ devices, share, aim: 'pass' });
    expect(told.lies).toBeGreaterThan(10);
    expect(summaryOf(told)).toEqual(BAD_END);
  });
});

describe.each(KINDS)('one in ten that $name', (kind) => {
  test('reverts no good model', async () => {
    expect(summaryOf(await tell({ devices: 50, share: 0.1, aim: 'revert', kinds: [kind] }))).toEqual(GOOD_END);
  });

  test('passes no bad one', async () => {
    expect(summaryOf(await tell({ devices: 50, share: 0.1, aim: 'pass', kinds: [kind] }))).toEqual(BAD_END);
  });
});

describe('a real service with real devices', () => {
  const SOUND = '2026.01.10';
  const BETTER = '2026.02.01';
  const FAILING = '2026.03.01';

  test('takes a good version out and a bad one back among liars of all kinds, and names them', async () => {
    await using world = await World.open({ devices: 6 });
    await using store = openSqliteFleetStore({ file: world.set.home.store, clock: world.clock });
    const among = async (aim: Aim, work: () => Promise<unknown>): Promise<void> => {
      // Those who enrol late become devices of the fleet, which a last stage waits for.
      const kinds = KINDS.filter((kind) => kind.isLate !== true);
      const crowd = new Crowd(doorsOf(world.service.url, store), { aim, kinds, count: kinds.length });
      await crowd.enrol(world.clock.now());
      const stop = new AbortController();
      const lying = (async () => {
        while (!stop.signal.aborted) {
          const entry = world.watch.entry(ROLLOUT);
          if (entry !== undefined) await crowd.lie(entry, world.clock.now());
          await world.clock.sleep(150, stop.signal);
        }
      })();
      await work();
      stop.abort();
      await lying;
      expect(crowd.told).toBeGreaterThan(kinds.length);
    };
    await world.release('sound', SOUND);
    await world.untilStable(SOUND);
    await among('revert', async () => {
      await world.release('better', BETTER);
      await world.untilStable(BETTER);
    });
    const alerts = (await world.view())?.service.alerts.map(({ kind }) => kind);
    expect(alerts).toContain('devices-claiming');
    await among('pass', async () => {
      await world.release('failing', FAILING);
      await world.until('it is rejected', async () =>
        (await world.statusAtHead())?.rejected.some(({ version }) => version === FAILING),
      );
      await world.untilStable(BETTER);
    });
    expect(world.watch.breaches).toEqual([]);
  });
});
