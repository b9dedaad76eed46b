// Owns `slipway device remove` and `slipway device revoke`: a device leaves the fleet documents by one commit that is shown before it is made.
import process from 'node:process';
import type { Command } from 'commander';
import { SystemClock } from '../../base/clock.ts';
import { withoutControls } from '../../base/plain-text.ts';
import { SystemRandom } from '../../base/random.ts';
import { isDeviceId } from '../../contract/report-reader.ts';
import { IsomorphicWorkTree } from '../../git/isomorphic/isomorphic-work-tree.ts';
import { changedLines } from '../../requests/changed-lines.ts';
import type { DeviceVerb } from '../../requests/device-edit.ts';
import { commitDevice, pushDevice, type SubmittedDevice } from '../../requests/submit-device.ts';
import { isAgreed } from '../is-agreed.ts';
import { valueError } from '../option-values.ts';
import { printResult } from '../output.ts';
import {
  addRepositoryOptions,
  findRepository,
  openBranch,
  type RepositoryOptions,
  readAuthor,
  throwWithTokenHint,
} from '../repository-access.ts';
import { PLACE_HELP } from './requests.ts';

interface DeviceStepOptions extends RepositoryOptions {
  readonly group?: string;
  readonly reason?: string;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly json?: boolean;
}

interface Step {
  readonly submitted: SubmittedDevice;
  readonly branch: string;
}

/** As a commit in the clone when its branch is meant, else pushed to the branch. */
async function submit(verb: DeviceVerb, device: string, options: DeviceStepOptions, isDryRun: boolean): Promise<Step> {
  const { group, reason, repo, branch: asked } = options;
  const place = await findRepository(repo);
  const clone = place.kind === 'folder' && place.hasGit ? new IsomorphicWorkTree(place.folder) : undefined;
  const order = { verb, device, group, reason, isDryRun };
  const time = { clock: new SystemClock(), random: new SystemRandom() };
  const checkedOut = await clone?.branch();
  if (clone !== undefined && checkedOut !== undefined && (asked ?? checkedOut) === checkedOut) {
    const person = await readAuthor(clone.folder);
    return { submitted: await commitDevice(clone, { ...order, person }, time), branch: checkedOut };
  }
  const person = await readAuthor(process.cwd());
  await using opened = await openBranch(options, person);
  const pushed = pushDevice({ repository: opened.repository, ...time }, { ...order, person });
  return { submitted: await pushed.catch(throwWithTokenHint), branch: opened.branch };
}

const MEANS: Readonly<Record<DeviceVerb, string>> = {
  remove:
    'The service drops the labels of its groups when it next reads the branch. Where only listed devices are admitted, it refuses its reports as well.',
  revoke: 'The service refuses its reports and requests when it next reads the branch. What runs on it goes on.',
};

function shown({ title, changed }: SubmittedDevice): string {
  const files = changed.map(({ file, before, after }) =>
    [`  ${file}`, ...changedLines(before, after).map((line) => `  ${line}`)].join('\n'),
  );
  return withoutControls([title, ...files].join('\n'));
}

function done(verb: DeviceVerb, { submitted: { commit, place }, branch }: Step): string {
  if (commit === null) return 'Dry run: nothing was committed.';
  const id = commit.slice(0, 10);
  const how = {
    pushed: `Pushed ${id} to ${branch}.`,
    local: `Committed ${id} on ${branch}. Next: git push.`,
    'only-copy': `Committed ${id} on ${branch}.`,
  };
  return `${how[place]} ${MEANS[verb]}`;
}

async function take(verb: DeviceVerb, device: string, options: DeviceStepOptions): Promise<void> {
  const { dryRun = false, yes = false, json = false } = options;
  if (!isDeviceId(device))
    throw valueError('<name>', device, 'the id of a device', 'Use letters, digits and . _ : @ -, at most 128.');
  const first = await submit(verb, device, options, dryRun || !yes);
  if (!json) printResult({ json: null, text: shown(first.submitted) }, false);
  let last = first;
  if (!dryRun && !yes) {
    if (!(await isAgreed())) return printResult({ json: null, text: 'Nothing was committed.', exitCode: 1 }, false);
    last = await submit(verb, device, options, false);
  }
  const { title, changed, commit, place } = last.submitted;
  const change = changed.map(({ file, before, after }) => ({ file, change: changedLines(before, after).join('\n') }));
  const value = {
    device,
    verb,
    title,
    branch: last.branch,
    commit,
    pushed: commit !== null && place === 'pushed',
    changed: change,
  };
  printResult({ json: value, text: done(verb, last) }, json);
}

const DESCRIPTIONS: readonly (readonly [DeviceVerb, string])[] = [
  ['remove', 'take a device out of its groups'],
  ['revoke', 'deny a device: the service refuses its reports and requests, whatever key it has'],
];

/** Below `slipway device`. */
export function addDeviceSteps(device: Command): void {
  for (const [verb, description] of DESCRIPTIONS) {
    const command = device.command(verb).description(description).argument('<name>', 'id of the device');
    addRepositoryOptions(command);
    if (verb === 'revoke')
      command.option('--group <name>', 'group whose list of denied devices it joins (default: the one that lists it)');
    command
      .option('--reason <text>', 'why; kept in the history')
      .option('--dry-run', 'show the change, commit nothing')
      .option('--yes', 'commit without asking')
      .option('--json', 'print JSON; needs --yes or --dry-run')
      .addHelpText('after', PLACE_HELP)
      .action((name: string, options: DeviceStepOptions) => take(verb, name, options));
  }
}
