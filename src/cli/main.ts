// Owns how the command line runs: its errors in words or as JSON, and the exit code that their kind fixes.
import process from 'node:process';
import { CommanderError } from 'commander';
import { EXIT_CODES, errorToJson, toCodedError } from '../base/errors.ts';
import { endWithReader, errorText } from './output.ts';
import { createProgram } from './program.ts';

endWithReader();
try {
  await createProgram().parseAsync();
} catch (thrown) {
  // Help or version, printed already; without any command help is printed too, and something is to be mended.
  if (thrown instanceof CommanderError) process.exitCode = thrown.exitCode === 0 ? 0 : EXIT_CODES['fix-input'];
  else tell(thrown);
}

function tell(thrown: unknown): void {
  const error = toCodedError(thrown);
  const asJson = process.argv.includes('--json');
  process.stderr.write(
    asJson ? `${JSON.stringify({ error: errorToJson(error) })}\n` : `${errorText(error, process.stderr)}\n`,
  );
  if (error.kind === 'bug' && thrown instanceof Error) process.stderr.write(`${thrown.stack}\n`);
  process.exitCode = EXIT_CODES[error.kind];
}
