// Laws of a release on its way to the branch: whole or not at all, once however often it is tried, and numbered above whatever was faster.
import { expect, test } from 'vitest';
import { CodedError } from '../../src/base/errors.ts';
import { digestOf } from '../../src/contract/digest.ts';
import { blankStatus } from '../../src/rollout/next-status.ts';
import { rolloutText } from '../support/document-texts.ts';
import { bundleOf, fileOf, setUpReleases, textOf } from './release-world.ts';

test('a release is one commit: the manifest under the next sequence, its signature, and the rollouts that ask for it', async () => {
  const { run, read, log, world } = await setUpReleases();
  const { commit, edit, signatures } = await run('1.1.0', { rollouts: ['eu', 'eu'] });
  const text = textOf('1.1.0', 2);
  expect(await read(fileOf('1.1.0'))).toBe(text);
  expect(await read(bundleOf('1.1.0'))).toBe(`signature of ${digestOf(text)}`);
  expect(await read('rollouts/eu.yaml')).toBe(rolloutText('eu', 'ocr', '1.1.0'));
  expect(edit).toMatchObject({ sequence: 2, digest: digestOf(text), isReleased: false });
  expect(edit.rollouts).toEqual([{ kind: 'set', rollout: 'eu', from: '1.0.0' }]);
  expect(signatures).toBe(1);
  const commits = await log();
  expect(commits.map(({ oid }) => oid)).toEqual([commit, commits.at(-1)?.oid]);
  expect(commits[0]?.message).toBe(
    `Release ocr 1.1.0\n\nManifest ${digestOf(text)}, sequence 2, signed by key K.\nRollouts: eu (was 1.0.0).\n\nSlipway-Release: ocr 1.1.0\n`,
  );
  expect(world.did).toEqual([`sign ${digestOf(text)}`, 'upload']);
});

test('a release of what was released before changes nothing, signs nothing and uploads nothing', async () => {
  const { run, log, world } = await setUpReleases();
  await run('1.1.0', { rollouts: ['eu'] });
  world.did.length = 0;
  expect(await run('1.1.0', { rollouts: ['eu'] })).toMatchObject({
    commit: null,
    edit: { isReleased: true, sequence: 2, rollouts: [{ kind: 'left', because: 'asks-for-it' }] },
  });
  expect(world.did).toEqual([]);
  expect(await log()).toHaveLength(2);
});

test('a signature that somebody else put beside the manifest counts only once it is checked, and no rollout asks for the version before', async () => {
  const forged = { [fileOf('1.1.0')]: textOf('1.1.0', 2), [bundleOf('1.1.0')]: 'forged' };
  const { run, log, world } = await setUpReleases(forged);
  for (const isDryRun of [true, false])
    await expect(run('1.1.0', { rollouts: ['eu'], isDryRun })).rejects.toThrow(/^forged for sha256:/);
  expect([world.did, (await log()).length]).toEqual([[], 1]);
});

test('a version that is there with other bytes is refused, signed or not', async () => {
  const other = textOf('1.1.0').replace('sorts paper', 'sorts mail');
  const { run, world, log } = await setUpReleases({ [fileOf('1.2.0')]: textOf('1.2.0').replace('paper', 'mail') });
  await run('1.1.0');
  await expect(run('1.1.0', { text: other })).rejects.toMatchObject({ code: 'RELEASE_EXISTS', kind: 'fix-input' });
  await expect(run('1.2.0')).rejects.toMatchObject({ remedy: expect.stringContaining('which nobody signed') });
  expect(world.did).toHaveLength(2);
  expect(await log()).toHaveLength(2);
});

