// Laws of who holds which devices: what two rollouts of one model have is told pair by pair.
import { expect, test } from 'vitest';
import { type Holding, Holdings } from '../../src/rollout/holdings.ts';

const holding = (rollout: string): Holding => ({
  ...{ rollout, model: 'model', targets: [rollout === 'apart' ? 'none' : '*'] },
  at: () => ({ file: rollout, line: null, column: null }),
});
const matching = (target: string) => (target === '*' ? ['d1', 'd2'] : []);
const sharedBy = (names: readonly string[]) => new Holdings(names.map(holding), matching).shared();

test('each two of three rollouts that have the same devices are told, and no others', () => {
  const shared = sharedBy(['c', 'a', 'apart', 'b']);
  const pairs = [
    ['a', 'b'],
    ['a', 'c'],
    ['b', 'c'],
  ];
  expect(shared).toEqual(pairs.map((rollouts) => ({ model: 'model', rollouts, devices: 2, first: ['d1', 'd2'] })));
});

test('no more than a hundred pairs are told', () => {
  expect(sharedBy(Array.from({ length: 30 }, (_, i) => `r${i}`))).toHaveLength(100);
});
