// Laws of forecasts: what is said before a rollout is what the same judge then does, on traffic that is drawn at random.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type RandomStream, seededRandom } from '../../../src/base/random.ts';
import { parseRule } from '../../../src/documents/rules/rule-text.ts';
import {
  type ForecastQuestion,
  forecastRule,
  type RuleForecast,
  unseenShare,
} from '../../../src/gates/forecast/rule-forecast.ts';
import { freezeLimits } from '../../../src/gates/freeze-limits.ts';
import { judgeStage } from '../../../src/gates/judge-stage.ts';
import type { StageRule } from '../../../src/gates/stage-rule.ts';
import { binomial } from '../../../src/simulation/sampling.ts';
import { arm, ask, type Report, rules } from '../false-evidence.ts';

const PER_MINUTE = 60;
const RUNS = 40;

function forecast(rule: StageRule, more: Partial<ForecastQuestion> = {}): RuleForecast {
  const usual = { devices: 10, others: 90, perMinute: PER_MINUTE, intervalMs: 60_000, alpha: 0.05, beta: 0.05 };
  return forecastRule(rule, { ...usual, health: 0.4, ...more });
}

function sampled(rule: StageRule, more: Partial<ForecastQuestion> = {}) {
  const found = forecast(rule, more);
  if (found.kind !== 'sampled') throw new Error(`${found.kind}: ${rule.rule.source}`);
  return found;
}

function draw(rate: number, devices: number, minutes: number, random: RandomStream): Report[][] {
  const report = (): Report => [PER_MINUTE, binomial(PER_MINUTE, rate, random)];
  return Array.from({ length: devices }, () => Array.from({ length: minutes }, report));
}

interface Truth {
  readonly devices: number;
  readonly candidate: number;
  readonly stable: number | null;
}

/** Part of the runs in which the rule has this verdict after so many minutes. */
function share(text: string, verdict: 'pass' | 'fail', minutes: number, truth: Truth): number {
  const asked = rules(text);
  const isLatency = text.startsWith('latency');
  const [limit] = isLatency ? freezeLimits([parseRule(text)], null) : [];
  const ofRate = text.startsWith('unknown') ? 'unknown' : 'error';
  const measure = limit === undefined ? ofRate : (`latency>${limit.edge}` as const);
  let count = 0;
  for (let run = 0; run < RUNS; run++) {
    const random = seededRandom(run, `${text} ${verdict} ${minutes}`);
    const candidate = arm(draw(truth.candidate, truth.devices, minutes, random), measure);
    const baseline = truth.stable === null ? null : arm(draw(truth.stable, 90, minutes, random), measure);
    const question = ask({ rules: asked, limits: limit === undefined ? [] : [limit], candidate, baseline });
    if (judgeStage({ ...question, deadlineMs: null }).rules[0]?.verdict === verdict) count++;
  }
  return count / RUNS;
}

describe('what is planned comes about', () => {
  const cases: readonly (readonly [text: string, devices: number, stable: number | null])[] = [
    ['error_rate < 0.5%', 5, null],
    ['error_rate < 0.5%', 40, null],
    ['unknown_rate < 10%', 3, null],
    ['latency_p95 < 150ms', 10, null],
    ['error_rate < 2x baseline, floor 0.4%', 10, 0.002],
  ];
  test.each(cases)('%s on %d devices passes and is caught about when it was said', (text, devices, stable) => {
    const [rule] = rules(text);
    const { pass, fail } = sampled(rule!, { devices });
    for (const [verdict, needed] of [['pass', pass] as const, ['fail', fail] as const]) {
      const truth = { devices, candidate: needed.value, stable };
      const late = Math.ceil(1.7 * needed.minutes!) + 1;
      const early = Math.floor(0.5 * needed.minutes!);
      expect(share(text, verdict, late, truth), `${verdict} in ${late} min`).toBeGreaterThan(0.65);
      if (early > 1) expect(share(text, verdict, early, truth), `${verdict} in ${early} min`).toBeLessThan(0.6);
    }
  });

  test('the example of the method: five devices at 60 a minute take 11 minutes for 0.5%', () => {
    const { pass } = sampled(rules('error_rate < 0.5%')[0]!, { devices: 5, alpha: 0.05 / 7 });
    expect(pass).toMatchObject({ value: 0.002, inferences: 3373 });
    expect(pass.minutes).toBeCloseTo(11.24, 1);
    expect(unseenShare(5, 0.05)).toBeCloseTo(0.4507, 4);
  });
});

