// Owns what an arm of a window shows as a whole: latencies, errors by kind, confidences and classes, added up over devices.
import { emptyOutputSketch, mergeOutputSketch, type OutputSketch } from '../contract/output-sketch.ts';
import { type ErrorReason, MOST_CLASSES, REST_CLASS } from '../contract/report.ts';
import { emptySketch, mergeSketch, type Sketch } from '../contract/sketch.ts';

/** What an arm shows as a whole: for people, and as the source of frozen limits. */
export interface ArmSummary {
  inferences: number;
  /** Requests that devices refused before the model saw them; no inferences. */
  rejected: number;
  readonly errors: Partial<Record<ErrorReason, number>>;
  readonly latencyMs: Sketch;
  readonly confidence: number[];
  /** At most `MOST_CLASSES` names; what does not fit is counted in `REST_CLASS`. */
  readonly classes: Map<string, number>;
  /** Σ value·weight and Σ weight of each gauge that is followed, over all devices. */
  readonly gauges: Map<string, GaugeTotal>;
  /** Values of each scalar output about its centre (`WindowSpec.outputs`): the next window is cut into bins by those of stable. */
  readonly outputs: Map<string, OutputSketch>;
}

export interface GaugeTotal {
  readonly total: number;
  readonly weight: number;
}

export function emptyArmSummary(): ArmSummary {
  return {
    ...{ inferences: 0, rejected: 0, errors: {}, latencyMs: emptySketch() },
    ...{ confidence: [], classes: new Map(), gauges: new Map(), outputs: new Map() },
  };
}

function countClass(classes: Map<string, number>, name: string, count: number): void {
  const isKept = classes.has(name) || classes.size < MOST_CLASSES || name === REST_CLASS;
  const key = isKept ? name : REST_CLASS;
  classes.set(key, (classes.get(key) ?? 0) + count);
}

/** Adds one summary into another. */
export function mergeArmSummary(into: ArmSummary, from: ArmSummary): void {
  into.inferences += from.inferences;
  into.rejected += from.rejected;
  for (const [reason, count] of Object.entries(from.errors) as [ErrorReason, number][]) {
    into.errors[reason] = (into.errors[reason] ?? 0) + count;
  }
  mergeSketch(into.latencyMs, from.latencyMs);
  from.confidence.forEach((count, bin) => {
    into.confidence[bin] = (into.confidence[bin] ?? 0) + count;
  });
  for (const [name, count] of from.classes) countClass(into.classes, name, count);
  for (const [name, { total, weight }] of from.gauges) {
    const known = into.gauges.get(name) ?? { total: 0, weight: 0 };
    into.gauges.set(name, { total: known.total + total, weight: known.weight + weight });
  }
  for (const [name, sketch] of from.outputs) {
    const known = into.outputs.get(name) ?? emptyOutputSketch();
    into.outputs.set(name, known);
    mergeOutputSketch(known, sketch);
  }
}
