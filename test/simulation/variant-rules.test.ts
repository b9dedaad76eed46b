// Laws of rules by variant: a fault in the files for some devices is found among those, and named, where all devices together hide it.
import { expect, test } from 'vitest';
import type { Scenario } from '../../src/simulation/scenario.ts';
import { parsePolicy } from '../../src/simulation/scenario-policies.ts';
import { findScenario } from '../../src/simulation/scenarios.ts';
import { rehearsed } from './rehearsed.ts';

const LIMIT = 0.005;

function policyOf(rule: string) {
  const text = `apiVersion: slipway.dev/v1alpha1
kind: RolloutPolicy
metadata: { name: variants }
spec:
  appliesTo: { rollouts: ["*"] }
  stages:
    - { name: canary, size: { devices: 40 }, soak: 30m, deadline: 3h, rules: [${rule}] }
    - { name: full, size: 100%, soak: 10m }
`;
  return parsePolicy('variants.yaml', Buffer.from(text));
}

const good = findScenario('good');
const file = {
  role: 'model',
  name: 'm.onnx',
  digest: `sha256:${'a'.repeat(64)}`,
  sizeBytes: 1000,
  url: 'm.onnx',
} as const;

/** A fifth of the devices has an accelerator and takes the int8 variant, which errs at three times the limit. */
const badInt8: Scenario = {
  ...good,
  isBad: true,
  population: {
    ...good.population,
    special: (index) => (index % 5 === 0 ? { properties: { capabilities: 'npu' } } : {}),
  },
  manifest: {
    framework: 'onnx',
    interface: {
      inputs: [{ name: 'x', type: 'float32', shape: [1, 4] }],
      outputs: [{ name: 'y', type: 'float32', shape: [1, 2], classes: ['a', 'b'] }],
    },
    variants: [
      { platform: 'linux/arm64', capabilities: ['npu'], precision: 'int8', files: [file] },
      { platform: 'any', precision: 'fp32', files: [file] },
    ],
  },
  candidate: ({ device }) => (device.index % 5 === 0 ? { errorRate: 3 * LIMIT } : { errorRate: 0.2 * LIMIT }),
};

test('the int8 variant alone is bad: by precision the stage is reverted for it, and together nobody sees it', async () => {
  const asked = { devices: 200, hours: 4 };
  const together = await rehearsed('good', { ...asked, scenario: badInt8, policy: policyOf('error_rate < 0.5%') });
  expect(together.outcome).toBe('completed');
  const rule = '{ rule: error_rate < 0.5%, by: precision }';
  const apart = await rehearsed('good', { ...asked, scenario: badInt8, policy: policyOf(rule) });
  expect(apart).toMatchObject({ outcome: 'reverted', stage: 'canary' });
  expect(JSON.stringify(apart.timeline)).toContain('precision:int8');
});

test('by platform, devices are told apart as the manifest has it', async () => {
  const policy = policyOf('{ rule: error_rate < 0.5%, by: platform }');
  const rehearsal = await rehearsed('good', { devices: 200, hours: 4, scenario: badInt8, policy });
  expect(rehearsal).toMatchObject({ outcome: 'reverted', stage: 'canary' });
  expect(JSON.stringify(rehearsal.timeline)).toContain('platform:linux/arm64');
});
