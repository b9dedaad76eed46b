// Owns the laws of links in Markdown: what leads nowhere is found, what is only a sample is not.
import { describe, expect, it } from 'vitest';
import { anchorsOf, findBrokenLinks } from '../../.ci/markdown-links.ts';

const judge = (text: string) =>
  findBrokenLinks(
    [
      { path: 'docs/page.md', text },
      { path: 'docs/other.md', text: '# Two words\n## Two words\n' },
    ],
    (target) => ['docs', 'docs/other.md', 'src/a.ts'].includes(target),
  ).map((link) => `${link.line} ${link.message}`);

describe('links in Markdown', () => {
  it('are broken when the file, the heading or the repository does not hold their target', () => {
    expect(judge('# A\n[x](missing.md)')).toEqual([expect.stringContaining('2 missing.md leads to docs/missing.md')]);
    expect(judge('[x](other.md#three)')).toEqual([expect.stringContaining('anchor')]);
    expect(judge('[x](#nowhere)')).toEqual([expect.stringContaining('anchor')]);
    expect(judge('[x](../../outside.md)')).toEqual([expect.stringContaining('leaves')]);
    expect(judge('[x]\n\n[x]: missing.md')).toEqual([expect.stringContaining('3 missing.md')]);
    expect(judge('[![badge](missing.svg)](other.md)')).toEqual([expect.stringContaining('missing.svg')]);
  });

  it('hold when file and heading are there, and are not asked for on other hosts', () => {
    expect(judge('[a](other.md) [b](../src/a.ts) [c](other.md#two-words-1) [d](https://example.com/x)')).toEqual([]);
    expect(judge('# My `code`, here\n[x](#my-code-here)')).toEqual([]);
  });

  it('are not read in samples', () => {
    expect(judge('`[x](missing.md)`\n```md\n[x](missing.md)\n```\n')).toEqual([]);
  });

  it('name headings as GitHub does', () => {
    expect([...anchorsOf('# A & B: c_d!\n## [Link](x.md) here\n# Größe\n')]).toEqual([
      'a--b-c_d',
      'link-here',
      'größe',
    ]);
  });
});
