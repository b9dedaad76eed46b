// Laws of plans: devices as the stages will take them in, warnings where a rule can't be decided in time or at all, words that people read.
import { expect, test } from 'vitest';
import { warningsOf } from '../../src/rollout/plan-warnings.ts';
import { planOf, type Traffic } from '../../src/rollout/stage-plan.ts';
import { warningInWords } from '../../src/wording/plan-warnings-in-words.ts';
import { assumptionsOf, planRows, stageHeading, stageSentences } from '../../src/wording/stage-plan-in-words.ts';
import { policyOf } from './false-world.ts';

const POLICY = policyOf(`- name: canary
  size: { devices: 5 }
  soak: 10m
  rules: [error_rate < 0.5%, "latency_p95 < 2x baseline, floor 5ms", "vanished_classes == 0", confidence_drift < 0.1, failed_devices < 5%, { rule: unknown_rate < 10%, scope: fleet }, { rule: error_rate < 5%, scope: any-device, dryRun: true }]
- { name: ramp, size: 10%, soak: 1h, deadline: 2h, onDeadline: rollback, minimum: { inferences: 1000000 } }
- { name: full, size: 100%, soak: 1h }`);

const messages = (policy: typeof POLICY, traffic: Traffic): string[] =>
  warningsOf(planOf(policy, traffic))
    // What no rule sees is the matter of another test.
    .filter(({ kind }) => kind !== 'unseen')
    .map(warningInWords)
    .map(({ code, message, remedy }) => `${code}: ${message}\n  ${remedy}`);

test('a plan reads as it should', async () => {
  const plan = planOf(POLICY, { devices: 2000, perMinute: 60 });
  const stages = plan.stages.map((stage) =>
    [stageHeading(stage), ...planRows(stage).map((row) => `  ${row.join(' | ')}`), ...stageSentences(stage)].join('\n'),
  );
  const text = [
    ...assumptionsOf(plan),
    ...stages,
    ...warningsOf(plan)
      .map(warningInWords)
      .map(({ message }) => `! ${message}`),
  ].join('\n\n');
  await expect(`${text}\n`).toMatchFileSnapshot('golden/plan.txt');
});

test('five devices at 60 a minute cannot confirm 0.5% within ten minutes, and the plan says how long it takes', () => {
  const [canary] = planOf(POLICY, { devices: 2000, perMinute: 60 }).stages;
  expect(canary).toMatchObject({ devices: 5, perMinute: 300 });
  expect(canary!.unseenShare).toBeCloseTo(0.45, 2);
  expect(messages(POLICY, { devices: 2000, perMinute: 60 }).join('\n')).toContain(
    "Stage canary: 5 devices at 60 inferences a minute can't confirm 0.5% (`error_rate < 0.5%`) within its soak of 10 min: it takes about 11 min",
  );
});

test('a rule that a share of the devices may break says how many it takes, and how long each of them shows it', () => {
  const of = (share: string) => policyOf(`- { name: full, size: 100%, rules: [{ rule: error_rate < 3%, ${share} }] }`);
  const row = (share: string) => planRows(planOf(of(share), { devices: 60, perMinute: 10 }).stages[0]!)[0]!;
  expect(row('share: 5%').slice(1, 4)).toEqual(['at most 3 beyond it', 'the first reports', '4 devices at 6%']);
  expect(row('share: 5%')[4]).toBe('1 h 9 min (689 inferences) of each');
  expect(row('share: 1%').slice(1, 4)).toEqual(row('scope: any-device').slice(1, 4));
});

test('with enough traffic, time and devices there is nothing to warn of', () => {
  const generous =
    policyOf(`- { name: canary, size: { devices: 50 }, soak: 1h, deadline: 6h, rules: [error_rate < 0.5%, failed_devices < 5%] }
- { name: full, size: 100% }`);
  expect(messages(generous, { devices: 2000, perMinute: 60 })).toEqual([]);
  expect(messages(generous, { devices: 2000, perMinute: 0.01 })[0]).toMatch(/^POLICY_TOO_SLOW: .*its deadline/);
});

test('without a known traffic only what holds at any is warned of', () => {
  const codes = warningsOf(planOf(POLICY, { devices: null, perMinute: null }))
    .map(warningInWords)
    .map(({ code, stage }) => [code, stage]);
  expect(codes).toEqual([
    ['POLICY_ONE_DEVICE', 'canary'],
    ['POLICY_NEVER_DECIDES', 'canary'],
    ['POLICY_BLIND', 'canary'],
  ]);
  const fleet = policyOf(`- { name: canary, size: { devices: 3 }, rules: [{ rule: error_rate < 1%, scope: fleet }] }
- { name: full, size: 100% }`);
  expect(messages(fleet, { devices: null, perMinute: null })[0]).toContain(
    '3 devices as a sample of the fleet can never',
  );
  const few = policyOf('- { name: full, size: 100%, minimum: { devices: 10 }, rules: [error_rate < 1%] }');
  expect(messages(few, { devices: 4, perMinute: null })[0]).toContain(
    'Stage full: it has 4 devices, and needs 10 to pass',
  );
});

