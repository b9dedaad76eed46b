// Owns what is simulated of rules over rates: one of them alone, and seven at once.
import { assertInvariant } from '../../src/base/errors.ts';
import { DEVICES, HEALTHY, type Setup, type Simulation } from './cell.ts';
import { runFullStage, simulateBaseline } from './full-stage.ts';
import { SCENARIOS, type Scenario } from './scenario.ts';
import { runSingleRule } from './single-rule.ts';

/**
 * `single`: one rule on errors. `full`: seven rules, errors as in the scenario, the rest with a fifth of spread between devices.
 * `alike`: the same with all measures as far apart between devices as errors.
 */
type RateSetup = Extract<Setup, 'single' | 'full' | 'alike'>;

const SPREAD_OF_OTHERS = 0.2;
/** Whatever errors do, the other measures of a broken candidate are healthy. */
const HEALTHY_OTHERS = 0.6;

function factorsOf(setup: RateSetup, scenario: Scenario): readonly number[] {
  if (setup === 'alike') return scenario.name === 'cv1' ? [0.8] : [];
  if (scenario.oddRate !== undefined) return [0.6];
  return setup === 'single' ? [...HEALTHY, 1, 1.2, 2, 10] : [...HEALTHY, 2, 10];
}

function simulationOf(setup: RateSetup): Simulation {
  const cells = SCENARIOS.flatMap((scenario) =>
    DEVICES.flatMap((devices) =>
      factorsOf(setup, scenario).map((factor) => ({ scenario: scenario.name, devices, factor })),
    ),
  );
  return {
    ...{ setup, cells, share: 1 },
    begin: (name, random) => {
      const scenario = SCENARIOS.find((one) => one.name === name);
      assertInvariant(scenario !== undefined, `there is a scenario ${name}`);
      if (setup === 'single') return ({ devices, factor }, own) => runSingleRule(scenario, devices, factor, own);
      const otherSpread = setup === 'alike' ? scenario.spread : scenario.spread === 0 ? 0 : SPREAD_OF_OTHERS;
      const baseline = simulateBaseline(scenario, otherSpread, random);
      return ({ devices, factor }, own) => {
        const otherFactor = factor < 1 ? factor : HEALTHY_OTHERS;
        return runFullStage({ scenario, devices, factor, otherFactor, otherSpread, baseline }, own);
      };
    },
  };
}

export const RATE_SIMULATIONS: readonly Simulation[] = (['single', 'full', 'alike'] as const).map(simulationOf);
