// Owns which of the queried providers give nothing that can be used.
import type { RuleVerdict } from '../gates/rule-verdict.ts';
import type { SilentSignal } from './outlook.ts';

export function silentOf(rules: readonly RuleVerdict[]): SilentSignal[] {
  return rules.flatMap((rule): SilentSignal[] => {
    if (rule.kind !== 'signal' || rule.sums.state.kind !== 'silent') return [];
    const { from, provider, state } = rule.sums;
    return [{ signal: rule.metric, from, provider, why: state.why, sinceMs: state.sinceMs }];
  });
}
