// Laws of a proposed release: the branch that it is for stays as it is, a proposal is made once, renewed when it is overtaken, and nobody's work is lost.
import { expect, test } from 'vitest';
import { digestOf } from '../../src/contract/digest.ts';
import { rolloutText } from '../support/document-texts.ts';
import { bundleOf, fileOf, setUpReleases, textOf } from './release-world.ts';

const BRANCH = 'slipway/ocr-1.1.0';

test('a proposal is one commit on the head, on a branch of its own; the same again finds it', async () => {
  const { run, read, log, world } = await setUpReleases();
  const { commit, proposed } = await run('1.1.0', { isProposal: true, rollouts: ['eu'] });
  expect((await world.host.branches()).get(BRANCH)).toBe(commit);
  expect(proposed).toBeNull();
  expect(await log()).toHaveLength(1);
  expect((await log(BRANCH)).map(({ oid }) => oid)).toEqual([commit, (await log())[0]?.oid]);
  expect(await read(fileOf('1.1.0'), BRANCH)).toBe(textOf('1.1.0', 2));
  expect(await read('rollouts/eu.yaml', BRANCH)).toContain('"1.1.0"');
  world.did.length = 0;
  const again = await run('1.1.0', { isProposal: true, rollouts: ['eu'] });
  expect(again).toMatchObject({ commit: null, proposed: commit });
  expect(world.did).toEqual([]);
});

test('a proposal whose sequence another release took is made again, numbered and signed above it', async () => {
  const { run, read, log } = await setUpReleases();
  await run('1.1.0', { isProposal: true });
  await run('1.2.0');
  const { commit, signatures } = await run('1.1.0', { isProposal: true });
  expect(signatures).toBe(1);
  expect(await read(fileOf('1.1.0'), BRANCH)).toBe(textOf('1.1.0', 3));
  expect(await read(bundleOf('1.1.0'), BRANCH)).toBe(`signature of ${digestOf(textOf('1.1.0', 3))}`);
  expect((await log(BRANCH)).map(({ oid }) => oid)).toEqual([commit, ...(await log()).map(({ oid }) => oid)]);
});

test('a branch on which somebody else worked is left alone', async () => {
  const { run, world, log } = await setUpReleases();
  await run('1.1.0', { isProposal: true });
  const edited = rolloutText('eu', 'ocr', '1.0.0').replace('"*"', 'hw:rev2');
  await world.host.commit({ branch: BRANCH, files: { 'rollouts/eu.yaml': edited }, message: 'Narrow it', atMs: 0 });
  const taken = { code: 'RELEASE_BRANCH_TAKEN', kind: 'fix-input' };
  await expect(run('1.1.0', { isProposal: true, rollouts: ['eu'] })).rejects.toMatchObject(taken);
  expect((await log(BRANCH))[0]?.message.trim()).toBe('Narrow it');
});

test('a proposal with a signature that does not count is not taken for the release', async () => {
  const { run, world, log } = await setUpReleases();
  const files = { [fileOf('1.1.0')]: textOf('1.1.0', 2), [bundleOf('1.1.0')]: 'forged' };
  await world.host.commit({ branch: BRANCH, files, message: 'Mine\n\nSlipway-Release: ocr 1.1.0\n', atMs: 0 });
  await expect(run('1.1.0', { isProposal: true })).rejects.toThrow(/^forged for sha256:/);
  expect(await log(BRANCH)).toHaveLength(1);
});

test('two runs that propose at once make one proposal, and a lost answer is no second one', async () => {
  const { run, world, log } = await setUpReleases();
  let isFirst = true;
  world.faults = async (step) => {
    if (step !== 'move' || !isFirst) return undefined;
    isFirst = false;
    await run('1.1.0', { isProposal: true, isFaulty: false });
    return undefined;
  };
  const slow = await run('1.1.0', { isProposal: true });
  expect(slow.proposed).toBe((await log(BRANCH))[0]?.oid);
  world.faults = (step) => (step === 'move' ? 'lost-answer' : undefined);
  const other = await run('1.2.0', { isProposal: true });
  expect(other.commit).toBe((await log('slipway/ocr-1.2.0'))[0]?.oid);
  expect(await log('slipway/ocr-1.2.0')).toHaveLength(2);
});

test('what is released already is not proposed', async () => {
  const { run, world } = await setUpReleases();
  await run('1.1.0');
  expect(await run('1.1.0', { isProposal: true })).toMatchObject({ commit: null, edit: { isReleased: true } });
  expect((await world.host.branches()).has(BRANCH)).toBe(false);
});
