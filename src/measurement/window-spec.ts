// Owns what the window of a rollout's present stage, or of its steady state, counts: a pure function of status, policy and fleet.
import { parseInstant } from '../base/clock.ts';
import { groupsApart, isInAnyGroup } from '../contract/group-exception.ts';
import { isVariantProperty } from '../contract/manifest/choose-variant.ts';
import type { DeviceFacts } from '../contract/selector.ts';
import type { Variant } from '../contract/types.generated.ts';
import type { DeclaredByArm } from '../documents/comparable-outputs.ts';
import type { ParsedRule } from '../documents/rules/rule-text.ts';
import type { RolloutPolicy, RolloutStatus } from '../documents/types.generated.ts';
import { edgesToCount } from '../gates/freeze-limits.ts';
import { metricKind } from '../gates/metric-kind.ts';
import type { KnownDevice } from '../rollout/count-cohort.ts';
import { stageOf } from '../rollout/held-back.ts';
import { rulesWithin, type Stage, stagesOf } from '../rollout/stages-of-policy.ts';
import { type CourseSpec, courseSpecFor } from '../telemetry/course-sums.ts';
import { chooseGroups, type GroupSpec, variantGroups } from '../telemetry/groups.ts';
import { rowsFor, type WindowSpec } from '../telemetry/window.ts';
import { countsOf } from './window-counts.ts';
import { outputCentres, type ShownBefore } from './window-outputs.ts';

export interface RolloutInForce {
  readonly name: string;
  readonly model: string;
  readonly status: RolloutStatus;
  readonly policy: RolloutPolicy | null;
  /** Classes that the candidate's manifest names, or stable's while nothing rolls. */
  readonly classes: readonly string[];
  /** The variants of the same manifest; none unless given. */
  readonly variants?: readonly Variant[];
  /** What the manifests of candidate and stable declare of outputs that are no classes; nothing unless given. */
  readonly outputs?: DeclaredByArm;
  /** What the candidate's manifest states of itself in `metrics`; nothing unless given. */
  readonly offline?: Readonly<Record<string, number>>;
  /** Can the device run the candidate? All can unless given. */
  readonly canRun?: (device: DeviceFacts) => boolean;
}

/** The devices that there are, and how many of them match the target. */
export interface FleetNow {
  readonly devices: readonly KnownDevice[];
  readonly deviceCount: number;
}

export interface WindowFacts extends FleetNow {
  readonly rollout: RolloutInForce;
  /** What stable showed in the window before: it decides which of too many classes are counted, and where values are cut. */
  readonly shown: ShownBefore;
  readonly intervalMs: number;
  readonly now: number;
}

export function presentStage({ status, policy }: Pick<RolloutInForce, 'status' | 'policy'>): Stage | undefined {
  return policy === null ? undefined : stageOf(stagesOf(policy), status);
}

/** Groups by the labels and properties of variants that the rules of all stages name; those that stand apart are not counted. */
function groupsOfStages(
  stages: readonly Stage[],
  { variants = [] }: RolloutInForce,
  apart: readonly string[],
  devices: FleetNow['devices'],
): GroupSpec[] {
  const named = stages.flatMap(({ rules }) => rules.flatMap(({ grouping }) => grouping?.by ?? []));
  if (named.length === 0) return [];
  const by = [...new Set(named)].sort();
  const labels = by.filter((one) => !isVariantProperty(one));
  const ofVariants = by.filter(isVariantProperty).map((one) => variantGroups(one, variants));
  const present = devices.filter((device) => !isInAnyGroup(apart, device.labels));
  return [...chooseGroups(labels, present), ...ofVariants];
}

/** Groups that are behind are compared with what they run; nothing is compared while nothing rolls. */
function otherStableOf({ candidate, exceptions = [] }: RolloutStatus): Pick<WindowSpec, 'otherStable'> {
  const others = candidate === null ? [] : exceptions.flatMap(({ stable }) => (stable === null ? [] : [stable.digest]));
  return others.length === 0 ? {} : { otherStable: [...new Set(others)].sort() };
}

/** In the steady state stable is counted at the fixed latency limits of all stages: each finds how its slow answers come in bursts. */
function edgesFor(
  rollout: RolloutInForce,
  ofStages: readonly ParsedRule[],
): Pick<WindowSpec, 'edges' | 'baselineEdges'> {
  const { candidate, limits } = rollout.status;
  if (candidate === null) return { edges: [], baselineEdges: edgesToCount(ofStages, []).edges };
  const { edges, baselineEdges } = edgesToCount(presentStage(rollout)?.rules.flatMap(rulesWithin) ?? [], limits);
  return { edges, baselineEdges };
}

/** Confidences are summed by time while a stage has a soak and rules about all of its devices' confidences. */
function courseFor(rollout: RolloutInForce, intervalMs: number): { readonly course?: CourseSpec } {
  const { rules = [], courseMs = 0 } = presentStage(rollout) ?? {};
  const isAsked = rules.some(({ rule, grouping }) => {
    const kind = metricKind(rule.metric);
    return grouping === undefined && kind.kind === 'drift' && kind.histogram === 'confidence';
  });
  return isAsked && courseMs > 0 ? { course: courseSpecFor(courseMs, intervalMs) } : {};
}

export function windowSpecOf({ rollout, devices, deviceCount, shown, intervalMs, now }: WindowFacts): WindowSpec {
  const { name, status, policy } = rollout;
  const stages = policy === null ? [] : stagesOf(policy);
  // The rules of all stages, so that each stage finds a baseline of what it asks for.
  const rules = stages.flatMap((stage) => stage.rules.flatMap(rulesWithin));
  const rows = rowsFor(deviceCount);
  const without = groupsApart(status.exceptions);
  return {
    rollout: name,
    openedRevision: status.opened,
    candidateDigest: status.candidate?.digest ?? null,
    candidateAttempt: status.candidate?.attempt ?? 0,
    stableDigest: status.stable?.digest ?? null,
    ...edgesFor(rollout, rules),
    ...countsOf(rules, rollout, shown),
    ...outputCentres(rollout.outputs ?? {}),
    ...courseFor(rollout, intervalMs),
    groups: groupsOfStages(stages, rollout, without, devices),
    openedAtMs: Math.min(now, parseInstant(status.since) ?? now),
    intervalMs,
    rows: { candidate: rows, stable: rows },
    ...(without.length === 0 ? {} : { without }),
    ...otherStableOf(status),
  };
}
