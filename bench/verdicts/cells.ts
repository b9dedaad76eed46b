// Owns the list of what is simulated, and the simulation of one part of it; every run has its own seed, fixed beforehand.
import { assertInvariant } from '../../src/base/errors.ts';
import { seededRandom } from '../../src/base/random.ts';
import { type Cell, cellName, type Setup, type Simulation } from './cell.ts';
import { CONFIDENCE_SIMULATIONS } from './confidence-cells.ts';
import { DELIVERY_SIMULATION } from './delivery-stage.ts';
import { HELD_BACK_SIMULATION } from './held-back-stage.ts';
import { KIOSK_SIMULATION } from './kiosk-stage.ts';
import type { RunOutcome } from './outcome.ts';
import { RATE_SIMULATIONS } from './rate-cells.ts';
import { SILENCE_SIMULATION } from './silence-stage.ts';

/** Runs of all cells of one setup and scenario: they share their baselines. */
export interface Job {
  readonly setup: Setup;
  readonly scenario: string;
  readonly firstRun: number;
  readonly runs: number;
  readonly seed: string;
}

const SIMULATIONS: readonly Simulation[] = [
  ...RATE_SIMULATIONS,
  ...CONFIDENCE_SIMULATIONS,
  KIOSK_SIMULATION,
  SILENCE_SIMULATION,
  HELD_BACK_SIMULATION,
  DELIVERY_SIMULATION,
];

function simulationOf(setup: Setup): Simulation {
  const found = SIMULATIONS.find((one) => one.setup === setup);
  assertInvariant(found !== undefined, `there is a simulation ${setup}`);
  return found;
}

export function allCells(): Cell[] {
  return SIMULATIONS.flatMap(({ setup, cells }) => cells.map((cell) => ({ setup, ...cell })));
}

export function cellsOf(setup: Setup, scenario: string): Cell[] {
  return allCells().filter((cell) => cell.setup === setup && cell.scenario === scenario);
}

/** How often each cell of a setup is run where `runs` are asked for. */
export function runsOf(setup: Setup, runs: number): number {
  return Math.ceil(simulationOf(setup).share * runs);
}

/** The outcomes of each cell, in the order of `cellsOf`. */
export function runJob({ setup, scenario, firstRun, runs, seed }: Job): RunOutcome[][] {
  const cells = cellsOf(setup, scenario);
  const { begin } = simulationOf(setup);
  const outcomes: RunOutcome[][] = cells.map(() => []);
  for (let run = firstRun; run < firstRun + runs; run++) {
    const randomOf = (purpose: string) => seededRandom(seed, `${purpose} run ${run}`);
    const simulate = begin(scenario, randomOf(`${setup} ${scenario} baseline`));
    cells.forEach((cell, i) => {
      outcomes[i]?.push(simulate(cell, randomOf(cellName(cell))));
    });
  }
  return outcomes;
}
