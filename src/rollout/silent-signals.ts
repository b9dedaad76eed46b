// Owns which of the queried providers give nothing that can be used.
import type { RuleVerdict } from '../gates/rule-verdict.ts';
import type { SilentSignal } from './outlook.ts';

export function silentOf(rules: readonly RuleVerdict[]): SilentSignal[] {
  return rules.flatMap(({ metric, sums }): SilentSignal[] => {
    if (sums.kind !== 'signal' || sums.state.kind !== 'silent') return [];
    const { from, provider, state } = sums;
    return [{ signal: metric, from, provider, reason: state.reason, sinceMs: state.sinceMs }];
  });
}
