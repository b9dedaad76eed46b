// Laws of plans: devices as the stages will take them in, warnings where a rule can't be decided in time or at all, words that people read.
import { expect, test } from 'vitest';
import { warningsOf } from '../../src/rollout/plan-warnings.ts';
import { planOf, type Traffic } from '../../src/rollout/stage-plan.ts';
import { assumptionsOf, planRows, stageHeading, stageSentences } from '../../src/rollout/stage-plan-in-words.ts';
import { policyOf } from './false-world.ts';

const POLICY = policyOf(`- name: canary
  size: { devices: 5 }
  soak: 10m
  rules: [error_rate < 0.5%, "latency_p95 < 2x baseline, floor 5ms", "vanished_classes == 0", confidence_drift < 0.1, failed_devices < 5%, { rule: unknown_rate < 10%, scope: fleet }, { rule: error_rate < 5%, scope: any-device, dryRun: true }]
- { name: ramp, size: 10%, soak: 1h, deadline: 2h, onDeadline: rollback, minimum: { inferences: 1000000 } }
- { name: full, size: 100%, soak: 1h }`);

const messages = (policy: typeof POLICY, traffic: Traffic): string[] =>
  warningsOf(planOf(policy, traffic)).map(({ code, message, remedy }) => `${code}: ${message}\n  ${remedy}`);

test('a plan reads as it should', async () => {
  const plan = planOf(POLICY, { devices: 2000, perMinute: 60 });
  const stages = plan.stages.map((stage) =>
    [stageHeading(stage), ...planRows(stage).map((row) => `  ${row.join(' | ')}`), ...stageSentences(stage)].join('\n'),
  );
  const text = [...assumptionsOf(plan), ...stages, ...warningsOf(plan).map(({ message }) => `! ${message}`)].join(
    '\n\n',
  );
  await expect(`${text}\n`).toMatchFileSnapshot('golden/plan.txt');
});

test('five devices at 60 a minute cannot confirm 0.5 % within ten minutes, and are told what it takes', () => {
  const [canary] = planOf(POLICY, { devices: 2000, perMinute: 60 }).stages;
  expect(canary).toMatchObject({ devices: 5, perMinute: 300 });
  expect(canary!.unseenShare).toBeCloseTo(0.45, 2);
  expect(messages(POLICY, { devices: 2000, perMinute: 60 }).join('\n')).toContain(
    'Stage "canary": 5 devices at 60 inferences a minute cannot confirm 0.5 % (`error_rate < 0.5%`) within 10 min, its soak; it takes about 11 min',
  );
});

test('with enough traffic, time and devices there is nothing to warn of', () => {
  const generous =
    policyOf(`- { name: canary, size: { devices: 50 }, soak: 1h, deadline: 6h, rules: [error_rate < 0.5%, failed_devices < 5%] }
- { name: full, size: 100% }`);
  expect(messages(generous, { devices: 2000, perMinute: 60 })).toEqual([]);
  expect(messages(generous, { devices: 2000, perMinute: 0.01 })[0]).toMatch(/^POLICY_TOO_SLOW: .*its deadline/);
});

test('without a known traffic only what holds at any is warned of', () => {
  const codes = warningsOf(planOf(POLICY, { devices: null, perMinute: null })).map(({ code, stage }) => [code, stage]);
  expect(codes).toEqual([
    ['POLICY_ONE_DEVICE', 'canary'],
    ['POLICY_NEVER_DECIDES', 'canary'],
  ]);
  const fleet = policyOf(`- { name: canary, size: { devices: 3 }, rules: [{ rule: error_rate < 1%, scope: fleet }] }
- { name: full, size: 100% }`);
  expect(messages(fleet, { devices: null, perMinute: null })[0]).toContain(
    '3 devices as a sample of the fleet can never',
  );
  const few = policyOf('- { name: full, size: 100%, minimum: { devices: 10 }, rules: [error_rate < 1%] }');
  expect(messages(few, { devices: 4, perMinute: null })[0]).toContain(
    "takes in 4 devices, and can't pass with fewer than 10",
  );
});

test('a rule that never decides is never warned of', () => {
  const dry = policyOf('- { name: full, size: 100%, soak: 1m, rules: [{ rule: error_rate < 0.1%, dryRun: true }] }');
  expect(messages(dry, { devices: 5, perMinute: 1 })).toEqual([]);
});

test('a cohort never shrinks, and is never more than the target', () => {
  const devices = (count: number) =>
    planOf(POLICY, { devices: count, perMinute: 1 }).stages.map((stage) => stage.devices);
  expect(devices(2000)).toEqual([5, 200, 2000]);
  expect(devices(30)).toEqual([5, 5, 30]);
  expect(devices(4)).toEqual([4, 4, 4]);
});

test('a rule for longer than the deadline is warned of at any traffic, and one for longer than the soak delays the stage', () => {
  const late = policyOf(
    '- { name: full, size: 100%, soak: 30m, deadline: 2h, rules: [error_rate < 1%, memory < 90% for 3h] }',
  );
  for (const perMinute of [null, 60]) {
    expect(messages(late, { devices: 50, perMinute })[0]).toContain(
      'POLICY_TOO_SLOW: Stage "full": `memory < 90% for 3h` can pass after 3 h at the earliest; its deadline is 2 h',
    );
  }
  const sentences = (text: string): string[] =>
    planOf(policyOf(text), { devices: 50, perMinute: 60 }).stages.flatMap(stageSentences);
  const stage = (rule: string): string => `- { name: full, size: 100%, soak: 30m, rules: [error_rate < 1%, ${rule}] }`;
  expect(sentences(stage('memory < 90% for 3h'))).toEqual(['If all is well it passes after about 3 h.']);
  expect(sentences(stage('memory < 90% for 5m'))[0]).toContain('30 min: the rules are confirmed before');
  expect(sentences(stage('download_success > 99%'))[0]).toContain(
    '30 min, or later: the time of `download_success > 99%` is not known.',
  );
});

test('a stage of the whole target leaves no device out, so nothing is unseen in it', () => {
  const { stages } = planOf(POLICY, { devices: 2000, perMinute: 60 });
  expect(stages.map((stage) => /unseen/.test(stageSentences(stage).join(' ')))).toEqual([true, true, false]);
});
