// Owns how rules are shown as a step was decided on them: no series, and nothing that is missing any more.
import type { RuleVerdict } from '../../gates/rule-verdict.ts';
import type { StageTerms } from '../../rollout/stage-terms.ts';
import { runbookOfRule } from '../../wording/runbook-of.ts';
import { MOST_ROWS } from './bounded.ts';
import { ruleView } from './rule-view.ts';
import type { RuleView } from './types.generated.ts';

function ruleThen(rule: RuleVerdict, terms: StageTerms | null, atMs: number): RuleView {
  const decidedAtMs = rule.verdict === 'fail' || rule.verdict === 'pass' ? atMs : null;
  return { ...ruleView(rule, { terms, decidedAtMs, runbook: runbookOfRule(rule) }), missing: null };
}

/** Evidence may have been written by anyone who can push: a rule that can't be told is left out. */
export function rulesThen(rules: readonly RuleVerdict[], terms: StageTerms | null, atMs: number): RuleView[] {
  return rules.slice(0, MOST_ROWS).flatMap((rule) => {
    try {
      return [ruleThen(rule, terms, atMs)];
    } catch {
      return [];
    }
  });
}
