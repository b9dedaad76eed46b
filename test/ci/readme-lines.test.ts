// Owns the laws of trying the README: which commands are run, and how a failure is found.
import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { findCommandLines, toScript } from '../../.ci/readme-lines.ts';

const PAGE = ['# Title', '<!-- ci -->', '```sh', '# a comment', 'a=1', '', 'echo one \\', '  two', '```', ''].join(
  '\n',
);

function tryScript(page: string) {
  const script = toScript(findCommandLines(page));
  return spawnSync('bash', ['-c', script], { stdio: ['ignore', 'pipe', 'pipe', 'pipe'], encoding: 'utf8' });
}

describe('the commands of a page', () => {
  it('are those of marked blocks only', () => {
    expect(findCommandLines('```sh\nrm -rf everything\n```\n')).toEqual([]);
    expect(findCommandLines(PAGE)).toEqual([
      { line: 5, command: 'a=1' },
      { line: 7, command: 'echo one \\\n  two' },
    ]);
  });

  it('are refused when a mark has no block, or the block no end', () => {
    expect(() => findCommandLines('<!-- ci -->\n\n```sh\ntrue\n```\n')).toThrow('line 1');
    expect(() => findCommandLines('<!-- ci -->\n```sh\ntrue\n')).toThrow('never ends');
  });

  it('run in one shell and stop at the first that fails', () => {
    const tried = tryScript('<!-- ci -->\n```sh\na=carried\necho $a\nfalse | true\necho never\n```\n');
    expect(tried.stdout).toBe('carried\n');
    expect(tried.output[3]).toBe('3\n4\n');
    expect(tried.status).not.toBe(0);
  });
});
