// Owns which rules need devices on stable to be held against.
import type { ParsedRule } from '../documents/rules/rule-text.ts';
import { metricKind } from './metric-kind.ts';

/** Is the rule a multiple of the baseline, or about what stable's answers look like? */
export function isAgainstStable({ metric, limit }: ParsedRule): boolean {
  return limit.kind === 'baseline' || ['vanished-classes', 'drift'].includes(metricKind(metric).kind);
}
