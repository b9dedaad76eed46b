// Owns what is simulated of rules over confidences: drift and loss near their limits, late faults, and which way a model changed.
import { assertInvariant } from '../../src/base/errors.ts';
import { type Cell, DEVICES, HEALTHY, type Setup, type Simulation } from './cell.ts';
import { runConfidenceStage, simulateConfidences } from './confidence-stage.ts';
import {
  CONFIDENCE_SCENARIOS,
  type ConfidenceScenario,
  DISTANCES,
  type Move,
  moveBy,
  type Shares,
} from './confidence-traffic.ts';
import { isAbove } from './scenario.ts';

export const DRIFT_RULE = 'confidence_drift < 0.1';
export const LOSS_RULE = 'confidence_loss < 5%';
export const WIDE_LOSS_RULE = 'confidence_loss < 10%';
const LATE_MINUTE = 30;

/** By name: what becomes of stable's answers, whose mean confidence is 0.86. */
export const DIRECTIONS: Readonly<Record<string, { readonly title: string; readonly move: Move }>> = {
  'surer 0.90': { title: 'surer, 0.86 → 0.90', move: [{ part: 1, loss: -0.04 }] },
  'surer 0.93': { title: 'surer, 0.86 → 0.93', move: [{ part: 1, loss: -0.07 }] },
  'unsure 0.80': { title: 'less sure, 0.86 → 0.80', move: [{ part: 1, loss: 0.06 }] },
  'unsure 0.72': { title: 'less sure, 0.86 → 0.72', move: [{ part: 1, loss: 0.14 }] },
  mixture: {
    title: '80% surer (0.93), 20% far less sure (0.56)',
    move: [
      { part: 0.8, loss: -0.07 },
      { part: 0.2, loss: 0.3 },
    ],
  },
  halves: {
    title: 'half +0.09, half −0.09',
    move: [
      { part: 0.5, loss: -0.09 },
      { part: 0.5, loss: 0.09 },
    ],
  },
};

interface Kind {
  readonly setup: Extract<Setup, 'drift' | 'late' | 'loss' | 'direction'>;
  readonly distance: keyof typeof DISTANCES;
  readonly limit: number;
  readonly rules: readonly string[];
  readonly factorsOf: (scenario: ConfidenceScenario) => readonly number[];
}

const isSpread = ({ spread }: ConfidenceScenario): boolean => spread > 0;

const DRIFT = { distance: 'drift', limit: 0.1, rules: [DRIFT_RULE] } as const;
const KINDS: readonly Kind[] = [
  { setup: 'drift', ...DRIFT, factorsOf: (one) => (isSpread(one) ? [0, ...HEALTHY, 1, 4] : [...HEALTHY, 1, 2]) },
  { setup: 'late', ...DRIFT, factorsOf: ({ name }) => (['independent', 'deff5'].includes(name) ? [2, 4] : []) },
  {
    ...{ setup: 'loss', distance: 'loss', limit: 0.05, rules: [LOSS_RULE] },
    factorsOf: (one) => (isSpread(one) ? [...HEALTHY, 1] : [...HEALTHY, 1, 2, 4]),
  },
];

function simulationOf({ setup, distance, limit, rules, factorsOf }: Kind): Simulation {
  const cells = CONFIDENCE_SCENARIOS.flatMap((scenario) =>
    DEVICES.flatMap((devices) => factorsOf(scenario).map((factor) => ({ scenario: scenario.name, devices, factor }))),
  );
  const far = DISTANCES[distance];
  const isOver = (after: Shares, baselines: readonly Shares[]): boolean =>
    baselines.every((before) => isAbove(far(after, before), limit));
  return {
    ...{ setup, cells, share: SHARE },
    begin: (name, random) => {
      const scenario = CONFIDENCE_SCENARIOS.find((one) => one.name === name);
      assertInvariant(scenario !== undefined, `there is a scenario ${name}`);
      const baseline = simulateConfidences(scenario, random);
      return ({ devices, factor }, own) => {
        const move = moveBy(scenario, distance, factor * limit);
        const movesAt = setup === 'late' ? LATE_MINUTE : 0;
        return runConfidenceStage({ scenario, devices, baseline, move, movesAt, rules, isOver }, own);
      };
    },
  };
}

/** Of the runs that the rows of part one have. */
const SHARE = 0.2;
const DIRECTION_DEVICES = 10;
const [PLAIN] = CONFIDENCE_SCENARIOS;

const DIRECTION_SIMULATION: Simulation = {
  ...{ setup: 'direction', share: SHARE },
  cells: Object.keys(DIRECTIONS).map((scenario) => ({ scenario, devices: DIRECTION_DEVICES, factor: 1 })),
  begin: (name, random) => {
    const move = DIRECTIONS[name]?.move;
    assertInvariant(PLAIN !== undefined && move !== undefined, `there is a direction ${name}`);
    const baseline = simulateConfidences(PLAIN, random);
    const rules = [DRIFT_RULE, WIDE_LOSS_RULE, LOSS_RULE];
    const isOver = (): boolean => false;
    return ({ devices }: Cell, own) =>
      runConfidenceStage({ scenario: PLAIN, devices, baseline, move, rules, isOver }, own);
  },
};

export const CONFIDENCE_SIMULATIONS: readonly Simulation[] = [...KINDS.map(simulationOf), DIRECTION_SIMULATION];
