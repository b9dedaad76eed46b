// Owns what is said of a rule before anything is known of it.
import { metricFacts } from '../documents/rules/metric-catalogue.ts';
import type { RuleVerdict } from './rule-verdict.ts';
import type { StageRule } from './stage-rule.ts';

/** Why a relative latency rule can't be judged in this stage at all. */
export const NOT_FROZEN = 'no baseline when the stage opened';

/** An undecided verdict with its reason and no numbers. */
export function blankVerdict({ rule, scope = 'stage', share, dryRun }: StageRule, reason: string): RuleVerdict {
  return {
    rule: rule.source,
    metric: rule.metric,
    ...(scope === 'stage' ? {} : { scope }),
    ...(scope === 'any-device' && share !== undefined ? { share } : {}),
    verdict: 'undecided',
    within: false,
    estimate: null,
    lower: null,
    upper: null,
    limit: null,
    unit: metricFacts(rule.metric).unit,
    baseline: null,
    trials: 0,
    devices: 0,
    worstDevice: null,
    reason,
    dryRun,
    needs: null,
    sums: { kind: 'none' },
  };
}
