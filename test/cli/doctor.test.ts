// Laws of `slipway doctor`: each line is right about what it looked at, says a remedy, ends in time, and nothing is changed or given away.
import { chmodSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Clock } from '../../src/base/clock.ts';
import type { CheckResult } from '../../src/cli/doctor/check.ts';
import { homeChecks } from '../../src/cli/doctor/home-checks.ts';
import { homeAt } from '../../src/cli/home.ts';
import { CliSession } from './cli-session.ts';

const TOKEN = 'ghp_s3cret';
let session: CliSession;
let host: Server;
let url: string;
let answer: RequestListener;
const asked: { readonly method: string | undefined; readonly url: string | undefined }[] = [];

beforeAll(async () => {
  session = new CliSession();
  host = createServer((request, response) => {
    asked.push({ method: request.method, url: request.url });
    answer(request, response);
  });
  await new Promise<void>((resolve) => host.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(host.address() as AddressInfo).port}`;
  expect((await session.run(['init', 'repo', '--home', 'home'])).code).toBe(0);
});
afterEach(() => {
  asked.length = 0;
});
afterAll(async () => {
  host.closeAllConnections();
  host.close();
  await session[Symbol.asyncDispose]();
});

async function doctor(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const ran = await session.run(['doctor', '--json', ...args], { SLIPWAY_GIT_TOKEN: TOKEN, ...env });
  expect(ran.stdout + ran.stderr).not.toContain(TOKEN);
  const { checks } = JSON.parse(ran.stdout) as { checks: CheckResult[] };
  return { code: ran.code, of: (name: string) => checks.find((one) => one.name === name), checks };
}

interface Host {
  readonly push?: number;
  readonly date?: Date;
  readonly branch?: object;
  readonly hooks?: readonly object[];
}

/** As GitHub answers, its API below `/api`. */
function github({
  push = 200,
  date = new Date(),
  branch = { protected: true },
  hooks = [],
}: Host = {}): RequestListener {
  return (request, response) => {
    response.setHeader('date', date.toUTCString());
    const service = /service=(git-\w+-pack)$/.exec(request.url ?? '')?.[1];
    const json = (value: unknown) => response.setHeader('content-type', 'application/json').end(JSON.stringify(value));
    if (request.url?.startsWith('/api/repos/me/models/branches/main')) return json(branch);
    if (request.url?.startsWith('/api/repos/me/models/hooks')) return json(hooks);
    const isAllowed =
      request.headers.authorization?.startsWith('Basic ') && (service !== 'git-receive-pack' || push === 200);
    if (!isAllowed) return response.writeHead(service === 'git-receive-pack' ? push : 401).end();
    return response.setHeader('content-type', `application/x-${service}-advertisement`).end('0000');
  };
}

test('a home is well as init leaves it; a key that others may read is bad, with the command that mends it', async () => {
  const well = await doctor(['--home', 'home']);
  expect(well.code).toBe(0);
  const findings = well.checks.map(({ finding }) => finding);
  expect(findings).toEqual(['ok', 'ok', 'ok', 'ok', 'ok', 'ok', 'ok', 'not-known', 'ok']);
  chmodSync(session.path('home/keys/reconciler.key'), 0o644);
  const open = await doctor(['--home', 'home']);
  chmodSync(session.path('home/keys/reconciler.key'), 0o600);
  expect(open.code).toBe(1);
  expect(open.of('key modes')).toMatchObject({ finding: 'bad', remedy: expect.stringContaining('chmod 600') });
  const words = await session.run(['doctor', '--home', 'home']);
  expect(words.stdout).toMatch(/^ok {9}trust policy {2}1 signer$/m);
  expect(words.stdout).toMatch(/^not known {2}publication /m);
});

test('a root is told as late a month before its end, and as bad after it', async () => {
  const inDays = async (days: number) => {
    const clock = { now: () => Date.now() + days * 86_400_000 } as Clock;
    const [check] = homeChecks(homeAt(session.path('home')), clock).filter(({ name }) => name === 'root');
    return check?.run(new AbortController().signal);
  };
  const remedy = expect.stringContaining('slipway rotate root');
  expect(await inDays(300)).toMatchObject({ finding: 'ok' });
  expect(await inDays(340)).toMatchObject({ finding: 'warn', remedy });
  expect(await inDays(366)).toMatchObject({ finding: 'bad', remedy });
});

test('rights of the token are told by what the host lets it do, without doing it', async () => {
  answer = github();
  const env = { GITHUB_API_URL: `${url}/api` };
  const mayPush = await doctor(['--repo', `${url}/me/models.git`], env);
  expect(mayPush.of('fetch')).toMatchObject({ finding: 'ok' });
  expect(mayPush.of('push')).toMatchObject({ finding: 'ok' });
  expect(mayPush.of('clock')).toMatchObject({ finding: 'ok' });
  answer = github({ push: 403 });
  const mayNot = await doctor(['--repo', `${url}/me/models.git`], env);
  expect(mayNot.code).toBe(1);
  expect(mayNot.of('push')).toMatchObject({ finding: 'bad', text: expect.stringContaining('HTTP 403') });
  // The branch is read by a fetch, which posts; what else is asked is only read.
  expect(asked.every(({ method, url: path }) => method === 'GET' || path?.endsWith('/git-upload-pack'))).toBe(true);
});

test('a clock that differs is told with how much, in which direction, and how to mend it', async () => {
  answer = github({ date: new Date(Date.now() + 120_000) });
  const { of } = await doctor(['--repo', `${url}/me/models.git`]);
  expect(of('clock')).toMatchObject({
    finding: 'bad',
    text: expect.stringMatching(/^this machine is 1[12]\d s behind/),
  });
  expect(of('clock')?.remedy).toContain('NTP');
});

test('protection and webhooks are what the API says; where it says nothing they are not known', async () => {
  const env = { GITHUB_API_URL: `${url}/api` };
  const of = () => doctor(['--repo', `${url}/me/models.git`], env);
  answer = github();
  const bare = await of();
  expect(bare.of('branch protection')).toMatchObject({ finding: 'ok' });
  expect(bare.of('webhook')).toMatchObject({ finding: 'warn', text: expect.stringContaining('--poll') });
  const hook = { active: true, config: { url: 'https://slipway.example/v1/hooks/git' }, last_response: { code: 401 } };
  answer = github({ branch: { protected: false }, hooks: [hook] });
  const odd = await of();
  expect(odd.of('branch protection')).toMatchObject({ finding: 'warn' });
  expect(odd.of('webhook')).toMatchObject({ finding: 'warn', text: expect.stringContaining('HTTP 401') });
  answer = github({ hooks: [{ ...hook, last_response: { code: 202 } }] });
  expect((await of()).of('webhook')).toMatchObject({ finding: 'ok' });
  const elsewhere = await doctor(['--repo', `${url}/me/models.git`]);
  expect(elsewhere.of('webhook')).toMatchObject({ finding: 'not-known' });
});

test('the token goes to the API of its own host alone, whatever the environment of a job says', async () => {
  answer = github();
  await doctor(['--repo', 'https://git.example.invalid/me/models.git'], {
    GITHUB_API_URL: `${url}/api`,
    CI_API_V4_URL: `${url}/api/v4`,
  });
  expect(asked).toEqual([]);
}, 60_000);

test('a captive portal, a host that hangs, and a service that is none are told as such, in time', async () => {
  answer = (_, response) => response.setHeader('content-type', 'text/html').end('<html>Log in</html>');
  const portal = await doctor(['--repo', `${url}/me/models.git`, '--server', url], { GITHUB_API_URL: `${url}/api` });
  expect(portal.of('fetch')).toMatchObject({ finding: 'not-known', text: expect.stringContaining('text/html') });
  expect(portal.of('branch protection')).toMatchObject({ finding: 'not-known' });
  expect(portal.of('service')).toMatchObject({ finding: 'bad', text: expect.stringContaining('something else') });
  expect(portal.of('service cycle')).toMatchObject({ finding: 'not-known', text: expect.stringContaining('token') });
  answer = () => undefined;
  const startMs = performance.now();
  const hanging = await doctor(['--repo', `${url}/me/models.git`, '--server', url], { GITHUB_API_URL: `${url}/api` });
  expect(performance.now() - startMs).toBeLessThan(25_000);
  for (const name of ['fetch', 'branch', 'push', 'clock', 'webhook'])
    expect(hanging.of(name), name).toMatchObject({ finding: 'not-known' });
  expect(hanging.of('service')).toMatchObject({ finding: 'bad', text: expect.stringContaining('8 s') });
}, 90_000);
