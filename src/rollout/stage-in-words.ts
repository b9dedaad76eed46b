// Owns how a stage that opens is described: whom it takes in, how long, and what has to hold.

import type { RolloutStatus } from '../contract/documents/types.generated.ts';
import { formatDuration } from '../contract/duration.ts';
import { bucketEdge } from '../contract/sketch.ts';
import { countOf, formatAmount, formatCount, listed } from './amounts.ts';
import { oneLine } from './plain-text.ts';
import { type Stage, wantedDevices } from './stages-of-policy.ts';

function sizeInWords(stage: Stage, matching: number): string {
  const all = countOf(matching, 'device');
  const wanted = formatCount(wantedDevices(stage, matching));
  switch (stage.size?.kind) {
    case 'share':
      return stage.size.share >= 1 ? `all ${all}` : `${formatAmount(stage.size.share, 'ratio')} of ${all} (${wanted})`;
    case 'devices':
      return `${wanted} of ${all}`;
    default:
      return '';
  }
}

function selectInWords({ select, size }: Stage): string {
  if (select === null) return '';
  return size === null ? `the devices of ${oneLine(select)}` : ` and those of ${oneLine(select)}`;
}

/** A rule with the limit that was frozen for it: `latency_p95 < 2x baseline (236 ms)`. */
function ruleInWords(source: string, limits: RolloutStatus['limits']): string {
  const frozen = limits.find((one) => one.rule === source);
  if (frozen === undefined || !source.includes('baseline')) return source;
  return `${source} (${formatAmount(bucketEdge(frozen.edge), 'ms')})`;
}

const MOST_RULES = 6;

/** `ramp, 25 % of 1 003 devices (251), at least 1 h, while error_rate < 0.5% holds`. */
export function stageInWords(stage: Stage, matching: number, limits: RolloutStatus['limits']): string {
  const whom = `${sizeInWords(stage, matching)}${selectInWords(stage)}`;
  const soak = stage.soakMs === 0 ? '' : `, at least ${formatDuration(stage.soakMs)}`;
  const rules = stage.rules.filter((one) => !one.dryRun).map(({ rule }) => ruleInWords(rule.source, limits));
  const hold = rules.length === 1 ? 'holds' : 'hold';
  const while_ = rules.length === 0 ? '' : `, while ${listed(rules, 'and', MOST_RULES)} ${hold}`;
  return `${stage.name}, ${whom}${soak}${while_}.`;
}
