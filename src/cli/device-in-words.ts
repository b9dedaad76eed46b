// Owns devices as people read them in a terminal: a list with its counts, and one in full.
import { toIsoSeconds } from '../base/clock.ts';
import { clipped, oneLine } from '../base/plain-text.ts';
import type { DeviceModel, DeviceRow, Devices, DeviceView } from '../dashboard/read-model/types.generated.ts';
import { countOf, formatCount, percent } from '../wording/amounts.ts';
import { table, timeAgo } from './output.ts';

const MOST_CELL = 60;
const MOST_VERSIONS = 20;

function cell(text: string, most = MOST_CELL): string {
  return text === '' ? '–' : clipped(oneLine(text), most);
}

/** The list, and before it who runs what. */
export function devicesText(all: Devices, { isWide }: { readonly isWide: boolean }): string {
  const { devices, versions, counts, total, asOf } = all;
  const states = counts.filter(({ count }) => count > 0).map(({ state, count }) => `${formatCount(count)} ${state}`);
  const head = [
    'DEVICE',
    'STATE',
    'AS DECLARED',
    'RUNS',
    'IN',
    'LAST REPORT',
    ...(isWide ? ['ERRORS 1 H', 'LABELS'] : []),
    'WHY',
  ];
  const rest = total - devices.length;
  return [
    `${countOf(total, 'device')}${states.length > 1 ? `; in any state: ${states.join(', ')}` : ''}`,
    ...(versions.length === 0 ? [] : [versionsText(versions)]),
    ...(devices.length === 0
      ? []
      : [
          table(
            head,
            devices.map((one) => rowCells(one, asOf.atMs, isWide)),
          ),
        ]),
    ...(rest > 0 ? [`and ${formatCount(rest)} more: pass --limit, or filter them`] : []),
  ].join('\n\n');
}

function versionsText(versions: Devices['versions']): string {
  const shown = versions.slice(0, MOST_VERSIONS);
  const rows = shown.map(({ model, version, count, digest }) => [
    ...[cell(model), cell(version), formatCount(count), digest?.slice(0, 19) ?? 'not said'],
  ]);
  const rest = versions.length - shown.length;
  return [
    table(['MODEL', 'VERSION', 'DEVICES', 'DIGEST'], rows),
    ...(rest > 0 ? [`and ${rest} more versions`] : []),
  ].join('\n');
}

function rowCells(row: DeviceRow, nowMs: number, isWide: boolean): string[] {
  const { device, state, text, asDeclared, declared, runs, lastSeenAtMs, errorShare, labels } = row;
  const wide = [
    errorShare === null ? '–' : percent(errorShare),
    cell(
      Object.entries(labels)
        .map(([name, value]) => `${name}=${value}`)
        .join(' '),
      200,
    ),
  ];
  return [
    ...[cell(device), state, declared === 0 ? '–' : `${asDeclared} of ${declared}`],
    cell(runs.map(({ model, version }) => `${model} ${version ?? ''}`).join(', ')),
    cell(row.in.join(', ')),
    lastSeenAtMs === null ? 'never' : timeAgo(lastSeenAtMs, nowMs),
    ...(isWide ? wide : []),
    cell(text ?? '', isWide ? 300 : MOST_CELL * 2),
  ];
}

function modelCells({ model, declared, running, isSame, arm, why }: DeviceModel): string[] {
  const version = (one: DeviceModel['declared']): string => (one === null ? '–' : one.version);
  return [
    cell(model),
    cell(version(declared)),
    cell(version(running)),
    declared === null ? '–' : isSame ? 'yes' : 'no',
    arm,
    cell(why, 200),
  ];
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [[title, ...lines.map((line) => `  ${line}`)].join('\n')];
}

/** All that is known of one device. */
export function deviceText(view: DeviceView): string {
  const { device, state, text, lastSeenAtMs, models, labelSources, identity, changes, failures, isSigned, asOf } = view;
  const { epoch, newestSequence, agent, platform, enrolledAtMs, key } = identity;
  const when = (atMs: number | null): string => (atMs === null ? 'now' : toIsoSeconds(atMs));
  const heard = lastSeenAtMs === null ? 'never heard' : `last report ${timeAgo(lastSeenAtMs, asOf.atMs)}`;
  const worked = models.flatMap(({ model, workOut }) =>
    workOut === null ? [] : [`${cell(model)}: ${oneLine(workOut)}`],
  );
  return [
    `${oneLine(device)}: ${state}${text === null ? '' : `, ${oneLine(text)}`}\n${heard}`,
    ...(models.length === 0
      ? []
      : [table(['MODEL', 'DECLARED', 'RUNS', 'SAME', 'ARM', 'WHY'], models.map(modelCells))]),
    ...section('Work a bucket out yourself: the first 48 bits of this, divided by 2^48', worked),
    ...section('Refuses', view.refusals.map(oneLine)),
    ...section('Claims that are not believed', view.claims.map(oneLine)),
    ...section(
      'Labels',
      labelSources.map(({ name, value, source }) => `${oneLine(name)}=${oneLine(value)}  ${SOURCES[source]}`),
    ),
    ...section(
      'Slots',
      models.flatMap(({ model, slots }) =>
        slots.map(
          ({ slot, version, state: is }) =>
            `${cell(model)} ${oneLine(slot)}: ${cell(version ?? 'not known')}, ${oneLine(is)}`,
        ),
      ),
    ),
    ...section(
      'Failures, newest first',
      failures.slice(0, 10).map(({ atMs, kind, text: what }) => `${when(atMs)}  ${oneLine(kind)}  ${cell(what, 200)}`),
    ),
    ...section(
      'Versions that it ran, newest first',
      changes
        .slice(0, 10)
        .map(
          ({ model, version, fromMs, untilMs, how }) =>
            `${when(fromMs)} to ${when(untilMs)}  ${cell(model)} ${cell(version ?? 'not known')}  ${HOWS[how]}`,
        ),
    ),
    ...section(
      'Identity',
      isSigned
        ? [
            ...(enrolledAtMs === null
              ? []
              : [`enrolled ${when(enrolledAtMs)}, epoch ${epoch}, ${countOf(newestSequence, 'report')}`]),
            `agent ${cell(agent ?? 'not said')}, platform ${cell(platform ?? 'not said')}`,
            `key ${cell(key, 80)}`,
          ]
        : ['without an agent: nothing that it reports is signed, and nothing of it is judged'],
    ),
  ].join('\n\n');
}

const SOURCES = {
  token: 'by its token',
  documents: 'by the fleet documents',
  stated: 'as it states itself',
  contradicted: 'as it states itself, against the line above',
} as const;

const HOWS = {
  declared: 'reported by the device, as a directive declared it',
  claimed: 'claimed by the device; no directive names it',
  plain: 'reported without a signature',
} as const;
