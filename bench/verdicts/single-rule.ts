// Owns one simulated rollout under one rule, `error_rate < 0.5%`, judged each minute by the production rule and by its rivals.

import type { RandomStream } from '../../src/base/random.ts';
import { rateVerdict } from '../../src/gates/statistics/rate-verdict.ts';
import { EMPTY_TALLY, type Tally } from '../../src/gates/statistics/tally.ts';
import { type RunOutcome, Watch } from './outcome.ts';
import { Rivals } from './rivals.ts';
import { drawErrors, isAbove, LIMIT, MINUTES, makeDevices, type Scenario, stageRate } from './scenario.ts';
import { addReport, tallyRowsOf } from './tallies.ts';

const LEVEL = 0.05;

/** Walks the hour to its end for every judge: that a stage passed does not spare it later looks. */
export function runSingleRule(
  scenario: Scenario,
  deviceCount: number,
  factor: number,
  random: RandomStream,
): RunOutcome {
  const devices = makeDevices(scenario, deviceCount, factor * LIMIT, random);
  const tallies: Tally[] = devices.map(() => EMPTY_TALLY);
  const stage = new Watch();
  const withoutDrop = new Watch();
  const fleet = new Watch();
  const rivals = new Rivals(1);
  for (let minute = 1; minute <= MINUTES; minute++) {
    let bad = 0;
    let trials = 0;
    devices.forEach((device, i) => {
      const errors = drawErrors(scenario, device, minute, random);
      bad += errors;
      trials += device.trials;
      tallies[i] = addReport(tallies[i] ?? EMPTY_TALLY, device.trials, errors);
    });
    rivals.see(minute, [{ bad, trials, limit: LIMIT }]);
    const rows = tallyRowsOf(tallies);
    const reading = rateVerdict(rows, LIMIT);
    stage.see(minute, reading.verdict);
    withoutDrop.see(minute, reading.pFailAll <= LEVEL ? 'fail' : reading.pPass <= LEVEL ? 'pass' : 'undecided');
    if (!fleet.isOver) fleet.see(minute, rateVerdict(rows, LIMIT, { scope: 'fleet' }).verdict);
  }
  return {
    isTrulyOver: isAbove(stageRate(devices), LIMIT),
    judges: {
      stage: stage.outcome,
      withoutDrop: withoutDrop.outcome,
      fleet: fleet.outcome,
      argo: rivals.argo.outcome,
      flagger: rivals.flagger.outcome,
      peeked: rivals.peeked.outcome,
    },
    because: [],
  };
}
