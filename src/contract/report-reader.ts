// Owns reading hostile JSON: objects, lists, texts and names have a type and a bound, and a refusal says where and why.
import { CodedError } from '../base/errors.ts';

export const MOST_COUNT = 1e9;

/** Both together, and no more than a report may tell: what applications count adds up without a bound of its own. */
export function boundedSum(a: number, b: number): number {
  return Math.min(MOST_COUNT, a + b);
}

export const MOST_SPAN_MS = 366 * 86_400_000;
export const MOST_NAME = 128;
export const MOST_LABELS = 64;
/** Characters of a label's value. */
export const MOST_LABEL = 256;

export type Members = Readonly<Record<string, unknown>>;

export function refuse(
  code: 'REPORT_SHAPE' | 'REPORT_BOUNDS' | 'REPORT_NUMBERS',
  place: string,
  problem: string,
): never {
  throw new CodedError({
    code,
    message: `The report's ${place} ${problem}.`,
    remedy: 'Send the form that src/contract/report.ts describes; do not send a refused report again.',
  });
}

export function members(value: unknown, place: string): Members {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Members;
  return refuse('REPORT_SHAPE', place, 'is not an object');
}

export function list(value: unknown, place: string, most: number): readonly unknown[] {
  if (!Array.isArray(value)) return refuse('REPORT_SHAPE', place, 'is not a list');
  if (value.length > most) return refuse('REPORT_BOUNDS', place, `holds ${value.length} items, ${most} are allowed`);
  return value;
}

export function text(value: unknown, place: string, most: number): string {
  if (typeof value !== 'string') return refuse('REPORT_SHAPE', place, 'is not a text');
  if (value.length > most) return refuse('REPORT_BOUNDS', place, `has ${value.length} characters, ${most} are allowed`);
  return value;
}

/** A name that may stand in keys and logs: no control characters, not empty. */
export function name(value: unknown, place: string, most = MOST_NAME): string {
  const read = text(value, place, most);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
  if (read === '' || /[\u0000-\u001f\u007f]/.test(read)) return refuse('REPORT_SHAPE', place, 'is not a name');
  if (read === '__proto__') return refuse('REPORT_SHAPE', place, 'is a name that JavaScript keeps for itself');
  return read;
}

/** May people name a class so? As `name`, without throwing. */
export function isClassName(value: unknown): value is string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
  return typeof value === 'string' && /^[^\u0000-\u001f\u007f]{1,128}$/.test(value) && value !== '__proto__';
}

/** A record whose names and values were checked; built by definition of own members, so that no name reaches a prototype. */
export function record<T>(
  value: unknown,
  place: string,
  most: number,
  parse: (member: unknown, at: string) => T,
): Record<string, T> {
  const entries = Object.entries(members(value, place));
  if (entries.length > most) refuse('REPORT_BOUNDS', place, `holds ${entries.length} members, ${most} are allowed`);
  return Object.fromEntries(
    entries.map(([key, member]) => [name(key, `${place} key`), parse(member, `${place}.${key.slice(0, MOST_NAME)}`)]),
  );
}

/** Ids that may stand in addresses, file names and the bytes that are hashed for membership. */
export function isDeviceId(value: unknown): value is string {
  return typeof value === 'string' && /^[A-Za-z0-9][A-Za-z0-9._:@-]{0,127}$/.test(value);
}

/** Labels as a device states them, at enrolment and in reports. */
export function parseLabels(value: unknown, place = 'labels'): Record<string, string> {
  return record(value, place, MOST_LABELS, (label, at) => text(label, at, MOST_LABEL));
}
