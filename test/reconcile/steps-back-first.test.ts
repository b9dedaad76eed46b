// What takes a candidate back is pushed alone and first, and published before anything else is pushed.
import { expect, test } from 'vitest';
import { spliceSpec } from '../../src/documents/edit-rollout.ts';
import { rolloutPath, rolloutText } from '../../src/simulation/virtual-manifests.ts';
import { LoopWorld, modelOf, NEXT, PATH, ROLLOUT } from './loop-world.ts';

test('among the starts of many other rollouts', async () => {
  const world = await LoopWorld.rolling();
  const others = Array.from({ length: 30 }, (_, i) => `other-${i}`);
  const files = others.map((name) => ({
    ...modelOf('1.0.0', name).files,
    [rolloutPath(name)]: rolloutText({ name, model: name, version: '1.0.0', policy: 'strict' }),
  }));
  const aborted = spliceSpec((await world.read(PATH)) ?? '', { request: { act: 'abort', digest: NEXT.digest } });
  await world.push({ ...Object.assign({}, ...files), [PATH]: aborted });
  const [pushed, published] = [world.pushes.length, world.directives.length];
  world.order.length = 0;
  await world.cycles();
  const steps = world.pushes.slice(pushed);
  expect(steps[0]?.map(({ step }) => `${step.rollout} ${step.kind}`)).toEqual([`${ROLLOUT} roll-back`]);
  expect(steps[1]).toHaveLength(others.length);
  expect(world.order).toEqual(['push', 'publish', 'push', 'publish']);
  expect(world.directives[published]?.entries.map(({ rollout, candidate }) => [rollout, candidate])).toEqual([
    [ROLLOUT, null],
  ]);
});
