// What sharing a commit promises: every request is answered, whenever it comes.
import { expect, test } from 'vitest';
import { GroupCommit } from '../../src/store/group-commit.ts';

test.each([0, 1, 2, 3, 4, 5, 6])('a request is answered that comes %i turns after another was', async (turns) => {
  const group = new GroupCommit<number, number>({
    commit: async (items) => items.map((item) => item * 2),
    mostInGroup: 2,
  });
  for (let n = 0; n < 3; n++) {
    expect(await group.submit([n, n])).toEqual([2 * n, 2 * n]);
    for (let turn = 0; turn < turns; turn++) await Promise.resolve();
  }
  await group.flush();
});
