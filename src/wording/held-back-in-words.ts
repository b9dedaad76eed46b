// Owns the words about devices that keep the stable version while a last stage is judged.
import { oneLine } from '../base/plain-text.ts';
import { formatDuration } from '../contract/duration.ts';
import type { HeldBack } from '../rollout/held-back.ts';
import { countOf, formatCount } from './amounts.ts';

function rulesInWords(rules: readonly string[]): string {
  const [first = '', ...others] = rules;
  if (others.length === 0) return `${oneLine(first)} passes`;
  return `${oneLine(first)} and ${countOf(others.length, 'other rule')} pass`;
}

/** `10 of 400 devices keep 1.0.0 until latency_p95 < 1.5x baseline and 2 other rules pass`. */
export function heldBackInWords({ devices, of, version, rules, forMs }: HeldBack): string {
  const keep = `${formatCount(devices)} of ${countOf(of, 'device')} ${devices === 1 ? 'keeps' : 'keep'} ${oneLine(version)}`;
  const time = forMs === 0 ? '' : ` for ${formatDuration(forMs)}, and`;
  return rules.length === 0 ? `${keep}${time.replace(', and', '')}` : `${keep}${time} until ${rulesInWords(rules)}`;
}
