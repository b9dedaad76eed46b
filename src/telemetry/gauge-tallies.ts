// Owns what is known of the gauges of each device: their means, and how long each has been beyond its limit without a pause.
import type { GaugeReading, GaugeSpec } from './gauge-readings.ts';

/** One gauge of one device. Adding readings in any order, or of two halves, leaves the same, within the bound on spans. */
export interface GaugeState {
  /** Σ value·weight. */
  readonly total: number;
  readonly weight: number;
  readonly reports: number;
  /** The longest time beyond the limit without a pause, as far as is known. */
  readonly longestMs: number;
  /** The same, as it was when the oldest spans were last forgotten. */
  readonly pastMs: number;
  /** The newest stretches of time on one side of the limit, by time. */
  readonly spans: readonly GaugeSpan[];
}

export interface GaugeSpan {
  readonly fromMs: number;
  readonly toMs: number;
  readonly isBeyond: boolean;
}

export const NO_GAUGE: GaugeState = { total: 0, weight: 0, reports: 0, longestMs: 0, pastMs: 0, spans: [] };
/** Of a device whose gauge comes and goes the oldest are forgotten. */
const MOST_SPANS = 8;
/** Intervals without a report that do not end a stretch (STATISTICS §2.5 E). */
const MOST_GAP_INTERVALS = 2;

function byTime(a: GaugeSpan, b: GaugeSpan): number {
  return a.fromMs - b.fromMs || a.toMs - b.toMs || Number(a.isBeyond) - Number(b.isBeyond);
}

/** The usual case: one report that goes on where the newest span ends, on the same side. */
function goneOn(spans: readonly GaugeSpan[], more: readonly GaugeSpan[], intervalMs: number): GaugeSpan[] | undefined {
  const [last, next] = [spans.at(-1), more[0]];
  if (last === undefined || next === undefined || more.length !== 1 || last.isBeyond !== next.isBeyond)
    return undefined;
  if (next.fromMs < last.toMs || next.fromMs - last.toMs > intervalMs / 2) return undefined;
  return [...spans.slice(0, -1), { ...last, toMs: next.toMs }];
}

/** Neighbours on the same side with no room for a report in between are one. */
function joined(spans: readonly GaugeSpan[], intervalMs: number): GaugeSpan[] {
  const result: GaugeSpan[] = [];
  for (const span of [...spans].sort(byTime)) {
    const last = result.at(-1);
    if (last?.isBeyond === span.isBeyond && span.fromMs - last.toMs <= intervalMs / 2) {
      result[result.length - 1] = { ...last, toMs: Math.max(last.toMs, span.toMs) };
    } else result.push(span);
  }
  return result;
}

interface Run {
  readonly fromMs: number;
  toMs: number;
}

/** The stretches beyond the limit, by time: one that is within ends a run, a short silence does not. */
export function runsBeyond(spans: readonly GaugeSpan[], intervalMs: number): readonly Run[] {
  const runs: Run[] = [];
  let isBroken = true;
  for (const { fromMs, toMs, isBeyond } of spans) {
    const run = runs.at(-1);
    const goesOn = !isBroken && run !== undefined && fromMs - run.toMs <= MOST_GAP_INTERVALS * intervalMs;
    if (isBeyond && goesOn) run.toMs = Math.max(run.toMs, toMs);
    else if (isBeyond) runs.push({ fromMs, toMs });
    isBroken = !isBeyond;
  }
  return runs;
}

function longestBeyond(spans: readonly GaugeSpan[], intervalMs: number): number {
  return Math.max(0, ...runsBeyond(spans, intervalMs).map(({ fromMs, toMs }) => toMs - fromMs));
}

/** What both say. */
export function mergeGauges(a: GaugeState, b: GaugeState, intervalMs: number): GaugeState {
  const spans = goneOn(a.spans, b.spans, intervalMs) ?? joined([...a.spans, ...b.spans], intervalMs);
  const before = Math.max(a.pastMs, b.pastMs);
  const longestMs = Math.max(before, longestBeyond(spans, intervalMs));
  return {
    total: a.total + b.total,
    weight: a.weight + b.weight,
    reports: a.reports + b.reports,
    longestMs,
    // What is forgotten no later report can undo.
    pastMs: spans.length > MOST_SPANS ? longestMs : before,
    spans: spans.slice(-MOST_SPANS),
  };
}

/** A gauge of which one report is known. */
export function gaugeOf({ limit, bad }: GaugeSpec, { value, weight, fromMs, toMs }: GaugeReading): GaugeState {
  const isBeyond = limit !== null && (bad === 'above' ? value > limit : value < limit);
  const spans = limit === null ? [] : [{ fromMs, toMs, isBeyond }];
  return { total: value * weight, weight, reports: 1, longestMs: isBeyond ? toMs - fromMs : 0, pastMs: 0, spans };
}

/** The gauges of the devices of an arm, in the order of the specs. */
export class GaugeTallies {
  readonly specs: readonly GaugeSpec[];
  readonly devices = new Map<string, readonly GaugeState[]>();
  readonly intervalMs: number;

  constructor(specs: readonly GaugeSpec[], intervalMs: number) {
    this.specs = specs;
    this.intervalMs = intervalMs;
  }

  fold(device: string, readings: readonly (GaugeReading | null)[]): void {
    this.add(
      device,
      this.specs.map((spec, i) => {
        const reading = readings[i];
        return reading === null || reading === undefined ? NO_GAUGE : gaugeOf(spec, reading);
      }),
    );
  }

  /** Adds what is known elsewhere of a device. */
  add(device: string, more: readonly GaugeState[]): void {
    const known = this.devices.get(device);
    const sums = this.specs.map((_, i) => mergeGauges(known?.[i] ?? NO_GAUGE, more[i] ?? NO_GAUGE, this.intervalMs));
    this.devices.set(device, sums);
  }
}
