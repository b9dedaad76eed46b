// Laws of what a stage inherits from its policy.
import { expect, test } from 'vitest';
import { stagesOf } from '../../src/rollout/stages-of-policy.ts';
import { parsePolicy } from '../../src/simulation/scenario-policies.ts';

const policy = (more: string) =>
  parsePolicy(
    'policy.yaml',
    Buffer.from(`apiVersion: slipway.dev/v1alpha1
kind: RolloutPolicy
metadata: { name: kiosks }
spec:
  appliesTo: { rollouts: ["*"] }
${more}
  stages:
    - { name: canary, size: 1%, rules: [confidence_loss < 10%], onCourse: rollback }
    - { name: full, size: 100% }
`),
  );

test('what is on course holds a stage, unless the stage or else the policy lets it roll back', () => {
  expect(stagesOf(policy('')).map(({ onCourse }) => onCourse)).toEqual(['rollback', 'hold', 'hold']);
  expect(stagesOf(policy('  onCourse: rollback')).map(({ onCourse }) => onCourse)).toEqual([
    'rollback',
    'rollback',
    'rollback',
  ]);
});

test('a stage without a deadline ends after a day, four soaks, or twice the time of its slowest rule', () => {
  const deadline = (stage: string) => {
    const text = `apiVersion: slipway.dev/v1alpha1
kind: RolloutPolicy
metadata: { name: kiosks }
spec:
  appliesTo: { rollouts: ["*"] }
  stages: [{ name: first, size: 1%, ${stage} }, { name: full, size: 100% }]
`;
    return stagesOf(parsePolicy('policy.yaml', Buffer.from(text))).map((one) => [
      one.deadlineMs / 3_600_000,
      one.hasDefaultDeadline,
    ]);
  };
  expect(deadline('soak: 30m')).toEqual([
    [24, true],
    [24, true],
  ]);
  expect(deadline('soak: 8h')[0]).toEqual([32, true]);
  expect(deadline('soak: 8h, deadline: 9h')[0]).toEqual([9, false]);
  // Rules are inherited, and their times with them.
  expect(deadline('rules: [undelivered_devices < 5% after 20h]')).toEqual([
    [40, true],
    [40, true],
  ]);
  expect(deadline('rules: [cpu < 90% for 13h]')[0]).toEqual([26, true]);
});
