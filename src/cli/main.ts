// Owns how the command line runs: its errors in words or as JSON, and the exit code that their kind fixes.
import process from 'node:process';
import { CommanderError } from 'commander';
import { endWithParent } from '../base/end-with-parent.ts';
import { CodedError, EXIT_CODES, errorToJson, toCodedError } from '../base/errors.ts';
import { endWithReader, errorText } from './output.ts';
import { createProgram } from './program.ts';

const MISPLACED = ['ENOENT', 'ENOTDIR', 'EISDIR', 'EEXIST', 'ELOOP', 'ENAMETOOLONG'];

endWithParent();
endWithReader();
process.on('uncaughtException', (thrown) => {
  tell(thrown);
  process.exit();
});
try {
  await createProgram().parseAsync();
} catch (thrown) {
  // Help or version, printed already; without any command help is printed too, and something is to be mended.
  if (thrown instanceof CommanderError) process.exitCode = thrown.exitCode === 0 ? 0 : EXIT_CODES['fix-input'];
  else tell(thrown);
}

function tell(thrown: unknown): void {
  const error = misplaced(toCodedError(thrown));
  const stack = error.kind === 'bug' && thrown instanceof Error ? thrown.stack : undefined;
  const text = /(?:^| )--(?:json|format[ =]json)(?: |$)/.test(process.argv.join(' '))
    ? JSON.stringify({ error: { ...errorToJson(error), ...(stack === undefined ? {} : { stack }) } })
    : [errorText(error, process.stderr), ...(stack === undefined ? [] : [stack])].join('\n');
  process.stderr.write(`${text}\n`);
  process.exitCode = EXIT_CODES[error.kind];
}

/** A file in the place of a folder, or the other way round, is for the person to mend: no bug. */
function misplaced(error: CodedError): CodedError {
  const { code = '', syscall } = Object(error.cause) as NodeJS.ErrnoException;
  if (error.kind !== 'bug' || syscall === undefined || !MISPLACED.includes(code)) return error;
  return new CodedError({
    code: 'SYSTEM_PATH',
    message: `${error.message}.`,
    remedy: 'Check the path, and whether a file, a folder or a link stands in the place of another.',
    cause: error.cause,
  });
}
