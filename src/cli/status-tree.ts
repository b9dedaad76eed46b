// Owns one rollout as a tree: its stages, its devices, and who runs what; and all of them with every number in a row.
import { SystemClock } from '../base/clock.ts';
import { clipped, oneLine } from '../base/plain-text.ts';
import { formatDuration } from '../contract/duration.ts';
import type {
  DeviceCounts,
  ModelVersions,
  RolloutRow,
  Rollouts,
  RolloutView,
  RuleView,
  StageRow,
  Versions,
} from '../dashboard/read-model/types.generated.ts';
import { countOf, formatCount } from '../wording/amounts.ts';
import { accessTo, askService } from './ask-service.ts';
import { proseLines, table, timeAgo } from './output.ts';

const MOST_BYTES = 32 * 1024 * 1024;
const MOST_CELL = 60;
const MOST_LINE = 160;
const MOST_RULES = 20;
const NOTHING = '–';

const STAGES: Readonly<Record<StageRow['state'], string>> = {
  passed: '✓ passed',
  current: '● here',
  waits: '● waits',
  reverted: '↩ taken back',
  next: '○ next',
};

/** In the order of how much they matter; those of nobody are left out. */
const PLACES: readonly (readonly [keyof DeviceCounts, string])[] = [
  ['changing', 'changing'],
  ['pending', 'not started'],
  ['silent', 'silent'],
  ['failed', 'failed'],
  ['refused', 'refusing'],
  ['unreachable', 'not reached'],
  ['incompatible', "can't run it"],
  ['conflicted', 'in two rollouts'],
  ['undelivered', 'got other bytes'],
  ['denied', 'denied'],
  ['apart', 'in groups apart'],
  ['heldBack', 'held back'],
];

function devicesInWords(devices: DeviceCounts): string {
  const others = PLACES.flatMap(([place, what]) => {
    const count = devices[place] ?? 0;
    return count > 0 ? [`${formatCount(count)} ${what}`] : [];
  });
  const ready = `${formatCount(devices.ready)} of ${formatCount(devices.expected)} expected are ready`;
  return [
    `${formatCount(devices.matching)} match`,
    `${formatCount(devices.wanted)} in the stage`,
    ready,
    ...others,
  ].join(', ');
}

function stageLine({ name, state, text, strand, elapsedMs, soakMs, deadlineMs }: StageRow): string {
  const ages =
    elapsedMs === null || soakMs === null
      ? ''
      : `, ready for ${formatDuration(elapsedMs)} of ${formatDuration(soakMs)}`;
  const isHere = state === 'current' || state === 'waits';
  const end = isHere && deadlineMs !== null && text === '' ? `, deadline ${formatDuration(deadlineMs)}` : '';
  const title = strand === null ? name : `${name}, group ${strand} apart`;
  // The text begins with the stage's own name.
  const more = text.startsWith(`${name}, `) ? text.slice(name.length) : text === '' ? '' : `, ${text}`;
  return `${title}: ${STAGES[state]}${text === '' ? ages + end : more}`;
}

const RULES: Readonly<Record<RuleView['state'], string>> = {
  fail: 'FAIL',
  'in-trouble': 'in trouble',
  undecided: 'undecided',
  pass: 'pass',
  'dry-run': 'dry run',
  'not-applicable': 'does not apply',
};

function ruleLine({ rule, state, valueText, missing }: RuleView): string {
  return `${rule}: ${RULES[state]}, ${valueText}${missing === null ? '' : `; ${missing}`}`;
}

/** Lines below a node, each with its branch. */
function branches(lines: readonly string[]): string[] {
  return lines.map((line, i) => `${i === lines.length - 1 ? '└─ ' : '├─ '}${clipped(oneLine(line), MOST_LINE)}`);
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [title, ...branches(lines)];
}

const ROLES = {
  stable: ' (stable)',
  candidate: ' (candidate)',
  rejected: ' (rejected)',
  before: ' (stable before)',
} as const;

