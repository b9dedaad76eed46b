// Owns which runbook fits an alert, a rule, a revert: one table from kinds and metrics to pages, and the order in which settings come before it.
import { oneLine } from '../base/plain-text.ts';
import { METRICS, type RuleMetric } from '../documents/rules/metric-catalogue.ts';
import type { RuleVerdict, StageVerdict } from '../gates/rule-verdict.ts';
import type { Alert, AlertKind } from '../rollout/alerts.ts';
import type { StepReason } from '../rollout/reasons.ts';
import { ruleOfReason } from '../rollout/rule-failure.ts';
import type { TransitionKind } from '../rollout/transition.ts';

/** Where the pages of docs/runbooks are read, unless the settings say otherwise. */
export const RUNBOOKS = 'https://slipway.dev/docs/runbooks';

/** Pages of docs/runbooks by metric of the catalogue. */
const BY_METRIC: Readonly<Record<RuleMetric, string>> = {
  error_rate: 'error-rate',
  rejected_rate: 'rejected-rate',
  unknown_rate: 'confidence',
  confidence_drift: 'confidence',
  confidence_loss: 'confidence',
  latency_p50: 'latency',
  latency_p90: 'latency',
  latency_p95: 'latency',
  latency_p99: 'latency',
  latency_mean: 'latency',
  load_time: 'latency',
  throughput: 'latency',
  failed_devices: 'failed-devices',
  apply_success: 'failed-devices',
  undelivered_devices: 'undelivered-devices',
  download_tries: 'undelivered-devices',
  reporting_devices: 'reporting-devices',
  answering_devices: 'answering-devices',
  vanished_classes: 'vanished-classes',
  class_share: 'vanished-classes',
  class_drift: 'vanished-classes',
  output_drift: 'outputs',
  embedding_drift: 'outputs',
  detections_drift: 'outputs',
  length_drift: 'outputs',
  odd_outputs: 'outputs',
  empty_answers: 'outputs',
  accuracy: 'accuracy',
  precision: 'accuracy',
  recall: 'accuracy',
  f1: 'accuracy',
  user_reports: 'accuracy',
  input: 'inputs',
  anomaly_rate: 'inputs',
  restarts: 'restarts',
  counter: 'own-metrics',
  gauge: 'own-metrics',
  cpu: 'gauges',
  npu: 'gauges',
  memory: 'gauges',
  temperature: 'gauges',
  disk: 'gauges',
  disk_free: 'gauges',
  battery: 'gauges',
  battery_drain: 'gauges',
};

/** A rule whose metric the catalogue does not have asks another system. */
const OF_OTHERS = 'outside-signals';

function pageOfMetric(metric: string): string {
  return Object.hasOwn(METRICS, metric) ? BY_METRIC[metric as RuleMetric] : OF_OTHERS;
}

/** The names of all pages that something links. */
export const RUNBOOK_PAGES: ReadonlySet<string> = new Set([...Object.values(BY_METRIC), OF_OTHERS]);

function addressOf(page: string, base: string): string {
  return `${base.replace(/\/+$/, '')}/${page}.md`;
}

/** The page of an alert: of a revert, that of the metric whose rule failed; of any other, that of its kind. */
export function runbookOfAlert({ kind, fact }: Pick<Alert, 'kind' | 'fact'>, base = RUNBOOKS): string {
  const failed = fact.kind === 'reverted' ? fact.failed : null;
  return addressOf(failed === null ? kind : pageOfMetric(failed.metric), base);
}

/** The page of a rule: the one that its policy names, else the one of its metric. */
export function runbookOfRule({ metric, runbook }: Pick<RuleVerdict, 'metric' | 'runbook'>, base = RUNBOOKS): string {
  return runbook === undefined ? addressOf(pageOfMetric(metric), base) : withoutSpaces(runbook);
}

/** An address stays one word wherever it is written. */
function withoutSpaces(address: string): string {
  return oneLine(address).replaceAll(' ', '%20');
}

/** Steps after which people have something to do. */
const TROUBLES: Partial<Readonly<Record<TransitionKind, AlertKind>>> = {
  'roll-back': 'reverted',
  pause: 'paused',
  except: 'group-apart',
};

export interface StepToRead {
  readonly kind: TransitionKind;
  readonly reason: StepReason;
  readonly verdict: StageVerdict | null;
}

/** The page about a step: that of the rule that failed, else that of what happened; null for a step that needs nobody. */
export function runbookOfStep({ kind, reason, verdict }: StepToRead, base = RUNBOOKS): string | null {
  const trouble = TROUBLES[kind];
  if (trouble === undefined || reason.kind === 'group-rejoined') return null;
  const failed = reason.kind === 'rule-failed' ? ruleOfReason(reason, verdict) : undefined;
  return failed === undefined ? addressOf(trouble, base) : runbookOfRule(failed, base);
}
