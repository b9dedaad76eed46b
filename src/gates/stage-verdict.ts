// Owns how the rules of a stage become one verdict: any rule can fail it, only all together can pass it.
import type { Verdict } from './statistics/rate-verdict.ts';

/** What a stage needs to know of one deciding rule. */
export interface NamedVerdict {
  readonly name: string;
  readonly verdict: Verdict;
  /** Observed within its limit, decided or not? */
  readonly isWithin: boolean;
}

export type OnDeadline = 'hold' | 'promote' | 'rollback';

export interface StageClock {
  readonly elapsedMs: number;
  /** Soak: no pass before. */
  readonly soakMs?: number;
  readonly deadlineMs?: number;
  readonly onDeadline?: OnDeadline;
}

export interface CombinedVerdict {
  readonly verdict: Verdict;
  /** Names of the rules that failed, or that are still open. */
  readonly because: readonly string[];
}

/** Each rule may spend alpha/m on a fail (Bonferroni); a pass needs every rule, so beta is not split (Berger 1982). */
export function ruleAlpha(alpha: number, rules: number): number {
  return alpha / Math.max(1, rules);
}

/** At the deadline `promote` passes only when every open rule is at least observed within its limit. */
export function combineVerdicts(rules: readonly NamedVerdict[], clock: StageClock): CombinedVerdict {
  const { elapsedMs, soakMs = 0, deadlineMs = Number.POSITIVE_INFINITY, onDeadline = 'hold' } = clock;
  const failed = rules.filter((rule) => rule.verdict === 'fail');
  if (failed.length > 0) return { verdict: 'fail', because: failed.map((rule) => rule.name) };
  const open = rules.filter((rule) => rule.verdict !== 'pass');
  const because = open.map((rule) => rule.name);
  if (open.length === 0 && elapsedMs >= soakMs) return { verdict: 'pass', because };
  if (elapsedMs < deadlineMs) return { verdict: 'undecided', because };
  if (onDeadline === 'rollback') return { verdict: 'fail', because };
  const mayPromote = onDeadline === 'promote' && open.every((rule) => rule.isWithin);
  return { verdict: mayPromote ? 'pass' : 'undecided', because };
}
