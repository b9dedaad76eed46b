// Owns the limits that are fixed when a stage opens: latency limits as edges of the shared sketch, so that reports count them exactly.

import { bucketEdge, nearestEdgeIndex, quantileOf, type Sketch } from '../contract/sketch.ts';
import type { ParsedRule } from '../documents/rules/rule-text.ts';
import { quantileOfMetric } from './metric-kind.ts';
import type { StageRule } from './stage-rule.ts';

/** A limit in force, as the status pins it. */
export interface FrozenLimit {
  /** The rule as the policy has it. */
  rule: string;
  /** Milliseconds; within 1% of what the rule says. */
  limit: number;
  /** Index of the sketch edge that stands for it. */
  edge: number;
  /** The group that it is frozen for, such as `hw:rev2`; absent for all devices together. */
  group?: string;
}

function frozenAt(rule: ParsedRule, edge: number): FrozenLimit {
  return { rule: rule.source, limit: Number(bucketEdge(edge).toPrecision(4)), edge };
}

/** The limit of an absolute latency rule; undefined for other rules. */
function absoluteLimit(rule: ParsedRule): FrozenLimit | undefined {
  if (quantileOfMetric(rule.metric) === undefined || rule.limit.kind !== 'absolute' || !(rule.limit.value > 0))
    return undefined;
  return frozenAt(rule, nearestEdgeIndex(rule.limit.value));
}

/** The limit of a relative latency rule: factor times the baseline's quantile, or the floor if that is higher. */
function relativeLimit(rule: ParsedRule, baseline: Sketch): FrozenLimit | undefined {
  const q = quantileOfMetric(rule.metric);
  if (q === undefined || rule.limit.kind !== 'baseline' || !(rule.limit.factor > 0)) return undefined;
  const { factor, floor = 0 } = rule.limit;
  const quantile = quantileOf(baseline, q);
  if (quantile === undefined) return undefined;
  const limit = Math.max(factor * quantile, floor);
  return limit > 0 ? frozenAt(rule, nearestEdgeIndex(limit)) : undefined;
}

/**
 * The latency limits of a stage that opens now. A relative limit without a baseline is left out: on a first rollout it does not apply,
 * later its rule stays undecided.
 */
export function freezeLimits(rules: readonly ParsedRule[], baseline: Sketch | null): FrozenLimit[] {
  const limits = new Map<string, FrozenLimit>();
  for (const rule of rules) {
    const limit = absoluteLimit(rule) ?? (baseline === null ? undefined : relativeLimit(rule, baseline));
    if (limit !== undefined) limits.set(rule.source, limit);
  }
  return [...limits.values()];
}

/** The relative latency limits of a rule by groups: each group's own baseline gives its limit. */
export function freezeGroupLimits(
  { rule, grouping }: StageRule,
  baselines: ReadonlyMap<string, Sketch>,
): FrozenLimit[] {
  if (grouping === undefined) return [];
  const head = `${grouping.by}:`;
  return [...baselines].flatMap(([group, baseline]) => {
    if (!group.startsWith(head)) return [];
    const limit = relativeLimit(grouping.limits.get(group.slice(head.length)) ?? rule, baseline);
    return limit === undefined ? [] : [{ ...limit, group }];
  });
}

/** The limits that hold for one group, as if it were all: its own. */
export function limitsOfGroup(limits: readonly FrozenLimit[], group: string): FrozenLimit[] {
  return limits.flatMap(({ group: own, ...limit }) => (own === group ? [limit] : []));
}

/** The limit in force for a latency rule; undefined when a relative one was never frozen. */
export function limitInForce(rule: ParsedRule, limits: readonly FrozenLimit[]): FrozenLimit | undefined {
  return limits.find((limit) => limit.rule === rule.source && limit.group === undefined) ?? absoluteLimit(rule);
}

/**
 * The edge at which the baseline is counted for a relative latency rule: an edge of the bucket that held its quantile when the limit was
 * frozen. Undefined for absolute rules, and where the floor is the limit: then the baseline does not matter.
 */
export function baselineEdgeOf(rule: ParsedRule, limit: FrozenLimit): number | undefined {
  if (quantileOfMetric(rule.metric) === undefined || rule.limit.kind !== 'baseline') return undefined;
  const { factor, floor = 0 } = rule.limit;
  if (floor > 0 && limit.edge <= nearestEdgeIndex(floor)) return undefined;
  return nearestEdgeIndex(bucketEdge(limit.edge) / factor);
}

/** The sketch edges that a stage's window has to count in each arm. */
export function edgesToCount(
  rules: readonly ParsedRule[],
  limits: readonly FrozenLimit[],
): { readonly edges: number[]; readonly baselineEdges: number[] } {
  const edges = new Set<number>();
  const baselineEdges = new Set<number>();
  for (const rule of rules) {
    if (quantileOfMetric(rule.metric) === undefined) continue;
    const ofGroups = limits.filter((limit) => limit.rule === rule.source && limit.group !== undefined);
    for (const limit of [limitInForce(rule, limits), ...ofGroups]) {
      if (limit === undefined) continue;
      edges.add(limit.edge);
      const below = baselineEdgeOf(rule, limit);
      if (below !== undefined) baselineEdges.add(below);
    }
  }
  const sorted = (set: ReadonlySet<number>): number[] => [...set].sort((a, b) => a - b);
  return { edges: sorted(edges), baselineEdges: sorted(baselineEdges) };
}