test('a rule that never decides is never warned of', () => {
  const dry = policyOf('- { name: full, size: 100%, soak: 1m, rules: [{ rule: error_rate < 0.1%, dryRun: true }] }');
  expect(messages(dry, { devices: 5, perMinute: 1 })).toEqual([]);
});

test('a cohort never shrinks, and is never more than the target', () => {
  const devices = (count: number) =>
    planOf(POLICY, { devices: count, perMinute: 1 }).stages.map((stage) => stage.devices);
  expect(devices(2000)).toEqual([5, 200, 1960, 2000]);
  expect(devices(30)).toEqual([5, 5, 27, 30]);
  expect(devices(4)).toEqual([4, 4, 4]);
});

test('a rule for longer than the deadline is warned of at any traffic, and one for longer than the soak delays the stage', () => {
  const late = policyOf(
    '- { name: full, size: 100%, soak: 30m, deadline: 2h, rules: [error_rate < 1%, memory < 90% for 3h] }',
  );
  for (const perMinute of [null, 60]) {
    expect(messages(late, { devices: 50, perMinute })[0]).toContain(
      "POLICY_TOO_SLOW: Stage full: `memory < 90% for 3h` can't pass before 3 h; the deadline is 2 h",
    );
  }
  const sentences = (text: string): string[] =>
    planOf(policyOf(text), { devices: 50, perMinute: 60 }).stages.flatMap(stageSentences);
  const stage = (rule: string): string => `- { name: full, size: 100%, soak: 30m, rules: [error_rate < 1%, ${rule}] }`;
  expect(sentences(stage('memory < 90% for 3h'))).toEqual(['A good version passes after about 3 h.']);
  expect(sentences(stage('memory < 90% for 5m'))[0]).toContain('30 min; its rules are confirmed earlier');
  expect(sentences(stage('download_tries > 99%'))[0]).toContain(
    '30 min, or later: the time for `download_tries > 99%` is unknown.',
  );
});

test('who is held back may be all who have a fault, until they get the version too', () => {
  const { stages } = planOf(POLICY, { devices: 2000, perMinute: 60 });
  expect(stages.map((stage) => /unnoticed/.test(stageSentences(stage).join(' ')))).toEqual([true, true, true, false]);
});

const GROUPED = policyOf(`- name: canary
  size: 5%
  soak: 10m
  deadline: 15m
  rules: [error_rate < 0.5%, { rule: error_rate < 0.5%, by: hw }, { rule: latency_p99 < 150ms, by: hw, limits: { rev3: 200ms } }, { rule: failed_devices < 5%, by: hw }, { rule: "latency_p95 < 2x baseline", by: site }]
- { name: full, size: 100%, holdBack: 0 }`);
const HW = (rev1: number, rev2: number, rev3: number): Traffic['groups'] => [
  {
    by: 'hw',
    groups: [
      { value: 'rev1', devices: rev1, perMinute: null },
      { value: 'rev2', devices: rev2, perMinute: null },
      { value: 'rev3', devices: rev3, perMinute: 30 },
      { value: '(others)', devices: 0, perMinute: null },
    ],
  },
];

test('a plan by group reads as it should, of groups that are known and of those that are assumed', async () => {
  const plan = planOf(GROUPED, { devices: 1000, perMinute: 60, groups: HW(600, 300, 100) ?? [] });
  const stages = plan.stages.map((stage) =>
    [stageHeading(stage), ...planRows(stage).map((row) => `  ${row.join(' | ')}`), ...stageSentences(stage)].join('\n'),
  );
  const text = [
    ...stages,
    ...warningsOf(plan)
      .map(warningInWords)
      .map(({ message, remedy }) => `! ${message}\n  ${remedy}`),
  ].join('\n\n');
  await expect(`${text}\n`).toMatchFileSnapshot('golden/plan-by-group.txt');
});

