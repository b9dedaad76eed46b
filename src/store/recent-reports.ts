// Owns the recent past of one device for people who look at it: its reports added up in steps, so that keeping them costs next to nothing.
import type { DeviceReport } from '../contract/report.ts';
import { bucketEdge, type SketchJson } from '../contract/sketch.ts';

/** Reports of so long are one point. */
export const RECENT_STEP_MS = 5 * 60_000;
/** Points of a device that are kept: four hours. */
export const MOST_RECENT = 48;

/** What a device did in one step, in its own words: shown to people, never judged. */
export interface RecentPoint {
  readonly atMs: number;
  readonly inferences: number;
  readonly errors: number;
  /** Answers below the least confidence of the manifest. */
  readonly unknown: number;
  /** The highest of its intervals in the step; null where nothing was answered. */
  readonly latencyP95Ms: number | null;
  /** Shares and degrees Celsius, of the newest report that has them. */
  readonly cpu: number | null;
  readonly memory: number | null;
  readonly temperature: number | null;
  readonly disk: number | null;
}

/** Number of the step, then the figures of a point in their order. */
export type RecentStep = readonly (number | null)[];

const FIGURES = 9;

export function stepNumber(atMs: number): number {
  return Math.floor(atMs / RECENT_STEP_MS);
}

type Reported = Pick<DeviceReport, 'intervals' | 'gauges'>;

/** The upper edge of the bucket that holds it. Buckets come in their order, so nothing is sorted or merged: each report pays for this. */
function p95Of({ zero, buckets }: SketchJson): number | null {
  let count = zero;
  for (const bucket of buckets) count += bucket[1];
  if (count === 0) return null;
  let above = 0.05 * (count - 1);
  for (let i = buckets.length - 1; i >= 0; i--) {
    const [index = 0, n = 0] = buckets[i] ?? [];
    above -= n;
    if (above < 0) return bucketEdge(index);
  }
  return 0;
}

/** The step that one report makes. */
export function recentStepOf(report: Reported, receivedAtMs: number): RecentStep {
  const step = stepNumber(receivedAtMs);
  let [inferences, errors, unknown] = [0, 0, 0];
  let latency: number | null = null;
  for (const interval of report.intervals) {
    inferences += interval.inferences;
    unknown += interval.unknown;
    for (const count of Object.values(interval.errors)) errors += count ?? 0;
    const p95 = p95Of(interval.latencyMs);
    if (p95 !== null) latency = Math.max(latency ?? 0, p95);
  }
  const mean = (name: string): number | null => report.gauges?.[name]?.mean ?? null;
  return [step, inferences, errors, unknown, latency, mean('cpu'), mean('memory'), mean('temperature'), mean('disk')];
}

function joined(before: RecentStep, after: RecentStep): RecentStep {
  return before.map((value, i) => {
    const next = after[i] ?? null;
    if (i === 0) return value;
    if (i <= 3) return (value ?? 0) + (next ?? 0);
    if (i === 4) return value === null || next === null ? (value ?? next) : Math.max(value, next);
    return next ?? value;
  });
}

/** The step under way after a report, and the one that it ends, if it does. A clock that goes back ends none. */
export function addToRecent(
  before: RecentStep,
  now: RecentStep,
): { readonly step: RecentStep; readonly ended: RecentStep | null } {
  const known = before[0] ?? null;
  if (known === null) return { step: now, ended: null };
  if ((now[0] ?? 0) <= known) return { step: joined(before, now), ended: null };
  return { step: now, ended: before };
}

/** The points with one more, the oldest left out where there are too many; 36 bytes each. */
export function appendStep(points: Uint8Array, step: RecentStep): Uint8Array {
  const most = (MOST_RECENT - 1) * FIGURES * 4;
  const kept = points.length > most ? points.subarray(points.length - most) : points;
  const after = new Uint8Array(kept.length + FIGURES * 4);
  after.set(kept);
  const view = new DataView(after.buffer, kept.length);
  for (let i = 0; i < FIGURES; i++) view.setFloat32(4 * i, step[i] ?? Number.NaN, true);
  return after;
}

/** The points as people read them, the oldest first; the step under way is the last. */
export function recentPoints(points: Uint8Array, step: RecentStep): RecentPoint[] {
  const all = step.length === 0 ? points : appendStep(points, step);
  const view = new DataView(all.buffer, all.byteOffset, all.byteLength);
  const read: RecentPoint[] = [];
  for (let from = 0; from + FIGURES * 4 <= all.byteLength; from += FIGURES * 4) {
    const figure = (i: number): number | null => {
      const value = view.getFloat32(from + 4 * i, true);
      return Number.isFinite(value) ? Number(value.toPrecision(7)) : null;
    };
    read.push({
      atMs: (figure(0) ?? 0) * RECENT_STEP_MS,
      ...{ inferences: figure(1) ?? 0, errors: figure(2) ?? 0, unknown: figure(3) ?? 0, latencyP95Ms: figure(4) },
      ...{ cpu: figure(5), memory: figure(6), temperature: figure(7), disk: figure(8) },
    });
  }
  return read;
}
