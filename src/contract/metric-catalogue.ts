// Owns the catalogue of metrics that rules can name: what each means, its unit, where it comes from, which way is bad, how it is judged.

export type RuleComparison = '<' | '<=' | '>' | '>=' | '==';
/** `ratio` is a fraction (0..1), `ms` milliseconds, `divergence` how far a distribution moved (population stability index, or KL). */
export type RuleUnit = 'ratio' | 'ms' | 'bytes' | 'celsius' | 'count' | 'divergence';

/** How a metric is judged; src/gates has a judge for each kind. */
export type MetricKind =
  /** Bad inferences of all. */
  | { readonly kind: 'rate'; readonly measure: 'error' | 'unknown' }
  /** Latencies above the limit, against the share 1−q that the quantile allows. */
  | { readonly kind: 'quantile'; readonly q: number }
  /** Devices of the stage, counted exactly. */
  | { readonly kind: 'share' }
  /** Answers of one class of all answers. */
  | { readonly kind: 'class-share' }
  /** Every class that the baseline shows, against the baseline. */
  | { readonly kind: 'vanished-classes' }
  /** A distribution, against the baseline's. */
  | { readonly kind: 'drift'; readonly histogram: 'confidence' | 'class' };

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
  /** Does a rule name a class, as in `class_share[receipt]`? */
  readonly ofClass: boolean;
  /** A limit for examples and messages. */
  readonly example: string;
}

const BELOW: readonly RuleComparison[] = ['<', '<='];

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

function rate(measure: 'error' | 'unknown', meaning: string, source: string): MetricFacts {
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
      'Classes that stable predicts and the candidate (almost) never does: their share of the answers fell below a third. A class of at least 0.5 % must be seen to be there before the stage can pass; a rarer one can fail it.',
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
