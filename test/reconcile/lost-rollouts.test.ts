// A rollout that HEAD does not yield is judged all the same: what rolls goes back, and nothing that is published is dropped without a word.
import { describe, expect, test } from 'vitest';
import { CodedError } from '../../src/base/errors.ts';
import { renderCommit } from '../../src/git/objects/commit-object.ts';
import { renderTree } from '../../src/git/objects/tree-object.ts';
import { KEYS, LoopWorld, NEXT, PATH, ROLLOUT, RULED } from './loop-world.ts';

describe('what rolls is judged by its last authentic status and the pinned policy', () => {
  test('while its file is broken: a candidate that errs goes back by an emergency rollback, and the commit follows', async () => {
    const world = await LoopWorld.rolling({ isBad: true });
    const text = (await world.read(PATH)) ?? '';
    const rolling = world.entry();
    await world.push({ [PATH]: text.replace('model: model', 'modle: model') });
    for (let i = 0; i < 40 && world.entry()?.emergency !== true; i++) await world.tick();
    expect(world.entry()).toEqual({ ...rolling, emergency: true, stepSignature: expect.anything() });
    await world.tick(3);
    expect(world.fleet.running.size).toBe(0);
    const kinds = world.view.alerts.map(({ kind, rollout }) => `${kind} ${rollout}`);
    expect(kinds).toEqual([`stalled ${ROLLOUT}`, `emergency-rollback ${ROLLOUT}`]);
    await world.push({ [PATH]: text });
    await world.tick(2);
    expect(world.entry()).toMatchObject({ candidate: null, emergency: false });
    expect((await world.rollout()).status?.rejected).toMatchObject([
      { version: '2.0.0', reason: { kind: 'rule-failed' } },
    ]);
  });

  test('while the commit as a whole can not be read: it goes back by an emergency rollback, and that is told', async () => {
    const world = await LoopWorld.rolling({ isBad: true });
    const tooLarge = new CodedError({ code: 'GIT_TREE_TOO_LARGE', message: 'Too many files.', remedy: 'Remove some.' });
    world.failsToRead = tooLarge;
    await world.push({ 'node_modules/one.js': 'one of too many' });
    for (let i = 0; i < 40 && world.entry()?.emergency !== true; i++) await world.tick();
    expect(world.entry()?.emergency).toBe(true);
    expect(world.view.trouble).toMatchObject({ code: 'GIT_TREE_TOO_LARGE', remedy: 'Remove some.' });
    world.failsToRead = undefined;
    await world.tick(2);
    expect(world.entry()).toMatchObject({ candidate: null, emergency: false });
    expect(world.view.trouble).toBeNull();
  });

  test('while the history is rewound, after a restart too; and an abort takes it back', async () => {
    for (const isBad of [true, false]) {
      const world = await LoopWorld.stable({ isBad });
      const before = await world.head();
      await world.edit({ version: '2.0.0' });
      await world.untilRolling();
      expect(world.entry()?.candidate?.version).toBe('2.0.0');
      world.host.force('main', before);
      world.restart();
      await world.tick();
      expect(world.stalls()).toEqual(['HISTORY_REWOUND']);
      if (!isBad) await world.edit({ request: { act: 'abort', digest: NEXT.digest, by: 'ann' } });
      for (let i = 0; i < 40 && world.entry()?.candidate !== null; i++) await world.tick();
      const kind = isBad ? 'rule-failed' : 'aborted';
      expect((await world.rollout()).status?.rejected).toMatchObject([{ version: '2.0.0', reason: { kind } }]);
      await world.tick(3);
      expect(world.fleet.running.size).toBe(0);
      expect(world.stalls()).toEqual([]);
    }
  });
});

describe('an emergency rollback in force', () => {
  test('is committed, though the rule that decided it is not asked any more', async () => {
    const world = await LoopWorld.rolling({ isBad: true });
    const text = (await world.read(PATH)) ?? '';
    await world.push({ [PATH]: `${text}\n: broken` });
    for (let i = 0; i < 40 && world.entry()?.emergency !== true; i++) await world.tick();
    // A skip leaves the stage whatever its rules say: the rules alone would not take it back now.
    await world.push({ [PATH]: text });
    await world.edit({ request: { act: 'skip', digest: NEXT.digest } });
    await world.tick(2);
    expect(world.entry()).toMatchObject({ candidate: null, emergency: false });
  });
});

