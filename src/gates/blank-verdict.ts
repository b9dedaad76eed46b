// Owns what is said of a rule before anything is known of it.
import { metricFacts } from '../documents/rules/metric-catalogue.ts';
import type { RuleReason } from './rule-reason.ts';
import type { RuleVerdict } from './rule-verdict.ts';
import { goodSideOf, type StageRule } from './stage-rule.ts';

/** What has no value before anything is known. */
export const NO_FACTS = {
  ...{ by: null, groups: [], group: null, groupRule: null },
  within: false,
  ...{ estimate: null, lower: null, upper: null, limit: null, baseline: null },
  ...{ trials: 0, devices: 0, worstDevice: null },
  needs: null,
} as const satisfies Partial<RuleVerdict>;

export type BlankVerdict = Extract<RuleVerdict, { kind: 'blank' }>;

/** An undecided verdict with its reasons and no numbers. */
export function blankVerdict(
  { rule, scope = 'stage', share, dryRun, onFailure, runbook }: StageRule,
  ...reasons: readonly (RuleReason | null)[]
): BlankVerdict {
  return {
    ...NO_FACTS,
    kind: 'blank',
    rule: rule.source,
    metric: rule.metric,
    goodSide: goodSideOf(rule),
    isRelative: rule.limit.kind === 'baseline',
    scope,
    share: scope === 'any-device' ? (share ?? null) : null,
    verdict: 'undecided',
    unit: metricFacts(rule.metric).unit,
    reasons: reasons.filter((reason) => reason !== null),
    dryRun,
    ...(onFailure === undefined ? {} : { onFailure }),
    ...(runbook === undefined ? {} : { runbook }),
  };
}

/** A rule that neither holds the stage nor fails it. */
export function notApplicable(asked: StageRule, reason: RuleReason): BlankVerdict {
  return { ...blankVerdict(asked, reason), verdict: 'not-applicable', within: true };
}
