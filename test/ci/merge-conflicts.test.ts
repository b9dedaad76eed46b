// Laws of the check for merge conflicts.
import { expect, test } from 'vitest';
import { findMergeConflicts } from '../../.ci/merge-conflicts.ts';

test('the markers around both sides of a conflict are found, at their lines; a heading of Markdown is none', () => {
  const conflict = ['ours', 'theirs'].map((side, i) => `${(i === 0 ? '<' : '>').repeat(7)} ${side}`);
  const files = [
    { path: 'CHANGELOG.md', text: `# Changes\n${conflict[0]}\nmine\n=======\nyours\n${conflict[1]}\n` },
    { path: 'README.md', text: 'A heading\n=======\n' },
  ];
  expect(findMergeConflicts(files).map(({ path, line }) => [path, line])).toEqual([
    ['CHANGELOG.md', 2],
    ['CHANGELOG.md', 6],
  ]);
});
