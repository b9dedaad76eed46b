// Owns what is known of a metric that rules can name: its meaning, unit and source, which way is bad, how it is judged.
import type { GaugeName } from '../../contract/gauges.ts';

export type RuleComparison = '<' | '<=' | '>' | '>=' | '==';
/** `ratio` is a fraction (0..1), `ms` milliseconds, `per-hour` events in an hour of a device, `divergence` how far a distribution moved (population stability index, or KL). */
export type RuleUnit = 'ratio' | 'ms' | 'bytes' | 'celsius' | 'count' | 'per-hour' | 'divergence';

/** How a metric is judged; src/gates has a judge for each kind. */
export type MetricKind =
  /** Bad inferences of all. */
  | { readonly kind: 'rate'; readonly measure: RateMeasure }
  /** Events by the time that devices served. */
  | { readonly kind: 'counter'; readonly of: 'own' | 'restarts' }
  /** Latencies above the limit, against the share 1−q that the quantile allows. */
  | { readonly kind: 'quantile'; readonly q: number }
  /** Devices of the stage, counted exactly. */
  | { readonly kind: 'share'; readonly of: 'installs' | 'deliveries' }
  /** Devices that are heard of, or answer as often as they used to, against stable's. */
  | { readonly kind: 'heard'; readonly of: 'reports' | 'answers' }
  /** Answers of one class of all answers. */
  | { readonly kind: 'class-share' }
  /** Every class that the baseline shows, against the baseline. */
  | { readonly kind: 'vanished-classes' }
  /** Good outcomes of all, of which the bad ones are counted. */
  | { readonly kind: 'success'; readonly measure: SuccessMeasure }
  /** Readings of each device by itself. */
  | { readonly kind: 'gauge'; readonly gauge: DeviceGauge | GaugeFamily }
  /** A distribution, against the baseline's. */
  | { readonly kind: 'drift'; readonly histogram: DriftHistogram; readonly of: 'distance' | 'loss' };

export type RateMeasure = 'error' | 'unknown' | 'rejected' | 'complaint' | 'anomaly' | 'odd' | 'empty';
/** What may have moved; all but the first two are outputs that the manifest declares. */
export type DriftHistogram = 'confidence' | 'class' | 'output' | 'embedding' | 'detections' | 'length';
export type SuccessMeasure = 'download' | 'apply' | 'accuracy' | 'precision' | 'recall' | 'f1';
export type DeviceGauge = GaugeName | 'throughput' | 'load_time' | 'latency_mean' | 'disk_free';
/** Gauges that a rule names in brackets: of the device's own, and the inputs of a model. */
export type GaugeFamily = 'own' | 'input';

export interface MetricFacts {
  /** One sentence for people. */
  readonly meaning: string;
  readonly unit: RuleUnit;
  /** Where the numbers come from, for people. */
  readonly source: string;
  readonly bad: 'high' | 'low';
  readonly judge: MetricKind;
  /** What a rule may say of it; the first is the usual one. */
  readonly comparisons: readonly RuleComparison[];
  /** May the limit be relative, or must it; and must it have a floor (STATISTICS §2.5 B: without events on both sides it could never pass)? */
  readonly baseline: 'no' | 'yes' | 'with-floor' | 'only';
  /** May a rule say `for 5m`? */
  readonly sustained: boolean;
  /** Does a rule name a class, as in `class_share[receipt]`, a gauge, as in `gauge[queue_depth]`, an input, as in `input[amount]`, or an output, as in `output_drift[price]`? */
  readonly ofClass: boolean;
  /** Names that may stand in brackets, where they may also be left out: `error_rate[timeout]`. */
  readonly kinds?: readonly string[];
  /** The metric of the same meaning in OpenTelemetry's semantic conventions, where there is one. */
  readonly openTelemetry?: string;
  /** What follows the comparison in examples and messages. */
  readonly example: string;
  /** Must a rule say `after 30m`? */
  readonly timed?: boolean;
  /** Can its values be below zero? */
  readonly signed?: boolean;
}

export const BELOW: readonly RuleComparison[] = ['<', '<='];
export const ABOVE: readonly RuleComparison[] = ['>', '>='];
/** Judged over the whole stage, and bad when high. */
export const OF_STAGE = { bad: 'high', comparisons: BELOW, sustained: false, ofClass: false } as const;

export function latency(q: number, words: string): MetricFacts {
  return {
    ...OF_STAGE,
    meaning: `${words} of the answers take less time than this.`,
    source: "latency sketch in the devices' reports; a limit is rounded to the nearest bucket edge (by at most 1%)",
    ...{ unit: 'ms', judge: { kind: 'quantile', q }, baseline: 'yes', example: '150ms' },
  };
}

export function rate(measure: RateMeasure, meaning: string, source: string): MetricFacts {
  return {
    ...OF_STAGE,
    ...{ meaning, source, unit: 'ratio', judge: { kind: 'rate', measure }, baseline: 'with-floor', example: '0.5%' },
  };
}

export function counter(
  of: 'own' | 'restarts',
  facts: Pick<MetricFacts, 'meaning' | 'source' | 'baseline' | 'example'>,
): MetricFacts {
  return {
    ...{ ...OF_STAGE, ...facts, unit: 'per-hour', judge: { kind: 'counter', of } },
    comparisons: of === 'own' ? [...BELOW, ...ABOVE] : BELOW,
    ofClass: of === 'own',
  };
}

export function drift(histogram: DriftHistogram, meaning: string, source: string): MetricFacts {
  return {
    ...OF_STAGE,
    meaning: `${meaning} The scale is the population stability index, where 0.1 is a small and 0.25 a large shift; \`0.05 KL\` uses the Kullback–Leibler divergence instead. It says that answers are different, not that they are worse.`,
    ...{ source, unit: 'divergence', judge: { kind: 'drift', histogram, of: 'distance' } },
    ...{ baseline: 'no', example: '0.1', ofClass: histogram === 'output' },
  };
}

export function success(
  measure: SuccessMeasure,
  facts: Pick<MetricFacts, 'meaning' | 'source' | 'example'>,
): MetricFacts {
  const isOfClass = measure === 'precision' || measure === 'recall' || measure === 'f1';
  return {
    ...facts,
    ...{ unit: 'ratio', bad: 'low', comparisons: ABOVE, sustained: false, ofClass: isOfClass },
    ...{ judge: { kind: 'success', measure }, baseline: 'yes' },
  };
}

export function gauge(
  name: DeviceGauge | GaugeFamily,
  facts: Pick<MetricFacts, 'meaning' | 'unit' | 'source' | 'bad' | 'example' | 'openTelemetry'>,
): MetricFacts {
  const isFamily = name === 'own' || name === 'input';
  return {
    ...facts,
    judge: { kind: 'gauge', gauge: name },
    comparisons: isFamily ? [...BELOW, ...ABOVE] : facts.bad === 'high' ? BELOW : ABOVE,
    baseline: 'yes',
    sustained: name !== 'load_time',
    ofClass: isFamily,
    signed: isFamily || name === 'temperature',
  };
}
