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
  expect(stagesOf(policy('')).map(({ onCourse }) => onCourse)).toEqual(['rollback', 'hold']);
  expect(stagesOf(policy('  onCourse: rollback')).map(({ onCourse }) => onCourse)).toEqual(['rollback', 'rollback']);
});
