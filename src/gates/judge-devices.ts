// Owns rules over shares of the stage's own devices: whose installs failed, and who never had the version. Both are exact.
import type { MetricKind } from '../documents/rules/metric-facts.ts';
import type { ParsedRule } from '../documents/rules/rule-text.ts';
import { blankVerdict } from './blank-verdict.ts';
import type { RuleReason } from './rule-reason.ts';
import type { RuleVerdict } from './rule-verdict.ts';
import type { StageQuestion } from './stage-question.ts';
import type { StageRule } from './stage-rule.ts';
import { deliveryVerdict } from './statistics/delivery-verdict.ts';
import {
  type DeviceCounts,
  limitOf,
  type ShareLimit,
  type ShareReading,
  shareVerdict,
  totalOf,
} from './statistics/share-verdict.ts';

const NO_DELIVERIES = { names: [], devices: [], nowMs: 0 };
const MOST_NAMED = 3;
/** Installs are counted as they are now. */
const NOTHING_MORE = { more: [], hasRecovered: false } as const;

interface CountedDevices {
  readonly reading: ShareReading;
  readonly counts: DeviceCounts;
  /** What a rule waits for whose devices are not all known yet. */
  readonly open: RuleReason;
  /** What the counts don't show. */
  readonly more: readonly RuleReason[];
  /** So few are still without the version by now that the limit is kept again. */
  readonly hasRecovered: boolean;
}

function named(kind: 'undelivered' | 'out-of-reach', names: readonly string[]): RuleReason[] {
  return names.length === 0 ? [] : [{ kind, count: names.length, devices: names.slice(0, MOST_NAMED) }];
}

function countInstalls(_: ParsedRule, limit: ShareLimit, { installs }: StageQuestion): CountedDevices {
  const reading = shareVerdict(installs, limit);
  return { reading, counts: installs, open: { kind: 'pending-installs', pending: installs.pending }, ...NOTHING_MORE };
}

function countDeliveries(
  { afterMs = 0 }: ParsedRule,
  limit: ShareLimit,
  { deliveries }: StageQuestion,
): CountedDevices {
  const { names, devices, nowMs } = deliveries?.() ?? NO_DELIVERIES;
  const reading = deliveryVerdict(devices, { ...limit, nowMs, withinMs: afterMs });
  const { counts, missing } = reading;
  const away = names.filter((_, place) => devices[place]?.isOut === true && devices[place].heardAtMs === null);
  const without = missing.flatMap((place) => names[place] ?? []);
  const more = [...named('undelivered', without), ...named('out-of-reach', away)];
  const nowMissing = { bad: missing.length, good: totalOf(counts) - missing.length, pending: 0 };
  const hasRecovered = shareVerdict(nowMissing, limit).isWithin;
  return { reading, counts, open: { kind: 'pending-deliveries', pending: counts.pending }, more, hasRecovered };
}

/** The limit of a rule over a share of devices; null where it is relative to stable. */
export function shareLimitOf({ limit, comparison }: ParsedRule): ShareLimit | null {
  if (limit.kind !== 'absolute') return null;
  const { value, floor = 0 } = limit;
  return { limit: value, floor, mayReach: comparison !== '<' };
}

/** failed_devices, undelivered_devices. */
export function judgeDevices(
  asked: StageRule,
  { of }: Extract<MetricKind, { kind: 'share' }>,
  question: StageQuestion,
): RuleVerdict {
  const limit = shareLimitOf(asked.rule);
  if (limit === null) return blankVerdict(asked, { kind: 'no-relative-limit' });
  const count = of === 'installs' ? countInstalls : countDeliveries;
  const { reading, counts, open, more, hasRecovered } = count(asked.rule, limit, question);
  const waits: RuleReason = reading.reason === null ? open : { kind: reading.reason };
  const { bad, good, pending } = counts;
  return {
    ...blankVerdict(asked, reading.verdict === 'undecided' ? waits : null, ...more),
    verdict: reading.verdict,
    ...(reading.verdict === 'fail' && hasRecovered ? { recovered: true as const } : {}),
    within: reading.isWithin,
    estimate: reading.estimate,
    limit: limitOf(totalOf(counts), limit),
    trials: totalOf(counts),
    devices: totalOf(counts),
    kind: 'share',
    sums: { bad, good, pending },
  };
}
