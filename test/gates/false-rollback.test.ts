// Holds the gates to their promise in a small simulation: noise is hardly ever rolled back, a real regression quickly is.
import { expect, test } from 'vitest';
import { type RandomStream, seededRandom } from '../../src/base/random.ts';
import { judgeStage } from '../../src/gates/judge-stage.ts';
import type { StageVerdict } from '../../src/gates/rule-verdict.ts';
import { arm, ask, type Report, rules } from './false-evidence.ts';

const LIMIT = 0.005;
const DEVICES = 10;
const PER_MINUTE = 60;

/** Devices differ: their rates are spread around the mean by half of it (gamma-like, by the mean of four exponentials). */
function deviceRate(mean: number, random: RandomStream): number {
  let sum = 0;
  for (let i = 0; i < 4; i++) sum -= Math.log(1 - random.next());
  return Math.min(1, (mean * sum) / 4);
}

function binomial(trials: number, rate: number, random: RandomStream): number {
  let bad = 0;
  for (let i = 0; i < trials; i++) if (random.next() < rate) bad++;
  return bad;
}

/** Walks one stage, judged after every interval; where it was decided, and how. */
function walk(run: number, rate: number, minutes: number): { kind: StageVerdict['kind']; minute: number } {
  const random = seededRandom(run, `false rollback at ${rate}`);
  const rates = Array.from({ length: DEVICES }, () => deviceRate(rate, random));
  const reports: Report[][] = rates.map(() => []);
  for (let minute = 1; minute <= minutes; minute++) {
    rates.forEach((one, d) => {
      reports[d]!.push([PER_MINUTE, binomial(PER_MINUTE, one, random)]);
    });
    const candidate = arm(reports);
    const { kind } = judgeStage(ask({ rules: rules('error_rate < 0.5%'), candidate, perMinute: DEVICES * PER_MINUTE }));
    if (kind !== 'undecided') return { kind, minute };
  }
  return { kind: 'undecided', minute: minutes };
}

const runs = (count: number, rate: number, minutes: number) =>
  Array.from({ length: count }, (_, run) => walk(run, rate, minutes));

test('at 0.7 times the limit a healthy candidate is rolled back in 2% of rollouts at most, looked at every minute for an hour', () => {
  const count = 200;
  const failed = runs(count, 0.7 * LIMIT, 60).filter((one) => one.kind === 'fail').length;
  const threeSigma = 3 * Math.sqrt((0.02 * 0.98) / count);
  expect(failed / count).toBeLessThanOrEqual(0.02 + threeSigma);
});

test('ten times the limit is found within three intervals in the median, and never passes', () => {
  const outcomes = runs(101, 10 * LIMIT, 60);
  const minutes = outcomes.map((one) => one.minute).sort((a, b) => a - b);
  expect(minutes[50]).toBeLessThanOrEqual(3);
  expect(outcomes.every((one) => one.kind === 'fail')).toBe(true);
});