test('a manifest that people committed is signed as it is, and numbered only where its sequence is taken', async () => {
  const { run, read } = await setUpReleases({
    [fileOf('1.1.0')]: textOf('1.1.0', 7),
    [fileOf('1.2.0')]: textOf('1.2.0', 1),
  });
  await run('1.1.0', { text: null });
  expect(await read(fileOf('1.1.0'))).toBe(textOf('1.1.0', 7));
  expect(await read(bundleOf('1.1.0'))).toBe(`signature of ${digestOf(textOf('1.1.0', 7))}`);
  await run('1.2.0', { text: null });
  expect(await read(fileOf('1.2.0'))).toBe(textOf('1.2.0', 8));
  await expect(run('1.3.0', { text: null })).rejects.toMatchObject({ code: 'RELEASE_MANIFEST_MISSING' });
});

test('two releases at once both land, and the loser of the race is numbered and signed again', async () => {
  const { run, read, world } = await setUpReleases();
  let isFirst = true;
  world.faults = async (step) => {
    if (step === 'move' && isFirst) {
      isFirst = false;
      await run('1.2.0', { rollouts: ['eu'], isFaulty: false });
    }
    return undefined;
  };
  const slow = await run('1.1.0');
  expect(slow).toMatchObject({ signatures: 2, edit: { sequence: 3 } });
  expect(await read(fileOf('1.2.0'))).toBe(textOf('1.2.0', 2));
  expect(await read(fileOf('1.1.0'))).toBe(textOf('1.1.0', 3));
  expect(await read(bundleOf('1.1.0'))).toBe(`signature of ${digestOf(textOf('1.1.0', 3))}`);
  expect(await read('rollouts/eu.yaml')).toContain('"1.2.0"');
});

test('a push that is lost ten times lands at the eleventh, signed once; one that is lost forever says so in time', async () => {
  const { run, world, somebodyElse, log } = await setUpReleases();
  let lost = 0;
  world.faults = async (step) => {
    if (step === 'move' && lost++ < 10) await somebodyElse();
    return undefined;
  };
  expect(await run('1.1.0')).toMatchObject({ signatures: 1 });
  expect(lost).toBe(11);
  expect(world.did.filter((one) => one.startsWith('sign'))).toHaveLength(1);
  world.faults = async (step) => {
    if (step === 'move') await somebodyElse();
    return undefined;
  };
  const startMs = world.clock.ms;
  await expect(run('1.2.0')).rejects.toMatchObject({ code: 'RELEASE_RACE_LOST', kind: 'retry-later' });
  expect(world.clock.ms - startMs).toBeLessThan(130_000);
  expect((await log()).filter(({ message }) => message.startsWith('Release'))).toHaveLength(1);
});

test('a host that dies in the middle leaves a release that lands exactly once, by this run or by the next', async () => {
  for (const fault of ['lost-answer', 'unreachable'] as const) {
    const { run, world, log } = await setUpReleases();
    let isDown = false;
    world.faults = (step) => {
      if (step !== 'move' && !isDown) return undefined;
      const found = isDown ? 'unreachable' : fault;
      isDown = true;
      return found;
    };
    await expect(run('1.1.0')).rejects.toMatchObject({ code: 'RELEASE_UNCONFIRMED', kind: 'retry-later' });
    world.faults = () => undefined;
    expect((await run('1.1.0')).commit === null).toBe(fault === 'lost-answer');
    expect((await log()).filter(({ message }) => message.startsWith('Release'))).toHaveLength(1);
  }
});

test('a release that would bring an error is refused with its findings before it is signed; errors of others are told', async () => {
  const { run, world, log, problems } = await setUpReleases();
  problems.push(new CodedError({ code: 'MODEL_BROKEN', message: 'It is broken.' }));
  expect(await run('1.1.0')).toMatchObject({ commit: null, problems: [{ code: 'MODEL_BROKEN' }], oldProblems: [] });
  expect(world.did).toEqual([]);
  expect(await log()).toHaveLength(1);
  problems.length = 0;
  await run('1.1.0');
  const at = { file: 'policies/other.yaml', line: 1, column: 1 };
  problems.push(new CodedError({ code: 'POLICY_BROKEN', message: 'It was broken before.', at }));
  expect(await run('1.1.0', { rollouts: ['eu'] })).toMatchObject({
    commit: expect.any(String),
    problems: [],
    oldProblems: [{ code: 'POLICY_BROKEN' }],
  });
});

