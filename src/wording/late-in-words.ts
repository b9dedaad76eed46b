// Owns how a breach is told that the newest intervals alone prove: by their own numbers, as the whole stage's don't show it yet.
import { ALONE } from '../gates/judge-rate-rule.ts';
import type { RuleVerdict } from '../gates/rule-verdict.ts';
import { countOf, formatAmount, formatBounds, formatCount, trialOf } from './amounts.ts';

export interface LateBreach {
  /** `2.1 %`, or `8.1 % too slow` where answers are counted that exceed a limit of time. */
  readonly amount: string;
  /** `43 of 2 040 inferences`. */
  readonly counts: string;
  /** `0.332 % (0.234–0.455) over the whole stage`. */
  readonly whole: string;
}

function wholeStage({ estimate, lower, upper, unit }: RuleVerdict): string {
  if (estimate === null) return 'the whole stage does not prove it yet';
  const bounds = lower === null || upper === null ? '' : ` ${formatBounds(estimate, lower, upper, unit)}`;
  return `${formatAmount(estimate, unit)}${bounds} over the whole stage`;
}

/** What the newest intervals show, where they alone decided; null for every other verdict. */
export function lateBreachOf(rule: RuleVerdict): LateBreach | null {
  const { sums, reason, verdict, unit, estimate, metric } = rule;
  if (verdict !== 'fail' || sums.kind !== 'rate' || !reason.startsWith(ALONE) || sums.window.trials === 0) return null;
  const { bad, trials } = sums.window;
  const whole = wholeStage(rule);
  if (unit === 'ms') {
    const counts = `${formatCount(bad)} of ${countOf(trials, 'answer')}`;
    return { amount: `${formatAmount(bad / trials, 'ratio')} too slow`, counts, whole };
  }
  // Where a rule asks for successes, those that failed are counted.
  const share = sums.candidate.bad / sums.candidate.trials;
  const isOfFailures = estimate !== null && Math.abs(estimate - share) > Math.abs(estimate - (1 - share));
  const count = isOfFailures ? trials - bad : bad;
  const counts = `${formatCount(count)} of ${countOf(trials, trialOf(metric))}`;
  return { amount: formatAmount(count / trials, 'ratio'), counts, whole };
}

/** The reason without what the numbers of the newest intervals say better: what is told of other groups is kept. */
export function reasonBesideLate({ reason }: RuleVerdict): string {
  return reason
    .split('; ')
    .slice(1)
    .filter((part) => !part.startsWith('over the whole stage'))
    .join('; ');
}
