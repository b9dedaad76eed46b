// Laws of looking: what the service knows is shown live, with what is wrong and how to mend it; history tells the reconciler from anyone else.
import { readFileSync, renameSync } from 'node:fs';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { CliSession, PERSON, until } from './cli-session.ts';

// Each command is a process of its own, and there are many.
vi.setConfig({ testTimeout: 240_000 });

const ROLLOUT = 'document-classifier-eu';
const VIEWER = { SLIPWAY_VIEWER_TOKEN: 'look' };

let session: CliSession;
beforeEach(async () => {
  session = new CliSession();
  await session.run(['init', 'models', '--example']);
  session.git('.', 'clone', '-q', '--bare', 'models', 'models.git');
});
afterEach(() => session[Symbol.asyncDispose]());

async function liveText(server: string): Promise<string> {
  return (await session.run(['status', '--server', server], VIEWER)).stdout;
}

test('the live view shows stage, devices, verdict and wait; what contradicts; and a source that went away', async () => {
  await session.enrol(['kiosk-001', 'kiosk-002', 'kiosk-003'], { region: 'eu-west' });
  await session.enrol(['kiosk-004'], { region: 'us-east' });
  session.git('.', 'clone', '-q', 'models.git', 'mine');
  const fleet = readFileSync(session.path('mine/fleet/kiosks.yaml'), 'utf8');
  session.write('mine/fleet/kiosks.yaml', fleet.replace('devices: []', 'devices: [{ id: kiosk-004 }]'));
  session.write('mine/rollouts/broken.yaml', 'apiVersion: slipway.dev/v1alpha1\nkind: Rolout\n');
  session.git('mine', 'add', '-A');
  session.git('mine', 'commit', '-qm', 'List a device');
  session.git('mine', 'push', '-q');
  const { url } = await session.serve(['--repo', 'models.git'], VIEWER);
  await until(async () => (await liveText(url)).includes('canary 1.0.0'));
  await session.say(`status --server ${url}`, VIEWER);
  await session.say(`status ${ROLLOUT} --server ${url}`, {});
  await session.say(`status nothing --server ${url}`, VIEWER);
  await session.say(`status --server ftp://x`, VIEWER);
  renameSync(session.path('models.git'), session.path('gone.git'));
  await until(async () => (await liveText(url)).includes('has been unreadable since'));
  await session.say(`status --server ${url}`, VIEWER);
  const text = session.text().replaceAll(/deadline in (1 d|23 h \d+ min)/g, 'deadline in N h');
  await expect(text.replaceAll(/(\d+ min )?\d+ (min|s) of soak/g, 'N min of soak')).toMatchFileSnapshot(
    'golden/live.txt',
  );
  const { stdout } = await session.run(['status', '--server', url, '--json'], VIEWER);
  expect(JSON.parse(stdout)).toMatchObject({ service: { source: { kind: 'away' } }, rollouts: [{}, {}] });
});

test('a rewritten history stops its rollout, and `slipway adopt` lets it go on', async () => {
  await session.enrol(['kiosk-001', 'kiosk-002', 'kiosk-003'], { region: 'eu-west' });
  const { url } = await session.serve(['--repo', 'models.git'], VIEWER);
  const state = (word: string) => until(async () => (await liveText(url)).includes(word));
  await state('canary 1.0.0');
  await session.run(['abort', ROLLOUT, '--repo', 'models.git']);
  await state('was rejected');
  // Someone rewinds the branch to the first step, and puts another commit on it.
  session.git('.', 'clone', '-q', 'models.git', 'mine');
  session.git('mine', 'reset', '-q', '--hard', 'HEAD~2');
  session.write('mine/README.md', 'another history');
  session.git('mine', 'commit', '-qam', 'Another history');
  session.git('mine', 'push', '-q', '--force');
  await state('HISTORY_REWOUND');
  await session.say(`status --server ${url}`, VIEWER);
  await session.say(`adopt ${ROLLOUT} --repo models.git --reason "meant so"`);
  await until(async () => !(await liveText(url)).includes('HISTORY_REWOUND'));
  await session.say(`history --repo models.git -n 1`);
  await expect(session.text()).toMatchFileSnapshot('golden/rewound.txt');
});

