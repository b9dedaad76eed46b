// What stands in HEAD stops no judging, however odd it is: a bad candidate goes back.
import { expect, test } from 'vitest';
import { renderCommit } from '../../src/git/objects/commit-object.ts';
import { type RawEntry, renderTree } from '../../src/git/objects/tree-object.ts';
import { LoopWorld } from './loop-world.ts';

/** A commit whose folder has one entry more. */
async function pushEntry(world: LoopWorld, folder: string, entry: RawEntry): Promise<void> {
  const { objects } = world.host;
  const parent = await world.head();
  const root = await objects.readTree((await objects.readCommit(parent)).tree);
  const before = root.find(({ name }) => name === folder);
  const inner = before === undefined ? [] : await objects.readTree(before.oid);
  const oid = await objects.write('tree', renderTree([...inner, entry]));
  const others = root.filter(({ name }) => name !== folder);
  const tree = await objects.write('tree', renderTree([...others, { name: folder, mode: '40000', oid }]));
  const content = { tree, parent, message: 'Odd', atMs: 0 };
  const commit = renderCommit(content, { name: 'Ann', email: 'ann@example.org' }, undefined);
  world.host.force('main', await objects.write('commit', commit));
}

async function untilBack(world: LoopWorld): Promise<void> {
  for (let i = 0; i < 40 && world.entry()?.candidate !== null; i++) await world.tick();
  expect(world.entry()?.candidate).toBeNull();
}

test.each(['policies', 'rollouts', 'models', 'fleet'])(
  'a file in %s that is the object of a folder is a broken document, and stops no other rollout',
  async (folder) => {
    const world = await LoopWorld.rolling({ isBad: true });
    const oid = await world.host.objects.write('tree', renderTree([]));
    await pushEntry(world, folder, { name: 'odd.yaml', mode: '100644', oid });
    await world.tick();
    expect(world.view.problems.join()).toContain('GIT_OBJECT_TYPE');
    await untilBack(world);
  },
);

test.each(['100600', '100777'])('a file of mode %s stops no rollout', async (mode) => {
  const world = await LoopWorld.rolling({ isBad: true });
  const oid = await world.host.objects.write('blob', Buffer.from('anything'));
  await pushEntry(world, 'docs', { name: 'odd.md', mode: mode as RawEntry['mode'], oid });
  await untilBack(world);
});
