// Laws of labels that the fleet documents give: devices hear of them with the directive, as the service counts by them.
import { expect, test } from 'vitest';
import { boundLabelsOf } from '../../src/contract/bound-labels.ts';
import { LoopWorld } from './loop-world.ts';

const group = (name: string, labels: string, devices: readonly string[]): Readonly<Record<string, string>> => ({
  [`fleet/${name}.yaml`]: `apiVersion: slipway.dev/v1alpha1\nkind: DeviceGroup\nmetadata: { name: ${name} }\nspec:\n  labels: { ${labels} }\n  devices: [${devices.map((id) => `{ id: ${id} }`).join(', ')}]\n`,
});

test('what is published holds the labels of the fleet documents, and loses them with the document', async () => {
  const world = await LoopWorld.stable();
  await world.push(group('kiosks', 'customer: acme', ['dev-00001']));
  await world.tick(2);
  const { bound = [] } = world.directives.at(-1) ?? {};
  expect(boundLabelsOf(bound, 'dev-00001')).toEqual({ customer: 'acme', groups: 'kiosks' });
  expect(boundLabelsOf(bound, 'dev-00002')).toEqual({});
  await world.tick(3);
  expect(world.directives.at(-1)?.bound).toBe(bound);
  await world.push({ 'fleet/kiosks.yaml': null });
  await world.tick(2);
  expect(world.directives.at(-1)?.bound ?? []).toEqual([]);
});

test('a fleet document that changes in mid-canary takes no device out of the count: a bad candidate goes back', async () => {
  const names = Array.from({ length: 12 }, (_, i) => `dev-${String(i).padStart(5, '0')}`);
  const world = await LoopWorld.rolling({ isBad: true, files: group('kiosks', 'customer: acme', names) });
  await world.push(group('shops', 'customer: globex', names));
  for (let i = 0; i < 40 && world.entry()?.candidate !== null; i++) await world.tick();
  expect((await world.rollout()).status?.rejected).toMatchObject([
    { version: '2.0.0', reason: { kind: 'rule-failed' } },
  ]);
});

test('a fleet document that is broken while the service starts says what it said before', async () => {
  const world = await LoopWorld.stable();
  await world.push(group('kiosks', 'customer: acme', ['dev-00001']));
  await world.tick(2);
  await world.push({ 'fleet/kiosks.yaml': 'kind: DeviceGroup\nspec: [' });
  world.restart();
  await world.tick(2);
  expect(boundLabelsOf(world.directives.at(-1)?.bound ?? [], 'dev-00001')).toMatchObject({ customer: 'acme' });
});

test('settings that are broken say what they said before, also while the service starts; without that nobody new enrols', async () => {
  const world = await LoopWorld.stable();
  const head = 'apiVersion: slipway.dev/v1alpha1\nkind: Repository\n';
  const [[file = '', text = ''] = []] = Object.entries(group('kiosks', 'customer: acme', ['dev-00001']));
  const broken = { 'slipway.yaml': `${head}spec: [` };
  await world.push({
    'slipway.yaml': `${head}spec: { layout: { fleet: devices }, fleet: { admit: listed } }\n`,
    [file.replace('fleet/', 'devices/')]: text,
  });
  await world.tick(2);
  const said = () => {
    const words = world.observed!.fleet.words;
    const labels = boundLabelsOf(world.directives.at(-1)?.bound ?? [], 'dev-00001');
    return [labels.customer, words.isDenied('dev-00002'), words.mayEnrol('dev-00001'), words.mayEnrol('dev-00002')];
  };
  const before = ['acme', true, true, false];
  expect(said()).toEqual(before);
  await world.push(broken);
  await world.tick(2);
  expect(said()).toEqual(before);
  expect(world.view.problems).toEqual([expect.stringContaining('slipway.yaml')]);
  world.restart();
  await world.tick(2);
  expect(said()).toEqual(before);
  const fresh = await LoopWorld.stable({ files: broken });
  const { words } = fresh.observed!.fleet;
  expect([words.isDenied('dev-00002'), words.mayEnrol('dev-00002')]).toEqual([false, false]);
});

const DENYING =
  'apiVersion: slipway.dev/v1alpha1\nkind: DeviceGroup\nmetadata: { name: bad }\nspec: { deny: [evil] }\n';
const OTHER_LAYOUT = 'apiVersion: slipway.dev/v1alpha1\nkind: Repository\nspec: { layout: { fleet: flet } }\n';

test.each([
  ['a layout that names another folder', { 'slipway.yaml': OTHER_LAYOUT }],
  ['another ending', { 'fleet/bad.yaml': null, 'fleet/bad.YAML': DENYING }],
  ['another place', { 'fleet/bad.yaml': null, 'old/bad.yaml': DENYING }],
])(
  'a deny list that is not found (%s) still holds, over a restart too, and is told; one that is deleted ends',
  async (_, change) => {
    const world = await LoopWorld.rolling({ files: { 'fleet/bad.yaml': DENYING } });
    const isDenied = () => world.observed?.fleet.words.isDenied('evil');
    await world.push(change);
    await world.tick(2);
    expect(isDenied()).toBe(true);
    world.restart();
    await world.tick(2);
    expect(isDenied()).toBe(true);
    expect(world.view.problems.join()).toContain('FLEET_DOCUMENT_MISPLACED');
    await world.push({ 'slipway.yaml': null, 'fleet/bad.yaml': null, 'fleet/bad.YAML': null, 'old/bad.yaml': null });
    await world.tick(2);
    expect(isDenied()).toBe(false);
  },
);
