// Owns the catalogue of metrics that rules can name.
import { ERROR_REASONS } from '../../contract/report.ts';
import {
  ABOVE,
  BELOW,
  counter,
  drift,
  gauge,
  latency,
  type MetricFacts,
  OF_STAGE,
  rate,
  success,
} from './metric-facts.ts';

const LABELS = 'labels sent to devices (`POST /v2/models/<model>/labels`), counted in reports';

const AGENT = 'the agent reads it on Linux every 5 s; reports hold minimum, mean and maximum';

export const METRICS = {
  error_rate: {
    ...rate(
      'error',
      'Share of inferences that ended in an error; with a kind in brackets, as in `error_rate[timeout] < 0.1%`, in an error of that kind alone. `out-of-memory`, `timeout`, `load` (the model could not be loaded), `bad-shape` and `bad-value` (its answer is not what the manifest promises) and `runtime` are found by the agent; `bad-input`, `network` and `application` are told by the application, and kinds that nobody knows count as `other`.',
      'errors by kind in reports: found by the agent, or sent to devices (`POST /v2/models/<model>/errors`)',
    ),
    kinds: ERROR_REASONS,
  },
  unknown_rate: rate(
    'unknown',
    'Share of inferences whose confidence is below the minimum in the manifest (`confidence.least`).',
    'count of unknown answers in reports',
  ),
  latency_p50: latency(0.5, 'Half'),
  latency_p90: latency(0.9, '90%'),
  latency_p95: latency(0.95, '95%'),
  latency_p99: latency(0.99, '99%'),
  latency_mean: gauge('latency_mean', {
    meaning:
      'Mean time of an answer on a device. Prefer percentiles: a mean hides a slow tenth behind many fast answers, one answer of a minute moves it, and percentiles are counted exactly over all devices. A relative limit needs room for how much devices differ.',
    source: "latency sketch in the devices' reports; each answer counts by the middle of its bucket (at most 1% off)",
    ...{ unit: 'ms', bad: 'high', example: '1.5x baseline' },
  }),
  failed_devices: {
    ...OF_STAGE,
    meaning:
      'Share of the devices of the stage that failed to install the candidate, rolled back, or fell silent after they installed it.',
    source: 'outcomes of installs in reports, and silence',
    ...{ unit: 'ratio', judge: { kind: 'share', of: 'installs' }, baseline: 'no', example: '5%' },
  },
  undelivered_devices: {
    ...OF_STAGE,
    meaning:
      'Share of the devices of the stage that did not have the verified file so long after they heard of the stage. How often a download is cut and tried again counts for nothing. A device that has it in time is good, one that gets it later stays bad, and one that never heard of the stage is left out once it is silent. Time counts only while the service listens.',
    source: 'states in reports: the first that follows the stage, and the first that has the version',
    ...{ unit: 'ratio', judge: { kind: 'share', of: 'deliveries' }, baseline: 'no', example: '5% after 30m' },
    timed: true,
  },
  reporting_devices: {
    meaning:
      'Share of the devices that are still heard of, against the same share of stable. Devices count that were heard of in the hour before the stage opened, each in the arm that the directive gives it, and others from when they took their version. One that is not heard for five report intervals is silent. The rule fails when the share is too low and chance, or an outage that hits many at once, does not explain that so many fell silent. Time counts only while the service listens. Where no device runs stable beside, the rule does not apply.',
    source: 'when reports came',
    ...{ unit: 'ratio', bad: 'low', comparisons: ['>'], sustained: false, ofClass: false },
    ...{ judge: { kind: 'heard', of: 'reports' }, baseline: 'only', example: '90% of baseline' },
  },
  answering_devices: {
    meaning:
      'Share of the devices that answer as often as they used to, against the same share of stable. A device does not when it gave, over ten report intervals, less than a third of what is expected of it: what it gave in the hour before the stage opened, times what became of that on stable meanwhile (the median of its devices). So a quiet night is no fault. Devices count as for `reporting_devices`; those with fewer than 20 answers expected are left out, and so are those whose past nobody knows. The rule fails when the share is too low and chance, or an outage that hits many at once, does not explain it. Where no device runs stable beside, the rule does not apply.',
    source: 'inferences in reports, by when the reports came',
    ...{ unit: 'ratio', bad: 'low', comparisons: ['>'], sustained: false, ofClass: false },
    ...{ judge: { kind: 'heard', of: 'answers' }, baseline: 'only', example: '90% of baseline' },
  },
  vanished_classes: {
    ...OF_STAGE,
    meaning:
      'Number of classes that stable predicts and the candidate (almost) never does: their share of the answers is less than a third of their share with stable. A class with a share of at least 0.5% must be seen before the stage can pass; a rarer class can only fail it.',
    source: "class counts in reports, compared with stable's and, if known, with those of the same devices before",
    comparisons: ['=='],
    ...{ unit: 'count', judge: { kind: 'vanished-classes' }, baseline: 'no', example: '0' },
  },
  class_share: {
    meaning: 'Share of the answers that name one class.',
    source: 'class counts in reports',
    ...{ unit: 'ratio', bad: 'low', comparisons: [...ABOVE, ...BELOW], sustained: false, ofClass: true },
    ...{ judge: { kind: 'class-share' }, baseline: 'with-floor', example: '0.5x baseline' },
  },
  confidence_drift: drift(
    'confidence',
    "Distance between the distribution of the answers' confidences and stable's.",
    "confidence histograms in reports (10 bins), compared with stable's and, if known, with those of the same devices before",
  ),
  confidence_loss: {
    ...OF_STAGE,
    meaning:
      'How much less sure than stable: at no level of confidence may more of the additional answers lie below it than this. What is surer keeps it. A better calibrated model may be less sure with good reason: then let `accuracy` decide, and this be `dryRun`.',
    source:
      "confidence histograms in reports (10 bins), compared with stable's and, if known, with those of the same devices before",
    ...{ unit: 'ratio', judge: { kind: 'drift', histogram: 'confidence', of: 'loss' }, baseline: 'no', example: '10%' },
  },
  class_drift: drift(
    'class',
    "Distance between the distribution of the answers' classes and stable's. It hardly changes when a rare class vanishes; use `vanished_classes` for that.",
    "class counts in reports (the 15 most frequent and the rest), compared with stable's and, if known, with those of the same devices before",
  ),
  output_drift: drift(
    'output',
    "Distance between the distribution of a scalar output and stable's, by the output's name; of an embedding, of the lengths of its vectors. 0.1 is a shift by about a third of the usual spread.",
    "values in reports of outputs with `kind: scalar` or `embedding` in the manifest, cut at stable's own deciles as of the opening of the stage, NaN and infinities apart",
  ),
  embedding_drift: drift(
    'embedding',
    "Distance between the directions of an embedding's vectors and of stable's: in some of 8 fixed directions. Both manifests must name the same `space`; a training from scratch makes a new one.",
    'vectors in reports of the output with `kind: embedding`, in 8 directions by 10 bins',
  ),
  detections_drift: drift(
    'detections',
    "Distance between the distribution of the number of detections in an answer and stable's. 0.1 is a fall from 3 to 2.5 on average.",
    'counts in reports of the output with `kind: detections`: 0 to 8, and 9 or more',
  ),
  length_drift: drift(
    'length',
    "Distance between the distribution of the lengths of texts and stable's. 0.1 is a length that is longer or shorter by a third.",
    'lengths in reports of the output with `kind: text`, in powers of 2; of tokens, the application tells them (`POST /v2/models/<model>/texts`)',
  ),
  odd_outputs: {
    ...rate(
      'odd',
      'Share of the values of scalar outputs (and of the lengths of embeddings) that are NaN or infinite. An answer with such a value is also an error.',
      'values in reports of outputs with `kind: scalar` or `embedding`',
    ),
    example: '0.1%',
  },
  empty_answers: {
    ...rate('empty', 'Share of the texts that are empty.', 'lengths in reports of the output with `kind: text`'),
    example: '1%',
  },
  download_tries: success('download', {
    meaning:
      'Share of finished download tries that succeeded: a sign of the network, better shown (`dryRun`) than decided by, and not of whether devices get the version; `undelivered_devices` counts those. Rules may still call it `download_success`. A download that is interrupted and retried counts each time; an attempt in which a host sent wrong bytes does not. When every device of the stage has finished its install, a value within the limit is enough to pass.',
    source: 'transfers in reports',
    example: '99%',
  }),
  apply_success: success('apply', {
    meaning:
      'Share of finished self-tests, switches and trials that succeeded: of the devices that had the verified file, how many kept the version. Each device tries a version once an attempt. `failed_devices` counts the same failures exactly, and downloads that failed and silence besides: prefer it to decide, and this to tell a version that does not start from a network that does not deliver.',
    source: 'transfers in reports',
    example: '95%',
  }),
  accuracy: success('accuracy', {
    meaning:
      "Share of right answers among those with a label. The baseline is stable's accuracy, or the one that the candidate's manifest states in `metrics`.",
    source: LABELS,
    example: '95%',
  }),
  precision: success('precision', {
    meaning:
      'Share of right answers among the labelled answers that named the class. Baseline as for `accuracy`, with `precision/receipt` in `metrics`.',
    source: LABELS,
    example: '90%',
  }),
  recall: success('recall', {
    meaning:
      'Share of the labelled answers that named the class among those that should have. Baseline as for `accuracy`, with `recall/receipt` in `metrics`.',
    source: LABELS,
    example: '90%',
  }),
  f1: success('f1', {
    meaning:
      'Harmonic mean of precision and recall of a class: F = 2TP / (2TP + FP + FN). It is judged as the rate (FP + FN) / (TP + FP + FN), which is exactly 2(1 − F) / (2 − F). Baseline as for `accuracy`, with `f1/receipt` in `metrics`.',
    source: LABELS,
    example: '90%',
  }),
  rejected_rate: rate(
    'rejected',
    'Share of requests that devices refused before the model saw them, for example for a wrong shape. They count for no other rule.',
    'requests that the agent refused, counted in reports',
  ),
  anomaly_rate: rate(
    'anomaly',
    'Share of inferences whose answers the application reported as anomalous. They count when the application reports them.',
    'anomalies sent to devices (`POST /v2/models/<model>/anomalies`), counted in reports',
  ),
  user_reports: rate(
    'complaint',
    'Complaints about answers per inference. They count when people complain.',
    'complaints sent to devices (`POST /v2/models/<model>/complaints`), counted in reports',
  ),
  counter: counter('own', {
    meaning:
      'Events that the application counts, by name, in an hour in which a device serves the version: `3/h`, `0.5/d` or `2/min`. A device counts from the first time that its application names the counter, so an application names all of its counters with 0 when it starts. At most one event a millisecond counts. When one device has far more events than the others, they must keep the limit without it, too. Add a floor where stable may have no events.',
    source: 'events sent to devices (`POST /v2/models/<model>/counters`), and the time served, in reports',
    ...{ baseline: 'yes', example: '2x baseline' },
  }),
  restarts: counter('restarts', {
    meaning:
      'Starts of the agent in an hour in which a device serves the version: after a crash, a loss of power or a reboot. A device that dies before its first report tells of none: `failed_devices` counts it once it is silent.',
    source: 'uptime and the time served in reports',
    ...{ baseline: 'with-floor', example: '1/d' },
  }),
  cpu: gauge('cpu', {
    meaning: 'Processor time in use, over all cores.',
    ...{ unit: 'ratio', source: AGENT, bad: 'high', example: '85% for 5m' },
    openTelemetry: '`system.cpu.utilization`',
  }),
  npu: gauge('npu', {
    meaning: 'Time in which the neural processor (NPU) is busy; of several, the busiest.',
    source:
      "the agent reads it on Linux 6.11 and later from Intel's driver; of other NPUs applications send it (`POST /v2/gauges`, 0 to 1); reports hold minimum, mean and maximum",
    ...{ unit: 'ratio', bad: 'high', example: '95% for 5m' },
  }),
  memory: gauge('memory', {
    meaning: 'Memory in use.',
    ...{ unit: 'ratio', source: AGENT, bad: 'high', example: '90% for 5m' },
    openTelemetry: '`system.memory.utilization`',
  }),
  temperature: gauge('temperature', {
    meaning: 'Temperature of the hottest thermal zone.',
    ...{ unit: 'celsius', source: AGENT, bad: 'high', example: '80C for 5m' },
    openTelemetry: '`hw.temperature`',
  }),
  disk: gauge('disk', {
    meaning: "Space in use on the disk with the agent's folder.",
    ...{ unit: 'ratio', source: AGENT, bad: 'high', example: '95%' },
    openTelemetry: '`system.filesystem.utilization` (state `used`)',
  }),
  disk_free: gauge('disk_free', {
    meaning: "Space left on the disk with the agent's folder: what `disk` leaves.",
    ...{ unit: 'ratio', source: 'worked out from `disk`', bad: 'low', example: '10%' },
    openTelemetry: '`system.filesystem.utilization` (state `free`)',
  }),
  battery: gauge('battery', {
    meaning: 'Remaining battery charge.',
    ...{ unit: 'ratio', source: AGENT, bad: 'low', example: '20% for 5m' },
    openTelemetry: '`hw.battery.charge`',
  }),
  battery_drain: gauge('battery_drain', {
    meaning: 'Share of a full battery used per hour while discharging.',
    ...{ unit: 'ratio', source: AGENT, bad: 'high', example: '1.3x baseline' },
  }),
  load_time: gauge('load_time', {
    meaning: 'Time to load the version into memory.',
    source: 'load times in reports',
    ...{ unit: 'ms', bad: 'high', example: '2s' },
  }),
  throughput: gauge('throughput', {
    meaning:
      'Inferences per second while the version serves. It measures speed only where work is always waiting; relative to the baseline, where devices are about equally busy.',
    source: 'inferences and the time served in reports',
    ...{ unit: 'count', bad: 'low', example: '0.8x baseline' },
  }),
  gauge: gauge('own', {
    meaning: 'A custom gauge of the device, by name.',
    source: 'readings that applications send to the agent (`POST /v2/gauges`), in reports',
    ...{ unit: 'count', bad: 'high', example: '5 for 5m' },
  }),
  input: gauge('input', {
    meaning:
      'Mean of an input of the model in its own unit, by its name in reports: `x[3]` for a column (from 0) of a table with at most 16 columns, otherwise the name of the tensor, as in `input[amount]`. It changes when sensors or preprocessing change, even if answers look the same. Reports hold the first 16 inputs of the interface; text inputs have no mean.',
    source: 'summaries of inputs in reports',
    ...{ unit: 'count', bad: 'high', example: '1.2x baseline' },
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

/** Scopes that a rule may have besides the stage as a whole. */
export function metricScopes(metric: RuleMetric): readonly ('fleet' | 'any-device')[] {
  const { kind } = metricFacts(metric).judge;
  if (kind === 'rate' || kind === 'quantile') return ['fleet', 'any-device'];
  return kind === 'gauge' ? ['any-device'] : [];
}