test('an upload or a signature that fails leaves the branch as it was', async () => {
  const { run, log, read } = await setUpReleases();
  const down = new CodedError({ code: 'STORE_DOWN', kind: 'retry-later', message: 'The store is down.' });
  const broken = { file: fileOf('1.1.0'), bundle: bundleOf('1.1.0'), text: 'kind: ModelManifest' };
  await expect(run('1.1.0', broken)).rejects.toMatchObject({ code: expect.stringMatching(/^DOCUMENT_/) });
  const host = await setUpReleases();
  host.world.did.push = () => {
    throw down;
  };
  await expect(host.run('1.1.0')).rejects.toBe(down);
  expect(await host.log()).toHaveLength(1);
  expect(await log()).toHaveLength(1);
  expect(await read(bundleOf('1.1.0'))).toBeUndefined();
});

test('a job that runs again takes no rollout back, and a rollout that finds versions by itself stays as it is', async () => {
  const rollouts = {
    'rollouts/any.yaml': rolloutText('any', 'ocr', 'latest'),
    'rollouts/range.yaml': rolloutText('range', 'ocr', '>=1 <2'),
    'rollouts/other.yaml': rolloutText('other', 'asr', '1.0.0'),
  };
  const { run, read, world } = await setUpReleases(rollouts);
  const first = await run('1.1.0', { rollouts: ['any', 'range'] });
  expect(first.edit.rollouts).toEqual([
    { kind: 'left', rollout: 'any', asksFor: 'latest', because: 'finds-it' },
    { kind: 'left', rollout: 'range', asksFor: '>=1 <2', because: 'finds-it' },
  ]);
  await run('1.2.0', { rollouts: ['eu'] });
  const again = await run('1.1.0', { rollouts: ['eu'] });
  expect(again).toMatchObject({ commit: null, edit: { rollouts: [{ kind: 'left', because: 'asks-for-later' }] } });
  expect(await read('rollouts/eu.yaml')).toContain('"1.2.0"');
  await expect(run('1.1.0', { rollouts: ['other'] })).rejects.toMatchObject({ code: 'RELEASE_OTHER_MODEL' });
  await expect(run('1.1.0', { rollouts: ['eux'] })).rejects.toMatchObject({ code: 'ROLLOUT_UNKNOWN' });
  const reason = { kind: 'aborted', reason: 'it errs' } as const;
  const digest = digestOf(textOf('1.2.0', 3));
  const rejected = { version: '1.2.0', digest, reason, at: '2026-01-01T00:00:00Z', attempt: 1, evidence: 'evidence/1' };
  const status = { ...blankStatus('*', 0), rejected: [rejected] };
  const text = `${rolloutText('eu', 'ocr', '1.0.0')}status: ${JSON.stringify(status)}\n`;
  await world.host.commit({ files: { 'rollouts/eu.yaml': text }, message: 'Reject 1.2.0', atMs: 0 });
  const back = await run('1.2.0', { rollouts: ['eu'] });
  expect(back).toMatchObject({ commit: null, edit: { rollouts: [{ kind: 'left', because: 'rejected-it' }] } });
});

test('a dry run shows the changes and signs, uploads and pushes nothing', async () => {
  const { run, log, world } = await setUpReleases();
  const { edit, commit } = await run('1.1.0', { isDryRun: true, rollouts: ['eu'] });
  expect(commit).toBeNull();
  expect(edit.changed.map(({ file }) => file)).toEqual([fileOf('1.1.0'), 'rollouts/eu.yaml']);
  expect(world.did).toEqual([]);
  expect(await log()).toHaveLength(1);
});
