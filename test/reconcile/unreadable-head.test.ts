// What rolls is judged whatever stands in HEAD, and who is denied stays so: also after a restart, and though the mirror has nothing of it.
import { expect, test } from 'vitest';
import { boundLabelsOf } from '../../src/contract/bound-labels.ts';
import { objectMissing } from '../../src/git/git-errors.ts';
import { LoopWorld, NEXT, ROLLOUT } from './loop-world.ts';

const HEAD = 'apiVersion: slipway.dev/v1alpha1\n';
const FLEET = {
  'slipway.yaml': `${HEAD}kind: Repository\nspec: { fleet: { admit: listed } }\n`,
  'fleet/all.yaml': `${HEAD}kind: DeviceGroup\nmetadata: { name: all }\nspec:\n  deny: [evil]\n  labels: { site: north }\n  devices: [${Array.from({ length: 12 }, (_, i) => `{ id: dev-${String(i).padStart(5, '0')} }`).join(', ')}]\n`,
};

async function untilEmergency(world: LoopWorld): Promise<void> {
  for (let i = 0; i < 40 && world.entry()?.emergency !== true; i++) await world.tick();
  expect(world.entry()?.emergency).toBe(true);
}

const inputOutput = Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO', syscall: 'read' });

test.each([
  ['an object is missing', objectMissing('0'.repeat(40)), false],
  ['the disk fails', inputOutput, false],
  ['an object is missing and the service restarts', objectMissing('0'.repeat(40)), true],
  ['the disk fails and the service restarts', inputOutput, true],
])('%s: a bad candidate goes back, and the commit follows', async (_, error, isRestarted) => {
  const world = await LoopWorld.rolling({ isBad: true });
  world.failsToRead = error;
  await world.push({ 'README.md': 'anything' });
  if (isRestarted) world.restart();
  await untilEmergency(world);
  expect(world.view.trouble).not.toBeNull();
  if (isRestarted)
    expect(world.outlook()?.waitingOn).toMatchObject([{ fix: { file: expect.stringMatching(/^commit /) } }]);
  world.failsToRead = undefined;
  await world.tick(2);
  expect(world.entry()).toMatchObject({ candidate: null, emergency: false });
  expect((await world.rollout()).status?.rejected).toMatchObject([{ version: '2.0.0' }]);
  expect(world.view.trouble).toBeNull();
});

test('nothing is read after a restart: a good candidate stays where it is, and devices keep their labels', async () => {
  const world = await LoopWorld.rolling({ files: FLEET });
  const before = world.directives.at(-1);
  world.failsToRead = inputOutput;
  world.restart();
  await world.tick(40);
  expect(world.directives.at(-1)).toEqual(before);
  expect(boundLabelsOf(world.directives.at(-1)?.bound ?? [], 'dev-00001')).toMatchObject({ site: 'north' });
  world.failsToRead = undefined;
  for (let i = 0; i < 80 && world.outlook()?.stable !== '2.0.0'; i++) await world.tick();
  expect(world.outlook()?.stable).toBe('2.0.0');
});

test('nothing is read after a restart: who is denied or not listed stays so', async () => {
  const world = await LoopWorld.stable({ files: FLEET });
  world.failsToRead = inputOutput;
  world.restart();
  await world.tick();
  const words = world.observed?.fleet.words;
  expect(['evil', 'dev-00001'].map((id) => words?.isDenied(id))).toEqual([true, false]);
  expect(['evil', 'stranger', 'dev-00001'].map((id) => words?.mayEnrol(id))).toEqual([false, false, true]);
});

test.each([
  ['an empty repository', { 'README.md': 'anything' }],
  ['one without policies', { ...NEXT.files, ...LoopWorld.file(ROLLOUT, '2.0.0') }],
])('another history, %s, and a mirror that was made anew: a bad candidate goes back', async (_, files) => {
  const world = await LoopWorld.rolling({ isBad: true });
  for (let commit: string | undefined = await world.head(); commit !== undefined; ) {
    world.lost.add(commit);
    [commit] = (await world.host.objects.readCommit(commit)).parents;
  }
  world.host.force('main', await world.host.commit({ branch: 'other', files, message: 'Another', atMs: 0 }));
  world.restart();
  const isBack = (): boolean => world.entry()?.emergency === true || world.entry()?.candidate === null;
  for (let i = 0; i < 40 && !isBack(); i++) await world.tick();
  expect(isBack()).toBe(true);
});

test.each(['slipway.YAML', 'slipway.yaml/a.yaml'])(
  'settings that moved to %s say what they said before',
  async (path) => {
    const world = await LoopWorld.stable({ files: FLEET });
    await world.push({ 'slipway.yaml': null });
    await world.push({ [path]: FLEET['slipway.yaml'] });
    await world.tick();
    expect(world.observed?.fleet.words.mayEnrol('stranger')).toBe(false);
    expect(world.view.problems).toEqual([expect.stringContaining('SETTINGS_NOT_A_FILE')]);
  },
);
