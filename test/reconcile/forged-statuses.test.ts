// What can't be put right in the repository, a status or evidence, stands in no rollback's way and in no other's.
import { describe, expect, test, vi } from 'vitest';
import { silentLogger } from '../../src/base/logger.ts';
import { KEYS, LoopWorld, NEXT, PATH } from './loop-world.ts';

async function untilBack(world: LoopWorld): Promise<void> {
  for (let i = 0; i < 40 && world.entry()?.emergency !== true; i++) await world.tick();
  expect(world.entry()?.emergency).toBe(true);
  await world.tick(3);
  expect(world.fleet.running.size).toBe(0);
}

async function forge(world: LoopWorld): Promise<void> {
  const text = (await world.read(PATH)) ?? '';
  await world.push({ [PATH]: text.replace('attempt: 1', 'attempt: 2') });
}

async function withoutEvidence(world: LoopWorld): Promise<void> {
  await world.push(Object.fromEntries((await world.evidence()).map((path) => [path, null])));
}

async function withAFileInItsPlace(world: LoopWorld): Promise<void> {
  await withoutEvidence(world);
  await world.push({ evidence: 'a file' });
}

describe('while the host refuses every push', () => {
  test.each([
    ['edited', forge],
    ['without its evidence', withoutEvidence],
  ])(
    'a candidate that errs goes back by an emergency rollback, its status %s; the commit follows',
    async (_, spoil) => {
      const world = await LoopWorld.rolling({ isBad: true });
      const move = world.host.move.bind(world.host);
      world.host.move = () => Promise.resolve({ kind: 'refused', reason: 'protected branch' });
      await spoil(world);
      await untilBack(world);
      world.host.move = move;
      await world.tick(2);
      expect(world.entry()).toMatchObject({ candidate: null, emergency: false });
      expect((await world.rollout()).status?.rejected).toMatchObject([{ version: '2.0.0' }]);
      expect(world.stalls()).toEqual([]);
    },
  );
});

describe('while a file is in the place of evidence', () => {
  test('that is for people to put right, and is logged once', async () => {
    const world = await LoopWorld.rolling();
    await withAFileInItsPlace(world);
    using error = vi.spyOn(silentLogger, 'error');
    await world.tick(5);
    expect(error).toHaveBeenCalledTimes(1);
    expect(error.mock.calls[0]?.[1]).toMatchObject({ error: { code: 'GIT_PATH_REFUSED', kind: 'fix-input' } });
    expect(world.view.trouble).toMatchObject({ remedy: expect.stringContaining('Move away') });
  });

  test('a candidate that errs goes back', async () => {
    const world = await LoopWorld.rolling({ isBad: true });
    await withAFileInItsPlace(world);
    await untilBack(world);
  });

  test('an abort takes a candidate back', async () => {
    const world = await LoopWorld.rolling();
    await withAFileInItsPlace(world);
    await world.edit({ request: { act: 'abort', digest: NEXT.digest, by: 'ann' } });
    await untilBack(world);
  });

  test('a revocation takes a candidate back', async () => {
    const world = await LoopWorld.rolling();
    await withAFileInItsPlace(world);
    world.restart({ ...KEYS.trust, signers: KEYS.trust.signers.map((one) => ({ ...one, revoked: true })) });
    await untilBack(world);
  });
});

test('a folder in the place of one evidence file keeps no other from being put back', async () => {
  const world = await LoopWorld.rolling();
  const before = await world.evidence();
  const first = before.find((path) => path.includes('/1-')) ?? '';
  const policy = before.find((path) => path.endsWith('.policy.yaml')) ?? '';
  await world.tick(2);
  await world.push({ [first]: null, [policy]: null });
  await world.push({ [`${policy}/x`]: 'a folder' });
  await world.tick(3);
  expect(await world.evidence()).toContain(first);
  expect(world.view.alerts).toMatchObject([{ kind: 'evidence-missing' }]);
});