test('the slowest group decides when a stage passes, and each has its share of the devices', () => {
  const at = (...sizes: [number, number, number]) =>
    planOf(GROUPED, { devices: 1000, perMinute: 60, groups: HW(...sizes) ?? [] }).stages[0]!;
  const [even, odd] = [at(334, 333, 333), at(600, 300, 100)];
  expect(odd.rules[1]?.grouping).toMatchObject({
    ...{ by: 'hw', areKnown: true, count: 4, slowest: 'hw:rev3' },
    groups: [{ devices: 30 }, { devices: 15 }, { devices: 5, perMinute: 30 }],
  });
  expect(odd.passMinutes!).toBeGreaterThan(2 * even.passMinutes!);
  const forecast = odd.rules[1]?.forecast;
  expect(forecast?.kind === 'sampled' && forecast.pass.minutes).toBe(odd.passMinutes);
  const full = planOf(GROUPED, { devices: 1000, perMinute: 60, groups: HW(600, 300, 100) ?? [] }).stages[1]!;
  expect(full.rules[1]?.grouping?.groups.map(({ devices, unseenShare }) => [devices, unseenShare])).toEqual([
    [600, 0],
    [300, 0],
    [100, 0],
  ]);
});

test('what is not known of groups is said, and is no reason to warn that none can be judged', () => {
  const traffic = { devices: 100, perMinute: 60 };
  const [canary] = planOf(GROUPED, traffic).stages;
  expect(canary?.rules[1]).toMatchObject({
    forecast: { kind: 'passed-over' },
    grouping: { areKnown: false, count: 2, slowest: null },
  });
  expect(stageSentences(canary!).join(' ')).toContain(
    'The groups of hw are unknown; this plan assumes 2 groups with 2 devices each. Not judged: all of them.',
  );
  const alone = policyOf('- { name: full, size: { devices: 5 }, rules: [{ rule: error_rate < 1%, by: hw }] }');
  expect(stageSentences(planOf(alone, traffic).stages[0]!)[0]).toBe(
    'No rule decides this stage; it passes by time alone.',
  );
  const nearlyAll = policyOf('- { name: full, size: { devices: 99 }, rules: [{ rule: error_rate < 1%, by: hw }] }');
  const [most] = planOf(nearlyAll, traffic).stages;
  expect(most?.rules[0]?.grouping?.groups[0]?.unseenShare).toBeGreaterThan(0);
  const [unknown] = planOf(nearlyAll, { devices: null, perMinute: null }).stages;
  expect(stageSentences(unknown!).at(-1)).toContain('a fault on fewer than 5.9% of devices can go unnoticed');
  const told = (groups: Traffic['groups']) =>
    messages(GROUPED, { ...traffic, ...(groups ? { groups } : {}) }).join('\n');
  expect(told(undefined)).not.toContain('POLICY_NO_GROUP');
  expect(told(HW(34, 33, 33))).toContain(
    'POLICY_NO_GROUP: Stage canary: `error_rate < 0.5% by hw` judges nothing here: no group of hw has 3 devices in it.',
  );
});

test('a label that no rule uses, and one that no known device has, are said', () => {
  const kiosks = { by: 'chain', groups: [{ value: 'north', devices: 90, perMinute: null }] };
  const traffic = { devices: 100, perMinute: 60 };
  const said = planOf(GROUPED, { ...traffic, groups: [...(HW(34, 33, 33) ?? []), kiosks] });
  expect(assumptionsOf(said).slice(3)).toEqual(['No rule groups devices by chain, so its group sizes are ignored.']);
  expect(assumptionsOf(planOf(GROUPED, traffic))).toHaveLength(3);
  const nobody = [{ by: 'hw', groups: [{ value: '(others)', devices: 100, perMinute: null }] }];
  const [canary] = planOf(GROUPED, { ...traffic, groups: nobody }).stages;
  const sentences = stageSentences(canary!).join(' ');
  expect(sentences).toContain(
    'No known device has a group of its own by hw, so all are judged as one group. Check the label.',
  );
  expect(sentences).not.toContain('the slowest decides');
});

test('a rule by group in a stage that selects is not planned: nobody knows which groups that takes in', () => {
  const selecting = policyOf('- { name: full, select: "hw:rev3", rules: [{ rule: error_rate < 1%, by: hw }] }');
  const [stage] = planOf(selecting, { devices: 1000, perMinute: 60, groups: HW(600, 300, 100) ?? [] }).stages;
  expect(stage?.rules[0]?.forecast).toEqual({ kind: 'unplanned', why: 'unknown-groups', by: 'hw' });
  const sizes = policyOf(`- { name: canary, select: "hw:rev3", rules: [{ rule: error_rate < 1%, by: hw }] }
- { name: full, size: 100% }`);
  const [, full] = planOf(sizes, { devices: 1000, perMinute: 60, groups: HW(600, 300, 100) ?? [] }).stages;
  expect(full?.rules[0]?.grouping?.slowest).toBe('hw:rev3');
  expect(stageSentences(stage!)[0]).toContain('the time for `error_rate < 1%` is unknown');
});

