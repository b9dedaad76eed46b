// Owns tallies made report by report, for benchmarks and tests; the service folds reports in src/telemetry.
import { EMPTY_TALLY, type Tally } from '../../src/gates/statistics/tally.ts';
import { TallyRows } from '../../src/gates/statistics/tally-rows.ts';

/** The tally with one more cluster; a cluster without trials says nothing and is left out. */
export function addReport(tally: Tally, trials: number, bad: number): Tally {
  if (!(trials > 0)) return tally;
  return {
    bad: tally.bad + bad,
    trials: tally.trials + trials,
    reports: tally.reports + 1,
    badSquared: tally.badSquared + bad * bad,
    badTrials: tally.badTrials + bad * trials,
    trialsSquared: tally.trialsSquared + trials * trials,
  };
}

export function mergeTallies(tallies: readonly Tally[]): Tally {
  const sum = { ...EMPTY_TALLY };
  for (const tally of tallies) {
    sum.bad += tally.bad;
    sum.trials += tally.trials;
    sum.reports += tally.reports;
    sum.badSquared += tally.badSquared;
    sum.badTrials += tally.badTrials;
    sum.trialsSquared += tally.trialsSquared;
  }
  return sum;
}

const WIDTH = 6;

export function tallyRowsOf(devices: readonly (Tally & { readonly device?: string })[]): TallyRows {
  const sums = new Float64Array(devices.length * WIDTH);
  devices.forEach(({ bad, trials, reports, badSquared, badTrials, trialsSquared }, i) => {
    sums.set([bad, trials, reports, badSquared, badTrials, trialsSquared], i * WIDTH);
  });
  return new TallyRows({ names: devices.map(({ device }, i) => device ?? String(i)), sums });
}
