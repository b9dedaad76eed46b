// Owns errors in how a command was written: one coded error, whatever commander found.
import type { Command, CommanderError } from 'commander';
import { findClosestWord } from '../base/closest-word.ts';
import { CodedError } from '../base/errors.ts';

function nameOf(command: Command): string {
  return command.parent === null ? command.name() : `${nameOf(command.parent)} ${command.name()}`;
}

/** `slipway token lst`: commander hands the word to the default subcommand, which takes none. */
function unknownSubcommand(command: Command, { code }: CommanderError): CodedError | undefined {
  const { parent, args } = command;
  const [word = ''] = args;
  if (code !== 'commander.excessArguments' || parent === null || parent.args[0] === command.name()) return undefined;
  const closest = findClosestWord(
    word,
    parent.commands.map((one) => one.name()),
  );
  return new CodedError({
    code: 'USAGE',
    message: `Unknown command '${word}'.`,
    remedy: `${closest === undefined ? '' : `Did you mean ${closest}? `}See \`${nameOf(parent)} --help\`.`,
  });
}

/** `error: unknown command 'statsu'` and `(Did you mean status?)` as one coded error. */
function usageError(command: Command, { message }: CommanderError): CodedError {
  const [what = '', ...more] = message.replace(/^error: /, '').split('\n');
  const sentence = what.charAt(0).toUpperCase() + what.slice(1).replace(/\.$/, '');
  const hint = more.map((line) => `${line.replace(/^\((.*)\)$/, '$1')} `).join('');
  return new CodedError({
    code: 'USAGE',
    message: `${sentence}.`,
    remedy: `${hint}See \`${nameOf(command)} --help\`.`,
  });
}

/** Makes every command throw USAGE where commander would print and leave. Help and version, which are printed, go through as they are. */
export function throwUsageErrors(program: Command): void {
  const withOwn = (command: Command): Command[] => [command, ...command.commands.flatMap(withOwn)];
  for (const command of withOwn(program)) {
    command.configureOutput({ outputError: () => undefined });
    command.exitOverride((error) => {
      const isPrinted = error.exitCode === 0 || error.code === 'commander.help';
      throw isPrinted ? error : (unknownSubcommand(command, error) ?? usageError(command, error));
    });
  }
}
