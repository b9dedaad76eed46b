// Laws of the names that reports give to inputs; that devices write the same is a law of theirs.
import { expect, test } from 'vitest';
import { inputNamesOf } from '../../src/contract/input-names.ts';

const input = (name: string, shape: readonly number[], type: 'float32' | 'bytes' = 'float32') => ({
  name,
  type,
  shape,
});
const columns = (name: string, count: number) => Array.from({ length: count }, (_, i) => `${name}[${i}]`);

test.each([
  ['a small table has its columns', [input('x', [-1, 3])], columns('x', 3)],
  ['a wide table is one', [input('x', [-1, 17])], ['x']],
  [
    'so is what is no table',
    [input('image', [-1, 3, 4, 4]), input('scalar', []), input('row', [3])],
    ['image', 'scalar', 'row'],
  ],
  ['text and long names are left out', [input('t', [1], 'bytes'), input('n'.repeat(101), [1]), input('x', [1])], ['x']],
  [
    'the first sixteen are reported',
    [input('x', [-1, 10]), input('y', [-1, 10])],
    [...columns('x', 10), ...columns('y', 6)],
  ],
  ['a model of text has none', [input('t', [-1, -1], 'bytes')], []],
  ['a table of any width may have any', [input('a', [1]), input('x', [1, -1])], undefined],
])('%s', (_, inputs, names) => {
  expect(inputNamesOf(inputs)).toEqual(names);
});
