// Owns what a report says before it is numbered and signed, and how two that were never sent become one.
import type { DeviceReport, ErrorReason, ModelInterval } from '../../src/contract/report.ts';
import { mergeSketch, sketchFromJson, sketchToJson } from '../../src/contract/sketch.ts';

/** A report without the number and epoch that it gets when it is sent. */
export type ReportBody = Omit<DeviceReport, 'epoch' | 'sequence'>;

/** As the service bounds them. */
export const MOST_INTERVALS = 16;
export const MOST_OUTCOMES = 64;

function keyOf(interval: ModelInterval): string {
  const { model, rollout, revision, arm, digest } = interval;
  return JSON.stringify([model, rollout, revision, arm, digest]);
}

/** One body that tells what both told, the later one's state; undefined when the whole would not fit into one report. */
export function mergeBodies(earlier: ReportBody, later: ReportBody): ReportBody | undefined {
  const intervals = new Map(earlier.intervals.map((interval) => [keyOf(interval), interval]));
  for (const interval of later.intervals) {
    const known = intervals.get(keyOf(interval));
    intervals.set(keyOf(interval), known === undefined ? interval : addIntervals(known, interval));
  }
  const outcomes = [...earlier.outcomes, ...later.outcomes];
  if (intervals.size > MOST_INTERVALS || outcomes.length > MOST_OUTCOMES) return undefined;
  return {
    ...later,
    startedAt: earlier.startedAt,
    durationMs: earlier.durationMs + later.durationMs,
    intervals: [...intervals.values()],
    outcomes,
  };
}

function addIntervals(a: ModelInterval, b: ModelInterval): ModelInterval {
  const latency = sketchFromJson(a.latencyMs);
  mergeSketch(latency, sketchFromJson(b.latencyMs));
  return {
    ...b,
    inferences: a.inferences + b.inferences,
    errors: addCounts(a.errors, b.errors) as Partial<Record<ErrorReason, number>>,
    unknown: a.unknown + b.unknown,
    latencyMs: sketchToJson(latency),
    confidence: a.confidence.map((count, bin) => count + (b.confidence[bin] ?? 0)),
    classes: addCounts(a.classes, b.classes),
  };
}

function addCounts(a: Readonly<Record<string, number>>, b: Readonly<Record<string, number>>): Record<string, number> {
  const sum = new Map(Object.entries(a));
  for (const [name, count] of Object.entries(b)) sum.set(name, (sum.get(name) ?? 0) + count);
  return Object.fromEntries(sum);
}
