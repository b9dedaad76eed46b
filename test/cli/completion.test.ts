// Laws of completion: a real shell offers commands, options, the few values of an option, and the rollouts that are here.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { completionScript } from '../../src/cli/completion-script.ts';
import { createProgram } from '../../src/cli/program.ts';

let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'slipway-completion-'));
  mkdirSync(path.join(folder, 'rollouts', 'eu'), { recursive: true });
  writeFileSync(path.join(folder, 'rollouts', 'eu', 'shelf-scan.yaml'), '');
  writeFileSync(path.join(folder, 'slipway.bash'), completionScript(await createProgram(), 'bash'));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What bash offers after these words; the last is the one under the cursor. */
function offered(...words: readonly string[]): string[] {
  const line = ['slipway', ...words];
  // biome-ignore lint/suspicious/noTemplateCurlyInString: bash
  const ask = 'COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _slipway; IFS=","; echo "${COMPREPLY[*]}"';
  const out = execFileSync('bash', ['-uc', `source ./slipway.bash; ${ask}`, 'bash', ...line], {
    cwd: folder,
    encoding: 'utf8',
  });
  return out
    .trim()
    .split(',')
    .filter((one) => one !== '');
}

describe('in bash', () => {
  test('commands are offered by how they begin', () => {
    expect(offered('rel')).toEqual(['release']);
    expect(offered('')).toEqual(expect.arrayContaining(['init', 'status', 'completion']));
  });

  test('subcommands and options are those of the command', () => {
    expect(offered('token', 'l')).toEqual(['list']);
    expect(offered('token', 'create', '--sc')).toEqual(['--scope']);
    expect(offered('keygen', '--o')).toEqual(['--out']);
  });

  test('an option with few values offers them', () => {
    expect(offered('run', '--log-level', 'd')).toEqual(['debug']);
  });

  test('a rollout is offered where one is asked for', () => {
    expect(offered('pause', 'sh')).toEqual(['shelf-scan']);
    expect(offered('keygen', 'sh')).toEqual([]);
  });
});

test('each command is in the script of each shell', async () => {
  const program = await createProgram();
  const names = program
    .createHelp()
    .visibleCommands(program)
    .map((one) => one.name());
  for (const shell of ['bash', 'zsh', 'fish'] as const) {
    const script = completionScript(program, shell);
    for (const name of names) expect(script).toContain(name);
  }
});
