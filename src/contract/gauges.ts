// Owns gauges: readings of a device summed up over an interval, which of them everyone knows, and how two summaries become one.
import { MOST_COUNT } from './report-reader.ts';

/** Readings of one thing in one interval; at least one. */
export interface Summary {
  readonly min: number;
  readonly mean: number;
  readonly max: number;
  readonly samples: number;
}

export interface GaugeFacts {
  /** One sentence for people, with the unit. */
  readonly meaning: string;
  readonly least: number;
  readonly most: number;
}

/** A device reads its gauges this often, unless its agent is told otherwise. */
export const GAUGE_EVERY_MS = 5000;

/** Gauges that the agent takes itself, where the device has them. All others are the device's own. */
export const GAUGES = {
  cpu: { meaning: 'Share of the processor time in use, 0 to 1, over all cores.', least: 0, most: 1 },
  memory: { meaning: 'Share of the memory in use, 0 to 1.', least: 0, most: 1 },
  temperature: { meaning: 'The hottest thermal zone, in degrees Celsius.', least: -100, most: 300 },
  disk: { meaning: 'Share in use of the disk that holds the agent’s folder, 0 to 1.', least: 0, most: 1 },
  battery: { meaning: 'Charge left, as a share of a full battery, 0 to 1.', least: 0, most: 1 },
  battery_drain: {
    meaning: 'Share of a full battery that an hour would take at the present draw, 0 to 100; while discharging only.',
    least: 0,
    most: 100,
  },
  npu: { meaning: 'Share of the time in which the neural processor was busy, 0 to 1.', least: 0, most: 1 },
} as const satisfies Record<string, GaugeFacts>;

export type GaugeName = keyof typeof GAUGES;
/** Gauges in one report. */
export const MOST_GAUGES = 32;
/** Readings larger than this (either sign) are refused. */
export const MOST_READING = 1e15;

/** Names of gauges: a device's own follow the same rule. */
export const GAUGE_NAME = /^[a-z][a-z0-9_]{0,63}$/;

export function isGaugeName(name: string): boolean {
  return GAUGE_NAME.test(name);
}

/** What is known of a gauge; a device's own may read anything finite. */
export function gaugeBounds(name: string): { readonly least: number; readonly most: number } {
  return Object.hasOwn(GAUGES, name) ? GAUGES[name as GaugeName] : { least: -MOST_READING, most: MOST_READING };
}

export function summaryOf(reading: number): Summary {
  return { min: reading, mean: reading, max: reading, samples: 1 };
}

/** The summary of the readings of both; a mean never leaves its bounds by rounding. */
export function addSummaries(a: Summary, b: Summary): Summary {
  const samples = a.samples + b.samples;
  const [min, max] = [Math.min(a.min, b.min), Math.max(a.max, b.max)];
  const mean = a.mean + (b.mean - a.mean) * (b.samples / samples);
  return { min, mean: Math.min(max, Math.max(min, mean)), max, samples: Math.min(MOST_COUNT, samples) };
}

/** Both records' summaries by name; what has no room any more is left out. */
export function addSummariesByName(
  a: Readonly<Record<string, Summary>>,
  b: Readonly<Record<string, Summary>>,
  most: number,
): Record<string, Summary> {
  const sums = new Map(Object.entries(a));
  for (const [name, summary] of Object.entries(b)) addToSummaries(sums, name, summary, most);
  return Object.fromEntries(sums);
}

/** Adds to the sum of that name; a new name is left out once there are `most`. */
export function addToSummaries(sums: Map<string, Summary>, name: string, summary: Summary, most: number): void {
  const known = sums.get(name);
  if (known !== undefined) sums.set(name, addSummaries(known, summary));
  else if (sums.size < most) sums.set(name, summary);
}
