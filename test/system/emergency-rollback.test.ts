// Owns the proof of the one exception to "publish after push": a rollback that can't be pushed reaches devices all the same.
import { describe, expect, test } from 'vitest';
import { ROLLOUT, World } from './world.ts';

const SOUND = '2026.01.10';
const FAILING = '2026.02.01';

describe('a rollback that can not be pushed', () => {
  test('is published as an emergency rollback at the same revision, over restarts, until a higher one is on the branch', {
    timeout: 180_000,
  }, async () => {
    let isClosed = false;
    await using world = await World.open({
      devices: 6,
      flags: ['--emergency-after', '1s'],
      gitHost: {
        onRequest: ({ service, agent }) =>
          isClosed && service === 'git-receive-pack' && agent.includes('slipway')
            ? { kind: 'status', status: 403 }
            : undefined,
      },
    });
    await world.release('sound', SOUND);
    await world.untilStable(SOUND);
    await world.release('failing', FAILING);
    await world.until('the canary is out', async () => (await world.statusAtHead())?.revision === 4);
    isClosed = true;
    await world.until('it is published', async () => world.watch.entry(ROLLOUT)?.emergency === true);
    expect(world.watch.entry(ROLLOUT)?.revision).toBe(4);
    await world.until('devices are back on stable', async () => (await world.running()).every((one) => one === SOUND));
    expect((await world.statusAtHead())?.revision).toBe(4);
    expect((await world.view())?.service.emergencyRollbacks).toEqual([ROLLOUT]);
    await world.service.end('SIGKILL');
    await world.service.start();
    await world.until('it lives', async () => (await world.view())?.service.cycledAtMs);
    expect(world.watch.entry(ROLLOUT)?.emergency).toBe(true);
    isClosed = false;
    await world.untilStable(SOUND);
    expect(await world.transitions()).toEqual([
      '1 start→canary',
      '2 canary→full',
      '3 full→stable',
      '4 stable→canary',
      '5 canary→stable',
    ]);
    expect(world.watch.entry(ROLLOUT)).toMatchObject({ revision: 5, emergency: false, candidate: null });
    await world.until('it is over', async () => (await world.view())?.service.emergencyRollbacks.length === 0);
    expect(world.watch.breaches).toEqual([]);
  });
});
