// Laws of rehearsed gauges: each rule catches its fault by itself, and none cries wolf at a good candidate.
import { expect, test } from 'vitest';
import { parsePolicy } from '../../src/simulation/scenario-policies.ts';
import { rehearsed } from './rehearsed.ts';

function policyOf(rules: readonly string[], soak = '30m') {
  const text = `apiVersion: slipway.dev/v1alpha1
kind: RolloutPolicy
metadata: { name: gauges }
spec:
  appliesTo: { rollouts: ["*"] }
  stages:
    - { name: canary, size: { devices: 20 }, soak: ${soak}, deadline: 2h, rules: [${rules.map((rule) => JSON.stringify(rule)).join(', ')}] }
    - { name: full, size: 100%, soak: 10m }
`;
  return parsePolicy('gauges.yaml', Buffer.from(text));
}

const RULES = [
  'cpu < 85% for 5m',
  'temperature < 65C for 5m',
  'battery_drain < 1.3x baseline',
  'memory < 80% for 5m',
  'disk < 95% for 5m',
  'disk_free > 5% for 5m',
  'latency_mean < 1.5x baseline',
  'apply_success > 80%',
  'download_tries > 80%',
  'undelivered_devices < 5% after 30m',
  'input[brightness] < 180 for 5m',
  'input[brightness] > 0.8x baseline',
  'input[brightness] < 1.2x baseline',
];

test.each([
  ['cpu-spike', 'cpu < 85% for 5m', 12],
  ['cpu-spike', 'temperature < 65C for 5m', 25],
  ['cpu-spike', 'battery_drain < 1.3x baseline', 12],
  ['undelivered-tenth', 'undelivered_devices < 5% after 30m', 34],
  ['input-shift', 'input[brightness] < 1.2x baseline', 12],
  ['input-shift', 'input[brightness] < 140 for 5m', 12],
])('%s is caught in its first stage by `%s` alone', async (scenario, rule, minutes) => {
  const rehearsal = await rehearsed(scenario, { policy: policyOf([rule]), hours: 2 });
  expect(rehearsal).toMatchObject({ outcome: 'reverted', stage: 'canary', breaches: [] });
  expect(rehearsal.minutesToRevert).toBeLessThanOrEqual(minutes);
  expect(rehearsal.devicesExposed).toBeLessThanOrEqual(20);
});

test.each([1, 2, 3, 4, 5])('a good candidate passes them all (seed %i)', async (seed) => {
  const rehearsal = await rehearsed('good', { policy: policyOf(RULES), hours: 3, seed });
  expect(rehearsal).toMatchObject({ outcome: 'completed', breaches: [] });
});

test.each(['clocks-wrong', 'reports-reordered', 'half-offline'])(
  'nor does %s make a gauge rule fail',
  async (scenario) => {
    const rehearsal = await rehearsed(scenario, { policy: policyOf(RULES), hours: 6 });
    expect(rehearsal).toMatchObject({ outcome: 'completed', breaches: [] });
  },
);

test('a leak is caught by memory before anything fails for want of it', async () => {
  const rehearsal = await rehearsed('memory-leak', { policy: policyOf(['memory < 80% for 5m'], '90m') });
  expect(rehearsal).toMatchObject({ outcome: 'reverted' });
  expect(rehearsal.minutesToRevert).toBeLessThan(67);
});
