// Laws of steering over HTTP: with the scope alone, as the person, only on what was seen, and each refusal with a code of its own.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { silentLogger } from '../../src/base/logger.ts';
import { seededRandom } from '../../src/base/random.ts';
import type { TokenScope } from '../../src/contract/api-token.ts';
import { requestRoutes } from '../../src/dashboard/routes-requests.ts';
import { FaultyGitHost, type HostFaults } from '../../src/git/memory/faulty-git-host.ts';
import { MemoryGitHost } from '../../src/git/memory/memory-git-host.ts';
import { MemoryManifestsRepository } from '../../src/git/memory/memory-manifests-repository.ts';
import { RequestDesk } from '../../src/requests/request-desk.ts';
import { type Service, startService } from '../fleet-api/service.ts';
import { HastyClock } from '../support/hasty-clock.ts';

const TEXT =
  'apiVersion: slipway.dev/v1alpha1\nkind: Rollout\nmetadata: { name: ocr }\nspec:\n  model: ocr\n  version: 1.4.0\n  target: "*"\n';
const host = new MemoryGitHost();
const world = { faults: (() => undefined) as HostFaults, wait: 0, pokes: 0 };
const log: [string, Record<string, unknown>][] = [];
let service: Service;
let tokens: Record<'operator' | 'viewer', string>;
let repository: MemoryManifestsRepository;

beforeAll(async () => {
  await host.commit({ files: { 'rollouts/ocr.yaml': TEXT }, message: 'start', atMs: 0 });
  const faulty = new FaultyGitHost(host, (step) => world.faults(step));
  repository = new MemoryManifestsRepository({
    host: faulty,
    branch: 'main',
    author: { name: 'Slipway', email: 's@x' },
  });
  const desk = new RequestDesk({
    open: async () => repository,
    clock: new HastyClock(),
    random: seededRandom(1, 'desk'),
  });
  const note = (message: string, fields = {}): void => void log.push([message, fields]);
  const logger = { ...silentLogger, info: note, warn: note };
  const onPoke = (): void => {
    world.pokes += 1;
  };
  service = await startService({ routes: requestRoutes({ desk, wait: () => world.wait, onPoke, logger }) });
  const make = async (name: string, scopes: TokenScope[]): Promise<string> =>
    (await service.store.createApiToken({ name, scopes, createdBy: 'test', expiresAtMs: null, nowMs: Date.now() }))
      .token;
  tokens = { operator: await make('alice', ['operate']), viewer: await make('bob', ['view']) };
});
afterAll(() => service[Symbol.asyncDispose]());

async function ask(body: unknown, { token = tokens.operator, rollout = 'ocr', key = '', path = '' } = {}) {
  const answer = await fetch(`${service.url}${path || `/v1/rollouts/${rollout}/requests`}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, ...(key === '' ? {} : { 'idempotency-key': key }) },
    body: JSON.stringify(body),
  });
  const value = (await answer.json()) as Record<string, unknown> & { error?: { code: string; remedy: string } };
  return { status: answer.status, code: value.error?.code, value };
}

async function commits(): Promise<number> {
  await repository.fetch();
  return (await repository.log((await host.branches()).get('main') ?? '', 100)).length;
}

test('what fails by a bug is logged, and tells a stranger nothing', async () => {
  world.faults = () => {
    throw new Error('secret of the store');
  };
  const before = service.errors.length;
  const failed = await ask({ act: 'pause', dryRun: true });
  world.faults = () => undefined;
  expect(failed).toMatchObject({ status: 500, code: 'INTERNAL_ERROR' });
  expect(JSON.stringify(failed)).not.toContain('secret');
  expect(service.errors.length).toBe(before + 1);
});

test('a dry run shows command, difference and head; the commit is by the token and is logged', async () => {
  const seen = await ask({ act: 'pause', dryRun: true });
  expect(seen).toMatchObject({
    status: 200,
    value: { command: 'slipway pause ocr', commit: null, diff: '+   suspend: true' },
  });
  const { head } = seen.value.now as { head: string };
  const made = await ask({ act: 'pause', reason: 'stop', expectedHead: head }, { key: 'key-00000001' });
  expect(made).toMatchObject({
    status: 200,
    value: { title: 'Pause', commit: expect.stringMatching(/^[0-9a-f]{40}$/) },
  });
  expect((await ask({ act: 'pause', reason: 'stop', expectedHead: head }, { key: 'key-00000001' })).value).toEqual(
    made.value,
  );
  expect(await commits()).toBe(2);
  const [facts] = await repository.log(made.value.commit as string, 1);
  expect(facts?.author).toEqual({ name: 'alice', email: expect.stringMatching(/^[0-9a-f]{12}@token\.invalid$/) });
  const line = log.find(([message]) => message === 'a request was committed')?.[1];
  expect(line).toMatchObject({ rollout: 'ocr', act: 'pause', name: 'alice', commit: made.value.commit });
});

test('what moved is a conflict that says how it stands; what makes no sense now is one as well', async () => {
  const moved = await ask({ act: 'promote', reason: 'x', stage: 'canary' });
  expect(moved).toMatchObject({ status: 409, code: 'REQUEST_MOVED', value: { now: { stage: null } } });
  expect(await ask({ act: 'promote', reason: 'x' })).toMatchObject({ status: 409, code: 'REQUEST_TOO_EARLY' });
});

test('who may not, what is unknown, what is malformed and what is only for a push are told apart', async () => {
  expect(await ask({ act: 'pause', reason: 'x' }, { token: tokens.viewer })).toMatchObject({
    status: 403,
    code: 'TOKEN_SCOPE',
  });
  expect(await ask({ act: 'pause', reason: 'x' }, { rollout: 'nope' })).toMatchObject({
    status: 404,
    code: 'ROLLOUT_UNKNOWN',
  });
  expect(await ask({ act: 'pause' })).toMatchObject({ status: 400, code: 'REQUEST_FORM' });
  const approval = await ask({ act: 'approve', reason: 'x' });
  expect(approval).toMatchObject({ status: 403, code: 'REQUEST_BY_COMMAND' });
  expect(approval.value.error?.remedy).toContain('slipway approve ocr');
  world.wait = 7;
  expect(await ask({ act: 'resume', reason: 'x' })).toMatchObject({ status: 429, code: 'REQUEST_TOO_OFTEN' });
  world.wait = 0;
});

test('a host that refuses the push, or is away, is named, and nothing is said to be done', async () => {
  const before = await commits();
  world.faults = (step) => (step === 'move' ? 'refused' : undefined);
  expect(await ask({ act: 'resume', reason: 'x' })).toMatchObject({ status: 503, code: 'GIT_PUSH_REFUSED' });
  world.faults = () => 'unreachable';
  expect(await ask({ act: 'resume', reason: 'x' })).toMatchObject({ status: 503, code: 'GIT_UNREACHABLE' });
  world.faults = () => undefined;
  expect(await commits()).toBe(before);
});

test('a poke wakes the service, for those who operate', async () => {
  const { pokes } = world;
  expect(await ask(undefined, { path: '/v1/poke' })).toMatchObject({ status: 202 });
  expect(world.pokes).toBe(pokes + 1);
  expect(await ask(undefined, { path: '/v1/poke', token: tokens.viewer })).toMatchObject({ status: 403 });
});
