// Owns how a stage that opens is described: whom it takes in, how long, and what has to hold.

import { oneLine } from '../base/plain-text.ts';
import { formatDuration } from '../contract/duration.ts';
import { bucketEdge } from '../contract/sketch.ts';
import type { RolloutStatus } from '../documents/types.generated.ts';
import type { StageRule } from '../gates/stage-rule.ts';
import { type Stage, wantedDevices } from '../rollout/stages-of-policy.ts';
import { countOf, formatAmount, formatCount, percent } from './amounts.ts';
import { decidesInWords, scopeInWords } from './scope-in-words.ts';

function sizeInWords(stage: Stage, matching: number): string {
  const all = countOf(matching, 'device');
  const wanted = formatCount(wantedDevices(stage, matching));
  switch (stage.size?.kind) {
    case 'share':
      if (wantedDevices(stage, matching) === matching) return `all ${all}`;
      return stage.size.share >= 1 ? `${wanted} of ${all}` : `${percent(stage.size.share)} of ${all} (${wanted})`;
    case 'devices':
      return `${wanted} of ${all}`;
    default:
      return '';
  }
}

function selectInWords({ select, size }: Stage): string {
  if (select === null) return '';
  return size === null ? `devices in ${oneLine(select)}` : ` plus devices in ${oneLine(select)}`;
}

/** `ramp, 25% of 1,003 devices (251), at least 1 h`. */
export function stageInWords(stage: Stage, matching: number): string {
  const soak = stage.soakMs === 0 ? '' : `, at least ${formatDuration(stage.soakMs)}`;
  return `${stage.name}, ${sizeInWords(stage, matching)}${selectInWords(stage)}${soak}`;
}

/** ` by hw, rev2: < 200ms`. */
function groupingInWords(grouping: StageRule['grouping']): string {
  if (grouping === undefined) return '';
  const own = [...grouping.limits].map(([value, { source }]) => `, ${value}: ${source.slice(source.search(/[<>=]/))}`);
  return ` by ${grouping.by}${own.join('')}`;
}

/** ` (any device, dry run)`: of whom it must hold, and whether it decides. */
function aboutInWords(asked: StageRule): string {
  const more = [scopeInWords(asked), ...decidesInWords(asked)].filter((text) => text !== '');
  return more.length === 0 ? '' : ` (${more.join(', ')})`;
}

/** A stage's rules, each with the limit that was frozen for it: `latency_p95 < 2x baseline (236 ms)`. */
export function rulesInWords({ rules, signals }: Stage, limits: RolloutStatus['limits']): string[] {
  const measured = rules.map((asked) => {
    const { rule, grouping } = asked;
    const isShared = rule.limit.kind === 'baseline' && grouping === undefined;
    const frozen = isShared ? limits.find((one) => one.rule === rule.source) : undefined;
    const limit = frozen === undefined ? '' : ` (${formatAmount(bucketEdge(frozen.edge), 'ms')})`;
    return `${rule.source}${limit}${groupingInWords(grouping)}${aboutInWords(asked)}`;
  });
  const asked = signals.map((one) => {
    const { source, from } = one;
    return `${source} (${[`${from.kind} ${from.provider}`, ...decidesInWords(one)].join(', ')})`;
  });
  return [...measured, ...asked];
}
