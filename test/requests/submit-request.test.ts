// Laws of a person's request on its way to the branch: made again after each lost race, never made twice, and given up in time.
import { expect, test } from 'vitest';
import type { Clock } from '../../src/base/clock.ts';
import { seededRandom } from '../../src/base/random.ts';
import { FaultyGitHost, type HostFaults } from '../../src/git/memory/faulty-git-host.ts';
import { MemoryGitHost } from '../../src/git/memory/memory-git-host.ts';
import { MemoryManifestsRepository } from '../../src/git/memory/memory-manifests-repository.ts';
import { pushRequest, type RequestOrder } from '../../src/requests/submit-request.ts';

const ALICE = { name: 'alice', email: 'alice@example.org' };
const FILE = 'rollouts/eu/ocr.yaml';

/** Sleeping is all that takes time. */
class SleepClock implements Clock {
  ms = 1_790_000_000_000;
  now = (): number => this.ms;
  monotonicMs = (): number => this.ms;
  async sleep(ms: number): Promise<void> {
    this.ms += ms;
  }
}

const TEXT = `apiVersion: slipway.dev/v1alpha1
kind: Rollout
metadata: { name: ocr }
spec:
  model: ocr
  version: 1.4.0 # a person's own words
  target: region:eu
`;

async function setUp() {
  const host = new MemoryGitHost();
  await host.commit({ files: { [FILE]: TEXT, 'README.md': '' }, message: 'start', atMs: 0 });
  const world = { host, clock: new SleepClock(), faults: (() => undefined) as HostFaults, looks: 0 };
  const repository = new MemoryManifestsRepository({
    host: new FaultyGitHost(host, (step) => world.faults(step)),
    branch: 'main',
    author: ALICE,
  });
  const ask = (more: Partial<RequestOrder> = {}) => {
    const request = { verb: 'pause', reason: 'nobody is here today', by: undefined, version: undefined } as const;
    const at = { repository, clock: world.clock, random: seededRandom(1, 'requests') };
    return pushRequest(at, { rollout: 'ocr', request, person: ALICE, isDryRun: false, ...more });
  };
  const asked = async (): Promise<number> => {
    await repository.fetch();
    const head = (await host.branches()).get('main') ?? '';
    const log = await repository.log(head, 100);
    return log.filter(({ message }) => message.startsWith('ocr: Pause')).length;
  };
  let count = 0;
  const somebodyElse = () => host.commit({ files: { 'README.md': `${count++}` }, message: 'other', atMs: 0 });
  return { world, ask, asked, somebodyElse };
}

test('a request is one commit by the person, with the reason', async () => {
  const { ask, asked } = await setUp();
  const submitted = await ask();
  expect(submitted).toMatchObject({ file: FILE, title: 'Pause', place: 'pushed' });
  expect(submitted.after).toBe(`${TEXT}  suspend: true\n`);
  expect(await asked()).toBe(1);
});

test('an abort that a broken file can not take says the way back that needs no file', async () => {
  const { world, ask } = await setUp();
  await world.host.commit({ files: { [FILE]: `${TEXT}: broken` }, message: 'a slip', atMs: 0 });
  const request = { verb: 'abort', reason: undefined, by: undefined, version: undefined } as const;
  await expect(ask({ request })).rejects.toMatchObject({
    code: 'DOCUMENT_FIELD_NAME',
    remedy: expect.stringContaining('delete the file: its devices then go back'),
  });
  await expect(ask()).rejects.toMatchObject({ remedy: expect.not.stringContaining('delete') });
});

test('a dry run commits nothing', async () => {
  const { ask, asked } = await setUp();
  expect(await ask({ isDryRun: true })).toMatchObject({ commit: null });
  expect(await asked()).toBe(0);
});

test('a lost race is run again on the new head, and the commit of the winner stays', async () => {
  const { world, ask, asked, somebodyElse } = await setUp();
  let lost = 0;
  world.faults = async (step) => {
    if (step === 'move' && lost++ < 3) await somebodyElse();
    return undefined;
  };
  const { commit } = await ask();
  expect((await world.host.branches()).get('main')).toBe(commit);
  expect(lost).toBe(4);
  expect(await asked()).toBe(1);
});

test('who always loses the race gives up after about 30 s, with a code', async () => {
  const { world, ask, asked, somebodyElse } = await setUp();
  const startMs = world.clock.ms;
  world.faults = async (step) => {
    if (step === 'move') await somebodyElse();
    return undefined;
  };
  await expect(ask()).rejects.toMatchObject({
    ...{ code: 'REQUEST_RACE_LOST', kind: 'retry-later' },
    message: expect.stringContaining('lost the race'),
  });
  expect(world.clock.ms - startMs).toBeGreaterThanOrEqual(30_000);
  expect(world.clock.ms - startMs).toBeLessThan(40_000);
  expect(await asked()).toBe(0);
});

test('a host that refuses while another push holds the branch is a lost race; one that goes on refusing is not', async () => {
  const { world, ask, asked } = await setUp();
  let refusals = 0;
  world.faults = (step) => (step === 'move' && refusals++ < 3 ? 'refused' : undefined);
  await ask();
  expect(await asked()).toBe(1);
  world.faults = (step) => (step === 'move' ? 'refused' : undefined);
  const request = { verb: 'resume', reason: undefined, by: undefined, version: undefined } as const;
  await expect(ask({ request })).rejects.toMatchObject({
    code: 'GIT_PUSH_REFUSED',
    message: expect.stringContaining('cannot lock ref'),
  });
});

test('a push whose answer is lost is not made twice, even when others pushed since and the host was away', async () => {
  const { world, ask, asked, somebodyElse } = await setUp();
  let moves = 0;
  let away = 0;
  world.faults = async (step) => {
    if (step === 'move') {
      moves++;
      return 'lost-answer';
    }
    if (moves === 1 && away++ < 3) return 'unreachable';
    if (away === 4) await somebodyElse();
    return undefined;
  };
  const { commit } = await ask();
  expect(commit).not.toBeNull();
  expect(moves).toBe(1);
  expect(await asked()).toBe(1);
});

test('a host that never answers again leaves it open, and says so', async () => {
  const { world, ask } = await setUp();
  let moved = false;
  world.faults = (step) => {
    if (moved) return 'unreachable';
    moved = step === 'move';
    return moved ? 'lost-answer' : undefined;
  };
  await expect(ask()).rejects.toMatchObject({ code: 'REQUEST_UNCONFIRMED', kind: 'retry-later' });
});

test('a host that can’t be reached at first is an error at once', async () => {
  const { world, ask } = await setUp();
  const startMs = world.clock.ms;
  world.faults = () => 'unreachable';
  await expect(ask()).rejects.toMatchObject({ code: 'GIT_UNREACHABLE' });
  expect(world.clock.ms).toBe(startMs);
});

test('a request that says nothing new is refused, and names of rollouts are those of their files', async () => {
  const { ask } = await setUp();
  await ask();
  await expect(ask()).rejects.toMatchObject({ code: 'REQUEST_ALREADY' });
  await expect(ask({ rollout: 'ocrr' })).rejects.toMatchObject({
    code: 'ROLLOUT_UNKNOWN',
    remedy: 'Did you mean ocr? Known rollouts: ocr.',
  });
});
