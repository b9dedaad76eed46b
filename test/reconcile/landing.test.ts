// Holds what became of a push: landed, lost or unknown, whatever happened to the answer; and that a rollback names the commit that it reverts.

import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { silentLogger } from '../../src/base/logger.ts';
import { type Digest, digestOf } from '../../src/contract/digest.ts';
import { reconcilerKeysOf } from '../../src/contract/trust/keys.ts';
import { findInTree } from '../../src/git/manifests-repository.ts';
import { FaultyGitHost, type HostFault, type HostStep } from '../../src/git/memory/faulty-git-host.ts';
import { MemoryGitHost } from '../../src/git/memory/memory-git-host.ts';
import { MemoryManifestsRepository } from '../../src/git/memory/memory-manifests-repository.ts';
import { Executor } from '../../src/reconcile/carry-out.ts';
import { DirectPush, type Landing, type LandingAnswer } from '../../src/reconcile/landing.ts';
import { blankStatus } from '../../src/rollout/next-status.ts';
import type { Transition } from '../../src/rollout/transition.ts';
import { createReconcilerSigner } from '../../src/signing/evidence-signer.ts';
import { payloadOf } from '../../src/snapshot/evidence.ts';
import { SnapshotReader } from '../../src/snapshot/snapshot.ts';
import { StatusClaims } from '../../src/snapshot/status-claims.ts';
import { rolloutText } from '../support/document-texts.ts';

const NOW = Date.parse('2026-11-20T10:00:00Z');
const DIGEST = digestOf('candidate');
const signal = new AbortController().signal;
const AUTHOR = { name: 'Slipway', email: 'slipway@localhost' };
const FILE = 'rollouts/sorter-eu.yaml';

/** A step of one rollout in its shortest form. */
function stepOf(kind: 'start' | 'roll-back', revision: number): Transition {
  const candidate = { version: '2', digest: DIGEST, attempt: 1, parameters: {} };
  const status = blankStatus('*', NOW);
  return {
    ...{ kind, rollout: 'sorter-eu', model: 'sorter', from: 'stable', to: 'canary' },
    ...{ reason: { kind: 'aborted' }, inputs: { claim: { kind: 'none' }, seen: null } },
    next: {
      ...status,
      ...{ revision, opened: revision, evidence: `evidence/sorter-eu/${revision}-a-b.json` },
      ...(kind === 'start' ? { state: 'rolling' as const, stage: 'canary', candidate } : {}),
    },
    spec: { answered: [] },
    ...{ verdict: null, cohort: null, window: null, terms: null, policy: null, opens: null },
    subject: { version: '2', digest: DIGEST as Digest, attempt: 1 },
  } as unknown as Transition;
}

async function open(faults: (step: HostStep) => HostFault | undefined = () => undefined) {
  const host = new MemoryGitHost();
  await host.commit({ files: { [FILE]: rolloutText('sorter-eu', 'sorter', '2') }, message: 'start', atMs: NOW });
  const faulty = new FaultyGitHost(host, faults);
  const repository = new MemoryManifestsRepository({ host: faulty, branch: 'main', author: AUTHOR });
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const signer = createReconcilerSigner(privateKey);
  const claims = new StatusClaims(repository, reconcilerKeysOf([{ key: publicKey }]));
  const reader = new SnapshotReader(repository);
  const carryOut = async (step: Transition, landing: Landing = new DirectPush(repository)) => {
    const head = await repository.fetch();
    if (head.kind !== 'head') throw new Error(head.kind);
    const snapshot = await reader.read(head.commit);
    const executor = new Executor({ repository, claims, signer, landing, logger: silentLogger });
    return executor.carryOut({ steps: [step], snapshot, now: NOW, signal });
  };
  return { host, repository, carryOut };
}

