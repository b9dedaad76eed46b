// Owns the verbs with which people steer a rollout: each makes the one commit that they could make by hand.
import type { Command } from 'commander';
import { commitRequest, type Requested } from '../commit-request.ts';
import { groupOf } from '../option-values.ts';
import { printResult } from '../output.ts';
import { withoutControls } from '../plain-text.ts';
import { addRepositoryOptions, type RepositoryOptions } from '../repository-access.ts';
import type { Verb } from '../rollout-request.ts';

interface RequestOptions extends RepositoryOptions {
  readonly reason?: string;
  readonly by?: string;
  readonly group?: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

const VERBS: readonly (readonly [Verb, string])[] = [
  ['pause', 'hold a rollout where it is (spec.suspend); rolling back goes on'],
  ['resume', 'let a paused rollout go on'],
  ['approve', 'agree that the candidate leaves its stage; of a rollout paused by a rule: watch the stage again'],
  ['promote', 'leave the stage now, without further evidence'],
  ['skip', 'leave the present stage whatever its rules say, and go on to the next'],
  ['abort', 'go back to stable now, and reject the candidate'],
  ['retry', 'let a rejected version be tried again'],
  ['adopt', 'take the branch as it is, after its history was rewritten'],
];

const RETRY_HELP = `A rollback that rejects a pinned version puts spec.version back to the stable one. A retry only lifts the rejection:
to roll the version out, name it in spec.version again. Where spec.version still asks for it (a range, or latest), it starts at once.`;

/** The lines that changed, with a sign before each. */
function changedLines(before: string, after: string): string[] {
  const [old, now] = [before.split('\n'), after.split('\n')];
  let start = 0;
  while (start < old.length && start < now.length && old[start] === now[start]) start++;
  let end = 0;
  while (end < Math.min(old.length, now.length) - start && old.at(-1 - end) === now.at(-1 - end)) end++;
  const taken = old.slice(start, old.length - end).map((line) => `- ${line}`);
  return [...taken, ...now.slice(start, now.length - end).map((line) => `+ ${line}`)];
}

/** Pausing and resuming are in force as they stand; what is asked for is answered. */
function answerOf(verb: Verb): string {
  const what =
    verb === 'pause' || verb === 'resume'
      ? 'The service takes it up when it next reads the branch'
      : 'The service answers by a commit when it next reads the branch';
  return `${what}: \`slipway status --watch\` shows it, \`slipway history\` why.`;
}

function whatNext(verb: Verb, { place, commit, branch }: Requested): string {
  if (commit === null) return 'Nothing was committed: --dry-run.';
  const next = answerOf(verb);
  const where = `${commit.slice(0, 10)} on ${branch}`;
  switch (place) {
    case 'pushed':
      return `Pushed ${where}. ${next}`;
    case 'local':
      return `Committed ${where}. Next: git push. ${next}`;
    case 'only-copy':
      return `Committed ${where}. ${next}`;
  }
}

export function addRequestCommands(program: Command): void {
  for (const [verb, description] of VERBS) {
    const command = program.command(verb).description(description).argument('<rollout>', 'name of the rollout');
    if (verb === 'retry') command.argument('[version]', 'which of the rejected versions (default: the newest)');
    addRepositoryOptions(command);
    if (verb !== 'pause' && verb !== 'resume')
      command.option('--by <name>', 'who asks, by the names of the policy (default: the user of git)');
    if (verb === 'abort' || verb === 'promote') {
      const what = verb === 'abort' ? 'take it back from' : 'let go along again';
      command.option('--group <label:value>', `${what} this group of devices alone, such as hw:rev2`, groupOf);
    }
    command
      .option('--reason <text>', 'why: it is kept with the request and in the history')
      .option('--dry-run', 'show the change; commit nothing')
      .option('--json', 'print JSON')
      .addHelpText(
        'after',
        `${verb === 'retry' ? `\n${RETRY_HELP}\n` : ''}\nIn a clone the change is committed, and you push it; elsewhere it is pushed at once.`,
      )
      .action(async (rollout: string, ...rest: unknown[]) => {
        const version = verb === 'retry' ? (rest[0] as string | undefined) : undefined;
        const options = (verb === 'retry' ? rest[1] : rest[0]) as RequestOptions;
        const { reason, by, group, dryRun: isDryRun = false, json = false } = options;
        const wish = { verb, reason, by, version, group };
        const requested = await commitRequest(options, { rollout, wish, isDryRun });
        const { file, title, before, after, branch, commit, place, afterwards } = requested;
        const lines = changedLines(before, after);
        const text = [
          `${rollout}: ${title}`,
          `  ${file}`,
          ...lines.map((line) => `  ${line}`),
          whatNext(verb, requested),
          ...(afterwards === null ? [] : [`Then ${afterwards}: until it is asked for again, nothing starts.`]),
        ];
        const change = lines.join('\n');
        const pushed = commit !== null && place === 'pushed';
        printResult(
          {
            json: { rollout, verb, title, file, branch, commit, pushed, change, afterwards },
            text: withoutControls(text.join('\n')),
          },
          json,
        );
      });
  }
}
