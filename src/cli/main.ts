// Owns how the command line runs: its errors in words or as JSON, and the exit code that their kind fixes.
import process from 'node:process';
import { CommanderError } from 'commander';
import { endWithParent } from '../base/end-with-parent.ts';
import { CodedError, EXIT_CODES, errorToJson, toCodedError } from '../base/errors.ts';
import { formatAskedFor } from './findings-format.ts';
import { endWithReader, errorText } from './output.ts';
import { createProgram } from './program.ts';
import { forgetEmptySettings } from './settings.ts';
import { annotationLine } from './workflow-annotations.ts';

const MISPLACED = ['ENOENT', 'ENOTDIR', 'EISDIR', 'EEXIST', 'ELOOP', 'ENAMETOOLONG'];

endWithParent();
endWithReader();
process.on('uncaughtException', (thrown) => {
  tell(thrown);
  process.exit();
});
try {
  forgetEmptySettings();
  await (await createProgram(process.argv[2])).parseAsync();
} catch (thrown) {
  // Help or version, printed already; without any command help is printed too, and something is to be mended.
  if (thrown instanceof CommanderError) process.exitCode = thrown.exitCode === 0 ? 0 : EXIT_CODES['fix-input'];
  else tell(thrown);
}

function tell(thrown: unknown): void {
  const error = misplaced(toCodedError(thrown));
  const stack = error.kind === 'bug' && thrown instanceof Error ? thrown.stack : undefined;
  process.stderr.write(`${textOf(error, stack)}\n`);
  process.exitCode = EXIT_CODES[error.kind];
}

function textOf(error: CodedError, stack: string | undefined): string {
  const lines = [errorText(error, process.stderr), ...(stack === undefined ? [] : [stack])];
  switch (formatAskedFor(process.argv.slice(2))) {
    case 'json':
      return JSON.stringify({ error: { ...errorToJson(error), ...(stack === undefined ? {} : { stack }) } });
    case 'github':
      return annotationLine('error', error, String); // a stack may hold any text, also commands for the runner
    default:
      return lines.join('\n');
  }
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
