// Laws of steering by form: shown before it is made, made once, from our own pages alone, and every refusal is a page with a code.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SystemClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/logger.ts';
import { seededRandom } from '../../src/base/random.ts';
import type { TokenScope } from '../../src/contract/api-token.ts';
import { loginPage, steerPage } from '../../src/dashboard/routes-pages.ts';
import { steerRoutes } from '../../src/dashboard/routes-steer.ts';
import { MemoryGitHost } from '../../src/git/memory/memory-git-host.ts';
import { MemoryManifestsRepository } from '../../src/git/memory/memory-manifests-repository.ts';
import { RequestDesk } from '../../src/requests/request-desk.ts';
import { type Service, startService } from '../fleet-api/service.ts';
import { HastyClock } from '../support/hasty-clock.ts';

const TEXT =
  'apiVersion: slipway.dev/v1alpha1\nkind: Rollout\nmetadata: { name: ocr }\nspec:\n  model: ocr\n  version: 1.4.0\n  target: "*"\n';
const host = new MemoryGitHost();
const repository = new MemoryManifestsRepository({ host, branch: 'main', author: { name: 'Slipway', email: 's@x' } });
let service: Service;

beforeAll(async () => {
  await host.commit({ files: { 'rollouts/ocr.yaml': TEXT }, message: 'start', atMs: 0 });
  const style = { path: '/assets/x.css', type: 'text/css', bytes: new Uint8Array(), gzipped: new Uint8Array() };
  const page = { clock: new SystemClock(), assets: { read: async () => ({ style, script: null }) } };
  const desk = new RequestDesk({
    open: async () => repository,
    clock: new HastyClock(),
    random: seededRandom(1, 'desk'),
  });
  const parts = { desk, wait: () => 0, onPoke: () => undefined, logger: silentLogger };
  service = await startService({
    routes: steerRoutes({ ...parts, showPage: steerPage(page) }),
    login: { site: { publicUrl: null, insecureHttp: false }, showPage: loginPage(page) },
  });
});
afterAll(() => service[Symbol.asyncDispose]());

async function send(path: string, form: Record<string, string>, headers: Record<string, string> = {}) {
  const answer = await fetch(service.url + path, {
    ...{ method: 'POST', body: new URLSearchParams(form), redirect: 'manual' },
    headers: { origin: service.url, ...headers },
  });
  return { status: answer.status, headers: answer.headers, html: await answer.text() };
}

async function logIn(...scopes: TokenScope[]): Promise<string> {
  const order = { name: 'alice', scopes, createdBy: 'test', expiresAtMs: null, nowMs: Date.now() };
  const { token } = await service.store.createApiToken(order);
  const { headers, status } = await send('/login', { token, next: '/rollouts/ocr' });
  expect(status).toBe(303);
  return headers.get('set-cookie')?.split(';')[0] ?? '';
}

function hiddenIn(html: string): Record<string, string> {
  const found = html.matchAll(/<input type="hidden" name="(\w+)" value="([^"]*)"/g);
  return Object.fromEntries([...found].map(([, name = '', value = '']) => [name, value]));
}

async function heads(): Promise<number> {
  await repository.fetch();
  return (await repository.log((await host.branches()).get('main') ?? '', 100)).length;
}

test('the login is a page that a browser without scripts can use', async () => {
  const answer = await fetch(`${service.url}/login?next=/rollouts/ocr`);
  const html = await answer.text();
  expect(html).toContain('<form class="steer" method="post" action="/login">');
  expect(html).toContain('name="next" value="/rollouts/ocr"');
  expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'");
  const wrong = await send('/login', { token: 'guess', next: '/"><script>alert(1)</script>' });
  expect(wrong).toMatchObject({ status: 401 });
  expect(wrong.html).toContain('TOKEN_UNKNOWN');
  expect(wrong.html).not.toContain('<script>alert');
});

test('a choice is shown as its commit, then made once as whoever is logged in, and leads back to the rollout', async () => {
  const cookie = await logIn('view', 'operate');
  const preview = await send(
    '/rollouts/ocr/steer',
    { choice: 'pause', reason: 'rev1 <b>errs</b>', step: 'preview' },
    { cookie },
  );
  expect(preview.status).toBe(200);
  for (const told of [
    'ocr: Pause',
    'rev1 &lt;b>errs',
    '+   suspend: true',
    'slipway pause ocr --reason',
    'rollouts/ocr.yaml',
  ])
    expect(preview.html).toContain(told);
  expect(await heads()).toBe(1);
  const form = { ...hiddenIn(preview.html), reason: 'rev1 <b>errs</b>', step: 'commit' };
  expect(form).toMatchObject({ choice: 'pause', head: expect.stringMatching(/^[0-9a-f]{40}$/) });
  const made = await send('/rollouts/ocr/steer', form, { cookie });
  expect(made.status).toBe(303);
  expect(made.headers.get('location')).toMatch(/^\/rollouts\/ocr\?asked=[0-9a-f]{40}\.0#steer$/);
  expect((await send('/rollouts/ocr/steer', form, { cookie })).headers.get('location')).toBe(
    made.headers.get('location'),
  );
  expect(await heads()).toBe(2);
  const again = await send('/rollouts/ocr/steer', { choice: 'pause', reason: 'x', step: 'preview' }, { cookie });
  expect(again).toMatchObject({ status: 409 });
  expect(again.html).toContain('REQUEST_ALREADY');
});

test('another site, a viewer and nobody commit nothing', async () => {
  const before = await heads();
  const form = { choice: 'resume', reason: 'x', step: 'commit' };
  const cookie = await logIn('view', 'operate');
  expect((await send('/rollouts/ocr/steer', form, { cookie, origin: 'https://evil.example' })).status).toBe(403);
  expect((await send('/rollouts/ocr/steer', form, { cookie: await logIn('view') })).status).toBe(403);
  expect((await send('/rollouts/ocr/steer', form)).status).toBe(401);
  const json = await fetch(`${service.url}/rollouts/ocr/steer`, {
    ...{ method: 'POST', body: JSON.stringify(form) },
    headers: { cookie, origin: service.url, 'content-type': 'text/plain' },
  });
  expect(json.status).toBe(415);
  expect(await heads()).toBe(before);
});

test('a form without a choice or a reason, of an unknown rollout, or for an approval is a page with its code', async () => {
  const cookie = await logIn('view', 'operate');
  const code = async (form: Record<string, string>, path = '/rollouts/ocr/steer') => {
    const { status, html } = await send(path, { step: 'preview', ...form }, { cookie });
    return [status, /<code>([A-Z_]+)<\/code>/.exec(html)?.[1]];
  };
  expect(await code({})).toEqual([400, 'REQUEST_FORM']);
  expect(await code({ choice: 'pause' })).toEqual([400, 'REQUEST_FORM']);
  expect(await code({ choice: 'pause', reason: 'x'.repeat(10_000) })).toEqual([400, 'REQUEST_FORM']);
  expect(await code({ choice: 'approve', reason: 'x' })).toEqual([403, 'REQUEST_BY_COMMAND']);
  expect(await code({ choice: 'pause', reason: 'x' }, '/rollouts/%3Cscript%3E/steer')).toEqual([
    404,
    'ROLLOUT_UNKNOWN',
  ]);
});
