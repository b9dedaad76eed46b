// Owns what a start would do, said before it is done: whom each stage takes in, how long it lasts at least, and what speaks against it.
import type { Digest } from '../contract/digest.ts';
import type { RolloutPolicy } from '../contract/documents/types.generated.ts';
import { formatDuration, parsePercent } from '../contract/duration.ts';
import { bucketOf, type Cohort, saltOf } from '../contract/membership.ts';
import { samplesToDecide } from '../gates/planner.ts';
import { DEFAULT_ERROR_LEVEL } from '../gates/stage-question.ts';
import { countOf } from './amounts.ts';
import { cohortOf } from './next-status.ts';
import { leastDevices, type Stage, stagesOf } from './stages-of-policy.ts';

export interface PreflightQuestion {
  readonly rollout: string;
  readonly policy: RolloutPolicy;
  readonly target: string;
  /** Digest of the version that would start, and which attempt it would be: they place the devices. */
  readonly digest: Digest;
  readonly attempt: number;
  readonly hasStable: boolean;
  /** Ids of the known devices that match a selector. */
  readonly matching: (selector: string) => readonly string[];
  /** Inferences of one device in a minute, when they are known. */
  readonly perDevicePerMinute?: number;
}

export interface PreflightStage {
  readonly name: string;
  /** Devices of the stage, those of the stages before included. */
  readonly devices: number;
  /** The shortest time in which it can pass, in milliseconds: its soak, or the traffic that its rules need if nothing goes wrong. */
  readonly leastMs: number;
  readonly warnings: readonly string[];
}

export interface Preflight {
  readonly devices: number;
  readonly stages: readonly PreflightStage[];
  readonly warnings: readonly string[];
}

/** Inferences without a single event after which every absolute rate rule of the stage passes. */
function inferencesToPass(stage: Stage, errorLevel: number): number {
  const needs = stage.rules.flatMap(({ rule, dryRun }) =>
    !dryRun && rule.limit.kind === 'absolute' && rule.limit.unit === 'ratio' && rule.metric !== 'failed_devices'
      ? [samplesToDecide(rule.limit.value, 0, errorLevel)]
      : [],
  );
  return Math.max(stage.minimumInferences, 0, ...needs);
}

function leastTimeMs(stage: Stage, devices: number, question: PreflightQuestion): number {
  const { perDevicePerMinute = 0, policy } = question;
  const deciding = stage.signals.filter((one) => !one.dryRun);
  const leastMs = Math.max(stage.soakMs, ...deciding.map((one) => one.sustainedMs));
  if (perDevicePerMinute <= 0 || devices === 0) return leastMs;
  const level = policy.spec.errorLevel === undefined ? DEFAULT_ERROR_LEVEL : parsePercent(policy.spec.errorLevel);
  const minutes = inferencesToPass(stage, level) / (devices * perDevicePerMinute);
  return Math.max(leastMs, Math.ceil(minutes * 60_000));
}

function stageWarnings(stage: Stage, devices: number, leastMs: number, question: PreflightQuestion): string[] {
  const warnings: string[] = [];
  const least = Math.max(1, leastDevices(stage, devices));
  if (devices < least)
    warnings.push(`it takes in ${countOf(devices, 'device')} and can't pass with fewer than ${least}`);
  if ([...stage.rules, ...stage.signals].every((rule) => rule.dryRun))
    warnings.push('no rule decides it: it passes by time alone');
  if (!question.hasStable && stage.rules.some(({ rule }) => rule.limit.kind === 'baseline'))
    warnings.push('its relative rules do not apply yet: nothing is stable to compare with');
  if (stage.deadlineMs !== null && leastMs > stage.deadlineMs)
    warnings.push(
      `at this traffic it needs ${formatDuration(leastMs)}, and its deadline is ${formatDuration(stage.deadlineMs)}`,
    );
  return warnings;
}

/** What a start under the policy would do to the fleet as it is known now. */
export function preflight(question: PreflightQuestion): Preflight {
  const { rollout, policy, target, digest, attempt, hasStable, matching } = question;
  const salt = saltOf(rollout, digest, attempt);
  const ids = matching(target);
  const inTarget = new Set(ids);
  let cohort: Cohort = { cut: 0, select: null, devices: [] };
  const stages = stagesOf(policy).map((stage): PreflightStage => {
    cohort = cohortOf(stage, cohort, salt, ids);
    const { cut, select } = cohort;
    const selected = select === null ? [] : matching(select).filter((id) => inTarget.has(id));
    const devices = new Set([...ids.filter((id) => bucketOf(salt, id) < cut), ...selected]).size;
    const leastMs = leastTimeMs(stage, devices, question);
    return { name: stage.name, devices, leastMs, warnings: stageWarnings(stage, devices, leastMs, question) };
  });
  const warnings: string[] = [];
  if (ids.length === 0) warnings.push('no known device matches the target: it starts with the first one');
  if (ids.length > 0 && stages.length > 1 && stages[0]?.devices === ids.length)
    warnings.push(`the first stage takes in the whole target (${countOf(ids.length, 'device')})`);
  if (!hasStable) warnings.push('nothing is stable yet: a rollback leaves the devices without the model');
  return { devices: ids.length, stages, warnings };
}
