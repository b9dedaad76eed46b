// Owns what is known of the gauges of each device: their means, and how long each has been beyond its limit without a pause.
import { createHash } from 'node:crypto';
import { GAUGE_EVERY_MS } from '../contract/gauges.ts';
import type { GaugeReading, GaugeSpec } from './gauge-readings.ts';
import { hashRow } from './groups.ts';

/** One gauge of one device. Adding readings in any order, or of two halves, leaves the same, within the bound on spans. */
export interface GaugeState {
  /** Σ value·weight. */
  readonly total: number;
  readonly weight: number;
  readonly reports: number;
  /** Time that reports covered, up to now; a gauge without a limit is not watched. */
  readonly watchedMs: number;
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

export const NO_GAUGE: GaugeState = {
  ...{ total: 0, weight: 0, reports: 0 },
  ...{ watchedMs: 0, longestMs: 0, pastMs: 0, spans: [] },
};
/** Of a device whose gauge comes and goes the oldest are forgotten. */
const MOST_SPANS = 8;
/** Intervals without a report that do not end a stretch (STATISTICS §2.5 E). */
const MOST_GAP_INTERVALS = 2;

function byTime(a: GaugeSpan, b: GaugeSpan): number {
  return a.fromMs - b.fromMs || a.toMs - b.toMs || Number(a.isBeyond) - Number(b.isBeyond);
}

/**
 * Between two reports with a reading there may be this much time without one: half a report, and where reports are shorter than the time
 * between readings, all of those that could hold none. A report without a reading is no pause.
 */
function roomMs(intervalMs: number): number {
  return Math.max(intervalMs / 2, 1.5 * GAUGE_EVERY_MS - intervalMs);
}

/** The usual case: one report that goes on where the newest span ends, on the same side. */
function goneOn(spans: readonly GaugeSpan[], more: readonly GaugeSpan[], intervalMs: number): GaugeSpan[] | undefined {
  const [last, next] = [spans.at(-1), more[0]];
  if (last === undefined || next === undefined || more.length !== 1 || last.isBeyond !== next.isBeyond)
    return undefined;
  if (next.fromMs < last.toMs || next.fromMs - last.toMs > roomMs(intervalMs)) return undefined;
  return [...spans.slice(0, -1), { ...last, toMs: next.toMs }];
}

/** Neighbours on the same side with no room for a reading in between are one. */
function joined(spans: readonly GaugeSpan[], intervalMs: number): GaugeSpan[] {
  const result: GaugeSpan[] = [];
  for (const span of [...spans].sort(byTime)) {
    const last = result.at(-1);
    if (last?.isBeyond === span.isBeyond && span.fromMs - last.toMs <= roomMs(intervalMs)) {
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

/** Reports without a reading between those with one count as no silence. */
function longestBeyond(spans: readonly GaugeSpan[], intervalMs: number): number {
  const paceMs = Math.max(intervalMs, (3 * GAUGE_EVERY_MS - intervalMs) / 2);
  return Math.max(0, ...runsBeyond(spans, paceMs).map(({ fromMs, toMs }) => toMs - fromMs));
}

function coveredMs(spans: readonly GaugeSpan[]): number {
  return spans.reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0);
}

/** Time in reports without a reading that lies between two readings on one side: it was watched, too. */
function bridgedMs(parts: readonly GaugeSpan[], spans: readonly GaugeSpan[], intervalMs: number): number {
  return intervalMs < GAUGE_EVERY_MS ? Math.max(0, coveredMs(spans) - coveredMs(parts)) : 0;
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
    watchedMs: a.watchedMs + b.watchedMs + bridgedMs([...a.spans, ...b.spans], spans, intervalMs),
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
  const watchedMs = limit === null ? 0 : toMs - fromMs;
  return {
    ...{ total: value * weight, weight, reports: 1 },
    ...{ watchedMs, longestMs: isBeyond ? watchedMs : 0, pastMs: 0, spans },
  };
}

/** Of the devices in one row the one that comes first in this order is followed: as good as drawn by lot, and the same everywhere. */
function isBefore(a: string, b: string): boolean {
  const [one, other] = [a, b].map((device) => createHash('sha256').update(`gauge\n${device}`).digest('hex'));
  return (one ?? '') < (other ?? '');
}

/** Of which devices gauges are followed: all, or one of each of so many hash groups. */
export type FollowedDevices = 'all' | { readonly oneOf: number };

export interface GaugeLayout {
  readonly specs: readonly GaugeSpec[];
  readonly intervalMs: number;
  readonly followed: FollowedDevices;
}

/** The gauges of the devices of an arm, in the order of the specs. */
export class GaugeTallies {
  readonly specs: readonly GaugeSpec[];
  readonly devices = new Map<string, readonly GaugeState[]>();
  readonly intervalMs: number;
  readonly followed: FollowedDevices;
  /** The device that is followed in each row; empty where all are. */
  readonly #inRow = new Map<string, string>();

  constructor({ specs, intervalMs, followed }: GaugeLayout) {
    this.specs = specs;
    this.intervalMs = intervalMs;
    this.followed = followed;
  }

  get isSample(): boolean {
    return this.followed !== 'all';
  }

  /** The row in which a device is kept; of each row one device is followed. */
  rowOf(device: string): string {
    return this.followed === 'all' ? device : hashRow(device, this.followed.oneOf);
  }

  /**
   * Is the device followed, of those known by now? Whoever comes before all others of its row is so from its first report on: what is
   * kept at the end does not depend on who reported first.
   */
  #follow(device: string): boolean {
    if (this.followed === 'all') return true;
    const row = this.rowOf(device);
    const holder = this.#inRow.get(row);
    if (holder === device) return true;
    if (holder !== undefined && isBefore(holder, device)) return false;
    if (holder !== undefined) this.devices.delete(holder);
    this.#inRow.set(row, device);
    return true;
  }

  /** Readings in the order of the specs. */
  fold(device: string, readings: readonly (GaugeReading | null)[]): void {
    const states = this.specs.map((spec, i) => {
      const reading = readings[i];
      return reading === null || reading === undefined ? NO_GAUGE : gaugeOf(spec, reading);
    });
    if (states.some((state) => state.reports > 0)) this.add(device, states);
  }

  /** Adds what is known elsewhere of a device. */
  add(device: string, more: readonly GaugeState[]): void {
    if (!this.#follow(device)) return;
    const known = this.devices.get(device);
    const sums = this.specs.map((_, i) => mergeGauges(known?.[i] ?? NO_GAUGE, more[i] ?? NO_GAUGE, this.intervalMs));
    this.devices.set(device, sums);
  }

  /** Replaces what is known of a device by what was read elsewhere. */
  put(device: string, states: readonly GaugeState[]): void {
    if (this.#follow(device)) this.devices.set(device, states);
  }
}
