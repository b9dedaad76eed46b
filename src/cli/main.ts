// Owns the command line: which commands there are, and how their errors end.
import process from 'node:process';
import { Command } from 'commander';
import { EXIT_CODES, errorToJson, formatError, toCodedError } from '../base/errors.ts';
import { addDemoCommand } from './commands/demo.ts';
import { addHistoryCommand } from './commands/history.ts';
import { addInitCommand } from './commands/init.ts';
import { addKeygenCommand } from './commands/keygen.ts';
import { addPackageCommand } from './commands/package.ts';
import { addReconcileCommand } from './commands/reconcile.ts';
import { addRequestCommands } from './commands/requests.ts';
import { addRunCommand } from './commands/run.ts';
import { addSignCommands } from './commands/sign.ts';
import { addStatusCommand } from './commands/status.ts';
import { addTokenCommand } from './commands/token.ts';
import { addValidateCommand } from './commands/validate.ts';

const program = new Command('slipway')
  .description('GitOps for ML models on fleets of devices: signed manifests, staged rollouts, every step a commit.')
  .version('0.1.0')
  .showHelpAfterError()
  .addHelpText('after', '\nExit codes: 0 done, 1 the answer is no, 2 input to mend, 3 try again later, 70 a bug.');

for (const add of [
  addInitCommand,
  addKeygenCommand,
  addPackageCommand,
  addSignCommands,
  addValidateCommand,
  addRunCommand,
  addReconcileCommand,
  addTokenCommand,
  addStatusCommand,
  addHistoryCommand,
  addRequestCommands,
  addDemoCommand,
]) {
  add(program);
}

try {
  await program.parseAsync();
} catch (thrown) {
  const error = toCodedError(thrown);
  const asJson = process.argv.includes('--json');
  process.stderr.write(asJson ? `${JSON.stringify({ error: errorToJson(error) })}\n` : `${formatError(error)}\n`);
  if (error.kind === 'bug' && thrown instanceof Error) process.stderr.write(`${thrown.stack}\n`);
  process.exitCode = EXIT_CODES[error.kind];
}
