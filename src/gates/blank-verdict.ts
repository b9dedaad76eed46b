// Owns what is said of a rule before anything is known of it.
import { metricFacts } from '../documents/rules/metric-catalogue.ts';
import type { RuleReason } from './rule-reason.ts';
import type { RuleVerdict } from './rule-verdict.ts';
import { goodSideOf, type StageRule } from './stage-rule.ts';

export type BlankVerdict = Extract<RuleVerdict, { kind: 'blank' }>;

/** An undecided verdict with its reasons and no numbers. */
export function blankVerdict(
  { rule, scope = 'stage', share, dryRun }: StageRule,
  ...reasons: readonly (RuleReason | null)[]
): BlankVerdict {
  return {
    kind: 'blank',
    rule: rule.source,
    metric: rule.metric,
    goodSide: goodSideOf(rule),
    isRelative: rule.limit.kind === 'baseline',
    scope,
    share: scope === 'any-device' ? (share ?? null) : null,
    ...{ by: null, groups: [], group: null, groupRule: null },
    verdict: 'undecided',
    within: false,
    ...{ estimate: null, lower: null, upper: null, limit: null },
    unit: metricFacts(rule.metric).unit,
    baseline: null,
    ...{ trials: 0, devices: 0, worstDevice: null },
    reasons: reasons.filter((reason) => reason !== null),
    dryRun,
    needs: null,
  };
}

/** A rule that neither holds the stage nor fails it. */
export function notApplicable(asked: StageRule, reason: RuleReason): BlankVerdict {
  return { ...blankVerdict(asked, reason), verdict: 'not-applicable', within: true };
}
