// Owns what one row of the simulations is: its name, from which its seeds are made, and how the rows of a scenario are run.
import type { RandomStream } from '../../src/base/random.ts';
import type { RunOutcome } from './outcome.ts';

export const DEVICES = [5, 10, 50] as const;

/** Rates over the limit at which nothing should be rolled back; at the limit itself it is shown and not judged. */
export const HEALTHY = [0.6, 0.8] as const;

/** What is simulated; `simulations.ts` says how. */
export type Setup =
  | 'single'
  | 'full'
  | 'alike'
  | 'drift'
  | 'late'
  | 'loss'
  | 'direction'
  | 'kiosk'
  | 'delivery'
  | 'reporting'
  | 'held-back';

export interface Cell {
  readonly setup: Setup;
  readonly scenario: string;
  readonly devices: number;
  /** The true value over the limit; where the scenario alone says what is simulated, 1. */
  readonly factor: number;
}

export function cellName({ setup, scenario, devices, factor }: Cell): string {
  return `${setup} ${scenario} D=${devices} ${factor}x`;
}

export interface Simulation {
  readonly setup: Setup;
  readonly cells: readonly Omit<Cell, 'setup'>[];
  /** Runs of a cell for each that is asked for; the costly ones are run less often. */
  readonly share: number;
  /** Makes what the cells of a scenario share in one run. */
  readonly begin: (scenario: string, random: RandomStream) => (cell: Cell, random: RandomStream) => RunOutcome;
}
