// Owns rules over events by time: the counts of rates, where each millisecond that a device served is a trial, told by the hour.
import { blankVerdict } from './blank-verdict.ts';
import type { ErrorLevels } from './judge-rate-rule.ts';
import { measureOf } from './metric-kind.ts';
import type { RuleVerdict } from './rule-verdict.ts';
import { type StageQuestion, wholeTallies } from './stage-question.ts';
import type { StageRule } from './stage-rule.ts';

/** Milliseconds, the trials of these rules, in the hour of their values. */
export const HOUR_MS = 3_600_000;

interface Asked {
  readonly levels: ErrorLevels;
  readonly question: StageQuestion;
  readonly judge: (asked: StageRule, measure: string, levels: ErrorLevels, question: StageQuestion) => RuleVerdict;
}

/** The same limit as a rate by the millisecond: so rare that binomial and Poisson counts are alike. */
function byMillisecond({ rule, ...asked }: StageRule): StageRule {
  const { limit } = rule;
  if (limit.kind === 'absolute')
    return { ...asked, rule: { ...rule, limit: { ...limit, value: limit.value / HOUR_MS } } };
  const floor = limit.floor === undefined ? {} : { floor: limit.floor / HOUR_MS };
  return { ...asked, rule: { ...rule, limit: { ...limit, ...floor } } };
}

/** Time served in a minute, in milliseconds; null while too little is known. */
function servedPerMinute({ openMs = 0 }: StageQuestion, servedMs: number): number | null {
  return openMs > 0 && servedMs > 0 ? (60_000 * servedMs) / openMs : null;
}

/** counter[name] and restarts: absolute, or against the baseline. `trials` are milliseconds. */
export function judgeCounter(asked: StageRule, { levels, question, judge }: Asked): RuleVerdict {
  const measure = measureOf(asked.rule) ?? '';
  const whole = wholeTallies(question.candidate, measure);
  if (whole === undefined) return blankVerdict(asked, { kind: 'not-measured' });
  if (whole.live === 0) return blankVerdict(asked, { kind: 'not-reported' });
  const perMinute = servedPerMinute(question, whole.all.trials);
  const verdict = judge(byMillisecond(asked), measure, levels, { ...question, perMinute });
  const hourly = (value: number | null): number | null => (value === null ? null : value * HOUR_MS);
  const { estimate, lower, upper, limit, baseline } = verdict;
  return {
    ...verdict,
    ...{ estimate: hourly(estimate), lower: hourly(lower), upper: hourly(upper), limit: hourly(limit) },
    baseline: baseline === null ? null : { ...baseline, estimate: hourly(baseline.estimate) },
  };
}
