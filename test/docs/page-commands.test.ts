// Owns the laws of commands in pages: a command or an option that does not exist is found wherever a page names it.
import { expect, it } from 'vitest';
import { commandProblem, findUnknownCommands, namedCommands } from '../../docs/page-commands.ts';
import { createProgram } from '../../src/cli/program.ts';

const program = await createProgram();

it('every command that a page names exists, with its options', () => {
  expect(findUnknownCommands(program)).toEqual([]);
});

it('commands are found in blocks, over continued lines, and in sentences, but not in prose', () => {
  const page = [
    'Of slipway run nothing is read here, of `slipway status --watch` it is.',
    '```sh',
    'A=b sudo slipway run --home "my home" \\',
    '  --poll 5s 2>&1 | tee log && slipway doctor',
    '```',
  ].join('\n');
  expect(namedCommands('a.md', page)).toEqual([
    { place: 'a.md:1', words: ['status', '--watch'] },
    { place: 'a.md:4', words: ['run', '--home', '"my home"', '--poll', '5s', '2'] },
    { place: 'a.md:4', words: ['doctor'] },
  ]);
});

it('an unknown command, subcommand’s option or option is told, aliases and default subcommands are known', () => {
  const problem = (text: string) => commandProblem(program, text.split(' '));
  expect(problem('statsu')).toMatch(/no command `slipway statsu`/);
  expect(problem('run --pol 5s')).toMatch(/no option --pol/);
  expect(problem('token list --device x')).toMatch(/no option --device/);
  for (const known of [
    'token --device x',
    'rollback r',
    'device kiosk-1 --watch',
    'run --help',
    'init <folder> --policy quick',
  ])
    expect(problem(known), known).toBeUndefined();
});
