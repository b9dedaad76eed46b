// Laws of `slipway token`: the same in the home and at a running service, for whoever may.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { CliSession } from './cli-session.ts';

let session: CliSession;
beforeEach(async () => {
  session = new CliSession();
  await session.run(['init', 'models', '--home', '.slipway']);
});
afterEach(() => session[Symbol.asyncDispose]());

async function json(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<unknown> {
  const { stdout, stderr } = await session.run([...args, '--json'], env);
  return JSON.parse(stdout === '' ? stderr : stdout);
}

test('the first admin token is made in the home; with it all others are made, listed and revoked at the service', async () => {
  const { url } = await session.serve(['--repo', 'models', '--home', '.slipway']);
  const made = await session.run(['token', 'create', '--home', '.slipway', '--name', 'me', '--scope', 'admin']);
  expect(made).toMatchObject({ stderr: '', code: 0, stdout: expect.stringMatching(/^slipwayapi_\S{43}\n$/) });
  const admin = { SLIPWAY_SERVER: url, SLIPWAY_TOKEN: made.stdout.trim() };
  const order = ['token', 'create', '--name', 'ci of shelf', '--scope', 'publish', 'enrol', '--expires', 'never'];
  const child = (await json(order, admin)) as { id: string; token: string };
  expect(child).toMatchObject({ name: 'ci of shelf', scopes: ['publish', 'enrol'], expiresAt: null });
  const [me] = ((await json(['token', 'list', '--home', '.slipway'])) as { name: string; id: string }[]).filter(
    ({ name }) => name === 'me',
  );
  expect(child).toMatchObject({ createdBy: me?.id });

  const ci = { SLIPWAY_SERVER: url, SLIPWAY_TOKEN: child.token };
  expect(await session.run(['token', '--count', '2'], ci)).toMatchObject({
    ...{ code: 0, stderr: '', stdout: expect.stringMatching(/^(slipway_\S{43}\n){2}$/) },
  });
  const refused = await session.run(['token', 'list'], ci);
  expect(refused).toMatchObject({ code: 2, stdout: '' });
  expect(refused.stderr).toMatch(/SERVER_CREDENTIALS\n.*has the scope publish, enrol; this address needs admin\./);

  const shown = await session.run(['token', 'list'], admin);
  expect(
    shown.stdout.split('\n').map((line) =>
      line
        .replaceAll(/[0-9a-f]{12}/g, 'ID')
        .replaceAll(/ {2,}/g, '  ')
        .replaceAll(/just now|\d+ (s|min) ago/g, 'AGO'),
    ),
  ).toEqual([
    'ID  NAME  SCOPES  EXPIRES  LAST USED  MADE BY',
    'ID  ci of shelf  publish, enrol  never  AGO  ID',
    expect.stringMatching(/^ID {2}me {2}admin {2}in (90 d|89 d 2[34] h) {2}AGO {2}home$/),
    '',
  ]);
  expect(shown.stdout).not.toContain('slipwayapi_');
  const gone = await session.run(['token', 'revoke', child.id], admin);
  expect(gone.stdout).toBe(`Revoked ${child.id} (ci of shelf). Running services refuse it within two seconds.\n`);
  expect(await session.run(['token', 'revoke', 'none'], admin)).toMatchObject({ code: 2 });
  expect(await json(['token', 'list'], admin)).toMatchObject([{ name: 'me' }]);
  expect(await json(['token', 'list', '--all'], admin)).toMatchObject([{ name: 'ci of shelf' }, { name: 'me' }]);
  expect((await session.run(['token', 'list'], { SLIPWAY_SERVER: url })).stderr).toContain('requires a token');
});

test('a home that is named wins over a service in the environment, and both as options are refused', async () => {
  const elsewhere = { SLIPWAY_SERVER: 'http://127.0.0.1:1' };
  expect((await session.run(['token', '--home', '.slipway'], elsewhere)).code).toBe(0);
  expect((await session.run(['token'], { ...elsewhere, SLIPWAY_HOME: '.slipway' })).code).toBe(0);
  expect((await session.run(['token'], elsewhere)).stderr).toContain('SERVER_UNREACHABLE');
  const explicit = ['token', '--server', 'http://127.0.0.1:1'];
  expect((await session.run(explicit, { SLIPWAY_HOME: '.slipway' })).stderr).toContain('SERVER_UNREACHABLE');
  const both = await session.run([...explicit, '--home', '.slipway']);
  expect(both).toMatchObject({ code: 2, stderr: expect.stringContaining('USAGE') });
});

test('scopes are words of their own, repeated options, or a list with commas', async () => {
  for (const scopes of [
    ['--scope', 'publish', 'view'],
    ['--scope', 'publish', '--scope', 'view'],
    ['--scope', 'view,publish'],
  ]) {
    const { stdout } = await session.run(['token', 'create', '--name', 'ci', ...scopes, '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ scopes: ['view', 'publish'] });
  }
  const wrong = await session.run(['token', 'create', '--name', 'ci', '--scope', 'view,']);
  expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining('Allowed choices are') });
});

test('a mistake says what is wrong, and makes no token', async () => {
  await session.say('token lst');
  await session.say('token list extra');
  await session.say('token create --name ci');
  await session.say('token create --scope view');
  await session.say('token create --name ci --scope root');
  await session.say('token create --name " ci" --scope view');
  await session.say('token create --name ci --scope view --expires 0s');
  await session.say('token create --name ci --scope view --expires soon');
  await session.say('token revoke');
  await session.say('token revoke none');
  await session.say('token list --home nowhere');
  await session.say('token list --server http://slipway.example.com', { SLIPWAY_TOKEN: 'secret' });
  await session.say('token list');
  await session.say('token list --json');
  await expect(session.text()).toMatchFileSnapshot('golden/token.txt');
});