describe('a rollout that is not found is not gone', () => {
  const withText = (change: (text: string) => Readonly<Record<string, string | null>>) => change;
  const cases = [
    [
      'renamed',
      withText((text) => ({
        [PATH]: null,
        'rollouts/sorter-eu.yaml': text.replace('name: sorter', 'name: sorter-eu'),
      })),
      'ROLLOUT_MISSING',
    ],
    ['moved', withText((text) => ({ [PATH]: null, 'old/sorter.yaml': text })), 'ROLLOUT_MISSING'],
    ['given another ending', withText((text) => ({ [PATH]: null, 'rollouts/sorter.YAML': text })), 'ROLLOUT_MISSING'],
    [
      'outside of a layout that names nothing',
      withText(() => ({
        'slipway.yaml': 'apiVersion: slipway.dev/v1alpha1\nkind: Repository\nspec: { layout: { rollouts: rolouts } }\n',
      })),
      'ROLLOUT_MISSING',
    ],
    ['broken', withText((text) => ({ [PATH]: `${text}\n: broken` })), 'DOCUMENT_FIELD_NAME'],
  ] as const;

  test.each(cases)(
    'when it was %s: its entry stays, it stalls and alerts, and comes back as it was',
    async (_, change, code) => {
      const world = await LoopWorld.rolling();
      const before = world.entry();
      const text = (await world.read(PATH)) ?? '';
      await world.push(change(text));
      await world.tick(2);
      expect(world.stalls()).toEqual([code]);
      expect(world.directives.at(-1)?.entries).toEqual([before]);
      world.restart();
      await world.tick(2);
      expect(world.stalls()).toEqual([code]);
      expect(world.view.alerts.filter(({ rollout }) => rollout === ROLLOUT).map(({ kind }) => kind)).toEqual([
        'stalled',
      ]);
      const undo = Object.fromEntries(Object.keys(change(text)).map((path) => [path, null]));
      await world.push({ ...undo, [PATH]: text });
      await world.tick(1);
      expect(world.stalls()).toEqual([]);
      expect(world.entry()).toEqual(before);
    },
  );

  test.each(['120000', '160000'] as const)(
    'when a link or a submodule (%s) stands in place of its folder',
    async (mode) => {
      const world = await LoopWorld.rolling();
      const before = world.entry();
      const { objects } = world.host;
      const parent = await world.head();
      const entries = await objects.readTree((await objects.readCommit(parent)).tree);
      const linked = entries.map((one) => (one.name === 'rollouts' ? { ...one, mode } : one));
      const content = { tree: await objects.write('tree', renderTree(linked)), parent, message: 'Link', atMs: 0 };
      const commit = renderCommit(content, { name: 'Ann', email: 'ann@example.org' }, undefined);
      world.host.force('main', await objects.write('commit', commit));
      await world.tick(2);
      expect(world.stalls()).toEqual(['ROLLOUT_MISSING']);
      expect(world.directives.at(-1)?.entries).toEqual([before]);
    },
  );

  test('when another repository stands in its place: nothing is written there, and a bad candidate goes back', async () => {
    const world = await LoopWorld.rolling({ isBad: true });
    const files = { ...NEXT.files, ...LoopWorld.file('other', '2.0.0', 'customer:none') };
    const other = await world.host.commit({ branch: 'other', files, message: 'Another repository', atMs: 0 });
    world.host.force('main', other);
    world.restart();
    await world.tick();
    expect(world.stalls()).toEqual(['ROLLOUT_MISSING']);
    for (let i = 0; i < 40 && world.entry()?.emergency !== true; i++) await world.tick();
    expect(world.entry()?.emergency).toBe(true);
    expect(await world.evidence()).toEqual([]);
  });
});

describe('a rollout that was deleted', () => {
  test('brings its devices back to stable by a signed step, and its entry is dropped only then', async () => {
    const world = await LoopWorld.rolling();
    for (let i = 0; i < 20 && world.fleet.running.size === 0; i++) await world.tick();
    expect(world.fleet.running.size).toBeGreaterThan(0);
    const { revision = 0 } = (await world.rollout()).status ?? {};
    await world.push({ [PATH]: null });
    world.restart();
    await world.cycles();
    expect(world.entry()).toMatchObject({ revision: revision + 1, candidate: null, stable: { version: '1.0.0' } });
    for (let i = 0; i < 20 && world.entry() !== undefined; i++) {
      expect(world.stalls()).toEqual(['ROLLOUT_DELETED']);
      await world.tick();
    }
    expect(world.fleet.running.size).toBe(0);
    expect(world.directives.at(-1)?.entries).toEqual([]);
    expect(await world.evidence()).toContain(`evidence/${ROLLOUT}/${revision + 1}-canary-stable.json`);
    expect(world.outlook()).toBeUndefined();
  });

  test('together with its evidence brings them back as well: what follows on its history is no other repository', async () => {
    const world = await LoopWorld.rolling();
    for (let i = 0; i < 20 && world.fleet.running.size === 0; i++) await world.tick();
    const gone = [PATH, ...(await world.evidence())];
    await world.push(Object.fromEntries(gone.map((path) => [path, null])));
    world.restart();
    for (let i = 0; i < 20 && world.entry() !== undefined; i++) await world.tick();
    expect(world.fleet.running.size).toBe(0);
    expect(world.directives.at(-1)?.entries).toEqual([]);
    expect(world.outlook()).toBeUndefined();
    expect(await world.evidence()).toEqual(expect.arrayContaining(gone.filter((path) => path.includes('/2-'))));
    const atRest = await LoopWorld.stable();
    await atRest.push(Object.fromEntries([PATH, ...(await atRest.evidence())].map((path) => [path, null])));
    await atRest.tick();
    expect(atRest.directives.at(-1)?.entries).toEqual([]);
  });

  test('at rest is dropped at once; put back while it returns, its rejection stands', async () => {
    const atRest = await LoopWorld.stable();
    await atRest.push({ [PATH]: null });
    await atRest.tick();
    expect(atRest.directives.at(-1)?.entries).toEqual([]);
    const world = await LoopWorld.rolling();
    const text = (await world.read(PATH)) ?? '';
    await world.push({ [PATH]: null });
    await world.cycles();
    await world.push({ [PATH]: text });
    await world.tick();
    expect((await world.rollout()).status).toMatchObject({ candidate: null, rejected: [{ version: '2.0.0' }] });
  });
});

