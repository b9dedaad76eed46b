// Owns which commands there are.
import { Command } from 'commander';
import { VERSION } from '../base/version.ts';
import { throwUsageErrors } from './usage.ts';

type AddCommand = (program: Command) => void;
/** The names that one file of commands adds, and how it is loaded. */
type CommandFile = readonly [names: string, load: () => Promise<AddCommand>];

/** As `slipway --help` lists them. Only the file of the asked command is loaded: the others would double the time of each start. */
const COMMANDS: readonly (readonly [heading: string, files: readonly CommandFile[]])[] = [
  [
    'Models and policies:',
    [
      ['init', async () => (await import('./commands/init.ts')).addInitCommand],
      ['keygen', async () => (await import('./commands/keygen.ts')).addKeygenCommand],
      ['package', async () => (await import('./commands/package.ts')).addPackageCommand],
      ['sign verify', async () => (await import('./commands/sign.ts')).addSignCommands],
      ['release', async () => (await import('./commands/release.ts')).addReleaseCommand],
      ['validate', async () => (await import('./commands/validate.ts')).addValidateCommand],
      ['plan', async () => (await import('./commands/plan.ts')).addPlanCommand],
      ['simulate', async () => (await import('./commands/simulate.ts')).addSimulateCommand],
    ],
  ],
  [
    'Run the service:',
    [
      ['run', async () => (await import('./commands/run.ts')).addRunCommand],
      ['reconcile', async () => (await import('./commands/reconcile.ts')).addReconcileCommand],
      ['token', async () => (await import('./commands/token.ts')).addTokenCommand],
      ['trust', async () => (await import('./commands/trust.ts')).addTrustCommands],
      ['prune', async () => (await import('./commands/prune.ts')).addPruneCommand],
      ['rotate', async () => (await import('./commands/rotate.ts')).addRotateCommand],
      ['backup restore', async () => (await import('./commands/backup.ts')).addBackupCommands],
    ],
  ],
  [
    'See:',
    [
      ['status', async () => (await import('./commands/status.ts')).addStatusCommand],
      ['devices device', async () => (await import('./commands/devices.ts')).addDeviceCommands],
      ['exposure', async () => (await import('./commands/exposure.ts')).addExposureCommand],
      ['explain', async () => (await import('./commands/explain.ts')).addExplainCommand],
      ['history', async () => (await import('./commands/history.ts')).addHistoryCommand],
      ['diff', async () => (await import('./commands/diff.ts')).addDiffCommand],
      ['events', async () => (await import('./commands/events.ts')).addEventsCommand],
      ['figures', async () => (await import('./commands/figures.ts')).addFiguresCommand],
      ['models lineage', async () => (await import('./commands/models.ts')).addModelsCommands],
      ['postmortem', async () => (await import('./commands/postmortem.ts')).addPostmortemCommand],
    ],
  ],
  [
    'Steer rollouts:',
    [
      [
        'pause resume approve promote skip abort retry adopt',
        async () => (await import('./commands/requests.ts')).addRequestCommands,
      ],
      ['set undo rollback', async () => (await import('./commands/desired.ts')).addDesiredCommands],
      ['poke', async () => (await import('./commands/poke.ts')).addPokeCommand],
    ],
  ],
  [
    'Health and alerts:',
    [
      ['doctor', async () => (await import('./commands/doctor.ts')).addDoctorCommand],
      ['notify', async () => (await import('./commands/notify.ts')).addNotifyCommand],
      ['silence silences unsilence', async () => (await import('./commands/silence.ts')).addSilenceCommands],
    ],
  ],
  [
    'More:',
    [
      ['demo', async () => (await import('./commands/demo.ts')).addDemoCommand],
      ['completion', async () => (await import('./commands/completion.ts')).addCompletionCommand],
    ],
  ],
];
/** It tells a shell about all the others. */
const NEEDS_ALL = 'completion';
const NEEDS_NONE = ['--version', '-V'];

export const EXIT_CODES_IN_WORDS =
  'Exit codes: 0 success, 1 the answer is no, 2 fix the input, 3 try again later, 70 a bug in Slipway.';

function chosen(asked: string): typeof COMMANDS {
  if (NEEDS_NONE.includes(asked)) return [];
  const isAsked = ([names]: CommandFile) => names.split(' ').includes(asked);
  const one = COMMANDS.map(([heading, files]) => [heading, files.filter(isAsked)] as const);
  return asked !== NEEDS_ALL && one.some(([, files]) => files.length > 0) ? one : COMMANDS;
}

/** The command line before it has read any arguments: with all commands, or, where `asked` names one, with those of its file. */
export async function createProgram(asked = ''): Promise<Command> {
  const program = new Command('slipway')
    .description('GitOps for ML models on device fleets: signed manifests, staged rollouts, every step a commit.')
    .version(VERSION)
    // Behind a command, --version is the command's own.
    .enablePositionalOptions()
    .addHelpText('after', `\n${EXIT_CODES_IN_WORDS}`);
  for (const [heading, files] of chosen(asked)) {
    program.commandsGroup(heading);
    for (const [, load] of files) (await load())(program);
  }
  program.helpCommand(true);
  throwUsageErrors(program);
  return program;
}
