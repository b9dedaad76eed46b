// Owns the values that options give as text: parsed strictly, and refused with the option's name and what it accepts.
import { CodedError } from '../base/errors.ts';
import { formatDuration, parseDurationMs } from '../contract/duration.ts';
import { parseLabels } from '../contract/report-reader.ts';
import { formatCount } from '../wording/amounts.ts';

export function valueError(flag: string, text: string, what: string, remedy: string): CodedError {
  return new CodedError({
    code: 'SETTING_VALUE',
    message: `${flag}: ${JSON.stringify(text.slice(0, 60))} is not ${what}.`,
    remedy,
  });
}

/** Throws SETTING_VALUE. */
export function wholeNumberOf(flag: string, text: string, { least, most }: { least: number; most: number }): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  const range = `a whole number from ${formatCount(least)} to ${formatCount(most)}`;
  throw valueError(flag, text, range, 'Pass a number in this range.');
}

/** Any number above 0. Throws SETTING_VALUE. */
export function positiveNumberOf(flag: string, text: string, most: number): number {
  const value = /^\d+(?:\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (value > 0 && value <= most) return value;
  throw valueError(flag, text, `a number above 0 and up to ${formatCount(most)}`, 'Pass a number in this range.');
}

/** Milliseconds. Throws SETTING_VALUE. */
export function durationOf(flag: string, text: string, leastMs: number): number {
  let ms = -1;
  try {
    ms = parseDurationMs(text);
  } catch {
    throw valueError(flag, text, 'a duration', 'Write it like 30s, 5m or 1h.');
  }
  if (ms >= leastMs) return ms;
  throw valueError(flag, text, 'long enough', `Pass at least ${formatDuration(leastMs)}.`);
}

const UNITS: Readonly<Record<string, number>> = {
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};

/** Bytes. Throws SETTING_VALUE. */
export function sizeOf(flag: string, text: string): number {
  const [, number, unit = ''] = /^(\d{1,9}(?:\.\d{1,3})?) ?([kMGT]|[KMGT]i)B$/.exec(text) ?? [];
  const bytes = Math.floor(Number(number) * (UNITS[unit] ?? 0));
  if (bytes > 0 && bytes <= Number.MAX_SAFE_INTEGER) return bytes;
  throw valueError(flag, text, 'a size', 'Write it like 500MB, 100GB or 20GiB.');
}

/** As a request has it. */
const MOST_GROUP = 512;

/** A label and its value. Throws SETTING_VALUE. */
export function groupOf(text: string): string {
  if (/^[^:]+:./.test(text) && text.length <= MOST_GROUP) return text;
  throw valueError('--group', text, 'a group of devices', 'Pass a label and its value, such as hw:rev2.');
}

/** Labels written as name=value, each name once. Throws SETTING_VALUE. */
export function labelsOf(flag: string, texts: readonly string[]): Readonly<Record<string, string>> {
  const remedy = 'Write name=value; a name has at most 128 characters and a value at most 256.';
  const labels = new Map<string, string>();
  for (const text of texts) {
    const [, name, value] = /^([^=]+)=(.+)$/s.exec(text) ?? [];
    if (name === undefined || value === undefined) throw valueError(flag, text, 'a label and its value', remedy);
    if (labels.has(name)) throw valueError(flag, text, `possible: ${name} is given twice`, 'Give each label once.');
    if (/,[^,=]+=/.test(value)) throw valueError(flag, text, 'one label', `Repeat ${flag} for each label.`);
    labels.set(name, value);
  }
  try {
    return parseLabels(Object.fromEntries(labels));
  } catch {
    throw valueError(flag, texts.join(' '), 'a list of labels that a device can have', `${remedy} Give at most 64.`);
  }
}

/** For an option that may be given more than once. */
export function collected(one: string, before: readonly string[] = []): readonly string[] {
  return [...before, one];
}
