// Owns `slipway events`: what happens, line by line, from the service's stream or from the branch alone.
import process from 'node:process';
import type { Command } from 'commander';
import { SystemClock, toIsoSeconds } from '../../base/clock.ts';
import { formatError, toCodedError } from '../../base/errors.ts';
import { clipped, oneLine } from '../../base/plain-text.ts';
import { SystemRandom } from '../../base/random.ts';
import { readHistory } from '../../dashboard/read-model/history.ts';
import type { HistoryRow } from '../../dashboard/read-model/types.generated.ts';
import { accessTo } from '../ask-service.ts';
import { followEvents, type StreamEvent } from '../event-stream.ts';
import { type OpenedPast, openPast, type PastOptions } from '../open-past.ts';
import { wholeNumberOf } from '../option-values.ts';
import { outputClosed } from '../output.ts';
import { addRepositoryOptions } from '../repository-access.ts';
import { homeOption, serverOption, trustOption } from '../settings.ts';
import { stopSignal } from '../stop-signal.ts';

interface EventsOptions extends PastOptions {
  readonly server?: string;
  readonly follow?: boolean;
  readonly most: string;
  readonly json?: boolean;
}

const POLL_MS = 5_000;
const MOST_LINE = 300;

function print(line: string): void {
  process.stdout.write(`${clipped(oneLine(line), MOST_LINE)}\n`);
}

function textIn(data: unknown, name: string): string {
  const value: unknown = Object(data)[name];
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

/** Null for what only says that something changed. */
export function eventLine({ event, data }: StreamEvent, nowMs: number): string | null {
  const at = toIsoSeconds(nowMs);
  const field = (name: string): string => textIn(data, name);
  switch (event) {
    case 'step':
      return `${at}  step   ${field('rollout')}  ${field('version')} ${field('from')} → ${field('to')} (${field('kind')}): ${field('text')}  ${field('commit').slice(0, 10)}`;
    case 'alert':
      return `${at}  alert ${field('state')}  ${field('rollout')}  ${field('kind')}: ${field('text')}  ${field('runbook')}`;
    case 'reset':
      return `${at}  Events were missed: see \`slipway history\` and \`slipway status\`.`;
    default:
      return null;
  }
}

function rowLine({ atMs, kind, rollout, what, reason, by, commit }: HistoryRow): string {
  const who = kind === 'person' ? `  by ${by}` : '';
  return `${toIsoSeconds(atMs)}  step   ${rollout}  ${what}${who}: ${reason}  ${commit?.slice(0, 10) ?? 'not here'}`;
}

function show(row: HistoryRow, asJson: boolean): void {
  if (asJson) process.stdout.write(`${JSON.stringify({ event: 'step', ...row })}\n`);
  else print(rowLine(row));
}

/** Steps of the branch, oldest first; then, as they come, those that were not told yet. */
async function fromGit(opened: OpenedPast, rollout: string | undefined, options: EventsOptions): Promise<void> {
  const most = wholeNumberOf('-n', options.most, { least: 0, most: 10_000 });
  const stop = AbortSignal.any([stopSignal(), outputClosed()]);
  const clock = new SystemClock();
  let told: ReadonlySet<string | null> = new Set();
  let isFirst = true;
  while (!stop.aborted) {
    const limit = isFirst ? most : 1_000;
    const past = await opened.now().catch((thrown: unknown) => {
      if (isFirst) throw thrown;
      process.stderr.write(`${formatError(toCodedError(thrown))}\n`);
      return null;
    });
    if (past === null) {
      await clock.sleep(POLL_MS, stop);
      continue;
    }
    const { rows } = await readHistory(past, { rollout: rollout ?? null, limit: Math.max(limit, 1) });
    const fresh = rows.slice(0, limit).filter(({ commit }) => !told.has(commit));
    for (const row of fresh.toReversed()) show(row, options.json ?? false);
    told = new Set([
      ...rows.map(({ commit }) => commit),
      ...(isFirst ? past.list.commits.map(({ commit }) => commit) : told),
    ]);
    isFirst = false;
    if (options.follow !== true) return;
    await clock.sleep(POLL_MS, stop);
  }
}

async function fromService(server: string, rollout: string | undefined, options: EventsOptions): Promise<void> {
  const clock = new SystemClock();
  const signal = AbortSignal.any([stopSignal(), outputClosed()]);
  const access = accessTo(server, options.insecureHttp);
  if (options.json !== true)
    process.stderr.write(
      `What ${oneLine(server)} tells from now on, until Ctrl-C; \`slipway history\` has what was.\n`,
    );
  await followEvents({ access, clock, random: new SystemRandom(), signal }, (event) => {
    if (rollout !== undefined && event.event !== 'reset' && textIn(event.data, 'rollout') !== rollout) return;
    if (options.json === true)
      process.stdout.write(`${JSON.stringify({ event: event.event, ...Object(event.data) })}\n`);
    const line = options.json === true ? null : eventLine(event, clock.now());
    if (line !== null) print(line);
  });
}

export function addEventsCommand(program: Command): void {
  const command = program
    .command('events')
    .description(
      'show what happens, line by line: the steps of the branch, or with --server steps and alerts as they come',
    )
    .argument('[rollout]', 'only of this rollout')
    .addOption(serverOption('its stream is followed'));
  addRepositoryOptions(command)
    .addOption(trustOption())
    .addOption(homeOption())
    .option('--follow', 'go on until Ctrl-C; without --server, the branch is looked at every 5 s')
    .option('-n, --most <n>', 'steps of the past to show first, from Git', '20')
    .option('--json', 'print JSON, one event per line')
    .action(async (rollout: string | undefined, options: EventsOptions) => {
      if (options.server !== undefined) return fromService(options.server, rollout, options);
      await using opened = await openPast(options);
      await fromGit(opened, rollout, options);
    });
}
