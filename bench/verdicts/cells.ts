// Owns the list of what is simulated, and the simulation of one share of it; every run has its own seed, fixed beforehand.
import { assertInvariant } from '../../src/base/errors.ts';
import { seededRandom } from '../../src/base/random.ts';
import { runFullStage, simulateBaseline } from './full-stage.ts';
import type { RunOutcome } from './outcome.ts';
import { SCENARIOS, type Scenario } from './scenario.ts';
import { runSingleRule } from './single-rule.ts';

export const DEVICES = [5, 10, 50] as const;

/** Rates over the limit at which nothing should be rolled back; at the limit itself it is shown and not judged. */
export const HEALTHY = [0.6, 0.8] as const;

/**
 * `single`: one rule on errors. `full`: seven rules, errors as in the scenario, the rest with a fifth of spread between devices.
 * `alike`: the same with all measures as far apart between devices as errors.
 */
export type Setup = 'single' | 'full' | 'alike';

export interface Cell {
  readonly setup: Setup;
  readonly scenario: string;
  readonly devices: number;
  /** True mean error rate of the fleet over the limit. */
  readonly factor: number;
}

/** Runs of all cells of one setup and scenario: they share their baselines. */
export interface Job {
  readonly setup: Setup;
  readonly scenario: string;
  readonly firstRun: number;
  readonly runs: number;
  readonly seed: string;
}

const SPREAD_OF_OTHERS = 0.2;
/** Whatever errors do, the other measures of a broken candidate are healthy. */
const HEALTHY_OTHERS = 0.6;

function factorsOf(setup: Setup, scenario: Scenario): readonly number[] {
  if (setup === 'alike') return scenario.name === 'cv1' ? [0.8] : [];
  if (scenario.oddRate !== undefined) return [0.6];
  return setup === 'single' ? [...HEALTHY, 1, 1.2, 2, 10] : [...HEALTHY, 2, 10];
}

export function allCells(): Cell[] {
  const cells: Cell[] = [];
  for (const setup of ['single', 'full', 'alike'] as const)
    for (const scenario of SCENARIOS)
      for (const devices of DEVICES)
        for (const factor of factorsOf(setup, scenario))
          cells.push({ setup, scenario: scenario.name, devices, factor });
  return cells;
}

export function cellName({ setup, scenario, devices, factor }: Cell): string {
  return `${setup} ${scenario} D=${devices} ${factor}x`;
}

export function cellsOf(setup: Setup, scenario: string): Cell[] {
  return allCells().filter((cell) => cell.setup === setup && cell.scenario === scenario);
}

/** The outcomes of each cell, in the order of `cellsOf`. */
export function runJob({ setup, scenario: name, firstRun, runs, seed }: Job): RunOutcome[][] {
  const scenario = SCENARIOS.find((one) => one.name === name);
  assertInvariant(scenario !== undefined, `there is a scenario ${name}`);
  const cells = cellsOf(setup, name);
  const outcomes: RunOutcome[][] = cells.map(() => []);
  const otherSpread = setup === 'alike' ? scenario.spread : scenario.spread === 0 ? 0 : SPREAD_OF_OTHERS;
  for (let run = firstRun; run < firstRun + runs; run++) {
    const randomOf = (purpose: string) => seededRandom(seed, `${purpose} run ${run}`);
    const baseline =
      setup === 'single' ? null : simulateBaseline(scenario, otherSpread, randomOf(`${setup} ${name} baseline`));
    cells.forEach((cell, i) => {
      const { devices, factor } = cell;
      const random = randomOf(cellName(cell));
      const otherFactor = factor < 1 ? factor : HEALTHY_OTHERS;
      const outcome =
        baseline === null
          ? runSingleRule(scenario, devices, factor, random)
          : runFullStage({ scenario, devices, factor, otherFactor, otherSpread, baseline }, random);
      outcomes[i]?.push(outcome);
    });
  }
  return outcomes;
}
