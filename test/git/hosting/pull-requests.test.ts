// Laws of pull requests at GitHub and GitLab: one for a branch however often it is asked for, and no answer of whoever sits between is believed.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Clock } from '../../../src/base/clock.ts';
import { SystemClock } from '../../../src/base/clock.ts';
import { seededRandom } from '../../../src/base/random.ts';
import { GithubPullRequests } from '../../../src/git/hosting/github-pull-requests.ts';
import { GitlabMergeRequests } from '../../../src/git/hosting/gitlab-merge-requests.ts';
import { checkApiUrl } from '../../../src/git/hosting/host-request.ts';
import { openPullRequest, type PullRequestHost } from '../../../src/git/hosting/pull-request-host.ts';
import { type HostMisbehaviour, PROJECT, REPOSITORY, TestPullRequestHost } from '../../support/pull-request-host.ts';

const TOKEN = 'token-that-nobody-may-see';
const DRAFT = { branch: 'slipway/ocr-1.1.0', base: 'main', title: 'Release ocr 1.1.0', body: 'sequence 2' };

let server: TestPullRequestHost;
let sleptMs: number[];
beforeEach(async () => {
  server = await TestPullRequestHost.start(TOKEN);
  sleptMs = [];
});
afterEach(() => server[Symbol.asyncDispose]());

/** Real requests; waits between tries take no time. */
const clock: Clock = {
  now: () => new SystemClock().now(),
  monotonicMs: () => new SystemClock().monotonicMs(),
  async sleep(ms) {
    sleptMs.push(ms);
  },
};

type Make = (token?: string, apiUrl?: string) => PullRequestHost;
const terms = () => ({ clock: new SystemClock(), signal: new AbortController().signal });
const HOSTS: readonly (readonly [string, Make, string])[] = [
  [
    'GitHub',
    (token = TOKEN, apiUrl = server.url) =>
      new GithubPullRequests({ apiUrl, token, repository: REPOSITORY, ...terms() }),
    'https://github.test/acme/models/pull/1',
  ],
  [
    'GitLab',
    (token = TOKEN, apiUrl = server.gitlabUrl) =>
      new GitlabMergeRequests({ apiUrl, token, project: PROJECT, ...terms() }),
    'https://gitlab.test/acme/models/-/merge_requests/1',
  ],
];

const answers =
  (status: number, body: string, headers: Readonly<Record<string, string>> = {}): HostMisbehaviour =>
  (_request, response) => {
    response.writeHead(status, headers).end(body);
    return true;
  };

