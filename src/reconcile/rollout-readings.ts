// Owns what metrics say of each rollout and of its rules, read from the outlooks of the last cycle.
import { parseInstant } from '../base/clock.ts';
import type { MetricLabels, Reading } from '../base/metric-text.ts';
import type { Metrics } from '../base/metrics.ts';
import type { RuleUnit } from '../documents/rules/metric-facts.ts';
import { type RuleVerdict, ruleName } from '../gates/rule-verdict.ts';
import type { CohortCounts } from '../rollout/count-cohort.ts';
import type { Outlook } from '../rollout/outlook.ts';
import { rolloutStateOf } from '../rollout/rollout-state.ts';

const DEVICE_STATES = [
  'ready',
  'trying',
  'pending',
  'failed',
  'refused',
  'incompatible',
  'silent',
  'unreachable',
  'conflicted',
  'undelivered',
  'apart',
] as const satisfies readonly (keyof CohortCounts)[];

/** Values leave in base units. */
const BASE_UNITS: Readonly<Record<RuleUnit, { readonly unit: string; readonly factor: number }>> = {
  ratio: { unit: 'ratio', factor: 1 },
  ms: { unit: 'seconds', factor: 1 / 1000 },
  bytes: { unit: 'bytes', factor: 1 },
  celsius: { unit: 'celsius', factor: 1 },
  'per-hour': { unit: 'per_second', factor: 1 / 3600 },
  count: { unit: 'count', factor: 1 },
  divergence: { unit: 'divergence', factor: 1 },
};

export function meterRollouts(metrics: Metrics, outlooks: () => readonly Outlook[]): void {
  const ofRollouts = (name: string, help: string, read: (outlook: Outlook) => readonly Reading[]): void =>
    metrics.reading(name, help, function* () {
      for (const outlook of outlooks())
        for (const { value, labels } of read(outlook)) yield { value, labels: { rollout: outlook.rollout, ...labels } };
    });
  ofRollouts(
    'slipway_rollout_info',
    'How each rollout stands: 1, with its model, state, stage, candidate and stable version as labels.',
    (outlook) => [{ value: 1, labels: infoOf(outlook) }],
  );
  ofRollouts('slipway_rollout_revision', 'Revision of each rollout: rises by one with each step.', (outlook) => [
    { value: outlook.revision },
  ]);
  ofRollouts(
    'slipway_rollout_devices',
    'Devices of the stage under way, by how they stand with the candidate.',
    ({ cohort }) =>
      cohort === null ? [] : DEVICE_STATES.map((state) => ({ value: cohort[state], labels: { state } })),
  );
  ofRollouts('slipway_rollout_devices_expected', 'Devices that the stage under way wants on the candidate.', (one) => [
    { value: one.cohort?.wanted ?? null },
  ]);
  ofRollouts(
    'slipway_rollout_stage_opened_timestamp_seconds',
    'When the stage under way opened, in seconds since 1970.',
    ({ terms }) => [{ value: secondsOf(terms?.opened) }],
  );
  ofRollouts(
    'slipway_rollout_deadline_seconds',
    'How long the stage under way may take before its policy decides.',
    ({ terms }) => [{ value: terms?.deadlineMs == null ? null : terms.deadlineMs / 1000 }],
  );
  ofRollouts(
    'slipway_rollout_reverted_timestamp_seconds',
    'When a rollout that stands reverted was taken back, in seconds since 1970.',
    ({ rejected }) => [{ value: secondsOf(rejected?.at) }],
  );
  meterRules(metrics, outlooks);
}

function meterRules(metrics: Metrics, outlooks: () => readonly Outlook[]): void {
  const ofRules = (name: string, help: string, read: (rule: RuleVerdict, outlook: Outlook) => Reading): void =>
    metrics.reading(name, help, function* () {
      for (const outlook of outlooks())
        for (const rule of outlook.verdict?.rules ?? []) {
          const { value, labels } = read(rule, outlook);
          yield { value, labels: { rollout: outlook.rollout, rule: ruleName(rule), ...labels } };
        }
    });
  const inUnit = (value: number | null, { unit }: RuleVerdict): Reading => ({
    value: value === null ? null : value * BASE_UNITS[unit].factor,
  });
  ofRules(
    'slipway_rule_info',
    'Rules of the stages under way: 1, with metric, stage, unit, good side of the limit and whether it decides as labels.',
    ({ metric, unit, goodSide, dryRun }, { stage }) => ({
      value: 1,
      labels: {
        ...{ metric, stage: stage ?? '', unit: BASE_UNITS[unit].unit },
        ...{ good_side: goodSide ?? '', dry_run: String(dryRun) },
      },
    }),
  );
  ofRules('slipway_rule_verdict', 'Verdict on each rule as a label: 1.', ({ verdict }) => ({
    value: 1,
    labels: { verdict },
  }));
  ofRules('slipway_rule_estimate', 'Value that each rule judges, in the unit that slipway_rule_info names.', (rule) =>
    inUnit(rule.estimate, rule),
  );
  ofRules('slipway_rule_lower_bound', 'Lower confidence bound of each rule, in the same unit.', (rule) =>
    inUnit(rule.lower, rule),
  );
  ofRules('slipway_rule_upper_bound', 'Upper confidence bound of each rule, in the same unit.', (rule) =>
    inUnit(rule.upper, rule),
  );
  ofRules('slipway_rule_limit', 'Limit of each rule that is in force, in the same unit.', (rule) =>
    inUnit(rule.limit, rule),
  );
  ofRules(
    'slipway_rule_undecided_seconds',
    'How long each open rule still takes if things stay as observed; 0 once it is decided.',
    ({ verdict, needs }) => ({
      value: verdict !== 'undecided' ? 0 : needs?.minutes == null ? null : needs.minutes * 60,
    }),
  );
}

function infoOf(outlook: Outlook): MetricLabels {
  const { model, stage, candidate, stable } = outlook;
  const state = rolloutStateOf(outlook);
  return { model, state, stage: stage ?? '', candidate: candidate ?? '', stable: stable ?? '' };
}

function secondsOf(instant: string | undefined): number | null {
  const ms = instant === undefined ? undefined : parseInstant(instant);
  return ms === undefined ? null : ms / 1000;
}
