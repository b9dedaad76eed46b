// Owns the catalogue of metrics that rules can name: what each means, its unit, where it comes from, which way is bad, how it is judged.
import type { GaugeName } from '../../contract/gauges.ts';

export type RuleComparison = '<' | '<=' | '>' | '>=' | '==';
/** `ratio` is a fraction (0..1), `ms` milliseconds, `divergence` how far a distribution moved (population stability index, or KL). */
export type RuleUnit = 'ratio' | 'ms' | 'bytes' | 'celsius' | 'count' | 'divergence';

/** How a metric is judged; src/gates has a judge for each kind. */
export type MetricKind =
  /** Bad inferences of all. */
  | { readonly kind: 'rate'; readonly measure: 'error' | 'unknown' | 'complaint' | 'anomaly' }
  /** Latencies above the limit, against the share 1−q that the quantile allows. */
  | { readonly kind: 'quantile'; readonly q: number }
  /** Devices of the stage, counted exactly. */
  | { readonly kind: 'share' }
  /** Answers of one class of all answers. */
  | { readonly kind: 'class-share' }
  /** Every class that the baseline shows, against the baseline. */
  | { readonly kind: 'vanished-classes' }
  /** Good outcomes of all, of which the bad ones are counted. */
  | { readonly kind: 'success'; readonly measure: SuccessMeasure }
  /** Readings of each device by itself. */
  | { readonly kind: 'gauge'; readonly gauge: DeviceGauge | GaugeFamily }
  /** A distribution, against the baseline's. */
  | { readonly kind: 'drift'; readonly histogram: 'confidence' | 'class' };

export type SuccessMeasure = 'download' | 'accuracy' | 'precision' | 'recall' | 'f1';
export type DeviceGauge = GaugeName | 'throughput' | 'load_time';
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
  /** May the limit be relative; and must it have a floor (STATISTICS §2.5 B: without events on both sides it could never pass)? */
  readonly baseline: 'no' | 'yes' | 'with-floor';
  /** May a rule say `for 5m`? */
  readonly sustained: boolean;
  /** Does a rule name a class, as in `class_share[receipt]`, a gauge, as in `gauge[queue_depth]`, or an input, as in `input[amount]`? */
  readonly ofClass: boolean;
  /** What follows the comparison in examples and messages. */
  readonly example: string;
  /** Can its values be below zero? */
  readonly signed?: boolean;
}

const BELOW: readonly RuleComparison[] = ['<', '<='];
const ABOVE: readonly RuleComparison[] = ['>', '>='];

function latency(q: number, words: string): MetricFacts {
  return {
    meaning: `The time that ${words} of the answers stay below.`,
    unit: 'ms',
    source: "latency sketch of the devices' reports; a limit is rounded to the nearest bucket edge (at most 1 %)",
    bad: 'high',
    judge: { kind: 'quantile', q },
    comparisons: BELOW,
    baseline: 'yes',
    sustained: false,
    ofClass: false,
    example: '150ms',
  };
}

function rate(measure: Extract<MetricKind, { kind: 'rate' }>['measure'], meaning: string, source: string): MetricFacts {
  return {
    meaning,
    unit: 'ratio',
    source,
    bad: 'high',
    judge: { kind: 'rate', measure },
    comparisons: BELOW,
    baseline: 'with-floor',
    sustained: false,
    ofClass: false,
    example: '0.5%',
  };
}

function drift(histogram: 'confidence' | 'class', meaning: string, source: string): MetricFacts {
  return {
    meaning: `${meaning} On the scale of the population stability index, where 0.1 is a small and 0.25 a large shift; \`0.05 KL\` is on the scale of the Kullback–Leibler divergence. Judged after 2, 4, 8, … intervals.`,
    unit: 'divergence',
    source,
    bad: 'high',
    judge: { kind: 'drift', histogram },
    comparisons: BELOW,
    baseline: 'no',
    sustained: false,
    ofClass: false,
    example: '0.1',
  };
}

const LABELS = 'labels that came back to devices (`POST /v2/models/<model>/labels`), counted in reports';

