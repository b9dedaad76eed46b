// Owns `slipway figures`: how often versions reach everyone, how long it takes, and how often they are taken back.
import type { Command } from 'commander';
import { SystemClock, toIsoSeconds } from '../../base/clock.ts';
import { clipped, oneLine } from '../../base/plain-text.ts';
import { formatDuration } from '../../contract/duration.ts';
import { readFigures } from '../../dashboard/read-model/figures.ts';
import { historyCut } from '../../dashboard/read-model/past.ts';
import type { FigureRow, Figures, Spread } from '../../dashboard/read-model/types.generated.ts';
import { countOf, listed, percent } from '../../wording/amounts.ts';
import { addListingOptions, type ListingOptions, showListing } from '../listing.ts';
import { type OpenedPast, openPast, type PastOptions } from '../open-past.ts';
import { durationOf } from '../option-values.ts';
import { type Result, table } from '../output.ts';
import { addRepositoryOptions } from '../repository-access.ts';
import { homeOption, trustOption } from '../settings.ts';

interface FiguresOptions extends PastOptions, ListingOptions {
  readonly since: string;
}

const MINUTE_MS = 60_000;
const HEADER = [
  '',
  'STARTED',
  'COMPLETED',
  'TAKEN BACK',
  'PER WEEK',
  'LEAD TIME',
  'CHANGE FAILURES',
  'TIME TO RESTORE',
];

function spreadInWords(spread: Spread | null): string {
  return spread === null ? '–' : formatDuration(roughly(spread.medianMs));
}

/** Nobody plans by the seconds of a day. */
function roughly(ms: number): number {
  const step = ms >= 48 * 60 * MINUTE_MS ? 60 * MINUTE_MS : ms >= 2 * 60 * MINUTE_MS ? MINUTE_MS : 1000;
  return Math.round(ms / step) * step;
}

function cellsOf(row: FigureRow): string[] {
  const { perWeek, changeFailureRate } = row;
  return [
    clipped(oneLine(row.name), 60),
    ...[row.started, row.completed, row.takenBack].map(String),
    perWeek === null ? '–' : perWeek.toFixed(1),
    spreadInWords(row.leadTime),
    changeFailureRate === null ? '–' : percent(changeFailureRate),
    spreadInWords(row.timeToRestore),
  ];
}

function reasonsInWords({ reasons }: FigureRow): string {
  if (reasons.length === 0) return 'Nothing was taken back.';
  const each = reasons.map(({ reason, count }) => `${oneLine(reason)} (${count})`);
  return `Taken back for: ${listed(each, 'and')}.`;
}

export function figuresText(figures: Figures, isWide: boolean): string {
  const { all, rollouts, models, months, fromMs, untilMs, isCut } = figures;
  const called = (what: string, rows: readonly FigureRow[]): FigureRow[] =>
    rows.map((row) => ({ ...row, name: `${what} ${row.name}` }));
  const more = isWide ? [...called('model', models), ...called('month', months)] : [];
  const rows = [all, ...called('rollout', rollouts), ...more];
  return [
    `Attempts that ended from ${toIsoSeconds(fromMs)} to ${toIsoSeconds(untilMs)}, at commit ${figures.commit.slice(0, 10)}. Times are medians.`,
    table(HEADER, rows.map(cellsOf)),
    reasonsInWords(all),
    ...(all.superseded === 0
      ? []
      : [`${countOf(all.superseded, 'attempt')} gave way to another wish: counted as neither.`]),
    ...(isCut ? [`${historyCut().message} ${historyCut().remedy}`] : []),
  ].join('\n\n');
}

async function look(opened: OpenedPast, rollout: string | undefined, options: FiguresOptions): Promise<Result> {
  const sinceMs = durationOf('--since', options.since, MINUTE_MS);
  const untilMs = new SystemClock().now();
  const figures = await readFigures(await opened.now(), {
    ...{ fromMs: Math.max(0, untilMs - sinceMs), untilMs, rollout: rollout ?? null },
  });
  return { json: figures, text: figuresText(figures, options.output === 'wide') };
}

export function addFiguresCommand(program: Command): void {
  const command = program
    .command('figures')
    .description('show how often versions reach everyone, how long it takes, and how often they are taken back and why')
    .argument('[rollout]', 'only of this rollout');
  addRepositoryOptions(command)
    .addOption(trustOption())
    .addOption(homeOption())
    .option('--since <duration>', 'how far back', '90d');
  addListingOptions(command).action(async (rollout: string | undefined, options: FiguresOptions) => {
    await using opened = await openPast(options);
    await showListing(() => look(opened, rollout, options), options);
  });
}
