// Owns the options that say which traffic a policy is planned for.
import type { Command } from 'commander';
import { CodedError } from '../base/errors.ts';
import { parsePercent } from '../contract/duration.ts';

export interface TrafficOptions {
  readonly devices?: string;
  readonly perMinute?: string;
}

const MOST_DEVICES = 100_000_000;
const MOST_PER_MINUTE = 10_000_000;

function optionProblem(flag: string, text: string, remedy: string): CodedError {
  return new CodedError({
    code: 'SETTING_VALUE',
    message: `${flag}: ${JSON.stringify(text.slice(0, 60))} is not possible.`,
    remedy,
  });
}

export function addTrafficOptions(
  command: Command,
  more: { readonly devices: string; readonly perMinute: string },
): Command {
  return command
    .option('--devices <number>', `devices of the target${more.devices}`)
    .option('--per-minute <number>', `inferences of one device in a minute${more.perMinute}`);
}

/** Null where it was not said. Throws SETTING_VALUE. */
export function trafficOf({ devices, perMinute }: TrafficOptions): {
  readonly devices: number | null;
  readonly perMinute: number | null;
} {
  return {
    devices: devices === undefined ? null : numberOf('--devices', devices, MOST_DEVICES, true),
    perMinute: perMinute === undefined ? null : numberOf('--per-minute', perMinute, MOST_PER_MINUTE, false),
  };
}

function numberOf(flag: string, text: string, most: number, isWhole: boolean): number {
  const value = /^\d+(?:\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (value > 0 && value <= most && (!isWhole || Number.isInteger(value))) return value;
  throw optionProblem(flag, text, `Give ${isWhole ? 'a whole number' : 'a number'} above 0, and at most ${most}.`);
}

/** A share of the limit, above 0 and below 1. Throws SETTING_VALUE. */
export function healthOf(text: string): number {
  const share = /^\d{1,3}(?:\.\d{1,9})? ?%$/.test(text) ? parsePercent(text) : Number.NaN;
  if (share > 0 && share < 1) return share;
  throw optionProblem('--health', text, 'Give a percentage of the limit above 0% and below 100%, such as `40%`.');
}
