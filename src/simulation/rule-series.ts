// Owns what is kept of the verdicts over time, for plots: each rule's estimate, bounds and limit at every look.
import type { RuleUnit } from '../documents/rules/metric-facts.ts';
import { ruleName, type StageVerdict } from '../gates/rule-verdict.ts';

export interface RulePoint {
  readonly rule: string;
  readonly unit: RuleUnit;
  readonly estimate: number | null;
  readonly lower: number | null;
  readonly upper: number | null;
  readonly limit: number | null;
  readonly verdict: string;
}

export interface SeriesPoint {
  readonly minute: number;
  readonly stage: string;
  readonly devicesExposed: number;
  readonly rules: readonly RulePoint[];
}

/** What a look adds to the plots. */
export function seriesPointOf(
  look: Omit<SeriesPoint, 'rules'> & { readonly verdict: StageVerdict | null },
): SeriesPoint {
  const { verdict: judged, ...at } = look;
  const rules = (judged?.rules ?? []).map((one): RulePoint => {
    const { unit, estimate, lower, upper, limit, verdict } = one;
    return { rule: ruleName(one), unit, estimate, lower, upper, limit, verdict };
  });
  return { ...at, rules };
}
