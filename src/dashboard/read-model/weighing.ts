// Owns which devices weigh most in a rate, and which errors there are: read from the sums that are counted anyway.

import type { DeviceFacts } from '../../contract/selector.ts';
import type { RuleMetric } from '../../documents/rules/metric-catalogue.ts';
import { metricKind } from '../../gates/metric-kind.ts';
import type { WindowReading } from '../../store/window-store.ts';
import { groupOf } from '../../telemetry/groups.ts';
import { measureAt } from '../../telemetry/rate-sums.ts';
import type { ArmTallies } from '../../telemetry/window-tallies.ts';
import { badInWords, formatAmount } from '../../wording/amounts.ts';
import { count, finite, MOST_NAME, text, textOrNull } from './bounded.ts';
import type { ErrorCount, RuleView, Weighing } from './types.generated.ts';

const MOST_DEVICES = 10;
const MOST_KINDS = 20;

/** Errors of the candidate by kind, most first, and the group in which most of them are. */
export function errorCounts({ tallies }: Pick<WindowReading, 'tallies'>): ErrorCount[] {
  const { candidate } = tallies;
  const kinds = Object.entries(candidate.summary.errors).filter(([, number]) => (number ?? 0) > 0);
  return kinds
    .map(
      ([kind, number]): ErrorCount => ({
        kind: text(kind, MOST_NAME),
        count: count(number),
        where: whereMost(candidate, kind),
      }),
    )
    .sort((a, b) => b.count - a.count)
    .slice(0, MOST_KINDS);
}

function whereMost({ groups }: ArmTallies, kind: string): string | null {
  let most: readonly [name: string, number: number] | null = null;
  for (const [name, { summary }] of groups) {
    const number = Object.entries(summary.errors).find(([one]) => one === kind)?.[1] ?? 0;
    if (number > (most?.[1] ?? 0)) most = [name, number];
  }
  return most === null ? null : textOrNull(most[0], MOST_NAME);
}

interface Weighed {
  readonly device: string;
  readonly bad: number;
  readonly trials: number;
}

function measureOfRule({ metric }: Pick<RuleView, 'metric'>): string | null {
  try {
    const kind = metricKind(metric as RuleMetric);
    return kind.kind === 'rate' ? kind.measure : null;
  } catch {
    return null;
  }
}

/** The rule that people would ask about first, of those whose devices are counted one by one. */
function ruleToWeigh(rules: readonly RuleView[]): RuleView | undefined {
  return rules.find((rule) => rule.unit === 'ratio' && rule.group === null && measureOfRule(rule) !== null);
}

/** The devices without which the rule's value would change most. Null where devices are not counted one by one. */
export function weighingOf(
  rules: readonly RuleView[],
  { tallies, spec }: Pick<WindowReading, 'tallies' | 'spec'>,
  findDevice: (id: string) => DeviceFacts | undefined,
): Weighing | null {
  const rule = ruleToWeigh(rules);
  if (rule === undefined || spec.rows.candidate !== 'device') return null;
  const { measures, names, sums } = tallies.candidate;
  const measure = measureOfRule(rule);
  const place = measures.findIndex((one) => `${one}` === measure);
  const part = sums.parts[place];
  if (place < 0 || part === undefined) return null;
  const whole = measureAt(part.total, 0);
  const weighed = names.flatMap((device, row): Weighed[] => {
    const { bad, trials } = measureAt(part.whole, row);
    return trials > 0 ? [{ device, bad, trials }] : [];
  });
  const rateWithout = ({ bad, trials }: Weighed): number | null =>
    whole.trials > trials ? finite((whole.bad - bad) / (whole.trials - trials)) : null;
  const rate = whole.trials > 0 ? whole.bad / whole.trials : 0;
  const pull = (one: Weighed): number => Math.abs(rate - (rateWithout(one) ?? rate));
  const top = weighed.sort((a, b) => pull(b) - pull(a)).slice(0, MOST_DEVICES);
  const [by] = spec.groups;
  return {
    metric: rule.metric,
    devices: top.map((one) => {
      const facts = by === undefined ? undefined : findDevice(one.device);
      const value = finite(one.bad / one.trials);
      return {
        device: text(one.device, MOST_NAME),
        group: facts === undefined || by === undefined ? null : textOrNull(groupOf(by, facts), MOST_NAME),
        value,
        text: `${value === null ? '' : `${formatAmount(value, 'ratio')}: `}${badInWords(one, rule.metric)}`,
        without: rateWithout(one),
      };
    }),
  };
}
