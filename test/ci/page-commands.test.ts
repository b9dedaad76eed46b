// Owns the laws of trying pages: which commands are run, how a failure is found, and what counts as the output that a page shows.
import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import { findCommandBlocks, findMissingLine } from '../../.ci/page-commands.ts';
import { runPages } from '../../.ci/run-pages.ts';

const PAGE = [
  ...[
    '# Title',
    '<!-- ci -->',
    '```sh',
    '# a comment',
    'a=1',
    '',
    'echo one \\',
    '  two',
    '```',
    '',
    '```',
    'one two',
    '```',
  ],
  ...[
    '<!-- ci: host -->',
    '```sh',
    'cat <<END',
    '# kept',
    'END',
    'for one in 1 2; do',
    '  echo $one',
    'done',
    '```',
    '',
  ],
].join('\n');

const tryPage = (page: string) =>
  runPages({ blocks: findCommandBlocks('a.md', page), folder: tmpdir(), timeoutMs: 20_000, print: () => {} });

describe('the commands of a page', () => {
  it('are those of marked blocks only, and of ways that were chosen', () => {
    expect(findCommandBlocks('a.md', '```sh\nrm -rf everything\n```\n')).toEqual([]);
    const [first, ...others] = findCommandBlocks('a.md', PAGE);
    expect([first?.place, first?.commands, first?.printed, others]).toEqual([
      'a.md:2',
      [
        { place: 'a.md:5', command: 'a=1' },
        { place: 'a.md:7', command: 'echo one \\\n  two' },
      ],
      ['one two'],
      [],
    ]);
    const [host] = findCommandBlocks('a.md', PAGE, ['host']);
    expect([host?.printed, host?.commands.map(({ command }) => command)]).toEqual([
      null,
      ['cat <<END\n# kept\nEND', 'for one in 1 2; do\n  echo $one\ndone'],
    ]);
  });

  it('are refused when a mark has no block, or the block no end', () => {
    expect(() => findCommandBlocks('a.md', '<!-- ci -->\n\n```sh\ntrue\n```\n')).toThrow('a.md:1');
    expect(() => findCommandBlocks('a.md', '<!-- ci -->\n```sh\ntrue\n')).toThrow('never ends');
  });

  it('run in one shell, stop at the first that fails, and must print what the page shows', async () => {
    const block = (commands: string, printed: string): string =>
      `<!-- ci -->\n\`\`\`sh\n${commands}\n\`\`\`\n\n\`\`\`\n${printed}\n\`\`\`\n`;
    const page =
      block('a=carried', '') +
      block('echo $a', 'carried') +
      block('echo b', 'c') +
      block('false | true\necho never', 'x');
    expect(await tryPage(page)).toEqual({
      ...{ passed: 3, skipped: 1 },
      failures: ['a.md:17 did not print: c\nIt printed:\nb\n', 'a.md:27 failed: false | true'],
    });
  });
});

describe('a shown line', () => {
  it.each([
    [
      '2026-12-01T03:54:09Z  docs  revert 1.1.0 to 1.0.0  f14036d601  36.5%',
      '2027-01-02T13:04:59Z docs   revert 1.1.0 to 1.0.0 0012ab34cd 4%',
      true,
    ],
    ['revert 1.1.0 to 1.0.0', 'revert 1.2.0 to 1.0.0', false],
    ['said … twice (a+b)', 'said it 2 times, twice (a+b)', true],
    ['said', 'said more', false],
  ])('%s is printed by %s: %s', (shown, printed, is) => {
    expect(findMissingLine([shown], `before\n${printed}\nafter\n`)).toBe(is ? undefined : shown);
  });

  it('is looked for below the one before', () => {
    expect(findMissingLine(['a', '…', 'b'], 'a\nx\nb\n')).toBeUndefined();
    expect(findMissingLine(['b', 'a'], 'a\nx\nb\n')).toBe('a');
  });
});