describe.each(HOSTS)('at %s', (_name, make, page) => {
  const open = (host = make()) => openPullRequest(host, DRAFT, { clock, random: seededRandom(1, 'hosts') });

  test('one is opened, found again while it is open, and opened anew once it was closed', async () => {
    expect(await open()).toEqual({ number: 1, url: page, isNew: true });
    expect(server.requests).toMatchObject([DRAFT]);
    expect(await open()).toEqual({ number: 1, url: page, isNew: false });
    for (const one of server.requests) one.isOpen = false;
    expect(await open()).toMatchObject({ number: 2, isNew: true });
    expect(server.requests).toHaveLength(2);
  });

  test('a host whose answer is lost is asked what it did before it is asked again', async () => {
    let lost = 0;
    server.misbehave = (request, response, isDone) => {
      if (request.method !== 'POST' || !isDone || lost++ > 0) return false;
      response.destroy();
      return true;
    };
    expect(await open()).toMatchObject({ number: 1, isNew: true });
    expect(server.requests).toHaveLength(1);
  });

  test('one of a fork whose branch has the same name is never taken for it', async () => {
    server.requests.push({ ...DRAFT, number: 1, isOpen: true, isOfFork: true });
    expect(await open()).toMatchObject({ number: 2, isNew: true });
    expect(await open()).toMatchObject({ number: 2, isNew: false });
  });

  test('a host that lists all of them, whatever it is asked, is read with care', async () => {
    server.requests.push({ ...DRAFT, number: 1, isOpen: true, isOfFork: true });
    server.misbehave = (request) => {
      request.url = request.url?.replace(/head=[^&]*/, `head=stranger:${DRAFT.branch}`);
      return false;
    };
    expect(await open()).toMatchObject({ number: 2, isNew: true });
  });

  test('somebody who opens it at the same time is found, not fought', async () => {
    let isFirst = true;
    server.misbehave = (request, _response, isDone) => {
      if (request.method === 'POST' && !isDone && isFirst) {
        isFirst = false;
        server.requests.push({ ...DRAFT, number: 1, isOpen: true });
      }
      return false;
    };
    expect(await open()).toMatchObject({ number: 1 });
    expect(server.requests).toHaveLength(1);
  });

  test('a host that fails for a while, or asks to wait, is asked again after that long', async () => {
    const faults: HostMisbehaviour[] = [
      answers(502, '<html>bad gateway</html>'),
      answers(429, '{"message":"slow down"}', { 'retry-after': '7' }),
    ];
    server.misbehave = (request, response, isDone) => !isDone && (faults.shift()?.(request, response, false) ?? false);
    expect(await open()).toMatchObject({ number: 1 });
    expect(sleptMs[1]).toBe(7_000);
  });

  test.each([
    ['a captive portal', answers(200, '<html>log in</html>'), 'HOST_ANSWER', 'fix-input'],
    ['JSON of something else', answers(200, '{"status":"ok"}'), 'HOST_ANSWER', 'fix-input'],
    ['a redirect', answers(302, '', { location: 'https://login.example.org/' }), 'HOST_ANSWER', 'fix-input'],
    ['an endless answer', answers(200, `["${'x'.repeat(2 ** 21)}"]`), 'HOST_ANSWER', 'fix-input'],
    ['a host that is down', answers(503, ''), 'HOST_FAILED', 'retry-later'],
    ['a limit for an hour', answers(429, '{}', { 'retry-after': '3600' }), 'HOST_RATE_LIMITED', 'retry-later'],
    ['a token without the right', answers(403, '{"message":"not permitted"}'), 'HOST_CREDENTIALS', 'fix-input'],
    ['a refusal that quotes the token', answers(400, `{"message":"bad ${TOKEN}"}`), 'HOST_REFUSED', 'fix-input'],
  ] as const)('%s is an error with a code, and nothing is open', async (_what, misbehave, code, kind) => {
    server.misbehave = misbehave;
    const error = await open().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code, kind, remedy: expect.stringMatching(/\.$/) });
    expect(String(error)).not.toContain(TOKEN);
    expect(server.requests).toEqual([]);
  });

  test('a wrong token, and a page that is no address, are refused', async () => {
    await expect(open(make('another'))).rejects.toMatchObject({ code: 'HOST_CREDENTIALS', kind: 'fix-input' });
    server.misbehave = (request, response) =>
      request.method === 'POST' &&
      answers(201, '{"number":1,"iid":1,"html_url":"javascript:x","web_url":"javascript:x"}')(request, response, false);
    await expect(open()).rejects.toMatchObject({ code: 'HOST_ANSWER' });
  });

  test('a host that is not there is tried for a while', async () => {
    const away = make(TOKEN, 'http://127.0.0.1:9');
    await expect(open(away)).rejects.toMatchObject({ code: 'HOST_UNREACHABLE', kind: 'retry-later' });
    expect(sleptMs).toHaveLength(5);
  });
});

test('a limit that GitHub tells by its own headers is obeyed', async () => {
  const reset = String(Math.ceil(clock.now() / 1000) + 30);
  const limited = answers(403, '{}', { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': reset });
  const faults = [limited];
  server.misbehave = (request, response) => faults.shift()?.(request, response, false) ?? false;
  const host = new GithubPullRequests({ apiUrl: server.url, token: TOKEN, repository: REPOSITORY, ...terms() });
  expect(await openPullRequest(host, DRAFT, { clock, random: seededRandom(1, 'hosts') })).toMatchObject({ number: 1 });
  expect(sleptMs[0]).toBeGreaterThan(25_000);
  expect(sleptMs[0]).toBeLessThan(32_000);
});

test('a token goes to another machine by HTTPS alone, unless plain HTTP is allowed', () => {
  const check = (text: string, insecure = false) => checkApiUrl('GITHUB_API_URL', text, insecure);
  expect(check('https://github.example.org/api/v3/')).toBe('https://github.example.org/api/v3');
  expect(check('http://127.0.0.1:3000')).toBe('http://127.0.0.1:3000');
  expect(check('http://github.example.org', true)).toBe('http://github.example.org');
  for (const text of ['http://github.example.org', 'ftp://x', 'nothing', 'https://user:secret@x.org'])
    expect(() => check(text), text).toThrow(expect.objectContaining({ code: 'HOST_ADDRESS' }));
});
