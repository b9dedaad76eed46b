// Laws of the verbs: each makes exactly the commit that a person could make by hand, and says no where it would ask for nothing.
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { startGitHttpServer } from '../../src/cli/demo/git-http-server.ts';
import { CliSession, PERSON } from './cli-session.ts';

const ROLLOUT = 'document-classifier-eu';
const FILE = `rollouts/${ROLLOUT}.yaml`;

// Each command is a process of its own, and there are many.
vi.setConfig({ testTimeout: 240_000 });

let session: CliSession;
beforeEach(async () => {
  session = new CliSession();
  await session.run(['init', 'models', '--example']);
});
afterEach(() => session[Symbol.asyncDispose]());

/** The canary of 1.0.0 has begun, on devices that never report. */
async function roll(repository = 'models'): Promise<void> {
  await session.enrol(['kiosk-001', 'kiosk-002', 'kiosk-003', 'kiosk-004'], { region: 'eu-west' });
  const { code, stderr } = await session.run(['reconcile', '--repo', repository]);
  expect(stderr).toBe('');
  expect(code).toBe(0);
}

test('a rollout is paused, resumed, approved, aborted and tried again from a clone', async () => {
  await session.say(`promote ${ROLLOUT} --repo models`);
  await roll();
  await session.say(`status ${ROLLOUT} --repo models`);
  await session.say(`undo ${ROLLOUT} --repo models --dry-run`);
  await session.say(`set ${ROLLOUT} --repo models`);
  await session.say(`set ${ROLLOUT} --repo models --version 9.9.9 --yes`);
  await session.say(
    `set ${ROLLOUT} --repo models --parameter threshold=0.5 --target "region:eu-west OR hw:rev2" --dry-run`,
  );
  await session.say(`pause ${ROLLOUT} --repo models --reason "nobody is here today"`);
  await session.say(`pause ${ROLLOUT} --repo models`);
  await session.say('status --repo models');
  await session.say(`resume ${ROLLOUT} --repo models`);
  await session.say(`promote ${ROLLOUT} --repo models --dry-run`);
  await session.say(`approve ${ROLLOUT} --repo models --by bob --dry-run`);
  await session.say(`retry ${ROLLOUT} --repo models`);
  await session.say(`abort ${ROLLOUT} --group hw --repo models`);
  await session.say(`abort ${ROLLOUT} --group hw:rev2 --repo models`);
  await session.say(`promote ${ROLLOUT} --group hw:rev2 --repo models`);
  await session.say(`abort ${ROLLOUT} --repo models --reason "wrong data: # 7"`);
  await session.say(`abort ${ROLLOUT} --repo models`);
  await session.say('status --repo models');
  await session.say('reconcile --repo models');
  await session.say('status --repo models');
  await session.say(`abort ${ROLLOUT} --repo models`);
  await session.say(`rollback ${ROLLOUT} --repo models`);
  await session.say(`retry ${ROLLOUT} 9.9.9 --repo models`);
  await session.say(`retry ${ROLLOUT} 1.0.0 --repo models`);
  await session.say('promote nothing --repo models');
  await session.say(`history ${ROLLOUT} --repo models`);
  await expect(session.text()).toMatchFileSnapshot('golden/steer.txt');
  expect(session.git('models', 'status', '--porcelain')).toBe('');
  expect(session.git('models', 'log', '-1', '--format=%an <%ae> %s')).toBe(
    `alice <alice@example.org> ${ROLLOUT}: Ask to retry 1.0.0`,
  );
  expect(session.git('models', 'show', '--format=', '--name-only', 'HEAD')).toBe(FILE);
});

test('what a person has begun in the clone is neither committed in passing nor lost', async () => {
  session.write('models/README.md', 'half a thought');
  session.git('models', 'add', 'README.md');
  const staged = await session.run(['pause', ROLLOUT, '--repo', 'models']);
  expect(staged).toMatchObject({ code: 2, stdout: '' });
  expect(staged.stderr).toContain('REQUEST_OTHERS_STAGED');
  session.git('models', 'restore', '--staged', 'README.md');
  const text = readFileSync(session.path('models', FILE), 'utf8');
  session.write(`models/${FILE}`, `${text}# half a thought\n`);
  const changed = await session.run(['pause', ROLLOUT, '--repo', 'models']);
  expect(changed.stderr).toContain('REQUEST_FILE_CHANGED');
  session.write(`models/${FILE}`, text);
  expect((await session.run(['pause', ROLLOUT, '--repo', 'models'])).code).toBe(0);
  expect(session.git('models', 'status', '--porcelain')).toBe('M README.md');
});

