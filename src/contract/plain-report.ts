// Owns the plain report: what a device without an agent says of itself, as JSON that nothing signs.
import { parseInstant } from '../base/clock.ts';
import { CodedError } from '../base/errors.ts';
import { type Digest, isDigest, sha256Hex } from './digest.ts';
import { isDeviceId, members, name } from './report-reader.ts';
import { count } from './report-values.ts';

/** Reports of one request. */
export const MOST_PLAIN_REPORTS = 500;
export const MOST_PLAIN_BYTES = 512 * 1024;

/** Figures of a plain report, by the name of their field. */
const FIGURES = {
  inference_latency_ms: { least: 0, most: 86_400_000 },
  confidence: { least: 0, most: 1 },
  cpu: { least: 0, most: 1 },
  memory: { least: 0, most: 1 },
  temperature: { least: -100, most: 300 },
  battery: { least: 0, most: 1 },
} as const;
export type PlainFigure = keyof typeof FIGURES;

/** One inference, or what a device counted since its last report. */
export interface PlainReport {
  readonly device: string;
  readonly model: string;
  readonly version: string;
  /** Of the manifest; null where the device does not know it. */
  readonly digest: Digest | null;
  readonly inferences: number;
  readonly errors: number;
  readonly figures: Readonly<Partial<Record<PlainFigure, number>>>;
  /** By the device's clock; null where it does not say. */
  readonly statedAtMs: number | null;
  /** Names the report among those of its device; null: it can't be told from another. */
  readonly key: string | null;
}

const FIELDS: ReadonlySet<string> = new Set([
  ...['device_id', 'model', 'version', 'digest', 'timestamp', 'idempotency_key', 'inferences', 'error', 'errors'],
  ...Object.keys(FIGURES),
]);

function refuse(place: string, problem: string): never {
  throw new CodedError({
    code: 'PLAIN_REPORT',
    message: `The report's ${place} ${problem}.`,
    remedy: 'docs/reference/plain-reports.md lists the fields.',
  });
}

/** Throws PLAIN_REPORT, REPORT_…. */
export function parsePlainReport(value: unknown): PlainReport {
  const read = members(value, 'JSON');
  for (const field of Object.keys(read)) {
    if (!FIELDS.has(field)) refuse(JSON.stringify(field.slice(0, 60)), 'is no field of a plain report');
  }
  const device = name(read.device_id, 'device_id');
  if (!isDeviceId(device)) refuse('device_id', 'is no id of a device');
  const given = <T>(field: string, parse: (one: unknown) => T, absent: T): T =>
    read[field] === undefined || read[field] === null ? absent : parse(read[field]);
  const inferences = given('inferences', (one) => count(one, 'inferences'), 1);
  const failed = given('errors', (one) => count(one, 'errors'), given('error', errorCount, 0));
  if (failed > inferences) refuse('errors', 'exceed the inferences');
  const stated = given('timestamp', instantOf, null);
  const key = given<string | null>('idempotency_key', (one) => `key ${name(one, 'idempotency_key')}`, null);
  return {
    ...{ device, model: name(read.model, 'model'), version: name(read.version, 'version') },
    digest: given<Digest | null>('digest', (one) => (isDigest(one) ? one : refuse('digest', 'is not sha256:…')), null),
    ...{ inferences, errors: failed, figures: figuresOf(read), statedAtMs: stated },
    key: keyOf(key ?? (stated === null ? null : `time ${stated} ${read.model}`)),
  };
}

/** Sixteen digits tell the few reports of one device apart. */
function keyOf(text: string | null): string | null {
  return text === null ? null : sha256Hex(text).slice(0, 16);
}

/** `true`, or what went wrong in words: one error. */
function errorCount(value: unknown): number {
  if (typeof value === 'boolean') return Number(value);
  if (typeof value === 'string' && value.length <= 500) return value === '' ? 0 : 1;
  return refuse('error', 'is neither true, false nor a short text');
}

function instantOf(value: unknown): number {
  // Seconds or milliseconds since 1970, or ISO 8601.
  if (typeof value === 'number' && Number.isFinite(value) && value > 0 && value < 1e14)
    return Math.floor(value < 1e11 ? value * 1000 : value);
  const at = typeof value === 'string' && value.length <= 40 ? parseInstant(value) : undefined;
  return at ?? refuse('timestamp', 'is no instant');
}

function figuresOf(read: Readonly<Record<string, unknown>>): PlainReport['figures'] {
  const figures: Partial<Record<PlainFigure, number>> = {};
  for (const [field, { least, most }] of Object.entries(FIGURES) as [PlainFigure, { least: number; most: number }][]) {
    const value = read[field];
    if (value === undefined || value === null) continue;
    if (typeof value !== 'number' || !(value >= least && value <= most))
      refuse(field, `is not a number from ${least} to ${most}`);
    figures[field] = value as number;
  }
  return figures;
}
