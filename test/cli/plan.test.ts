// Laws of planning by command: a policy is planned from wherever it lies, and `validate` warns at the rule, without an error.
import { cpSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { CliSession, until } from './cli-session.ts';

// Each command is a process of its own, and there are many.
vi.setConfig({ testTimeout: 240_000 });

const VIEWER = { SLIPWAY_VIEWER_TOKEN: 'look' };

let session: CliSession;
beforeEach(async () => {
  session = new CliSession();
  await session.run(['init', 'models', '--example']);
});
afterEach(() => session[Symbol.asyncDispose]());

interface PlanJson {
  readonly policy: string;
  readonly traffic: unknown;
  readonly stages: readonly { readonly name: string; readonly devices: number | null; readonly rules: unknown }[];
  readonly warnings: readonly { readonly code: string }[];
}

async function planJson(...args: string[]): Promise<PlanJson> {
  const { stdout } = await session.run(['plan', ...args, '--json'], VIEWER);
  return JSON.parse(stdout) as PlanJson;
}

test('a policy is planned by its name, its rollout, its file, or as the default, from a folder and a bare repository alike', async () => {
  session.git('.', 'clone', '-q', '--bare', 'models', 'models.git');
  await session.say('plan --repo models --devices 500 --per-minute 60');
  await session.say('plan nothing --repo models');
  await session.say('plan gone.yaml');
  await session.say('plan --repo models --devices many');
  await session.say('plan --repo models --health 100%');
  await session.say('plan --repo models --health 140%');
  await session.say('plan careful --repo models');
  await expect(session.text()).toMatchFileSnapshot('golden/plan.txt');
  const traffic = ['--devices', '500', '--per-minute', '60'];
  const [byName, byRollout, byFile, bare] = await Promise.all([
    planJson('careful', '--repo', 'models', ...traffic),
    planJson('document-classifier-eu', '--repo', 'models', ...traffic),
    planJson('models/policies/careful.yaml', ...traffic),
    planJson('--repo', 'models.git', ...traffic),
  ]);
  expect(byName).toMatchObject({
    policy: 'careful',
    traffic: { devices: 500, perMinute: 60 },
    stages: [{ devices: 5 }, {}, {}, {}],
  });
  for (const other of [byRollout, byFile, bare]) expect(other).toEqual(byName);
});

test('`validate` warns of what can not be decided in time where it is written, and calls nothing invalid', async () => {
  const quiet = await session.run(['validate', '--repo', 'models', '--json']);
  expect(JSON.parse(quiet.stdout)).toMatchObject({
    valid: true,
    warnings: [],
    assumed: { devices: null, perMinute: null },
  });
  await session.say('validate --repo models --devices 500 --per-minute 1');
  const policy = readFileSync(session.path('models/policies/careful.yaml'), 'utf8');
  const strict = policy
    .replace('size: 1% ', 'size: { devices: 5 } ')
    .replace('failed_devices < 5%, floor 2 devices', 'failed_devices < 5%')
    .replace('{ rule: undelivered_devices < 5% after 30m, onFailure: pause }', 'undelivered_devices < 5% after 30m');
  session.write('models/policies/careful.yaml', strict);
  await session.say('validate --repo models');
  await expect(session.text()).toMatchFileSnapshot('golden/validate-plan.txt');
  const { stdout, code } = await session.run(['validate', '--repo', 'models', '--json']);
  const line = policy.split('\n').findIndex((text) => text.includes('failed_devices')) + 1;
  const warning = (after: number) => {
    return { code: 'POLICY_ONE_DEVICE', at: { file: 'policies/careful.yaml', line: line + after, column: 11 } };
  };
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ valid: true, warnings: [warning(0), warning(1)] });
});

