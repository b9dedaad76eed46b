// Owns how rules are shown as a step was decided on them: no series, and nothing that is missing any more.
import { clipped, oneLine } from '../../base/plain-text.ts';
import { type RuleVerdict, ruleName } from '../../gates/rule-verdict.ts';
import type { StageTerms } from '../../rollout/stage-terms.ts';
import { formatAmount } from '../../wording/amounts.ts';
import { ruleSentences } from '../../wording/rule-in-words.ts';
import { limitOf, measuredInWords } from '../../wording/verdict-table.ts';
import type { RuleView } from './types.generated.ts';

const MOST_RULES = 1_000;
const MOST_TEXT = 600;

function finite(value: number | null | undefined): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

/** 0 is the limit, -1 far within, 1 far beyond: whatever the unit, and on which side the good values are. */
function relativeTo(limit: number | null, goodSide: RuleVerdict['goodSide']): (value: number | null) => number | null {
  return (value) => {
    if (limit === null || value === null || goodSide === null) return null;
    const beyond = goodSide === 'below' ? value - limit : limit - value;
    const scaled = limit === 0 ? Math.sign(beyond) : beyond / Math.abs(limit);
    return Math.max(-1, Math.min(1, scaled));
  };
}

function stateOf({ verdict, dryRun, within, estimate }: RuleVerdict): RuleView['state'] {
  if (verdict === 'not-applicable') return 'not-applicable';
  if (dryRun) return 'dry-run';
  return verdict === 'undecided' && !within && estimate !== null ? 'in-trouble' : verdict;
}

function ruleThen(rule: RuleVerdict, terms: StageTerms | null, atMs: number): RuleView {
  const [estimate, low, high, limit] = [rule.estimate, rule.lower, rule.upper, rule.limit].map(finite) as [
    number | null,
    number | null,
    number | null,
    number | null,
  ];
  const relative = relativeTo(limit, rule.goodSide);
  const { baseline, verdict } = rule;
  return {
    rule: clipped(oneLine(ruleName(rule)), MOST_TEXT),
    metric: clipped(oneLine(rule.metric), 100),
    state: stateOf(rule),
    ...{ unit: rule.unit, goodSide: rule.goodSide, estimate, low, high, limit },
    limitText: limit === null ? clipped(limitOf(rule), 100) : formatAmount(limit, rule.unit),
    baseline: baseline && { ...baseline, estimate: finite(baseline.estimate) },
    valueText: measuredInWords(rule),
    sentence: clipped(ruleSentences(rule, terms?.opened).join(' '), MOST_TEXT),
    missing: null,
    onFail: rule.onFailure ?? terms?.onFailure ?? '',
    worst: rule.worstDevice === null ? null : clipped(oneLine(rule.worstDevice), 100),
    withoutWorst: null,
    decidedAtMs: verdict === 'fail' || verdict === 'pass' ? atMs : null,
    dryRun: rule.dryRun,
    group: rule.group === null ? null : clipped(oneLine(rule.group), 100),
    runbook: null,
    relativeToLimit: {
      ...{ estimate: relative(estimate), low: relative(low), high: relative(high) },
      baseline: relative(finite(baseline?.estimate)),
    },
    series: [],
  };
}

/** Evidence may have been written by anyone who can push: a rule that can't be told is left out. */
export function rulesThen(rules: readonly RuleVerdict[], terms: StageTerms | null, atMs: number): RuleView[] {
  return rules.slice(0, MOST_RULES).flatMap((rule) => {
    try {
      return [ruleThen(rule, terms, atMs)];
    } catch {
      return [];
    }
  });
}