describe('trust that is taken back while something rolls', () => {
  test('is noticed though manifest, signature and policy are gone from HEAD', async () => {
    const world = await LoopWorld.rolling();
    const gone = [...Object.keys(NEXT.files), ...Object.keys(RULED.files)];
    await world.push(Object.fromEntries(gone.map((path) => [path, null])));
    await world.tick();
    expect(world.outlook()?.waitingOn[0]).toMatchObject({ kind: 'needs-fix', fix: { kind: 'version-missing' } });
    const signers = KEYS.trust.signers.map((signer) => ({ ...signer, revoked: true }));
    world.restart({ ...KEYS.trust, signers });
    await world.tick();
    expect((await world.rollout()).status).toMatchObject({
      candidate: null,
      rejected: [{ version: '2.0.0', reason: { kind: 'trust-revoked' } }],
    });
  });
});

test('that a stable version runs on though its signer is revoked is said although its manifest is gone', async () => {
  const world = await LoopWorld.rolling();
  for (let i = 0; i < 80 && world.outlook()?.stable !== '2.0.0'; i++) await world.tick();
  await world.push(Object.fromEntries(Object.keys(NEXT.files).map((path) => [path, null])));
  const signers = KEYS.trust.signers.map((signer) => ({ ...signer, revoked: true }));
  world.restart({ ...KEYS.trust, signers });
  await world.tick();
  const fixes = world.outlook()?.conditions.flatMap((one) => (one.type === 'Stalled' ? [one.fix] : []));
  expect(fixes).toMatchObject([{ kind: 'version-missing' }, { kind: 'runs-revoked', version: '2.0.0', devices: 12 }]);
});

test('a layout that moves evidence gives the same answer before and after a restart', async () => {
  const world = await LoopWorld.rolling();
  const before = await world.rollout();
  const settings = 'apiVersion: slipway.dev/v1alpha1\nkind: Repository\nspec: { layout: { evidence: proofs } }\n';
  await world.push({ 'slipway.yaml': settings });
  await world.tick();
  expect(world.stalls()).toEqual([]);
  world.restart();
  await world.tick();
  expect(world.stalls()).toEqual([]);
  expect((await world.rollout()).status).toEqual(before.status);
  await world.edit({ request: { act: 'abort', digest: NEXT.digest } });
  await world.tick();
  expect((await world.rollout()).status).toMatchObject({
    candidate: null,
    evidence: expect.stringMatching(/^proofs\//),
  });
  expect(world.entry()?.candidate).toBeNull();
});

test('evidence and the documents beside it that someone deletes or changes are put back, and an alert says so', async () => {
  const world = await LoopWorld.rolling();
  const { status } = await world.rollout();
  const before = await world.evidence();
  const policy = before.find((path) => path.endsWith('.policy.yaml')) ?? '';
  const signature = before.find((path) => path.endsWith('.model.yaml.sigstore.json')) ?? '';
  const texts = await Promise.all([status?.evidence ?? '', policy, signature].map((path) => world.read(path)));
  world.restart();
  await world.push({
    ...Object.fromEntries(Object.keys(RULED.files).map((path) => [path, null])),
    [policy]: null,
    [signature]: '{}',
  });
  await world.tick(2);
  expect(await world.evidence()).toEqual(before);
  expect(world.view.alerts).toMatchObject([{ kind: 'evidence-missing', rollout: ROLLOUT }]);
  expect(world.stalls()).toEqual([]);
  await world.edit({ suspend: true });
  await world.push({ [before[0] ?? '']: null });
  await world.tick(2);
  expect(await world.evidence()).toEqual(before);
  expect(await Promise.all([status?.evidence ?? '', policy, signature].map((path) => world.read(path)))).toEqual(texts);
});

test('evidence that is deleted under a status gives the same answer before and after a restart', async () => {
  const revisions: (number | undefined)[] = [];
  for (const isRestarted of [false, true]) {
    const world = await LoopWorld.rolling();
    const { status } = await world.rollout();
    await world.push({ [status?.evidence ?? '']: null });
    if (isRestarted) world.restart();
    await world.tick();
    revisions.push((await world.rollout()).status?.revision);
    expect(world.entry()?.candidate?.version).toBe('2.0.0');
  }
  expect(revisions[0]).toBe(revisions[1]);
});
