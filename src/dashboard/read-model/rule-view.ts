// Owns how one rule is shown: its state, its numbers beside its limit, and its sentences.
import { type RuleVerdict, ruleName } from '../../gates/rule-verdict.ts';
import type { FailureAction, GoodSide } from '../../gates/stage-rule.ts';
import { ruleStateOf } from '../../rollout/rollout-state.ts';
import type { StageTerms } from '../../rollout/stage-terms.ts';
import { formatAmount } from '../../wording/amounts.ts';
import { failInWords } from '../../wording/fail-in-words.ts';
import { needOfRule, ruleInShort } from '../../wording/rule-in-words.ts';
import { limitOf, measuredInWords } from '../../wording/verdict-table.ts';
import { count, finite, MOST_NAME, MOST_ROWS, text, textOrNull } from './bounded.ts';
import type { RulePoint, RuleState, RuleView } from './types.generated.ts';

/** A value beside its limit. */
export interface Limited {
  readonly limit: number | null;
  readonly goodSide: GoodSide | null;
  readonly unit: RuleVerdict['unit'];
}

/**
 * Where a value is, seen from its limit: 0 is the limit, -1 as far within as can be, or the whole limit away, 1 as far beyond it. So bars of
 * every unit share one line. Null where there is no limit or no value.
 */
export function relativeToLimit(value: number | null, { limit, goodSide, unit }: Limited): number | null {
  const [seen, line] = [finite(value), finite(limit)];
  if (seen === null || line === null || goodSide === null) return null;
  const beyond = goodSide === 'below' ? seen - line : line - seen;
  // Of a share that should be high, 100% is the best: 99% may be far from a limit of 98%.
  const room = beyond < 0 && goodSide === 'above' && unit === 'ratio' && line < 1 ? 1 - line : Math.abs(line);
  const far = room === 0 ? Math.sign(beyond) : beyond / room;
  return Math.max(-1, Math.min(1, far)) + 0;
}

const ORDER: readonly RuleState[] = ['fail', 'in-trouble', 'undecided', 'pass', 'dry-run', 'not-applicable'];

/** Worst first, the policy's order within. */
export function byUrgency<T extends { readonly state: RuleState }>(rules: readonly T[]): T[] {
  return [...rules].sort((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state));
}

/** The value without the device that stands out most, where its counts tell. */
function withoutWorst(rule: RuleVerdict): number | null {
  if (rule.kind !== 'rate' || rule.unit !== 'ratio' || rule.scope === 'any-device') return null;
  const { candidate, worst } = rule.sums;
  if (worst === null || !(candidate.trials > worst.trials) || !(candidate.trials > 0)) return null;
  const bad = (candidate.bad - worst.bad) / (candidate.trials - worst.trials);
  const whole = candidate.bad / candidate.trials;
  const near = (value: number): boolean => Math.abs(value - (rule.estimate ?? Number.NaN)) < 1e-6;
  if (near(whole)) return finite(bad);
  return near(1 - whole) ? finite(1 - bad) : null;
}

function limitText(rule: RuleVerdict): string {
  const limit = finite(rule.limit);
  const inForce = rule.isRelative && limit !== null ? ` (${formatAmount(limit, rule.unit)})` : '';
  return text(`${limitOf(rule)}${inForce}`, MOST_NAME);
}

/** What is known of a rule beside its verdict. */
export interface RuleContext {
  readonly terms: Pick<StageTerms, 'onFailure'> | null;
  readonly series?: readonly RulePoint[];
  readonly decidedAtMs?: number | null;
  readonly runbook?: string | null;
}

function onFail(rule: RuleVerdict, { terms }: RuleContext): string {
  if (rule.dryRun) return 'Dry run: it is reported and never decides the stage.';
  const action: FailureAction | undefined = rule.onFailure ?? terms?.onFailure;
  return action === undefined ? '' : failInWords(action);
}

/** A name that stays a rule's own while its numbers move from group to group. */
export function seriesNameOf(rule: Pick<RuleVerdict, 'rule' | 'by'>): string {
  return text(ruleName(rule), MOST_NAME);
}

export function ruleView(rule: RuleVerdict, context: RuleContext): RuleView {
  const { metric, unit, goodSide, dryRun, baseline } = rule;
  const [estimate, low, high, limit] = [
    finite(rule.estimate),
    finite(rule.lower),
    finite(rule.upper),
    finite(rule.limit),
  ];
  const relative = (value: number | null): number | null => relativeToLimit(value, { limit, goodSide, unit });
  const compared = baseline && {
    estimate: finite(baseline.estimate),
    devices: count(baseline.devices),
    from: baseline.from,
  };
  return {
    ...{ rule: seriesNameOf(rule), metric: text(metric, MOST_NAME), state: ruleStateOf(rule), unit, goodSide },
    ...{
      estimate,
      low,
      high,
      limit,
      limitText: limitText(rule),
      baseline: compared,
      valueText: text(measuredInWords(rule), MOST_NAME),
    },
    sentence: text(ruleInShort(rule)),
    missing: textOrNull(needOfRule(rule).join(' ')),
    onFail: onFail(rule, context),
    worst: textOrNull(rule.worstDevice, MOST_NAME),
    withoutWorst: withoutWorst(rule),
    decidedAtMs: context.decidedAtMs ?? null,
    dryRun,
    group: textOrNull(rule.group, MOST_NAME),
    runbook: context.runbook ?? null,
    relativeToLimit: {
      ...{ estimate: relative(estimate), low: relative(low), high: relative(high) },
      baseline: relative(compared?.estimate ?? null),
    },
    series: context.series ?? [],
  };
}

/** As many rules as a page can hold, worst first. */
export function ruleViews(rules: readonly RuleVerdict[], contextOf: (rule: RuleVerdict) => RuleContext): RuleView[] {
  return byUrgency(rules.slice(0, MOST_ROWS).map((rule) => ruleView(rule, contextOf(rule))));
}