describe('a push', () => {
  test('whose answer is lost has landed when its evidence is on the branch', async () => {
    const { host, carryOut } = await open((step) => (step === 'move' ? 'lost-answer' : undefined));
    const answer = await carryOut(stepOf('start', 1));
    expect(answer).toMatchObject({ kind: 'landed', head: (await host.branches()).get('main') });
  });

  test('that never arrived is lost', async () => {
    const { carryOut } = await open((step) => (step === 'move' ? 'unreachable' : undefined));
    expect(await carryOut(stepOf('start', 1))).toMatchObject({ kind: 'lost' });
  });

  test('after which the branch can not be read is unknown', async () => {
    let isAway = false;
    const { carryOut } = await open((step) => {
      if (step === 'move') isAway = true;
      return isAway ? 'lost-answer' : undefined;
    });
    expect(await carryOut(stepOf('start', 1))).toMatchObject({ kind: 'unknown' });
  });

  test('that was overtaken is lost, and leaves the branch to the other', async () => {
    const { host, repository, carryOut } = await open();
    const overtaken: Landing = {
      land: async (order): Promise<LandingAnswer> => {
        await host.commit({ files: { 'README.md': 'hello' }, message: 'readme', atMs: NOW });
        return new DirectPush(repository).land(order);
      },
    };
    expect(await carryOut(stepOf('start', 1), overtaken)).toMatchObject({ kind: 'lost' });
    const head = await repository.fetch();
    expect((await repository.log(head.kind === 'head' ? head.commit : '', 1))[0]?.message).toContain('readme');
  });

  test('may be a proposal instead: it is on no branch', async () => {
    const { host, carryOut } = await open();
    const before = (await host.branches()).get('main');
    const proposing: Landing = { land: async () => ({ kind: 'proposed', where: 'pull request 7' }) };
    expect(await carryOut(stepOf('start', 1), proposing)).toEqual({ kind: 'proposed', where: 'pull request 7' });
    expect((await host.branches()).get('main')).toBe(before);
  });
});

test.each([1, 1200])('a rollback names the commit that it reverts, %d commits back', async (between) => {
  const { host, repository, carryOut } = await open();
  const started = await carryOut(stepOf('start', 1));
  if (started.kind !== 'landed') throw new Error(started.kind);
  for (let i = 0; i < between; i++)
    await host.commit({ files: { 'README.md': String(i) }, message: `note ${i}`, atMs: NOW + i });
  // A person copied the step's trailers into a commit of their own.
  const [step] = (await repository.log(started.head, 1)).map(({ message }) => message);
  await host.commit({ files: { 'README.md': 'mine' }, message: step ?? '', atMs: NOW + between });
  const reverted = await carryOut(stepOf('roll-back', 2));
  if (reverted.kind !== 'landed') throw new Error(reverted.kind);
  const [commit] = await repository.log(reverted.head, 1);
  expect(commit?.message).toContain(`This reverts commit ${started.steps[0]?.commit}.`);
});

describe('a step is written', () => {
  test('whatever others put in the place of evidence and of its documents', async () => {
    const { host, repository, carryOut } = await open();
    const model = `evidence/sorter-eu/${DIGEST.replace('sha256:', '')}.model.yaml`;
    const before = 'evidence/sorter-eu/1-a-b.json';
    const long = 'x'.repeat(3 * 1024 * 1024);
    const files = { [before]: long, [model]: long, [`${model}.sigstore.json`]: long };
    await host.commit({ files, message: 'long files', atMs: NOW });
    const step = stepOf('roll-back', 2);
    const seen = { revision: 1, status: { ...step.next, revision: 1, evidence: before } };
    const answer = await carryOut({ ...step, inputs: { ...step.inputs, seen } });
    if (answer.kind !== 'landed') throw new Error(answer.kind);
    const found = findInTree(await repository.readTree(answer.head), step.next.evidence);
    const payload = payloadOf(await repository.readBlob(found?.kind === 'blob' ? found.oid : '', 1024 * 1024));
    const { predicate } = JSON.parse(String(payload));
    expect(predicate).toMatchObject({ previous: null, documents: { manifest: null, manifestBundle: null } });
  });

  test('only with evidence that can be verified: its status would be a forged one', async () => {
    const { carryOut } = await open();
    const reason = { kind: 'aborted', reason: 'x'.repeat(1024 * 1024) } as const;
    const answer = await carryOut({ ...stepOf('roll-back', 2), reason });
    expect(answer).toMatchObject({ kind: 'unwritten', error: { code: 'STEP_EVIDENCE_TOO_LARGE' } });
  });

  test('else a bug that keeps it back says which step of which rollout that is', async () => {
    const { carryOut } = await open();
    const reason = { kind: 'aborted', reason: Number.NaN as never } as const;
    const answer = await carryOut({ ...stepOf('roll-back', 2), reason });
    expect(answer).toMatchObject({ kind: 'unwritten', error: { code: 'STEP_NOT_WRITTEN' } });
    if (answer.kind === 'unwritten') expect(answer.error.message).toMatch(/^The step "roll-back" of sorter-eu can't/);
  });
});
