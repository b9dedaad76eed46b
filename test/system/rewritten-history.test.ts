// Owns the proof that rewritten, shortened and forgotten histories end as the design says: nothing goes back unasked.
import { rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { DemoFleet } from '../../src/cli/demo/fleet.ts';
import { git } from '../../src/cli/demo/git-clone.ts';
import { spliceSpec } from '../../src/documents/edit-rollout.ts';
import type { RolloutRequest } from '../../src/documents/types.generated.ts';
import { makeTokens, quickPolicy, ROLLOUT, ROLLOUT_FILE, World } from './world.ts';

const SOUND = '2026.01.10';
const BETTER = '2026.02.01';
/** A stage waits for a person: the moment to rewrite history under it. */
const WITH_APPROVAL = quickPolicy({ canary: 'approval: { approvers: [alice], count: 1 }' });

async function ask(world: World, request: RolloutRequest): Promise<void> {
  await world.edit(`ask: ${request.act}`, async (read) => ({
    [ROLLOUT_FILE]: spliceSpec(await read(ROLLOUT_FILE), { request }),
  }));
}

async function untilApproval(world: World): Promise<void> {
  await world.until('the canary waits for approval', async () =>
    (await world.outlook())?.waitingOn.some((one) => one.kind === 'approval'),
  );
}

async function approve(world: World): Promise<void> {
  await untilApproval(world);
  const digest = (await world.statusAtHead())?.candidate?.digest as `sha256:${string}` | undefined;
  if (digest === undefined) throw new Error('nothing rolls');
  await ask(world, { act: 'approve', digest, stage: 'canary', by: 'alice' });
}

async function stalledBecause(world: World): Promise<string | undefined> {
  return (await world.outlook())?.conditions.find((one) => one.type === 'Stalled')?.reason;
}

async function untilFollowed(world: World, commit: string): Promise<void> {
  await world.until(`${commit} is followed`, async () => (await world.view())?.service.commit === commit);
}

describe('history that someone rewrote', () => {
  test('a squash of all commits keeps the status authentic, and the rollout goes on', {
    timeout: 400_000,
  }, async () => {
    await using world = await World.open({ policy: WITH_APPROVAL });
    await world.release('sound', SOUND);
    await untilApproval(world);
    const before = await world.statusAtHead();
    await world.ci.pull();
    const root = (await world.ci.git('rev-list', '--max-parents=0', 'HEAD')).trim();
    await world.ci.git('reset', '--quiet', '--soft', root);
    await world.ci.git('commit', '--quiet', '--amend', '--message', 'all in one');
    await world.ci.git('push', '--quiet', '--force', 'origin', 'HEAD:main');
    await world.tellService();
    await untilFollowed(world, (await world.ci.git('rev-parse', 'HEAD')).trim());
    expect(await world.statusAtHead()).toEqual(before);
    expect(await stalledBecause(world)).toBeUndefined();
    await approve(world);
    await world.untilStable(SOUND);
    expect((await world.transitions()).at(-1)).toBe('3 full→stable');
    expect(world.watch.breaches).toEqual([]);
  });

  test('a remote that is a shallow clone, under a fresh mirror, is as good as a full one', {
    timeout: 400_000,
  }, async () => {
    await using world = await World.open({ policy: WITH_APPROVAL });
    await world.release('sound', SOUND);
    await untilApproval(world);
    await world.service.end('SIGKILL');
    const { repository, home, folder } = world.set;
    await rename(repository, `${repository}.full`);
    const environment = { path: process.env.PATH ?? '', home: folder };
    await git(
      ['clone', '--quiet', '--bare', '--depth', '1', `file://${repository}.full`, repository],
      folder,
      environment,
    );
    expect((await world.host('rev-list', '--count', 'main')).trim()).toBe('1');
    await world.ci.git('fetch', '--quiet', '--update-shallow', 'origin', 'main');
    await rm(home.mirror, { recursive: true });
    await world.service.start();
    await approve(world);
    await world.untilStable(SOUND);
    expect((await world.statusAtHead())?.revision).toBe(3);
    expect(world.watch.breaches).toEqual([]);
  });

  test('a force push behind what was published stalls and moves no device, until a person adopts it', {
    timeout: 400_000,
  }, async () => {
    await using world = await World.open({ policy: WITH_APPROVAL });
    await world.release('sound', SOUND);
    await approve(world);
    await world.untilStable(SOUND);
    const older = (await world.host('rev-parse', 'main')).trim();
    await world.release('better', BETTER);
    await untilApproval(world);
    const running = await world.running();
    expect(running.filter((one) => one === BETTER)).toHaveLength(3);
    await world.ci.git('push', '--quiet', '--force', 'origin', `${older}:refs/heads/main`);
    await world.tellService();
    await world.until('it stalls', async () => (await stalledBecause(world)) === 'HISTORY_REWOUND');
    await untilFollowed(world, older);
    expect(world.watch.entry(ROLLOUT)?.revision).toBe(4);
    expect(await world.running()).toEqual(running);
    await world.service.end('SIGKILL');
    await world.service.start();
    await world.until('it stalls after a restart too', async () => (await stalledBecause(world)) === 'HISTORY_REWOUND');
    expect(world.watch.entry(ROLLOUT)?.revision).toBe(4);
    expect((await world.host('rev-parse', 'main')).trim()).toBe(older);
    const digest = (await world.statusAtHead())?.stable?.digest as `sha256:${string}`;
    await ask(world, { act: 'adopt', digest, reason: 'meant so', by: 'alice' });
    await world.untilStable(SOUND);
    expect((await world.statusAtHead())?.revision).toBe(5);
    expect(await stalledBecause(world)).toBeUndefined();
    await world.release('better', BETTER);
    await approve(world);
    await world.untilStable(BETTER);
    expect((await world.statusAtHead())?.revision).toBe(8);
    expect(world.watch.breaches).toEqual([]);
  });

  test('an emptied store carries on from HEAD and the publication folder, and soak starts at zero', {
    timeout: 400_000,
  }, async () => {
    await using world = await World.open({ policy: WITH_APPROVAL });
    await world.release('sound', SOUND);
    await approve(world);
    await world.untilStable(SOUND);
    await world.release('better', BETTER);
    await untilApproval(world);
    const published = world.watch.entry(ROLLOUT);
    const version = world.watch.pointer;
    await world.fleet[Symbol.asyncDispose]();
    await world.service.end('SIGKILL');
    const { store } = world.set.home;
    // With the note that there was one: else the service takes it for lost.
    const files = ['', '-wal', '-shm'].map((suffix) => store + suffix);
    for (const file of [...files, path.join(path.dirname(store), 'store-id')]) await rm(file, { force: true });
    await world.service.start();
    const waiting = await world.until('it looks at the stage anew', async () => {
      const outlook = await world.outlook();
      return outlook?.stage === 'canary' && outlook.waitingOn.map((one) => one.kind);
    });
    expect(waiting).toContain('soak');
    expect(waiting).toContain('devices');
    await world.until('it publishes above what lies there', async () => world.watch.pointer > version);
    expect(world.watch.entry(ROLLOUT)).toEqual(published);
    const { set, clock, gateway } = world;
    await using _fleet = await DemoFleet.start({
      ...{ set, clock, serverUrl: gateway.url, devices: 4, processes: 0, reportMs: 300, perSecond: 40, seed: 'again' },
      tokens: await makeTokens(set, 4),
    });
    await approve(world);
    await world.until('the better one is stable', async () => (await world.statusAtHead())?.stable?.version === BETTER);
    expect(await world.transitions()).toEqual([
      '1 start→canary',
      '2 canary→full',
      '3 full→stable',
      '4 stable→canary',
      '5 canary→full',
      '6 full→stable',
    ]);
    await world.until('it is published', async () => world.watch.entry(ROLLOUT)?.revision === 6);
    expect(world.watch.breaches).toEqual([]);
  });
});
