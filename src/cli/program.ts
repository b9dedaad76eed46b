// Owns which commands there are.
import { Command } from 'commander';
import { VERSION } from '../base/version.ts';
import { addBackupCommands } from './commands/backup.ts';
import { addCompletionCommand } from './commands/completion.ts';
import { addDemoCommand } from './commands/demo.ts';
import { addDesiredCommands } from './commands/desired.ts';
import { addDeviceCommands } from './commands/devices.ts';
import { addDiffCommand } from './commands/diff.ts';
import { addDoctorCommand } from './commands/doctor.ts';
import { addEventsCommand } from './commands/events.ts';
import { addExplainCommand } from './commands/explain.ts';
import { addExposureCommand } from './commands/exposure.ts';
import { addFiguresCommand } from './commands/figures.ts';
import { addHistoryCommand } from './commands/history.ts';
import { addInitCommand } from './commands/init.ts';
import { addKeygenCommand } from './commands/keygen.ts';
import { addModelsCommands } from './commands/models.ts';
import { addNotifyCommand } from './commands/notify.ts';
import { addPackageCommand } from './commands/package.ts';
import { addPlanCommand } from './commands/plan.ts';
import { addPokeCommand } from './commands/poke.ts';
import { addPostmortemCommand } from './commands/postmortem.ts';
import { addPruneCommand } from './commands/prune.ts';
import { addReconcileCommand } from './commands/reconcile.ts';
import { addReleaseCommand } from './commands/release.ts';
import { addRequestCommands } from './commands/requests.ts';
import { addRunCommand } from './commands/run.ts';
import { addSignCommands } from './commands/sign.ts';
import { addSilenceCommands } from './commands/silence.ts';
import { addSimulateCommand } from './commands/simulate.ts';
import { addStatusCommand } from './commands/status.ts';
import { addTokenCommand } from './commands/token.ts';
import { addValidateCommand } from './commands/validate.ts';
import { throwUsageErrors } from './usage.ts';

type AddCommand = (program: Command) => void;

/** As `slipway --help` lists them. */
const COMMANDS: readonly (readonly [heading: string, commands: readonly AddCommand[]])[] = [
  [
    'Models and policies:',
    [
      ...[addInitCommand, addKeygenCommand, addPackageCommand, addSignCommands, addReleaseCommand],
      ...[addValidateCommand, addPlanCommand, addSimulateCommand],
    ],
  ],
  ['Run the service:', [addRunCommand, addReconcileCommand, addTokenCommand, addPruneCommand, addBackupCommands]],
  [
    'See:',
    [
      ...[addStatusCommand, addDeviceCommands, addExposureCommand, addExplainCommand, addHistoryCommand],
      ...[addDiffCommand, addEventsCommand, addFiguresCommand, addModelsCommands, addPostmortemCommand],
    ],
  ],
  ['Steer rollouts:', [addRequestCommands, addDesiredCommands, addPokeCommand]],
  ['Health and alerts:', [addDoctorCommand, addNotifyCommand, addSilenceCommands]],
  ['More:', [addDemoCommand, addCompletionCommand]],
];

export const EXIT_CODES_IN_WORDS =
  'Exit codes: 0 success, 1 the answer is no, 2 fix the input, 3 try again later, 70 a bug in Slipway.';

/** The whole command line, before it has read any arguments. */
export function createProgram(): Command {
  const program = new Command('slipway')
    .description('GitOps for ML models on device fleets: signed manifests, staged rollouts, every step a commit.')
    .version(VERSION)
    // Behind a command, --version is the command's own.
    .enablePositionalOptions()
    .addHelpText('after', `\n${EXIT_CODES_IN_WORDS}`);
  for (const [heading, commands] of COMMANDS) {
    program.commandsGroup(heading);
    for (const add of commands) add(program);
  }
  program.helpCommand(true);
  throwUsageErrors(program);
  return program;
}
