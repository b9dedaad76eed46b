// Owns `slipway set` and `slipway undo`: what a rollout asks for, changed by one commit that is shown before it is made.
import type { Command } from 'commander';
import { CodedError } from '../../base/errors.ts';
import type { PersonsRequest } from '../../requests/request-edit.ts';
import { isAgreed } from '../is-agreed.ts';
import { valueError } from '../option-values.ts';
import { printResult } from '../output.ts';
import { addRepositoryOptions } from '../repository-access.ts';
import { PLACE_HELP, type RequestOptions, resultOf, submit, whatNext } from './requests.ts';

interface SetOptions extends RequestOptions {
  readonly version?: string;
  readonly parameter?: readonly string[];
  readonly target?: string;
  readonly yes?: boolean;
}

interface UndoOptions extends RequestOptions {
  readonly to?: string;
}

type Parameters = NonNullable<NonNullable<PersonsRequest['change']>['parameters']>;

/** `k=v`: numbers and booleans as such, all else as a text; nothing behind the sign takes the parameter away. */
function parametersOf(texts: readonly string[]): Parameters {
  const parameters: Record<string, string | number | boolean | null> = {};
  for (const text of texts) {
    const [, name, value = ''] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
    if (name === undefined)
      throw valueError('--parameter', text, 'a name and a value', 'Write name=value; name= takes it away.');
    const isNumber = /^-?\d+(\.\d+)?([eE][-+]?\d+)?$/.test(value);
    if (value === '') parameters[name] = null;
    else if (value === 'true' || value === 'false') parameters[name] = value === 'true';
    else parameters[name] = isNumber ? Number(value) : value;
  }
  return parameters;
}

async function set(rollout: string, options: SetOptions): Promise<void> {
  const { version, parameter = [], target, reason, yes = false, dryRun = false, json = false } = options;
  if (version === undefined && target === undefined && parameter.length === 0)
    throw new CodedError({
      code: 'REQUEST_NOTHING',
      message: 'Nothing is to be set.',
      remedy: 'Pass --version, --parameter name=value or --target.',
    });
  const change = { version, target, ...(parameter.length === 0 ? {} : { parameters: parametersOf(parameter) }) };
  const request: PersonsRequest = { verb: 'set', reason, by: undefined, version: undefined, change };
  if (yes || dryRun || json) {
    if (!yes && !dryRun) await isAgreed();
    printResult(resultOf(rollout, 'set', await submit(options, rollout, request)), json);
    return;
  }
  const shown = await submit({ ...options, dryRun: true }, rollout, request);
  const { text } = resultOf(rollout, 'set', shown);
  const next = whatNext('set', shown.submitted, shown.branch);
  printResult({ json: null, text: text.replace(next, '') }, false);
  if (!(await isAgreed())) {
    printResult({ json: null, text: 'Nothing was committed.', exitCode: 1 }, false);
    return;
  }
  const { submitted, branch } = await submit(options, rollout, request);
  printResult({ json: null, text: whatNext('set', submitted, branch) }, false);
}

async function undo(rollout: string, options: UndoOptions): Promise<void> {
  const { to, reason, json = false } = options;
  const request: PersonsRequest = { verb: 'undo', reason, by: undefined, version: undefined, to };
  printResult(resultOf(rollout, 'undo', await submit(options, rollout, request)), json);
}

const UNDO_HELP = `
While a version rolls out, undo aborts it: its devices go back to stable at once, and the version is rejected. While a
version is asked for and has not begun, undo stops asking for it. After a rollout, undo asks for the version that was
stable before; it goes through the stages like any other. After a rollback there is nothing to undo: see retry.
`;

export function addDesiredCommands(program: Command): void {
  const many = (text: string, before: readonly string[] = []): readonly string[] => [...before, text];
  addRepositoryOptions(
    program
      .command('set')
      .description('set the version, parameters or target of a rollout, after showing the change')
      .argument('<rollout>', 'name of the rollout'),
  )
    .option('--version <version>', 'a released version, a range of versions, or latest')
    .option('--parameter <name=value>', 'parameter of the model; name= takes it away; repeatable', many)
    .option('--target <selector>', 'devices of the rollout, such as "region:eu-west AND hw:rev2"')
    .option('--reason <text>', 'why; kept in the history')
    .option('--dry-run', 'show the change, commit nothing')
    .option('--yes', 'commit without asking')
    .option('--json', 'print JSON; needs --yes or --dry-run')
    .addHelpText('after', PLACE_HELP)
    .action(set);
  addRepositoryOptions(
    program
      .command('undo')
      .alias('rollback')
      .description('go back to what was there before, by one commit')
      .argument('<rollout>', 'name of the rollout'),
  )
    .option('--to <version|revision>', 'the version, or the revision of the history, to go back to')
    .option('--reason <text>', 'why; kept in the history')
    .option('--dry-run', 'show the change, commit nothing')
    .option('--json', 'print JSON')
    .addHelpText('after', UNDO_HELP + PLACE_HELP)
    .action(undo);
}
