// Laws of pauses in the production loop: a bad network stops a stage, which goes on by itself, and takes no good version back.
import { expect, test } from 'vitest';
import { rehearse } from '../../src/simulation/rehearsal.ts';
import { findScenario } from '../../src/simulation/scenarios.ts';
import { policyOf } from '../rollout/false-world.ts';
import { SEED } from './rehearsed.ts';

const rehearsed = (scenario: string, more = '') => {
  const rules = `[error_rate < 5%, { rule: undelivered_devices < 5% after 3m${more} }]`;
  const policy = policyOf(`- { name: canary, size: 20%, soak: 10m, rules: ${rules} }\n- { name: full, size: 100% }`);
  return rehearse({ policy, scenario: findScenario(scenario), devices: 60, seed: SEED, hours: 3 });
};

test('devices that get a file late pause the stage, which goes on once they have it', async () => {
  const { outcome, timeline, breaches } = await rehearsed('network-timeout', ', onFailure: pause');
  const titles = JSON.stringify(timeline);
  expect({ outcome, breaches }).toEqual({ outcome: 'completed', breaches: [] });
  expect(titles).toContain('pause 2.0.0: undelivered_devices');
  expect(titles).toContain('resume 2.0.0 in full');
  expect((await rehearsed('network-timeout')).outcome).toBe('reverted');
});

test('devices that never get it keep the stage paused, for a person', async () => {
  expect(await rehearsed('undelivered-tenth', ', onFailure: pause')).toMatchObject({ outcome: 'held', breaches: [] });
});
