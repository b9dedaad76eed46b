// Owns the commands that steer a rollout: each makes the one commit that a person could make by hand.

import process from 'node:process';
import type { Command } from 'commander';
import { SystemClock } from '../../base/clock.ts';
import { withoutControls } from '../../base/plain-text.ts';
import { SystemRandom } from '../../base/random.ts';
import { IsomorphicWorkTree } from '../../git/isomorphic/isomorphic-work-tree.ts';
import { changedLines } from '../../requests/changed-lines.ts';
import type { PersonsRequest, Verb } from '../../requests/request-edit.ts';
import { commitRequest, pushRequest, type Submitted } from '../../requests/submit-request.ts';
import { groupOf } from '../option-values.ts';
import { printResult, type Result } from '../output.ts';
import {
  addRepositoryOptions,
  findRepository,
  openBranch,
  type RepositoryOptions,
  readAuthor,
  throwWithTokenHint,
} from '../repository-access.ts';

export interface RequestOptions extends RepositoryOptions {
  readonly reason?: string;
  readonly by?: string;
  readonly group?: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

const VERBS: readonly (readonly [Exclude<Verb, 'set' | 'undo'>, string])[] = [
  ['pause', 'pause a rollout (spec.suspend); rollbacks still happen'],
  ['resume', 'resume a paused rollout'],
  ['approve', 'approve the current stage; if a rule paused the rollout, watch the stage again'],
  ['promote', 'promote to the next stage now, without more evidence'],
  ['skip', 'skip the current stage, whatever its rules say'],
  ['abort', 'roll back to stable now, and reject the candidate'],
  ['retry', 'allow a rejected version again'],
  ['adopt', 'accept the branch as it is, after its history was rewritten'],
];

const RETRY_HELP = `
A rollback of a pinned version sets spec.version back to the stable version. retry allows the version again, and
sets spec.version to it where the rollout does not ask for it anyway (by a range, or latest).
`;
export const PLACE_HELP = `
In a clone, the change is committed and you push it. Without a clone (a bare repository, a URL, or another branch),
it is pushed directly.`;

const GROUP_HELP = {
  abort: 'roll back this group of devices only, such as hw:rev2',
  promote: 'let this group of devices rejoin the rollout, such as hw:rev2',
} as const;

/** Pausing and resuming hold as they stand; any other request is answered by a commit. */
export function whatNext(verb: Verb, { place, commit }: Submitted, branch: string): string {
  if (commit === null) return 'Dry run: nothing was committed.';
  const isDesired = verb === 'pause' || verb === 'resume' || verb === 'set' || verb === 'undo';
  const service = `The service ${isDesired ? 'applies it' : 'answers with a commit'} when it next reads the branch`;
  const id = commit.slice(0, 10);
  const done = {
    pushed: `Pushed ${id} to ${branch}.`,
    local: `Committed ${id} on ${branch}. Next: git push.`,
    'only-copy': `Committed ${id} on ${branch}.`,
  };
  return `${done[place]} ${service}; follow it with \`slipway status --watch\`.`;
}

export interface SubmittedTo {
  readonly submitted: Submitted;
  readonly branch: string;
}

/** As a commit in the clone when its branch is meant, else pushed to the branch. */
export async function submit(options: RequestOptions, rollout: string, request: PersonsRequest): Promise<SubmittedTo> {
  const place = await findRepository(options.repo);
  const clone = place.kind === 'folder' && place.hasGit ? new IsomorphicWorkTree(place.folder) : undefined;
  const order = { rollout, request, isDryRun: options.dryRun ?? false };
  const time = { clock: new SystemClock(), random: new SystemRandom() };
  const checkedOut = await clone?.branch();
  if (clone !== undefined && checkedOut !== undefined && (options.branch ?? checkedOut) === checkedOut) {
    const person = await readAuthor(clone.folder);
    return { submitted: await commitRequest(clone, { ...order, person }, time), branch: checkedOut };
  }
  const person = await readAuthor(process.cwd());
  await using opened = await openBranch(options, person);
  const submitted = await pushRequest({ repository: opened.repository, ...time }, { ...order, person }).catch(
    throwWithTokenHint,
  );
  return { submitted, branch: opened.branch };
}

export function resultOf(rollout: string, verb: Verb, { submitted, branch }: SubmittedTo): Result {
  const { file, title, before, after, commit, place } = submitted;
  const lines = changedLines(before, after);
  const text = [
    `${rollout}: ${title}`,
    `  ${file}`,
    ...lines.map((line) => `  ${line}`),
    whatNext(verb, submitted, branch),
  ];
  const pushed = commit !== null && place === 'pushed';
  return {
    json: { rollout, verb, title, file, branch, commit, pushed, change: lines.join('\n') },
    text: withoutControls(text.join('\n')),
  };
}

export function addRequestCommands(program: Command): void {
  for (const [verb, description] of VERBS) {
    const command = program.command(verb).description(description).argument('<rollout>', 'name of the rollout');
    if (verb === 'retry') command.argument('[version]', 'the rejected version (default: the most recent one)');
    addRepositoryOptions(command);
    if (verb !== 'pause' && verb !== 'resume')
      command.option('--by <name>', 'who makes the request, spelled as in the policy (default: your Git user name)');
    if (verb === 'abort' || verb === 'promote') command.option('--group <label:value>', GROUP_HELP[verb], groupOf);
    command
      .option('--reason <text>', 'why; kept with the request and in the history')
      .option('--dry-run', 'show the change, commit nothing')
      .option('--json', 'print JSON')
      .addHelpText('after', `${verb === 'retry' ? RETRY_HELP : ''}${PLACE_HELP}`)
      .action(async (rollout: string, ...rest: unknown[]) => {
        const version = verb === 'retry' ? (rest[0] as string | undefined) : undefined;
        const options = (verb === 'retry' ? rest[1] : rest[0]) as RequestOptions;
        const { reason, by, group } = options;
        const to = await submit(options, rollout, { verb, reason, by, version, group });
        printResult(resultOf(rollout, verb, to), options.json ?? false);
      });
  }
}
