// Laws of keeping evidence: what was signed is put back as it was when someone deletes or changes it, and what can't be is told.

import { expect, test } from 'vitest';
import { silentLogger } from '../../src/base/logger.ts';
import { reconcilerKeysOf } from '../../src/contract/trust/keys.ts';
import { EVIDENCE_PREDICATE_TYPE, IN_TOTO_STATEMENT_TYPE } from '../../src/contract/trust/statement.ts';
import { findInTree } from '../../src/git/manifests-repository.ts';
import { MemoryGitHost } from '../../src/git/memory/memory-git-host.ts';
import { MemoryManifestsRepository } from '../../src/git/memory/memory-manifests-repository.ts';
import { EvidenceKeeper } from '../../src/reconcile/evidence-keeper.ts';
import { createReconcilerSigner } from '../../src/signing/evidence-signer.ts';
import { StatusClaims } from '../../src/snapshot/status-claims.ts';
import { makeKey } from '../support/trust.ts';

const AUTHOR = { name: 'Slipway', email: 'slipway@example.org' };
const LABELS = ['', 'start', 'canary', 'ramp', 'full', 'stable'];
const pathOf = (revision: number): string => `evidence/eu/${revision}-${LABELS[revision - 1]}-${LABELS[revision]}.json`;

async function setUp(kinds: readonly string[] = ['start', 'advance', 'advance', 'complete']) {
  const key = makeKey();
  const signer = createReconcilerSigner(key.key);
  const host = new MemoryGitHost();
  const repository = new MemoryManifestsRepository({ host, branch: 'main', author: AUTHOR });
  const evidence = new Map<number, string>();
  await host.commit({ files: { 'README.md': '' }, message: 'start', atMs: 0 });
  for (const [i, kind] of kinds.entries()) {
    const revision = i + 1;
    const [from, to] = [LABELS[i], LABELS[revision]];
    const step = { rollout: 'eu', revision, decidedAt: '', observed: '', documents: {}, inputs: {} };
    const predicate = {
      ...{ ...step, status: { revision }, verdict: null, cohort: null },
      transition: { kind, from, to, reason: { kind: 'none' } },
    };
    const statement = {
      _type: IN_TOTO_STATEMENT_TYPE,
      subject: [{ name: 'rollouts/eu/status', digest: { sha256: 'a'.repeat(64) } }],
      predicateType: EVIDENCE_PREDICATE_TYPE,
      predicate,
    };
    const text = signer.signEvidence(statement as unknown as Parameters<typeof signer.signEvidence>[0]);
    evidence.set(revision, text);
    if (kind === '') continue;
    const trailers = `Slipway-Rollout: eu\nSlipway-Transition: ${revision} ${from}→${to}`;
    await host.commit({ files: { [pathOf(revision)]: text }, message: `step\n\n${trailers}\n`, atMs: revision * 1000 });
  }
  const newKeeper = () => {
    const claims = new StatusClaims(repository, reconcilerKeysOf([{ key: key.publicKey }]));
    return new EvidenceKeeper({ repository, claims, logger: silentLogger });
  };
  const look = async (keeper: EvidenceKeeper) => {
    const fetched = await repository.fetch();
    if (fetched.kind !== 'head') throw new Error(fetched.kind);
    const layout = { evidence: 'evidence' } as Parameters<EvidenceKeeper['keep']>[1]['layout'];
    const snapshot = { commit: fetched.commit, tree: await repository.readTree(fetched.commit), layout };
    const status = { revision: kinds.length, evidence: pathOf(kinds.length) };
    const claim = { kind: 'authentic', status } as Parameters<EvidenceKeeper['keep']>[0][0]['claim'];
    const at = { now: 99_000, signal: new AbortController().signal };
    return keeper.keep([{ name: 'eu', claim }], snapshot, at);
  };
  const textAt = async (path: string): Promise<string | undefined> => {
    const head = (await host.branches()).get('main') ?? '';
    await repository.fetch();
    const found = findInTree(await repository.readTree(head), path);
    return found?.kind === 'blob' ? Buffer.from(await repository.readBlob(found.oid, 1e6)).toString() : undefined;
  };
  const push = (files: Record<string, string | null>) => host.commit({ files, message: 'a person', atMs: 9_000 });
  return { host, repository, evidence, newKeeper, look, textAt, push };
}

test('nothing is done while every statement is there', async () => {
  const { newKeeper, look } = await setUp();
  const keeper = newKeeper();
  expect(await look(keeper)).toEqual({ kind: 'none' });
  expect(keeper.gaps).toEqual([]);
});

test.each([
  ['by the service that saw it', true],
  ['by one that was started since', false],
])('a deleted statement is told and put back %s', async (_, sawIt) => {
  const { newKeeper, look, textAt, push, evidence } = await setUp();
  const keeper = newKeeper();
  if (sawIt) await look(keeper);
  await push({ [pathOf(2)]: null, [pathOf(1)]: null });
  if (!sawIt) await look(keeper);
  // The one above a gap has to be known first.
  for (let i = 0; i < 3; i++) await look(keeper);
  expect(await textAt(pathOf(2))).toBe(evidence.get(2));
  expect(await textAt(pathOf(1))).toBe(evidence.get(1));
  expect(keeper.gaps).toEqual([]);
});

test('the alert names the revisions', async () => {
  const { newKeeper, look, push } = await setUp();
  const keeper = newKeeper();
  await look(keeper);
  await push({ [pathOf(3)]: null });
  expect((await look(keeper)).kind).toBe('pushed');
  expect(keeper.gaps).toEqual([{ rollout: 'eu', revisions: [3] }]);
});

test('a changed statement is put back, and what others lay beside it is left alone', async () => {
  const { newKeeper, look, textAt, push, evidence } = await setUp();
  const keeper = newKeeper();
  await look(keeper);
  await push({ [pathOf(2)]: '{}', 'evidence/eu/2-mine.json': '{}', 'evidence/eu/7-mine.json': '{}' });
  expect((await look(keeper)).kind).toBe('pushed');
  expect(await textAt(pathOf(2))).toBe(evidence.get(2));
  await push({ 'evidence/eu/2-mine.json': null });
  expect(await look(keeper)).toEqual({ kind: 'none' });
});

test('what the history does not hold either stays told; below a step that adopts another history nothing is missed', async () => {
  const never = await setUp(['start', '', 'advance']);
  const keeper = never.newKeeper();
  await never.look(keeper);
  expect(await never.look(keeper)).toEqual({ kind: 'none' });
  expect(keeper.gaps).toEqual([{ rollout: 'eu', revisions: [2] }]);
  const adopted = await setUp(['', '', 'adopt', 'advance']);
  const other = adopted.newKeeper();
  for (let i = 0; i < 3; i++) await adopted.look(other);
  expect(other.gaps).toEqual([]);
});