test('a policy is rehearsed by its name as it is planned, scenarios are listed, and all of its problems are reported', async () => {
  const rehearsed = (...args: string[]) =>
    session.run(['simulate', ...args, '--devices', '50', '--hours', '0.2', '--json']);
  const [byName, byFile] = await Promise.all([
    rehearsed('careful', '--repo', 'models'),
    rehearsed('models/policies/careful.yaml'),
  ]);
  expect(JSON.parse(byName.stdout)).toMatchObject({ policy: 'careful', outcome: 'held', stage: 'canary' });
  expect(byFile).toEqual(byName);
  const list = await session.run(['simulate', '--list', '--json']);
  expect(JSON.parse(list.stdout)).toMatchObject({
    scenarios: expect.arrayContaining([
      { name: 'missing-class', summary: expect.stringContaining('rarest class'), candidateIsBad: true },
    ]),
  });
  expect((await session.run(['simulate', '--list'])).stdout).toMatch(
    /^missing-class +bad +The candidate never answers/m,
  );
  const policy = readFileSync(session.path('models/policies/careful.yaml'), 'utf8');
  session.write('models/policies/careful.yaml', policy.replace('30m', 'soon').replace('error_rate <', 'eror_rate <'));
  const [ofName, ofFile] = await Promise.all([
    rehearsed('careful', '--repo', 'models'),
    rehearsed('models/policies/careful.yaml'),
  ]);
  for (const { code, stdout, stderr } of [ofName, ofFile]) {
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain('eror_rate');
    expect(stderr).toContain('soon');
  }
});

test('a rollout is rehearsed with its own model, and all scenarios end in one table', async () => {
  const own = await session.run(
    'simulate document-classifier-eu --repo models --devices 30 --hours 0.1 --json'.split(' '),
  );
  expect(own.stderr).toBe('');
  expect(JSON.stringify(JSON.parse(own.stdout).timeline)).toContain('start 1.0.0 in canary');
  const all = await session.run('simulate --all --devices 10 --hours 0.1 --json'.split(' '));
  const { scenarios } = JSON.parse(all.stdout);
  expect(scenarios).toHaveLength(
    JSON.parse((await session.run(['simulate', '--list', '--json'])).stdout).scenarios.length,
  );
  expect(scenarios[0]).toMatchObject({ scenario: 'good', judgement: expect.any(String) });
  expect(scenarios[0]).not.toHaveProperty('timeline');
});

test('a page that can not be written is said before anything is rehearsed, and nothing is left there', async () => {
  for (const file of ['nowhere/page.html', 'models']) {
    const { code, stdout, stderr } = await session.run([
      'simulate',
      '--hours',
      '168',
      '--devices',
      '20000',
      '--html',
      file,
    ]);
    expect([code, stdout], file).toEqual([2, '']);
    expect(stderr).toContain(`SIMULATION_PAGE\n  --html: ${file} can't be written: `);
  }
  expect(existsSync(session.path('nowhere'))).toBe(false);
});

/** Lets the policy hold its error rate in each group. */
function holdByGroup(): void {
  const policy = readFileSync(session.path('models/policies/careful.yaml'), 'utf8');
  const grouped = policy.replace('- error_rate < 0.5%', '- { rule: error_rate < 0.5%, by: hw }');
  expect(grouped).not.toBe(policy);
  session.write('models/policies/careful.yaml', grouped);
}

test('groups are said by hand, to `plan` and to `validate`; else they are assumed, and it says so', async () => {
  holdByGroup();
  const groups = '--groups hw:rev1=400,hw:rev2=60';
  await session.say(`plan --repo models --devices 500 ${groups}`);
  await session.say('plan --repo models --devices 500');
  await session.say(`validate --repo models --per-minute 60 ${groups}`);
  await session.say(`plan --repo models --devices 50 ${groups}`);
  await session.say('plan --repo models --groups rev1=400');
  await expect(session.text()).toMatchFileSnapshot('golden/plan-by-group.txt');
  const many = Array.from({ length: 17 }, (_, i) => `hw:rev${i}=${100 - i}`).join(',');
  const { traffic } = await planJson('--repo', 'models', '--groups', many);
  expect(traffic).toMatchObject({ devices: 1564, groups: [{ by: 'hw', groups: { length: 16 } }] });
  expect(JSON.stringify(traffic)).toContain('{"value":"(others)","devices":169,"perMinute":null}');
});

