// Owns reading gauges out of reports: the device's own, and those that its intervals say, such as throughput.
import type { Summary } from '../contract/gauges.ts';
import type { DeviceReport, ModelInterval } from '../contract/report.ts';
import { emptySketch, meanOf as meanOfSketch, mergeSketch, sketchCount, sketchFromJson } from '../contract/sketch.ts';

/** A gauge that is followed. Its limit stands in the window, so that the time beyond it can be counted for each device. */
export interface GaugeSpec {
  /**
   * A gauge of `GAUGES`, `disk_free` (what `disk` leaves, 0 to 1), `throughput` (inferences a second), `load_time` and `latency_mean` (ms),
   * `own:NAME`, or `input:NAME`.
   */
  readonly gauge: string;
  /** Null: only its mean is kept. */
  readonly limit: number | null;
  /** Which side of the limit is bad. */
  readonly bad: 'above' | 'below';
}

/** A device's gauge in one report. */
export interface GaugeReading {
  readonly value: number;
  /** How much of it there was: readings, or milliseconds. */
  readonly weight: number;
  readonly fromMs: number;
  readonly toMs: number;
}

const OWN = 'own:';
const INPUT = 'input:';

function summaryIn(summaries: Readonly<Record<string, Summary>> | undefined, name: string): readonly Summary[] {
  const summary = summaries !== undefined && Object.hasOwn(summaries, name) ? summaries[name] : undefined;
  return summary === undefined ? [] : [summary];
}

function meanOf(summaries: readonly Summary[]): Pick<GaugeReading, 'value' | 'weight'> | null {
  let [total, weight] = [0, 0];
  for (const { mean, samples } of summaries) {
    total += mean * samples;
    weight += samples;
  }
  return weight === 0 ? null : { value: total / weight, weight };
}

/** Of all answers of the version, each at the middle of its bucket. */
function meanLatency(intervals: readonly ModelInterval[]): Pick<GaugeReading, 'value' | 'weight'> | null {
  const sketch = emptySketch();
  for (const { latencyMs } of intervals) mergeSketch(sketch, sketchFromJson(latencyMs));
  const value = meanOfSketch(sketch);
  return value === undefined ? null : { value, weight: sketchCount(sketch) };
}

function measured(gauge: string, { gauges }: DeviceReport, intervals: readonly ModelInterval[]) {
  if (gauge === 'load_time') return meanOf(intervals.flatMap(({ loadMs }) => (loadMs === undefined ? [] : [loadMs])));
  if (gauge === 'latency_mean') return meanLatency(intervals);
  if (gauge === 'disk_free') {
    const used = meanOf(summaryIn(gauges, 'disk'));
    return used === null ? null : { ...used, value: 1 - used.value };
  }
  if (gauge === 'throughput') {
    const timed = intervals.filter(({ servedMs = 0 }) => servedMs > 0);
    const weight = timed.reduce((sum, { servedMs = 0 }) => sum + servedMs, 0);
    const inferences = timed.reduce((sum, one) => sum + one.inferences, 0);
    return weight === 0 ? null : { value: (1000 * inferences) / weight, weight };
  }
  if (gauge.startsWith(INPUT)) {
    return meanOf(intervals.flatMap(({ features }) => summaryIn(features, gauge.slice(INPUT.length))));
  }
  return meanOf(summaryIn(gauges, gauge.startsWith(OWN) ? gauge.slice(OWN.length) : gauge));
}

/** What bounds the times that a report claims. */
export interface Receipt {
  readonly openedAtMs: number;
  readonly receivedAtMs: number;
}

/** The time that a report tells of, by the device's clock: it never ends after its receipt, and is no longer than the stage is open. */
function spanOf(
  { startedAt, durationMs }: DeviceReport,
  { openedAtMs, receivedAtMs }: Receipt,
): Pick<GaugeReading, 'fromMs' | 'toMs'> {
  const lengthMs = Math.max(1, Math.min(durationMs, receivedAtMs - openedAtMs));
  const toMs = Math.min(Date.parse(startedAt) + durationMs, receivedAtMs);
  return { fromMs: toMs - lengthMs, toMs };
}

/** What a report says of each gauge, of the version whose intervals are given; null where it says nothing. */
export function readGauges(
  specs: readonly GaugeSpec[],
  {
    report,
    intervals,
    receipt,
  }: Readonly<{ report: DeviceReport; intervals: readonly ModelInterval[]; receipt: Receipt }>,
): (GaugeReading | null)[] {
  return specs.map(({ gauge }) => {
    const read = measured(gauge, report, intervals);
    return read === null ? null : { ...read, ...spanOf(report, receipt) };
  });
}
