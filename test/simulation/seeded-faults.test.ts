// Laws of the production's loop under faults: 200 seeded worlds, in which hosts, answers, processes, reports and people go wrong; SIMULATION_SEED=17 replays one.
import process from 'node:process';
import { expect, test } from 'vitest';
import { FaultyWorld } from './faulty-world.ts';
import { judgeBranch } from './judge-branch.ts';

const SEEDS = 200;
const CHUNK = 20;
const { SIMULATION_SEED } = process.env;
const CHUNKS =
  SIMULATION_SEED === undefined
    ? Array.from({ length: SEEDS / CHUNK }, (_, i) => Array.from({ length: CHUNK }, (_, k) => i * CHUNK + k + 1))
    : [[Number(SIMULATION_SEED)]];
const happened = new Map<string, number>();

function count(what: string, times: number): void {
  happened.set(what, (happened.get(what) ?? 0) + times);
}

test.each(CHUNKS.map((seeds) => ({ seeds, name: `${seeds[0]} to ${seeds.at(-1)}` })))(
  'whatever goes wrong in the worlds $name, no step is lost, taken twice, illegal or without its evidence',
  async ({ seeds }) => {
    const failed: Record<string, readonly string[]> = {};
    for (const seed of seeds) {
      const world = new FaultyWorld(seed);
      await world.live();
      const wrong = await judgeBranch(world);
      if (wrong.length > 0) failed[`SIMULATION_SEED=${seed}`] = wrong.slice(0, 5);
      for (const [what, times] of Object.entries(world.counts)) count(what, times);
      for (const { step } of world.landed) count(step.kind, 1);
    }
    expect(failed).toEqual({});
  },
);

test.skipIf(SIMULATION_SEED !== undefined)(
  'every fault and every kind of step that such a world can have was there',
  () => {
    const faults = ['unreachable', 'lostAnswers', 'races', 'kills', 'forged', 'emergencies'];
    const steps = ['start', 'advance', 'complete', 'roll-back', 'supersede', 'answer', 'restore'];
    for (const what of [...faults, ...steps]) expect(happened.get(what) ?? 0, what).toBeGreaterThan(5);
  },
);
