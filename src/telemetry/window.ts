// Owns what a window is: one stage of one rollout, watched in two arms, and the measures counted in each.
import type { Digest } from '../contract/digest.ts';
import type { CourseSpec } from './course-sums.ts';
import type { EventMeasure } from './event-counts.ts';
import type { GaugeSpec } from './gauge-readings.ts';
import type { GroupSpec } from './groups.ts';
import type { HistogramSpec } from './histogram-sums.ts';

/** The devices on the candidate, and those on stable (the concurrent baseline). */
export type Arm = 'candidate' | 'stable';
export const ARMS: readonly Arm[] = ['candidate', 'stable'];

/** Which reports count, for what, and how; fixed when the stage opens, so that a count never changes its meaning. Plain JSON. */
export interface WindowSpec {
  readonly rollout: string;
  /** Revision of the status that opened the stage: what ran under an earlier one belongs to an earlier window. */
  readonly openedRevision: number;
  /** Null while nothing rolls: then stable alone is watched, as the baseline of the next start. */
  readonly candidateDigest: Digest | null;
  /** 0 while nothing rolls. */
  readonly candidateAttempt: number;
  /** Null before the first completion. */
  readonly stableDigest: Digest | null;
  /** What groups run in place of stable that are behind: there it is the baseline. Absent when none is. */
  readonly otherStable?: readonly Digest[];
  /** Sketch bucket edges (contract/sketch.ts) above which the candidate's latencies are counted: one a latency limit. */
  readonly edges: readonly number[];
  /** The same for stable: the baseline's own quantile, for relative limits. */
  readonly baselineEdges: readonly number[];
  /** Classes whose answers are counted in both arms, at most `MOST_CLASSES`; none unless a rule asks for classes. */
  readonly classes: readonly string[];
  /** Histograms that drift is judged by; none unless a rule asks for them. */
  readonly histograms: readonly HistogramSpec[];
  /** Scalar outputs whose values are summed up, by their manifests; absent where neither declares any. */
  readonly outputs?: Readonly<Record<Arm, readonly OutputCentre[]>>;
  /** How confidences are summed by time; absent unless a rule is about them and the stage has a soak. */
  readonly course?: CourseSpec;
  /** What else is counted, of downloads, labels and feedback; none unless a rule asks for it. */
  readonly events?: readonly EventMeasure[];
  /** Gauges that are followed on each device, on stable's those without a limit; none unless a rule asks for them. */
  readonly gauges?: readonly GaugeSpec[];
  /** Labels by which all of this is counted apart as well; none unless a rule asks for them. */
  readonly groups: readonly GroupSpec[];
  /** Groups of devices, such as `hw:rev2`, that stand apart: their reports are of neither arm. Absent when there are none. */
  readonly without?: readonly string[];
  /** Milliseconds since 1970. */
  readonly openedAtMs: number;
  /** How often devices report; ten of these make one tumbling window. */
  readonly intervalMs: number;
  /**
   * `device`: sums are kept per device. `group`: per one of `DEVICE_GROUPS` hash groups, for arms too large for that. Fixed at opening,
   * so that where a report is counted never depends on who reported first.
   */
  readonly rows: Readonly<Record<Arm, 'device' | 'group'>>;
}

export interface OutputCentre {
  readonly name: string;
  readonly centre: number;
}

/** An arm expected to hold more devices than this is counted in hash groups. */
export const MOST_DEVICE_ROWS = 4096;
export const DEVICE_GROUPS = 4096;
/** Intervals in one tumbling window (STATISTICS: late regressions). */
export const WINDOW_INTERVALS = 10;

/** A device that was not heard for longer than so many intervals has fallen silent. */
export const SILENT_INTERVALS = 5;

/** How to keep the rows of an arm of that many devices. */
export function rowsFor(devices: number): 'device' | 'group' {
  return devices > MOST_DEVICE_ROWS ? 'group' : 'device';
}

/**
 * What is counted, of how many: errors and unknown answers of all inferences, latencies above an edge of all latencies, answers of a class of
 * all answers with a class.
 */
export type Measure = 'error' | 'unknown' | `latency>${number}` | `class:${string}` | EventMeasure;

export function latencyMeasure(edge: number): Measure {
  return `latency>${edge}`;
}

/** The measures of an arm, in the order in which its sums are kept. */
export function measuresOf(spec: WindowSpec, arm: Arm): readonly Measure[] {
  const classes = spec.classes.map((name): Measure => `class:${name}`);
  return ['error', 'unknown', ...edgesOf(spec, arm).map(latencyMeasure), ...classes, ...(spec.events ?? [])];
}

export function edgesOf(spec: WindowSpec, arm: Arm): readonly number[] {
  return arm === 'candidate' ? spec.edges : spec.baselineEdges;
}

/** The gauges that are followed on each device of an arm: of stable those alone that the candidate is held against. */
export function gaugesOf({ gauges = [] }: WindowSpec, arm: Arm): readonly GaugeSpec[] {
  return arm === 'candidate' ? gauges : gauges.filter(({ limit }) => limit === null);
}

/** Number of the tumbling window, from 0, in which a report that came at that time counts. */
export function windowNumberAt(spec: WindowSpec, receivedAtMs: number): number {
  return Math.max(0, Math.floor((receivedAtMs - spec.openedAtMs) / (WINDOW_INTERVALS * spec.intervalMs)));
}