test('history calls only what the reconciler signed good, and says so by its exit code', async () => {
  await session.enrol(['kiosk-001', 'kiosk-002', 'kiosk-003'], { region: 'eu-west' });
  await session.run(['reconcile', '--repo', 'models.git']);
  await session.say('history --repo models.git');
  const trailers = `Slipway-Rollout: ${ROLLOUT}\nSlipway-Transition: 2 canary→full\nSlipway-Kind: advance`;
  session.git('.', 'clone', '-q', 'models.git', 'mine');
  session.git(
    'mine',
    'commit',
    '-q',
    '--allow-empty',
    '-m',
    `rollout(${ROLLOUT}): 1.0.0 canary → full`,
    '-m',
    'All is well.',
    '-m',
    trailers,
  );
  session.git('mine', 'push', '-q');
  await session.say('history --repo models.git');
  await session.say('history --repo models.git -n 1 --home elsewhere');
  await session.run(['init', 'others', '--home', 'stranger']);
  await session.say('history --repo models.git --trust stranger/trust-policy.yaml');
  await session.say('history nothing --repo models.git');
  await session.say('history --repo models.git -n many');
  await expect(session.text()).toMatchFileSnapshot('golden/history.txt');
});

test('every problem of a repository comes at once, with place and remedy, from a folder, a branch and a bare repository alike', async () => {
  session.write(
    'models/rollouts/other.yaml',
    'apiVersion: slipway.dev/v1alpha1\nkind: Rollout\nmetadata: { name: other }\nspec:\n  model: document-clasifier\n  version: 1.0.0\n  polcy: careful\n  target: region:eu-west AND\n',
  );
  session.write(
    'models/rollouts/lost.yaml',
    'apiVersion: slipway.dev/v1alpha1\nkind: Rollout\nmetadata: { name: lost }\nspec:\n  model: document-clasifier\n  version: "1.0.0"\n  target: region:eu-west\n',
  );
  session.write(
    'models/rollout/stray.yaml',
    'apiVersion: slipway.dev/v1alpha1\nkind: Rollout\nmetadata: { name: stray }\n',
  );
  const policy = readFileSync(session.path('models/policies/careful.yaml'), 'utf8');
  session.write('models/policies/careful.yaml', policy.replace('soak: 30m', 'soak: 1s'));
  await session.say('validate --repo models --trust .slipway/trust-policy.yaml');
  session.git('models', 'add', '-A');
  session.git('models', 'commit', '-qm', 'Mistakes');
  session.git('models', 'push', '-q', session.path('models.git'), 'main');
  const [folder, branch, bare] = await Promise.all([
    session.run(['validate', '--repo', 'models', '--json']),
    session.run(['validate', '--repo', 'models', '--branch', 'main', '--json']),
    session.run(['validate', '--repo', 'models.git', '--json']),
  ]);
  const errors = (text = ''): unknown => (JSON.parse(text) as { errors: unknown }).errors;
  expect(errors(branch?.stdout)).toEqual(errors(folder?.stdout));
  expect(errors(bare?.stdout)).toEqual(errors(folder?.stdout));
  await session.say('validate --repo nowhere');
  await session.say('validate --repo nobody');
  await expect(session.text()).toMatchFileSnapshot('golden/validate.txt');
});

test('a signer whose time is over is a warning, a revoked one an error', async () => {
  const trust = readFileSync(session.path('.slipway/trust-policy.yaml'), 'utf8');
  const args = ['validate', '--repo', 'models', '--trust', '.slipway/trust-policy.yaml'];
  session.write(
    '.slipway/trust-policy.yaml',
    trust.replace('name: ci\n', 'name: ci\n      notAfter: 2026-01-01T00:00:00Z\n'),
  );
  const late = await session.run(args);
  expect(late).toMatchObject({ code: 0, stderr: '' });
  expect(late.stdout).toContain('no errors, 5 warnings.');
  expect(late.stdout).toContain('warning: SIGNER_EXPIRED');
  session.write('.slipway/trust-policy.yaml', trust.replace('name: ci\n', 'name: ci\n      revoked: true\n'));
  const revoked = await session.run(args);
  expect(revoked.code).toBe(1);
  expect(revoked.stdout).toContain('5 errors.');
});

test('--watch draws again, and ends in peace', async () => {
  const { stdout, stderr, code } = await session.watch(
    ['status', '--repo', 'models.git', '--watch', '--json'],
    2,
    PERSON,
  );
  expect([code, stderr]).toEqual([0, '']);
  const drawn = stdout.trim().split('\n');
  expect(drawn.length).toBeGreaterThanOrEqual(2);
  for (const line of drawn) expect(JSON.parse(line)).toMatchObject({ rollouts: [{ rollout: ROLLOUT }] });
});
