// Owns which gauge a rule asks for, and on which side of its limit it is bad; whoever opens a window and whoever judges it agree by this.
import type { ParsedRule } from '../documents/rules/rule-text.ts';
import { metricKind } from './metric-kind.ts';
import { goodSideOf } from './stage-rule.ts';

export interface GaugeTerms {
  readonly gauge: string;
  /** Null for a limit relative to the baseline. */
  readonly limit: number | null;
  readonly bad: 'above' | 'below';
}

/** Undefined for rules that are not about a gauge. */
export function gaugeTermsOf(rule: ParsedRule): GaugeTerms | undefined {
  const kind = metricKind(rule.metric);
  if (kind.kind !== 'gauge') return undefined;
  return {
    gauge: rule.ofClass === undefined ? kind.gauge : `${kind.gauge}:${rule.ofClass}`,
    limit: rule.limit.kind === 'absolute' ? rule.limit.value : null,
    bad: goodSideOf(rule) === 'above' ? 'below' : 'above',
  };
}