test('while git works in the clone, nothing is committed', async () => {
  session.write('models/.git/index.lock', '');
  const locked = await session.run(['pause', ROLLOUT, '--repo', 'models']);
  expect(locked.code).toBe(3);
  expect(locked.stderr).toContain('GIT_LOCKED');
  expect(readFileSync(session.path('models', FILE), 'utf8')).not.toContain('suspend');
});

test('a request is somebody’s: without a name there is no commit', async () => {
  const { code, stderr } = await session.run(['pause', ROLLOUT, '--repo', 'models'], {});
  expect(code).toBe(2);
  expect(stderr).toContain('REQUEST_NOBODY');
  session.git('models', 'config', 'user.name', 'Ann Lee');
  session.git('models', 'config', 'user.email', 'ann@example.org');
  expect((await session.run(['pause', ROLLOUT, '--repo', 'models'], {})).code).toBe(0);
  expect(session.git('models', 'log', '-1', '--format=%an %cn')).toBe('Ann Lee Ann Lee');
});

test('an approval by somebody whom the policy does not name is refused, with the names', async () => {
  const policy = readFileSync(session.path('models/policies/careful.yaml'), 'utf8');
  session.write(
    'models/policies/careful.yaml',
    policy.replace('      silence:', '      approval: { approvers: [ann, bob] }\n      silence:'),
  );
  await session.run(['sign', 'models/policies/careful.yaml', '--key', '.slipway-keys/ci.key']);
  session.git('models', 'commit', '-qam', 'Ask ann or bob');
  await roll();
  const refused = await session.run(['approve', ROLLOUT, '--repo', 'models']);
  expect(refused.code).toBe(2);
  expect(refused.stderr).toContain('"alice" may not approve canary; approvers are ann and bob.');
  expect((await session.run(['approve', ROLLOUT, '--repo', 'models', '--by', 'ann'])).code).toBe(0);
});

test('of many at once on a bare repository, each request lands', async () => {
  await roll();
  session.git('.', 'clone', '-q', '--bare', 'models', 'models.git');
  const names = ['ann', 'bob', 'eve', 'joe'];
  const ran = await Promise.all(
    names.map((by) => session.run(['promote', ROLLOUT, '--repo', 'models.git', '--by', by, '--json'])),
  );
  for (const { code, stderr } of ran) expect([code, stderr]).toEqual([0, '']);
  const text = session.git('models.git', 'show', `main:${FILE}`);
  for (const by of names) expect(text.split(`by: ${by}`)).toHaveLength(2);
  expect(session.git('models.git', 'rev-list', '--count', 'main')).toBe('6');
  expect(JSON.parse(ran[0]?.stdout ?? '')).toMatchObject({ verb: 'promote', branch: 'main', pushed: true });
});

test('over HTTP the token gets in, and without it the remedy is said', async () => {
  session.git('.', 'clone', '-q', '--bare', 'models', 'hosts/models.git');
  session.git('hosts/models.git', 'config', 'http.receivepack', 'true');
  const credentials = { username: 'slipway', password: 'sesame' };
  const server = await startGitHttpServer({ root: session.path('hosts'), credentials });
  session.keep({ [Symbol.asyncDispose]: () => server.close() });
  const address = `${server.url}/models.git --insecure-http`;
  await session.say(`pause ${ROLLOUT} --repo ${address}`);
  await session.say(`pause ${ROLLOUT} --repo ${address}`, { ...PERSON, SLIPWAY_GIT_TOKEN: 'wrong' });
  await session.say(`pause ${ROLLOUT} --repo ${address}`, { ...PERSON, SLIPWAY_GIT_TOKEN: 'sesame' });
  await session.say(`status --repo ${address} --branch other`, { SLIPWAY_GIT_TOKEN: 'sesame' });
  await session.say(`status --repo ${address}`, { SLIPWAY_GIT_TOKEN: 'sesame' });
  await expect(session.text()).toMatchFileSnapshot('golden/over-http.txt');
});
