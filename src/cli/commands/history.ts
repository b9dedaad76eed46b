// Owns `slipway history`: what was done to rollouts and why, and whether it really was the reconciler.
import type { Command } from 'commander';
import { toIsoSeconds } from '../../base/clock.ts';
import { clipped, oneLine } from '../../base/plain-text.ts';
import { readHistory } from '../../dashboard/read-model/history.ts';
import { historyCut, type PastAt } from '../../dashboard/read-model/past.ts';
import type { HistoryPage, HistoryRow } from '../../dashboard/read-model/types.generated.ts';
import { nameOfPath } from '../../documents/repository-layout.ts';
import { treeEntries } from '../../git/manifests-repository.ts';
import { readGitView } from '../git-status.ts';
import { addListingOptions, type ListingOptions, showListing } from '../listing.ts';
import { type OpenedPast, openPast, type PastOptions } from '../open-past.ts';
import { wholeNumberOf } from '../option-values.ts';
import { type Result, table } from '../output.ts';
import { addRepositoryOptions } from '../repository-access.ts';
import { homeOption, trustOption } from '../settings.ts';

const MOST_CELL = 120;
const MOST_NOTES = 5;

interface HistoryOptions extends PastOptions, ListingOptions {
  readonly most: string;
  readonly before?: string;
}

const SIGNATURES = { verified: 'good', 'not-verified': 'bad', unsigned: 'bad', unknown: 'unknown' } as const;
const EVIDENCE = {
  missing: 'missing',
  unreadable: 'unreadable',
  'of-another-step': 'of another step',
} as const;

function isBad({ signature }: HistoryRow): boolean {
  return SIGNATURES[signature] === 'bad';
}

function cellsOf(row: HistoryRow, isWide: boolean): string[] {
  const { kind, evidence, evidenceMissing } = row;
  const wide = [
    row.transition ?? '–',
    row.by,
    evidence ?? (evidenceMissing === null ? '–' : EVIDENCE[evidenceMissing]),
  ];
  return [
    toIsoSeconds(row.atMs),
    row.rollout,
    row.version ?? '–',
    row.what,
    row.commit?.slice(0, 10) ?? 'not here',
    kind === 'person' ? '–' : SIGNATURES[row.signature],
    ...(isWide ? wide : []),
    kind === 'person' && !isWide ? `By ${row.by}${row.reason === '' ? '.' : `: ${row.reason}`}` : row.reason,
  ];
}

function notesOf({ rows, next }: HistoryPage): string[] {
  const bad = rows
    .filter(isBad)
    .map(
      ({ commit, signatureReason }) =>
        `${commit?.slice(0, 10) ?? 'Evidence'} was not signed by the reconciler: ${signatureReason}.`,
    );
  const isUnknown = rows.some(({ kind, signature }) => kind !== 'person' && signature === 'unknown');
  const isAway = rows.some(({ kind, commit }) => kind !== 'person' && commit === null);
  const untold = rows.flatMap(({ commit, evidenceMissing }) =>
    evidenceMissing === null
      ? []
      : [
          `The evidence of ${commit?.slice(0, 10)} is ${EVIDENCE[evidenceMissing]}: what it says of itself is its title.`,
        ],
  );
  return [
    ...bad,
    ...untold.slice(0, MOST_NOTES),
    ...(isUnknown ? ['Signatures were not checked: pass the trust policy with --trust.'] : []),
    ...(isAway ? ['Steps whose commit is not here are told from evidence alone.'] : []),
    ...(next === null ? [] : [`There are more: pass --before ${next.length === 40 ? next.slice(0, 10) : next}.`]),
  ];
}

function textOf(page: HistoryPage, rollout: string | undefined, isWide: boolean): string {
  if (page.rows.length === 0) return `No steps${rollout === undefined ? '' : ` of ${oneLine(rollout)}`} yet.`;
  const header = [
    'WHEN',
    'ROLLOUT',
    'VERSION',
    'WHAT',
    'COMMIT',
    'SIGNATURE',
    ...(isWide ? ['STEP', 'BY', 'EVIDENCE'] : []),
  ];
  const cells = page.rows.map((row) => cellsOf(row, isWide).map((cell) => clipped(oneLine(cell), MOST_CELL)));
  return [table([...header, 'REASON'], cells), ...notesOf(page)].join('\n\n');
}

/** Where the rollout's file is; null where it is removed from the branch. */
function fileOf({ tree, layout }: PastAt, rollout: string): string | null {
  for (const { path } of treeEntries(tree))
    if (path.startsWith(`${layout.rollouts}/`) && nameOfPath(path) === rollout) return path;
  return null;
}

/** A cursor as it was printed: the beginning of a commit, or a file of evidence. */
function cursorOf({ list }: PastAt, before: string | undefined): string | null {
  if (before === undefined) return null;
  return list.commits.find(({ commit }) => before.length >= 4 && commit.startsWith(before))?.commit ?? before;
}

async function look(opened: OpenedPast, rollout: string | undefined, options: HistoryOptions): Promise<Result> {
  const limit = wholeNumberOf('-n', options.most, { least: 1, most: 10_000 });
  const past = await opened.now();
  const file = rollout === undefined ? null : fileOf(past, rollout);
  const cursor = cursorOf(past, options.before);
  const page = await readHistory(past, { rollout: rollout ?? null, file, cursor, limit });
  const { rows, isCut, next } = page;
  const hasSteps = rows.some(({ kind }) => kind !== 'person');
  if (!hasSteps && isCut && next === null && cursor === null) throw historyCut();
  // No step of it: it may be new, or mistyped. What was removed from the branch still has its history.
  if (rows.length === 0 && cursor === null) await readGitView(opened.opened.repository, past.list.head, rollout);
  const note = isCut && next === null ? `\n\n${historyCut().message} ${historyCut().remedy}` : '';
  const text = textOf(page, rollout, options.output === 'wide') + note;
  return { json: page, text, exitCode: rows.some(isBad) ? 1 : 0 };
}

export function addHistoryCommand(program: Command): void {
  const command = program
    .command('history')
    .description('show the steps of all rollouts, newest first, and whether the reconciler signed them')
    .argument('[rollout]', 'show only this rollout, with the commits of people that changed it');
  addRepositoryOptions(command)
    .addOption(trustOption())
    .addOption(homeOption())
    .option('-n, --most <n>', 'number of entries to show', '20')
    .option('--before <commit>', 'go on after this entry, as the end of a page names it')
    .addHelpText('after', '\nExit codes: 0 every signature shown is good or unknown, 1 at least one is bad.');
  addListingOptions(command).action(async (rollout: string | undefined, options: HistoryOptions) => {
    await using opened = await openPast(options);
    await showListing(() => look(opened, rollout, options), options);
  });
}
