// Owns the options that give the traffic that a policy is planned for.
import type { Command } from 'commander';
import type { KnownGroup, LabelGroups } from '../rollout/reckoned-groups.ts';
import type { Traffic } from '../rollout/stage-plan.ts';
import { MOST_VALUES, OTHER_VALUES } from '../telemetry/groups.ts';
import { positiveNumberOf, valueError, wholeNumberOf } from './option-values.ts';

export interface TrafficOptions {
  readonly devices?: string;
  readonly groups?: string;
  readonly perMinute?: string;
}

const MOST_DEVICES = 100_000_000;
export const MOST_PER_MINUTE = 10_000_000;

export function addTrafficOptions(
  command: Command,
  more: { readonly devices: string; readonly perMinute: string },
): Command {
  return command
    .option('--devices <number>', `number of devices in the target${more.devices}`)
    .option('--groups <list>', 'devices per group, for rules that apply by group, such as hw:rev1=300,hw:rev2=20')
    .option('--per-minute <number>', `inferences per device per minute${more.perMinute}`);
}

/** Null where it was not given; devices may be given by their groups alone. Throws SETTING_VALUE. */
export function trafficOf(options: TrafficOptions): Traffic {
  const { devices, groups, perMinute } = options;
  const named = groups === undefined ? null : namedGroups(groups);
  const most = Math.max(0, ...(named?.values() ?? []).map(sumOf));
  const said = devices === undefined ? null : wholeNumberOf('--devices', devices, { least: 1, most: MOST_DEVICES });
  if (said !== null && most > said)
    throw valueError(
      '--groups',
      groups ?? '',
      `possible with --devices ${said}`,
      `The groups have ${most} devices together.`,
    );
  const all = said ?? (most || null);
  return {
    devices: all,
    perMinute: perMinute === undefined ? null : positiveNumberOf('--per-minute', perMinute, MOST_PER_MINUTE),
    ...(named === null || all === null ? {} : { groups: [...named].map(([by, values]) => asCounted(by, values, all)) }),
  };
}

function sumOf(values: ReadonlyMap<string, number>): number {
  return [...values.values()].reduce((sum, count) => sum + count, 0);
}

/** Devices by value, by label. Throws SETTING_VALUE. */
export function namedGroups(text: string): Map<string, Map<string, number>> {
  const named = new Map<string, Map<string, number>>();
  for (const one of text.split(',')) {
    const [, by, value, count] = /^\s*([^:=\s]+):([^=]+)=(\d{1,9})\s*$/.exec(one) ?? [];
    if (by === undefined || value === undefined || count === undefined)
      throw valueError(
        '--groups',
        one,
        'a group',
        'Write label:value=devices, separated by commas: hw:rev1=300,hw:rev2=20.',
      );
    const values = named.get(by) ?? new Map<string, number>();
    values.set(value, (values.get(value) ?? 0) + Number(count));
    named.set(by, values);
  }
  return named;
}

/** The groups that a window would count apart of them: the values that most devices have, and one of all other devices. */
function asCounted(by: string, values: ReadonlyMap<string, number>, devices: number): LabelGroups {
  const counted = [...values].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)).slice(0, MOST_VALUES);
  const others = devices - sumOf(new Map(counted));
  const groups = [...counted, [OTHER_VALUES, others] as const];
  return { by, groups: groups.map(([value, count]): KnownGroup => ({ value, devices: count, perMinute: null })) };
}

/** A share of the limit, above 0 and below 1. Throws SETTING_VALUE. */
export function healthOf(text: string): number {
  const amount = /^(\d{1,3}(?:\.\d{1,9})?) ?%$/.exec(text)?.[1];
  const share = amount === undefined ? Number.NaN : Number(amount) / 100;
  if (share > 0 && share < 1) return share;
  throw valueError(
    '--health',
    text,
    'a percentage above 0% and below 100%',
    'Pass a percentage of the limit, such as 40%.',
  );
}