test('a stage may have an error level of its own, by which it is planned; others have the policy’s', () => {
  const policy = policyOf(
    `- { name: canary, size: 1%, rules: [error_rate < 1%] }\n- { name: full, size: 100%, errorLevel: 1% }`,
    '  errorLevel: 10%\n',
  );
  const plan = planOf(policy, { devices: 1000, perMinute: 10 });
  expect(plan.stages.map(({ errorLevel }) => errorLevel)).toEqual([0.1, 0.01]);
  expect(assumptionsOf(plan).at(-1)).toBe(
    'Confidence: no matter how often results are checked, at most this many verdicts are wrong: 10 in 100 for canary and 1 in 100 for full.',
  );
});

test('where nobody, or one of many, is left on stable, a rule against it can not fail, and nothing is warned of', () => {
  const held = [
    'latency_p95 < 2x baseline',
    'confidence_loss < 10%',
    'error_rate < 2x baseline, floor 1%',
    'class_drift < 0.1',
  ];
  const of = (holdBack: string, devices: number) => {
    const policy = policyOf(
      `- { name: full, size: 100%${holdBack}, rules: [${[...held, 'error_rate < 1%'].map((rule) => `"${rule}"`).join(', ')}] }`,
    );
    const plan = planOf(policy, { devices, perMinute: 60 });
    return { stage: plan.stages[0]!, kinds: warningsOf(plan).map(({ kind }) => kind) };
  };
  for (const { stage, kinds } of [of(', holdBack: 0', 500), of('', 9), of('', 10), of('', 19)]) {
    const rows = planRows(stage);
    expect(rows.map((row) => row[4] === 'never: it holds the stage')).toEqual([true, true, true, true, false]);
    expect(rows.every(([, , passes]) => /min/.test(passes!))).toBe(true);
    expect(kinds).not.toContain('never-decides');
    for (const { forecast } of stage.rules.slice(0, 4))
      expect(forecast).toMatchObject({ fail: { inferences: null, minutes: null } });
    expect(stageSentences(stage).filter((one) => one.includes("can't fail here"))).toHaveLength(1);
  }
  expect(stageSentences(of('', 9).stage).join(' ')).toContain(
    "and `class_drift < 0.1` can't fail here, since nobody is left on stable. Over the limit they hold the stage.",
  );
  const dry = policyOf('- { name: full, size: 100%, rules: [{ rule: class_drift < 0.1, dryRun: true }] }');
  const [shown] = planOf(dry, { devices: 500, perMinute: 60 }).stages;
  expect(planRows(shown!)[0]![4]).toBe('never');
  expect(stageSentences(shown!).join(' ')).not.toContain("can't fail here");
  expect(stageSentences(of('', 19).stage).join(' ')).toContain('one device alone is left on stable');
  for (const devices of [20, 500]) expect(planRows(of('', devices).stage)[0]![4]).toMatch(/min/);
});

test('nobody can say when silent devices are noticed, and few of them hardly ever fail a stage', () => {
  const of = (size: number, target: number | null) => {
    const policy = policyOf(
      `- { name: canary, size: { devices: ${size} }, rules: [reporting_devices > 90% of baseline, answering_devices > 90% of baseline] }`,
    );
    const [stage] = planOf(policy, { devices: target, perMinute: 60 }).stages;
    return { cells: planRows(stage!).map((row) => row.slice(2)), words: stageSentences(stage!).join(' ') };
  };
  expect(of(9, 100).cells.map(([, , caught]) => caught)).toEqual(Array(2).fill('rarely: it holds the stage'));
  expect(of(9, 100).words).toContain(
    '`answering_devices > 90% of baseline` can hardly ever fail on fewer than 10 devices',
  );
  expect(of(10, null).cells).toEqual([
    ['5 min of each device', 'beyond it', 'depends on how many fall silent'],
    ['10 min of each device', 'beyond it', 'depends on how many stop answering'],
  ]);
  expect(of(10, 10).cells[0]).toEqual(['', '', '']);
});

test('a soak that lasts as long as devices are held back says so, and one that the policy names does not', () => {
  const headings = (soak: string) =>
    planOf(
      policyOf(`- { name: full, size: 100%, soak: ${soak}, holdBack: 5% for 4w, rules: [latency_p95 < 2x baseline] }`),
      { devices: 500, perMinute: null },
    ).stages.map(stageHeading);
  expect(headings('1h')).toEqual([
    'full: 475 devices; soak 28 d (holdBack), deadline 29 d (default)',
    'full-rest: 500 devices; soak 10 min, deadline 1 d (default)',
  ]);
  expect(headings('5w')[0]).toMatch(/^full: 475 devices; soak 35 d, /);
});
