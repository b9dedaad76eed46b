// Owns how the command line runs: its errors in words or as JSON, and the exit code that their kind fixes.
import process from 'node:process';
import { EXIT_CODES, errorToJson, formatError, toCodedError } from '../base/errors.ts';
import { createProgram } from './program.ts';

try {
  await createProgram().parseAsync();
} catch (thrown) {
  const error = toCodedError(thrown);
  const asJson = process.argv.includes('--json');
  process.stderr.write(asJson ? `${JSON.stringify({ error: errorToJson(error) })}\n` : `${formatError(error)}\n`);
  if (error.kind === 'bug' && thrown instanceof Error) process.stderr.write(`${thrown.stack}\n`);
  process.exitCode = EXIT_CODES[error.kind];
}
