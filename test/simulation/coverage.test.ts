// Proves the table of known stories: the rule that is to be added finds its story, and without it no other rule does.
import { expect, test } from 'vitest';
import { FAULT_STORIES, type FaultStory, unseenStories } from '../../src/rollout/policy-coverage.ts';
import type { Circumstances } from '../../src/simulation/scenario.ts';
import { parsePolicy } from '../../src/simulation/scenario-policies.ts';
import { findScenario } from '../../src/simulation/scenarios.ts';
import { rehearsed } from './rehearsed.ts';

const SCENARIOS: Readonly<Record<FaultStory, string>> = {
  errors: 'late-regression',
  resources: 'cpu-spike',
  classes: 'missing-class',
  confidence: 'confidence-shift',
  silence: 'silenced-devices',
  delivery: 'undelivered-tenth',
};
const STORIES = Object.keys(FAULT_STORIES) as FaultStory[];

function policyOf(stories: readonly FaultStory[]) {
  return policyWith(stories.map((story) => `"${FAULT_STORIES[story].rule}"`).join(', '));
}

function policyWith(rules: string) {
  const text = `apiVersion: slipway.dev/v1alpha1
kind: RolloutPolicy
metadata: { name: covering }
spec:
  appliesTo: { rollouts: ["*"] }
  stages:
    - { name: canary, size: 50%, soak: 1h, rules: [${rules}] }
    - { name: full, size: 100% }
`;
  return parsePolicy('covering.yaml', Buffer.from(text));
}

test.each(STORIES)('%s are seen by the rule that is named, and by none of the others', async (story) => {
  const others = STORIES.filter((one) => one !== story);
  expect(unseenStories(policyOf([story]))).toEqual(others);
  expect(unseenStories(policyOf(others))).toEqual([story]);
  const run = (stories: readonly FaultStory[]) =>
    rehearsed(SCENARIOS[story], { policy: policyOf(stories), devices: 60, hours: 3 });
  expect((await run([story])).outcome).toBe('reverted');
  expect((await run(others)).outcome).not.toBe('reverted');
});

test('devices that a version silences are seen by the rule that holds them against stable as well', async () => {
  const silent = policyWith('"reporting_devices > 90% of baseline"');
  expect(unseenStories(silent)).not.toContain('silence');
  expect((await rehearsed('silenced-devices', { policy: silent, devices: 60, hours: 3 })).outcome).toBe('reverted');
});

test('devices that hardly answer any more are seen by the rule about answers, and a night that has everybody answer less is no fault', async () => {
  const answering = policyWith('"answering_devices > 90% of baseline"');
  expect(unseenStories(answering)).not.toContain('silence');
  const order = { policy: answering, devices: 60, hours: 4 };
  for (const bad of ['starved-devices', 'silenced-devices'])
    expect((await rehearsed(bad, order)).outcome).toBe('reverted');
  for (const askedFactor of [0.6, 0.2]) {
    const both = ({ device, hour }: Circumstances) =>
      (hour - device.utcOffsetHours + 24) % 24 > 7.5 ? { askedFactor } : {};
    const scenario = { ...findScenario('good'), both };
    expect((await rehearsed('good', { ...order, scenario })).outcome).toBe('completed');
  }
});

test('a rule that only shows, or comes when every device has the version, sees nothing', () => {
  const text = (rules: string, last: string) => `apiVersion: slipway.dev/v1alpha1
kind: RolloutPolicy
metadata: { name: late }
spec:
  appliesTo: { rollouts: ["*"] }
  stages:
    - { name: canary, size: 50%, rules: [${rules}] }
    - { name: full, size: 100%, rules: [${last}] }
`;
  const unseen = (rules: string, last: string) =>
    unseenStories(parsePolicy('late.yaml', Buffer.from(text(rules, last))));
  expect(unseen('{ rule: error_rate < 1%, dryRun: true }', 'error_rate < 1%')).toContain('errors');
  expect(unseen('{ rule: error_rate < 1%, scope: any-device }', 'error_rate < 1%')).not.toContain('errors');
});

test('a policy with rules over outputs is of a model without classes: it has no story of classes and confidences', () => {
  const text = `apiVersion: slipway.dev/v1alpha1
kind: RolloutPolicy
metadata: { name: price }
spec:
  appliesTo: { rollouts: ["*"] }
  stages:
    - { name: canary, size: 50%, rules: [error_rate < 1%, { rule: "output_drift[price] < 0.1", dryRun: true }] }
    - { name: full, size: 100% }
`;
  const unseen = unseenStories(parsePolicy('price.yaml', Buffer.from(text)));
  expect(unseen).toEqual(['resources', 'silence', 'delivery']);
});
