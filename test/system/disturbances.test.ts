// Owns the proof that what people and hosts do meanwhile is answered: reverts, forgeries, broken files, and a source that is away.
import { describe, expect, test } from 'vitest';
import type { GitHttpFault } from '../../src/cli/demo/git-http-server.ts';
import { spliceSpec } from '../../src/documents/edit-rollout.ts';
import { quickPolicy, ROLLOUT, ROLLOUT_FILE, World } from './world.ts';

const SOUND = '2026.01.10';
const BETTER = '2026.02.01';
const WITH_APPROVAL = quickPolicy({ canary: 'approval: { approvers: [alice], count: 1 }' });

async function untilWaitingFor(world: World, kind: string): Promise<void> {
  await world.until(`it waits for ${kind}`, async () =>
    (await world.outlook())?.waitingOn.some((one) => one.kind === kind),
  );
}

async function approve(world: World): Promise<void> {
  await untilWaitingFor(world, 'approval');
  const digest = (await world.statusAtHead())?.candidate?.digest as `sha256:${string}` | undefined;
  if (digest === undefined) throw new Error('nothing rolls');
  await world.edit('approve', async (read) => ({
    [ROLLOUT_FILE]: spliceSpec(await read(ROLLOUT_FILE), {
      request: { act: 'approve', digest, stage: 'canary', by: 'alice' },
    }),
  }));
}

describe('what people do to a rollout by Git alone', () => {
  test('a forged status is put right, a broken file stalls it alone, a revert of its start aborts it', {
    timeout: 400_000,
  }, async () => {
    await using world = await World.open({ policy: WITH_APPROVAL });
    await world.release('sound', SOUND);
    await untilWaitingFor(world, 'approval');
    const genuine = await world.statusAtHead();

    await world.edit('everyone gets it now', async (read) => ({
      [ROLLOUT_FILE]: (await read(ROLLOUT_FILE)).replace(/\bcut: \d+/, 'cut: 281474976710656'),
    }));
    await world.until('the status is put right', async () => {
      const status = await world.statusAtHead();
      return status?.revision === 2 && status.cohort.cut === genuine?.cohort.cut;
    });
    await untilWaitingFor(world, 'approval');
    expect((await world.running()).filter((one) => one === SOUND)).toHaveLength(3);

    await approve(world);
    await world.untilStable(SOUND);

    await world.release('better', BETTER);
    // Before anything was measured of the stage: its measurements must go on afterwards.
    const revision = await world.until('it starts', async () => {
      const status = await world.statusAtHead();
      return status?.candidate?.version === BETTER && status.revision;
    });
    await world.until('it is published', async () => world.watch.entry(ROLLOUT)?.revision === revision);
    const readable = await world.host('show', `main:${ROLLOUT_FILE}`);
    await world.edit('a slip of the keyboard', async (read) => ({
      [ROLLOUT_FILE]: (await read(ROLLOUT_FILE)).replace('spec:', 'spec: ['),
    }));
    await world.until('it is stalled', async () =>
      (await world.outlook())?.conditions.some((one) => one.type === 'Stalled' && one.reason.startsWith('DOCUMENT_')),
    );
    expect(world.watch.entry(ROLLOUT)?.revision).toBe(revision);
    await world.edit('mended', async () => ({ [ROLLOUT_FILE]: readable }));
    await untilWaitingFor(world, 'approval');
    const start = (await world.commits()).findLast((commit) => commit.kind === 'start');
    if (start === undefined) throw new Error('it started');
    await world.ci.pull();
    await world.ci.git('revert', '--no-edit', start.commit);
    await world.ci.git('push', '--quiet', 'origin', 'HEAD:main');
    await world.tellService();
    await world.until('it is aborted', async () => {
      const status = await world.statusAtHead();
      return status?.state === 'idle' && status.rejected.length === 1;
    });
    await world.untilStable(SOUND);
    expect((await world.statusAtHead())?.rejected[0]).toMatchObject({
      version: BETTER,
      reason: { kind: 'status-reverted' },
    });
    const transitions = await world.transitions();
    expect(new Set(transitions).size).toBe(transitions.length);
    expect(world.watch.breaches).toEqual([]);
  });
});

describe('a step that can not be written', () => {
  test('is reported as trouble, and holds up no other rollout', { timeout: 400_000 }, async () => {
    await using world = await World.open();
    const other = `apiVersion: slipway.dev/v1alpha1
kind: Rollout
metadata: { name: document-blocked }
spec:
  model: document-classifier
  version: "1"
  policy: quick
  target: region:nowhere
  requests: [{ act: retry, digest: "sha256:${'0'.repeat(64)}" }]
`;
    // Its evidence has no place: a file stands where its folder belongs.
    await world.edit('someone is in the way', async () => ({
      'rollouts/document-blocked.yaml': other,
      'evidence/document-blocked': 'a file\n',
    }));
    await world.until('the trouble is reported', async () =>
      (await world.view())?.service.trouble?.code.startsWith('GIT_'),
    );
    await world.release('sound', SOUND);
    await world.untilStable(SOUND);
    expect((await world.view())?.service.trouble).not.toBeNull();
    await world.edit('out of the way', async () => ({ 'evidence/document-blocked': null }));
    await world.until('no trouble is left', async () => (await world.view())?.service.trouble === null);
  });
});

describe('a source that can not be followed', () => {
  test('is reported separately in the view, and the service lives on and recovers', { timeout: 400_000 }, async () => {
    let fault: GitHttpFault | undefined;
    await using world = await World.open({
      gitHost: { onRequest: ({ agent }) => (agent.includes('slipway') ? fault : undefined) },
    });
    await world.release('sound', SOUND);
    await world.untilStable(SOUND);
    const source = async () => (await world.view())?.service.source;
    const untilFollowed = () => world.until('it is followed again', async () => (await source())?.kind === 'followed');

    fault = { kind: 'status', status: 401 };
    const refused = await world.until('credentials are refused', async () => {
      const state = await source();
      return state?.kind === 'away' && state.problem === 'credentials' && state;
    });
    expect(refused.remedy).not.toBeNull();
    await world.service.end('SIGKILL');
    await world.service.start();
    await world.until('a restart shows what was known', async () => (await world.outlook())?.stable === SOUND);
    expect((await source())?.kind).toBe('away');
    fault = undefined;
    await untilFollowed();

    fault = { kind: 'hang' };
    await world.until('the host hangs', async () => {
      const state = await source();
      return state?.kind === 'away' && state.problem === 'timeout';
    });
    expect((await world.outlook())?.stable).toBe(SOUND);
    fault = undefined;
    await untilFollowed();

    const head = (await world.host('rev-parse', 'main')).trim();
    await world.host('branch', 'trunk', 'main');
    await world.host('update-ref', '-d', 'refs/heads/main');
    const missing = await world.until('the branch is missing', async () => {
      const state = await source();
      return state?.kind === 'branch-missing' && state;
    });
    expect(missing.others).toEqual(['trunk']);
    await world.host('update-ref', '-d', 'refs/heads/trunk');
    await world.until('the repository is empty', async () => (await source())?.kind === 'empty');
    expect(world.watch.entry(ROLLOUT)?.stable?.version).toBe(SOUND);
    await world.host('update-ref', 'refs/heads/main', head);
    await untilFollowed();

    await world.release('better', BETTER);
    await world.untilStable(BETTER);
    expect(world.watch.breaches).toEqual([]);
  });
});
