// Owns the words for a breach that the numbers of the whole stage don't show yet: the newest intervals prove it, or where the stage is on course to.
import type { RuleReason } from '../gates/rule-reason.ts';
import type { RuleVerdict } from '../gates/rule-verdict.ts';
import { badInWords, countOf, formatAmount, formatBounds, formatCount, HOUR_MS, percent, trialOf } from './amounts.ts';

export interface LateBreach {
  /** `2.1%`, or `8.1% too slow` where answers are counted that exceed a limit of time. */
  readonly amount: string;
  /** `43 of 2,040 inferences`. */
  readonly counts: string;
  /** `0.332% (0.234–0.455) over the whole stage`. */
  readonly whole: string;
}

function wholeStage({ estimate, lower, upper, unit }: RuleVerdict): string {
  if (estimate === null) return 'the whole stage does not prove it yet';
  const bounds = lower === null || upper === null ? '' : ` ${formatBounds(estimate, lower, upper, unit)}`;
  return `${formatAmount(estimate, unit)}${bounds} over the whole stage`;
}

/** What the newest intervals show, where they alone decided; null for every other verdict. */
export function lateBreachOf(rule: RuleVerdict): LateBreach | null {
  const { reasons, verdict, unit, metric } = rule;
  const late = reasons.find((reason) => reason.kind === 'late');
  if (verdict !== 'fail' || late === undefined) return null;
  const { bad, trials } = late;
  const whole = wholeStage(rule);
  if (unit === 'ms') {
    const counts = `${formatCount(bad)} of ${countOf(trials, 'answer')}`;
    return { amount: `${percent(bad / trials)} too slow`, counts, whole };
  }
  // Where a rule asks for successes, those that failed are counted.
  const count = rule.kind === 'rate' && rule.goodSide === 'above' ? trials - bad : bad;
  if (unit === 'per-hour') {
    const amount = formatAmount((HOUR_MS * bad) / trials, unit);
    return { amount, counts: badInWords(late, metric), whole };
  }
  const counts = `${formatCount(count)} of ${countOf(trials, trialOf(metric))}`;
  return { amount: percent(count / trials), counts, whole };
}

/** What the whole stage shows of a rule that fails because of where it is on course to; null for every other verdict. */
export function onCourseBreachOf(rule: RuleVerdict): Pick<LateBreach, 'whole'> | null {
  const isOnCourse = rule.verdict === 'fail' && rule.reasons.some(({ kind }) => kind === 'on-course');
  return isOnCourse ? { whole: wholeStage(rule) } : null;
}

/** The reasons without what the numbers of the newest intervals say better. */
export function reasonsBesideLate({ reasons }: RuleVerdict): readonly RuleReason[] {
  return reasons.filter((reason) => reason.kind !== 'late');
}