function runsLines(versions: ModelVersions | null): string[] {
  return (versions?.versions ?? [])
    .filter(({ devices, kept }) => devices + kept > 0)
    .map(({ version, role, devices, kept }) => {
      const known = Object.hasOwn(ROLES, role) ? ROLES[role as keyof typeof ROLES] : '';
      return `${version?.version ?? 'not known'}${known}: ${countOf(devices, 'device')}${kept > 0 ? `, kept by ${formatCount(kept)} more` : ''}`;
    });
}

export function rolloutTree(view: RolloutView, versions: ModelVersions | null): string {
  const { rollout, model, target, state, revision, attempt, sinceMs, devices, stages, rules, sentence } = view;
  const since = sinceMs === null ? '' : `, since ${timeAgo(sinceMs, new SystemClock().now())}`;
  const tried = attempt === null ? '' : `, attempt ${attempt}`;
  const head = `${oneLine(rollout)}: ${oneLine(model)} on ${oneLine(target)}, ${state} (revision ${revision}${tried}${since})`;
  return [
    [clipped(head, MOST_LINE), ...proseLines(oneLine(sentence), '  ')].join('\n'),
    ...[
      section('Stages', stages.map(stageLine)),
      section('Rules', rules.slice(0, MOST_RULES).map(ruleLine)),
      devices === null ? [] : ['Devices', ...proseLines(devicesInWords(devices), '  ')],
      section(`Who runs what of ${oneLine(model)}`, runsLines(versions)),
    ]
      .filter((lines) => lines.length > 0)
      .map((lines) => lines.join('\n')),
  ].join('\n\n');
}

const WIDE = [
  'ROLLOUT',
  'MODEL',
  'TARGET',
  'STATE',
  'FROM',
  'TO',
  'STAGE',
  'READY',
  'EXPECTED',
  'SILENT',
  'REFUSING',
  'DENIED',
  'HELD BACK',
  'SINCE',
  'WAITING FOR',
];

function wideCells(row: RolloutRow, nowMs: number): string[] {
  const { devices, from, to, stage, sinceMs, waitingFor } = row;
  const counts = (['ready', 'expected', 'silent', 'refused', 'denied', 'heldBack'] as const).map((place) => {
    const count = devices?.[place] ?? null;
    return count === null ? NOTHING : formatCount(count);
  });
  return [
    ...[row.rollout, row.model, row.target, row.state],
    ...[from?.version ?? NOTHING, to?.version ?? NOTHING, stage ?? NOTHING],
    ...counts,
    ...[sinceMs === null ? NOTHING : timeAgo(sinceMs, nowMs), waitingFor ?? NOTHING],
  ];
}

export function wideTable(rows: readonly RolloutRow[]): string {
  const nowMs = new SystemClock().now();
  const cells = rows.map((row) => wideCells(row, nowMs).map((cell) => clipped(oneLine(cell), MOST_CELL)));
  return rows.length === 0 ? 'There are no rollouts.' : table(WIDE, cells);
}

export interface ReadModelAccess {
  readonly server: string;
  readonly insecureHttp?: boolean | undefined;
}

async function ask<T>({ server, insecureHttp }: ReadModelAccess, path: string): Promise<T> {
  const asked = { method: 'GET', path, mostBytes: MOST_BYTES } as const;
  return (await askService(asked, accessTo(server, insecureHttp), new SystemClock())) as T;
}

/** One rollout, and the versions of its model in the field. */
export async function readTree(
  access: ReadModelAccess,
  rollout: string,
): Promise<{ readonly view: RolloutView; readonly versions: ModelVersions | null }> {
  const view = await ask<RolloutView>(access, `/v1/rollouts/${encodeURIComponent(rollout)}`);
  const { models } = await ask<Versions>(access, `/v1/versions?model=${encodeURIComponent(view.model)}`);
  return { view, versions: models.find(({ model }) => model === view.model) ?? null };
}

export async function readRows(access: ReadModelAccess): Promise<readonly RolloutRow[]> {
  return (await ask<Rollouts>(access, '/v1/rollouts')).rollouts;
}