function success(measure: SuccessMeasure, facts: Pick<MetricFacts, 'meaning' | 'source' | 'example'>): MetricFacts {
  const isOfClass = measure === 'precision' || measure === 'recall' || measure === 'f1';
  return {
    ...facts,
    unit: 'ratio',
    bad: 'low',
    judge: { kind: 'success', measure },
    comparisons: ABOVE,
    baseline: 'yes',
    sustained: false,
    ofClass: isOfClass,
  };
}

function gauge(
  name: DeviceGauge | GaugeFamily,
  facts: Pick<MetricFacts, 'meaning' | 'unit' | 'source' | 'bad' | 'example'>,
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

const AGENT = 'the agent reads it on Linux every 5 s; least, mean and most in reports';

export const METRICS = {
  error_rate: rate(
    'error',
    'Inferences that ended in an error, of all.',
    'errors by reason (runtime, out of memory, bad shape, time-out, load) in reports',
  ),
  unknown_rate: rate(
    'unknown',
    'Answers below the confidence that the manifest asks for (`confidence.least`), of all inferences.',
    'count of unknown answers in reports',
  ),
  latency_p50: latency(0.5, 'half'),
  latency_p90: latency(0.9, '90 %'),
  latency_p95: latency(0.95, '95 %'),
  latency_p99: latency(0.99, '99 %'),
  failed_devices: {
    meaning: 'Devices of the stage that failed to take the candidate, went back, or fell silent after taking it.',
    unit: 'ratio',
    source: 'outcomes of installs in reports, and silence',
    bad: 'high',
    judge: { kind: 'share' },
    comparisons: BELOW,
    baseline: 'no',
    sustained: false,
    ofClass: false,
    example: '5%',
  },
  vanished_classes: {
    meaning:
      'Classes that stable predicts and the candidate (almost) never does: with the candidate, their share of the answers is less than a third of what it is with stable. A class of at least 0.5 % must be seen to be there before the stage can pass; a rarer one can fail it.',
    unit: 'count',
    source: "class counts in reports, beside stable's and, where known, the same devices' own before",
    bad: 'high',
    judge: { kind: 'vanished-classes' },
    comparisons: ['=='],
    baseline: 'no',
    sustained: false,
    ofClass: false,
    example: '0',
  },
  class_share: {
    meaning: 'The share of the answers that name one class.',
    unit: 'ratio',
    source: 'class counts in reports',
    bad: 'low',
    judge: { kind: 'class-share' },
    comparisons: ['>', '>=', '<', '<='],
    baseline: 'with-floor',
    sustained: false,
    ofClass: true,
    example: '0.5x baseline',
  },
  confidence_drift: drift(
    'confidence',
    "How far the distribution of the answers' confidences is from stable's.",
    "confidence histograms in reports (10 bins), beside stable's and, where known, the same devices' own before",
  ),
  class_drift: drift(
    'class',
    "How far the distribution of the answers' classes is from stable's. It hardly moves when a rare class vanishes: `vanished_classes` is for that.",
    "class counts in reports (the 15 most frequent and the rest), beside stable's and, where known, the same devices' own before",
  ),
  download_success: success('download', {
    meaning:
      'Downloads of the candidate that ended well, of all tries that ended. A download that is cut and tried again counts each time. Once every device of the stage has ended its install, being within the limit is enough.',
    source: 'transfers in reports',
    example: '99%',
  }),
  accuracy: success('accuracy', {
    meaning:
      "Right answers, of those whose true class came back. The baseline is stable's, or the accuracy that the candidate's manifest states in `metrics`.",
    source: LABELS,
    example: '95%',
  }),
  precision: success('precision', {
    meaning:
      'Right answers, of the labelled ones that named the class. The baseline is as for `accuracy`, as `precision/receipt` in `metrics`.',
    source: LABELS,
    example: '90%',
  }),
  recall: success('recall', {
    meaning:
      'Labelled answers that named the class, of those that should have. The baseline is as for `accuracy`, as `recall/receipt` in `metrics`.',
    source: LABELS,
    example: '90%',
  }),
  f1: success('f1', {
    meaning:
      'Harmonic mean of precision and recall of a class: F = 2TP / (2TP + FP + FN). It is judged as the rate (FP + FN) / (TP + FP + FN), which is 2(1 − F) / (2 − F), so nothing is approximated. The baseline is as for `accuracy`, as `f1/receipt` in `metrics`.',
    source: LABELS,
    example: '90%',
  }),
  anomaly_rate: rate(
    'anomaly',
    'Answers that the application called anomalous, of all inferences. They are counted when the application says so.',
    'anomalies that came back to devices (`POST /v2/models/<model>/anomalies`), counted in reports',
  ),
  user_reports: rate(
    'complaint',
    'Complaints of people about answers, of all inferences. They are counted when people complain.',
    'complaints that came back to devices (`POST /v2/models/<model>/complaints`), counted in reports',
  ),
  cpu: gauge('cpu', {
    meaning: 'Processor time in use, of all cores.',
    unit: 'ratio',
    source: AGENT,
    bad: 'high',
    example: '85% for 5m',
  }),
  memory: gauge('memory', {
    meaning: 'Memory in use.',
    unit: 'ratio',
    source: AGENT,
    bad: 'high',
    example: '90% for 5m',
  }),
  temperature: gauge('temperature', {
    meaning: 'The hottest thermal zone.',
    unit: 'celsius',
    source: AGENT,
    bad: 'high',
    example: '80C for 5m',
  }),
  disk: gauge('disk', {
    meaning: "Disk in use, of the one that holds the agent's folder.",
    unit: 'ratio',
    source: AGENT,
    bad: 'high',
    example: '95%',
  }),
  battery: gauge('battery', {
    meaning: 'Charge left.',
    unit: 'ratio',
    source: AGENT,
    bad: 'low',
    example: '20% for 5m',
  }),
  battery_drain: gauge('battery_drain', {
    meaning: 'Share of a full battery that an hour takes, while discharging.',
    unit: 'ratio',
    source: AGENT,
    bad: 'high',
    example: '1.3x baseline',
  }),
  load_time: gauge('load_time', {
    meaning: 'Time to load the version into memory, whenever a device does.',
    unit: 'ms',
    source: 'load times in reports',
    bad: 'high',
    example: '2s',
  }),
  throughput: gauge('throughput', {
    meaning:
      'Inferences a second while the version serves. It says how fast a version is only where there is always work waiting; relative to the baseline, where devices are about equally busy.',
    unit: 'count',
    source: 'inferences and the time served in reports',
    bad: 'low',
    example: '0.8x baseline',
  }),
  gauge: gauge('own', {
    meaning: "A gauge of the device's own, by name.",
    unit: 'count',
    source: 'readings that applications give the agent (`POST /v2/gauges`), in reports',
    bad: 'high',
    example: '5 for 5m',
  }),
  input: gauge('input', {
    meaning:
      'The mean of an input of the model, in its own unit, by the name that reports give it: `x[3]` for a column (from 0) of a table of at most 16, else the name of the tensor, as in `input[amount]`. It moves where sensors or what is done before the model changed, also where answers look as ever. A report tells of 16 inputs, the first of the interface; text has no mean.',
    unit: 'count',
    source: 'summaries of inputs in reports',
    bad: 'high',
    example: '1.2x baseline',
  }),
} as const satisfies Record<string, MetricFacts>;

export type RuleMetric = keyof typeof METRICS;
export const RULE_METRICS: readonly RuleMetric[] = Object.keys(METRICS) as RuleMetric[];

export function metricFacts(metric: RuleMetric): MetricFacts {
  return METRICS[metric];
}

/** The metric as a rule names it: `error_rate`, `class_share[receipt]`. */
export function metricName(metric: RuleMetric, ofClass?: string): string {
  return ofClass === undefined ? metric : `${metric}[${ofClass}]`;
}

/** Whom a rule may be about besides the stage as a whole. */
export function metricScopes(metric: RuleMetric): readonly ('fleet' | 'any-device')[] {
  const { kind } = metricFacts(metric).judge;
  if (kind === 'rate' || kind === 'quantile') return ['fleet', 'any-device'];
  return kind === 'gauge' ? ['any-device'] : [];
}