test('more devices and more traffic never take longer, and a stricter limit never less', () => {
  const texts = [
    'error_rate < 0.5%',
    'unknown_rate < 5%',
    'latency_p99 < 150ms',
    'vanished_classes == 0',
    'confidence_drift < 0.1',
  ];
  fc.assert(
    fc.property(
      fc.constantFrom(...texts),
      fc.integer({ min: 1, max: 2000 }),
      fc.integer({ min: 1, max: 2000 }),
      (text, few, more) => {
        const [rule] = rules(text);
        const at = (devices: number) => sampled(rule!, { devices, others: 4 * devices });
        const [less, full] = [at(Math.min(few, more)), at(Math.max(few, more))];
        expect(full.pass.minutes!).toBeLessThanOrEqual(less.pass.minutes! + 1e-9);
      },
    ),
    { numRuns: 60 },
  );
  const minutes = (limit: string) => sampled(rules(`error_rate < ${limit}`)[0]!).pass.minutes!;
  expect(minutes('0.1%')).toBeGreaterThan(minutes('0.5%'));
});

test('every metric of the catalogue has a forecast, or says why not', () => {
  const texts = [
    'class_share[receipt] > 2%',
    'class_share[receipt] < 20%',
    'class_drift < 0.05 KL',
    'error_rate <= 0%',
  ];
  for (const text of texts) expect(forecast(rules(text)[0]!).kind).toMatch(/^(sampled|unplanned)$/);
  expect(forecast(rules('class_share[receipt] > 0.5x baseline')[0]!)).toMatchObject({ kind: 'unplanned' });
});

test('devices are counted exactly: how many bad ones a limit bears', () => {
  const bears = (text: string, devices: number) => forecast(rules(text)[0]!, { devices });
  expect(bears('failed_devices < 5%', 5)).toMatchObject({ kind: 'devices', bears: 0 });
  expect(bears('failed_devices < 5%', 20)).toMatchObject({ bears: 0 });
  expect(bears('failed_devices <= 5%', 20)).toMatchObject({ bears: 1 });
  expect(bears('failed_devices < 5%', 21)).toMatchObject({ bears: 1 });
  expect(bears('failed_devices < 5%, floor 2 devices', 5)).toMatchObject({ bears: 1, limit: 0.4 });
  expect(bears('failed_devices <= 5%, floor 2 devices', 5)).toMatchObject({ bears: 2 });
  expect(bears('failed_devices < 5%, floor 2 devices', 2)).toMatchObject({ bears: 1, limit: 1 });
  expect(bears('failed_devices < 5%, floor 2 devices', 1)).toMatchObject({ bears: 0, limit: 1 });
  expect(bears('failed_devices <= 5%, floor 100 devices', 50)).toMatchObject({ bears: 49 });
  expect(bears('failed_devices < 5%, floor 2 devices', 100)).toMatchObject({ bears: 4, limit: 0.05 });
  expect(bears('failed_devices <= 99%', 7)).toMatchObject({ bears: 6 });
});

test('three devices can never speak for a fleet, and one alone is caught by its own traffic', () => {
  const [rule] = rules('error_rate < 0.5%');
  const fleet = { ...rule!, scope: 'fleet' as const };
  expect(sampled(fleet, { devices: 3 }).pass.inferences).toBeNull();
  expect(sampled(fleet, { devices: 30 }).pass.inferences).toBeGreaterThan(0);
  const any = forecast({ ...rule!, scope: 'any-device' }, { devices: 5 });
  const alone = forecast({ ...rule!, scope: 'any-device' }, { devices: 500 });
  if (any.kind !== 'any-device' || alone.kind !== 'any-device') throw new Error('another forecast');
  expect(alone.fail.minutes!).toBeGreaterThan(any.fail.minutes!);
});

test('a share of devices that may breach says how many it bears, and each of more is caught among fewer than all', () => {
  const [rule] = rules('error_rate < 3%');
  const of = (devices: number, share: number) => {
    const found = forecast({ ...rule!, scope: 'any-device', share }, { devices });
    if (found.kind !== 'any-device') throw new Error('another forecast');
    return found;
  };
  expect([of(60, 0), of(60, 0.05), of(60, 0.1), of(30, 0.1), of(3, 0.3)].map(({ bears }) => bears)).toEqual([
    0, 3, 6, 3, 0,
  ]);
  expect(of(60, 0.5).fail.minutes).toBe(of(30, 0).fail.minutes);
  expect(of(60, 0.5).fail.minutes!).toBeLessThan(of(60, 0).fail.minutes!);
  expect(of(2, 0.99).fail.minutes).toBeGreaterThan(0);
});
