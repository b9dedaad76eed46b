// Owns `slipway diff`: what people ask for beside what was decided and what runs, and what changed between two commits.
import type { Command } from 'commander';
import { SystemClock } from '../../base/clock.ts';
import { CodedError } from '../../base/errors.ts';
import { clipped, oneLine } from '../../base/plain-text.ts';
import {
  type CommitDiff,
  type DeclaredState,
  diffCommits,
  type RolloutDiff,
  statesAt,
} from '../../dashboard/read-model/commit-diff.ts';
import type { PastAt } from '../../dashboard/read-model/past.ts';
import type { ModelVersions, Versions } from '../../dashboard/read-model/types.generated.ts';
import { countOf, formatCount } from '../../wording/amounts.ts';
import { accessTo, askService } from '../ask-service.ts';
import { addListingOptions, type ListingOptions, showListing } from '../listing.ts';
import { type OpenedPast, openPast, type PastOptions } from '../open-past.ts';
import { type Result, table } from '../output.ts';
import { addRepositoryOptions } from '../repository-access.ts';
import { homeOption, serverOption, trustOption } from '../settings.ts';

interface DiffOptions extends PastOptions, ListingOptions {
  readonly server?: string;
}

const MOST_CELL = 110;
const NOTHING = '–';
const MOST_BYTES = 8 * 1024 * 1024;

function askedInWords({ asked, parameters }: DeclaredState): string {
  const set = Object.entries(parameters).map(([name, value]) => `${name}=${value}`);
  return set.length === 0 ? asked : `${asked} with ${set.join(', ')}`;
}

function decidedInWords({ stable, candidate, stage }: DeclaredState): string {
  if (candidate !== null) return `${candidate} in ${stage}, stable ${stable ?? NOTHING}`;
  return stable === null ? 'nothing' : `stable ${stable}`;
}

function devicesInWords({ devices }: DeclaredState): string {
  if (devices === null) return NOTHING;
  return devices.map(({ version, count }) => `${version} ${formatCount(count)}`).join(', ') || 'none';
}

function runningInWords(models: readonly ModelVersions[] | null, model: string): string {
  const found = models?.find((one) => one.model === model);
  if (found === undefined) return NOTHING;
  return (
    found.versions
      .filter(({ devices }) => devices > 0)
      .map(({ version, devices }) => `${version?.version ?? 'not known'} ${formatCount(devices)}`)
      .join(', ') || 'none'
  );
}

function bounded(rows: readonly (readonly string[])[]): string[][] {
  return rows.map((row) => row.map((cell) => clipped(oneLine(cell), MOST_CELL)));
}

async function runningVersions({ server, insecureHttp }: DiffOptions): Promise<readonly ModelVersions[] | null> {
  if (server === undefined) return null;
  const question = { method: 'GET', path: '/v1/versions', mostBytes: MOST_BYTES } as const;
  const answer = (await askService(question, accessTo(server, insecureHttp), new SystemClock())) as Partial<Versions>;
  return Array.isArray(answer.models) ? answer.models : null;
}

async function present(opened: OpenedPast, options: DiffOptions): Promise<Result> {
  const past = await opened.now();
  const states = await statesAt(past, opened.opened.repository);
  const running = await runningVersions(options);
  const rows = [...states].map(([rollout, state]) => {
    return { rollout, ...state, running: runningInWords(running, state.model) };
  });
  const cells = rows.map((row) => [
    row.rollout,
    askedInWords(row),
    decidedInWords(row),
    devicesInWords(row),
    row.running,
  ]);
  const title = `At ${past.list.head.slice(0, 10)}.${running === null ? ' For what devices run, pass --server.' : ''}`;
  const header = ['ROLLOUT', 'ASKED', 'DECIDED', 'DECLARED DEVICES', 'RUNNING'];
  const text = rows.length === 0 ? 'There are no rollouts.' : `${title}\n\n${table(header, bounded(cells))}`;
  return { json: { commit: past.list.head, rollouts: rows }, text };
}

function change<T>({ before, after }: RolloutDiff, words: (state: DeclaredState) => T): string {
  const [was, is] = [before === null ? NOTHING : words(before), after === null ? NOTHING : words(after)];
  return was === is ? `${is}` : `${was} → ${is}`;
}

function diffText({ from, to, rollouts }: CommitDiff): string {
  const title = `From ${from.slice(0, 10)} to ${to.slice(0, 10)}:`;
  if (rollouts.length === 0) return `${title} no rollout differs.`;
  const known = rollouts.flatMap(({ moved }) => moved ?? []);
  const moved = known.reduce((sum, one) => sum + one, 0);
  const more = known.length === rollouts.length ? '' : ', as far as evidence says';
  const header = ['ROLLOUT', 'ASKED', 'DECIDED', 'DECLARED DEVICES', 'MOVED'];
  const cells = rollouts.map((one) => [
    one.rollout,
    change(one, askedInWords),
    change(one, decidedInWords),
    change(one, devicesInWords),
    one.moved === null ? NOTHING : formatCount(one.moved),
  ]);
  const ended = moved === 1 ? 'gets' : 'get';
  return `${title} ${countOf(moved, 'device')} ${ended} another version${more}.\n\n${table(header, bounded(cells))}`;
}

/** A commit as people write it; only the branch's own. */
async function resolved({ past }: OpenedPast, now: PastAt, text: string): Promise<PastAt> {
  const found = /^[0-9a-f]{4,40}$/i.test(text)
    ? now.list.commits.filter(({ commit }) => commit.startsWith(text.toLowerCase()))
    : ofHead(now, text);
  const [one, more] = found;
  if (one !== undefined && more === undefined) return past.alone(one.commit);
  const what = `${JSON.stringify(clipped(text, 60))} is ${one === undefined ? 'no commit' : 'more than one commit'} of the branch`;
  throw new CodedError({
    code: 'COMMIT_UNKNOWN',
    message: `${what}${now.list.isCut ? ' in this clone' : ''}.`,
    remedy: `Pass at least four characters of its id, or HEAD~2 for two commits before the head.${now.list.isCut ? ' The history of this clone is cut off: run `git fetch --unshallow`.' : ''}`,
  });
}

/** `HEAD~2`, along first parents. */
function ofHead({ list }: PastAt, text: string): PastAt['list']['commits'] {
  const back = /^HEAD(?:~(\d{1,5}))?$/.exec(text);
  if (back === null) return [];
  const byId = new Map(list.commits.map((one) => [one.commit, one]));
  let here = byId.get(list.head);
  for (let left = Number(back[1] ?? 0); left > 0 && here !== undefined; left--) here = byId.get(here.parents[0] ?? '');
  return here === undefined ? [] : [here];
}

export function addDiffCommand(program: Command): void {
  const command = program
    .command('diff')
    .description('show what is asked for, decided and running; or what changed between two commits, in devices')
    .argument('[from]', 'commit to compare with')
    .argument('[to]', 'another commit (default: the head of the branch)')
    .addOption(serverOption('it knows what devices run'));
  addRepositoryOptions(command).addOption(trustOption()).addOption(homeOption());
  addListingOptions(command).action(async (from: string | undefined, to: string | undefined, options: DiffOptions) => {
    await using opened = await openPast(options);
    await showListing(async () => {
      if (from === undefined) return present(opened, options);
      const now = await opened.now();
      const [before, after] = [await resolved(opened, now, from), await resolved(opened, now, to ?? 'HEAD')];
      const diff = await diffCommits(before, after, opened.opened.repository);
      return { json: diff, text: diffText(diff) };
    }, options);
  });
}
