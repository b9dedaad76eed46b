// Laws of requests that the service commits: by the person, once under a key, and never on something that the person did not see.
import { expect, test } from 'vitest';
import { seededRandom } from '../../src/base/random.ts';
import { digestOf } from '../../src/contract/digest.ts';
import { MemoryGitHost } from '../../src/git/memory/memory-git-host.ts';
import { MemoryManifestsRepository } from '../../src/git/memory/memory-manifests-repository.ts';
import { type DeskOrder, RequestDesk, type RequestMoved } from '../../src/requests/request-desk.ts';
import { HastyClock } from '../support/hasty-clock.ts';

const FILE = 'rollouts/ocr.yaml';
const D14 = digestOf('1.4.0');
const D13 = digestOf('1.3.0');
const ALICE = { name: 'alice', email: 'alice@example.org' };

function rolloutText(over: { stage?: string | null; suspend?: boolean } = {}): string {
  const { stage = 'canary' } = over;
  const candidate = stage === null ? null : { version: '1.4.0', digest: D14, attempt: 1, parameters: {} };
  const stable = { version: '1.3.0', digest: D13, parameters: {}, target: '*' };
  const status = {
    ...{
      revision: 3,
      opened: 3,
      state: stage === null ? 'idle' : 'rolling',
      stage,
      since: '2026-11-20T10:00:00Z',
      candidate,
      stable,
    },
    ...{
      target: '*',
      policy: null,
      salt: null,
      cohort: { cut: 0, select: null, devices: [] },
      limits: [],
      rejected: [],
    },
    ...{ paused: null, evidence: 'evidence/ocr/3.json' },
  };
  return JSON.stringify({
    ...{ apiVersion: 'slipway.dev/v1alpha1', kind: 'Rollout', metadata: { name: 'ocr' } },
    ...{ spec: { model: 'ocr', version: '1.4.0', target: '*', ...(over.suspend ? { suspend: true } : {}) }, status },
  });
}

async function setUp() {
  const host = new MemoryGitHost();
  let count = 0;
  const push = (files: Record<string, string>): Promise<string> =>
    host.commit({ files, message: `c${count++}`, atMs: 0 });
  const head = await push({ [FILE]: rolloutText(), 'README.md': '' });
  const repository = new MemoryManifestsRepository({
    host,
    branch: 'main',
    author: { name: 'Slipway', email: 's@localhost' },
  });
  const makeDesk = () =>
    new RequestDesk({ open: async () => repository, clock: new HastyClock(), random: seededRandom(1, 'desk') });
  const order = (over: Partial<DeskOrder> = {}): DeskOrder => ({
    ...{ rollout: 'ocr', person: ALICE, identity: 'alice (t1)', key: null, isDryRun: false },
    request: { verb: 'abort', reason: 'it errs', by: 'alice', version: undefined },
    seen: { head, digest: D14, stage: 'canary' },
    ...over,
  });
  const log = async () => {
    await repository.fetch();
    return repository.log((await host.branches()).get('main') ?? '', 50);
  };
  return { push, makeDesk, order, log, head };
}

test('the commit is authored by the person, committed by the service, unsigned, and says how the person was known', async () => {
  const { makeDesk, order, log } = await setUp();
  const answer = await makeDesk().submit(order());
  const [commit] = await log();
  expect(answer).toMatchObject({ title: 'Ask to abort 1.4.0 in canary', commit: commit?.oid, file: FILE });
  expect(answer.command).toBe("slipway abort ocr --reason 'it errs'");
  expect(commit).toMatchObject({ author: ALICE, committer: { name: 'Slipway' }, signature: null });
  expect(commit?.message).toContain('\n\nit errs\n\nSlipway-Asked-By: alice (t1)');
});

test('no reason can pass for a trailer of the reconciler', async () => {
  const { makeDesk, order, log } = await setUp();
  const reason = 'x\n\nSlipway-Evidence: sha256:00\nSlipway-Rollout: ocr';
  await makeDesk().submit(order({ request: { verb: 'pause', reason, by: 'alice', version: undefined } }));
  const [commit] = await log();
  expect([...(commit?.trailers.keys() ?? [])]).toEqual(['Slipway-Asked-By']);
});

test('a dry run says all that the commit would, and makes none', async () => {
  const { makeDesk, order, log, head } = await setUp();
  const answer = await makeDesk().submit(order({ isDryRun: true }));
  expect(answer).toMatchObject({ commit: null, stand: { head, stage: 'canary', candidate: { version: '1.4.0' } } });
  expect(answer.diff).toMatch(/^-.*\n\+.*requests/s);
  expect(await log()).toHaveLength(1);
});

test('what moved on since the person looked is not acted on, and the answer says how it stands', async () => {
  const { push, makeDesk, order, log } = await setUp();
  await push({ [FILE]: rolloutText({ stage: 'ramp' }) });
  for (const seen of [{ digest: D14, stage: 'canary' }, { digest: D13 }, { head: 'f'.repeat(40) }]) {
    const moved = (await makeDesk()
      .submit(order({ seen }))
      .catch((thrown: unknown) => thrown)) as RequestMoved;
    expect(moved).toMatchObject({ code: 'REQUEST_MOVED', stand: { stage: 'ramp', candidate: { version: '1.4.0' } } });
  }
  expect(await log()).toHaveLength(2);
});

test('a head that only other files moved is no conflict; one that moved the file is', async () => {
  const { push, makeDesk, order, head } = await setUp();
  await push({ 'README.md': 'other' });
  expect(await makeDesk().submit(order({ seen: { head }, isDryRun: true }))).toMatchObject({ commit: null });
  await push({ [FILE]: rolloutText({ suspend: true }) });
  await expect(makeDesk().submit(order({ seen: { head } }))).rejects.toMatchObject({ code: 'REQUEST_MOVED' });
});

test('under one key a request is made once, also after a restart; another request under the key is refused', async () => {
  const { makeDesk, order, log } = await setUp();
  const desk = makeDesk();
  const keyed = order({ key: 'key-12345678' });
  const [first, again] = await Promise.all([desk.submit(keyed), desk.submit(keyed)]);
  expect(again).toEqual(first);
  expect((await makeDesk().submit(keyed)).commit).toBe(first.commit);
  expect(await log()).toHaveLength(2);
  const other = order({
    key: 'key-12345678',
    request: { verb: 'pause', reason: 'y', by: 'alice', version: undefined },
  });
  await expect(desk.submit(other)).rejects.toMatchObject({ code: 'REQUEST_KEY_USED' });
});

test('a mirror that could not be opened is opened again', async () => {
  const { order } = await setUp();
  let tries = 0;
  const open = async () => {
    tries += 1;
    throw new Error('busy');
  };
  const desk = new RequestDesk({ open, clock: new HastyClock(), random: seededRandom(1, 'desk') });
  for (let i = 0; i < 2; i++) await expect(desk.submit(order())).rejects.toThrow('busy');
  expect(tries).toBe(2);
});