test('the service tells how many devices a rollout has, and in which groups', async () => {
  holdByGroup();
  await session.run(['sign', 'models/policies/careful.yaml', '--key', '.slipway-keys/ci.key']);
  session.git('models', 'commit', '-aqm', 'by group');
  session.git('.', 'clone', '-q', '--bare', 'models', 'models.git');
  await session.enrol(['kiosk-001', 'kiosk-002', 'kiosk-005'], { region: 'eu-west', hw: 'rev2' });
  await session.enrol(['kiosk-003'], { region: 'eu-west', hw: 'rev3' });
  const { url } = await session.serve(['--repo', 'models.git'], VIEWER);
  const plan = () => planJson('document-classifier-eu', '--repo', 'models.git', '--server', url);
  await until(async () => (await session.run(['status', '--server', url], VIEWER)).stdout.includes('canary 1.0.0'));
  expect(await plan()).toMatchObject({
    traffic: { devices: 4, perMinute: 60 },
    stages: [{ devices: 3 }, { devices: 3 }, { devices: 4 }],
  });
  const { stages } = await plan();
  expect(stages[2]?.rules).toMatchObject([
    {
      grouping: {
        ...{ by: 'hw', areKnown: true, count: 3, slowest: 'hw:rev2' },
        groups: [
          { name: 'hw:rev2', devices: 3, forecast: { kind: 'sampled' } },
          { name: 'hw:rev3', devices: 1, forecast: { kind: 'passed-over' } },
        ],
      },
    },
    ...Array.from({ length: 8 }, () => ({})),
  ]);
});

test('`--since` plans what a change asks for: each rollout and policy that differs, and nothing of the status', async () => {
  cpSync(session.path('models'), session.path('before'), { recursive: true });
  const edit = (file: string, change: (text: string) => string) =>
    session.write(`models/${file}`, change(readFileSync(session.path('before', file), 'utf8')));
  const say = () => session.say('plan --repo models --since before --devices 400');
  await say();
  const [model, rollout] = ['models/document-classifier/1.0.0.yaml', 'rollouts/document-classifier-eu.yaml'];
  edit('policies/urgent.yaml', (text) => text.replace(/soak: \S+/, 'soak: 17m'));
  session.write(
    'models/rollouts/hall.yaml',
    'apiVersion: slipway.dev/v1alpha1\nkind: Rollout\nmetadata: { name: hall }\nspec: { model: document-classifier, version: 9.9.9, policy: quick, target: "place:hall", suspend: true }\n',
  );
  rmSync(session.path('models', rollout));
  await say();
  await expect(session.text()).toMatchFileSnapshot('golden/plan-since.txt');
  // A rollout that asks for the latest changes with a new manifest, and with its policy; by its status alone it does not.
  const latest = (text: string) => text.replace('"1.0.0"', 'latest');
  for (const folder of ['before', 'models'])
    session.write(`${folder}/${rollout}`, latest(readFileSync(session.path('before', rollout), 'utf8')));
  const changes = async () => {
    const { stdout } = await session.run(['plan', '--repo', 'models', '--since', 'before', '--json']);
    return JSON.parse(stdout).changes.filter((one: { rollout: string }) => one.rollout === 'document-classifier-eu');
  };
  expect(await changes()).toEqual([]);
  session.write(
    'models/models/document-classifier/1.1.0.yaml',
    readFileSync(session.path('before', model), 'utf8').replace('"1.0.0"', '"1.1.0"'),
  );
  expect(await changes()).toMatchObject([{ desired: '1.1.0', runs: null, isNew: false, fields: ['version'] }]);
  edit('policies/careful.yaml', (text) => text.replace(/soak: \S+/, 'soak: 17m'));
  expect(await changes()).toMatchObject([
    { fields: ['version', 'policy document'], plan: { traffic: { devices: null } } },
  ]);
  const named = await session.run(['plan', 'careful', '--repo', 'models', '--since', 'before']);
  expect(named).toMatchObject({ code: 2, stderr: expect.stringMatching(/^PLAN_SINCE\n/) });
});
