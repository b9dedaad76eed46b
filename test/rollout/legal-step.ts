// Owns an independent judge of steps, written from DESIGN.md §2–§4 and not from the code: what must be true of every step, and when one is due.

import { canonicalJson } from '../../src/contract/digest.ts';
import { parseDurationMs } from '../../src/contract/duration.ts';
import { BUCKETS, isInCohort } from '../../src/contract/membership.ts';
import { matchesSelector, parseSelector } from '../../src/contract/selector.ts';
import type { RolloutPolicy, RolloutRequest, RolloutStatus } from '../../src/documents/types.generated.ts';
import type { RuleVerdict } from '../../src/gates/rule-verdict.ts';
import type { Transition } from '../../src/rollout/transition.ts';
import type { FalseWorld } from './false-world.ts';

type PolicyStage = RolloutPolicy['spec']['stages'][number];

/** What of a world is judged. */
export type JudgedWorld = Pick<
  FalseWorld,
  'spec' | 'versions' | 'fleet' | 'policy' | 'policyStanding' | 'pinned' | 'measured' | 'now'
>;

/** What the judge knows before a step; it keeps its own history. */
export interface Before {
  readonly world: JudgedWorld;
  /** The last status that the reconciler wrote, whatever stands at HEAD now. */
  readonly truth: RolloutStatus | null;
  readonly headIsTruth: boolean;
  readonly floor: number;
  /** Highest attempt ever started, by digest. */
  readonly attempts: ReadonlyMap<string, number>;
  readonly evidence: ReadonlySet<string>;
}

function members(world: JudgedWorld, { target, cohort, salt }: RolloutStatus): Set<string> {
  const selector = parseSelector(target);
  const inside = world.fleet.filter(
    (device) =>
      matchesSelector(selector, device) &&
      isInCohort({
        cohort,
        salt: salt ?? '',
        deviceId: device.id,
        matchesSelect: (select) => matchesSelector(parseSelector(select), device),
      }),
  );
  return new Set(inside.map((device) => device.id));
}

function asks(world: JudgedWorld, status: RolloutStatus, act: RolloutRequest['act']): RolloutRequest[] {
  return (world.spec.requests ?? []).filter(
    (one) =>
      one.act === act &&
      one.group === undefined &&
      one.digest === status.candidate?.digest &&
      (act === 'abort' || one.stage === undefined || one.stage === status.stage),
  );
}

function stagesBelow(world: JudgedWorld, status: RolloutStatus): { all: readonly PolicyStage[]; at: number } {
  const all = withRest(world.pinned.get(status.policy ?? '')?.spec.stages ?? [], status);
  return { all, at: all.findIndex((stage) => stage.name === status.stage) };
}

/** The policy's, else a day, four soaks, or twice what a rule takes; of these policies no rule takes hours. */
function isPastDeadline({ measured: { window } }: JudgedWorld, { deadline, soak = '0s' }: PolicyStage): boolean {
  const defaultMs = Math.max(86_400_000, 4 * parseDurationMs(soak));
  return (window?.listenedMs ?? 0) >= (deadline === undefined ? defaultMs : parseDurationMs(deadline));
}

const REST = '-rest';

/** Whoever is held back from the last stage gets the version in a step after it, and ten minutes follow. */
function withRest(stages: readonly PolicyStage[], { stage, stable, cohort }: RolloutStatus): readonly PolicyStage[] {
  const last = stages.at(-1);
  if (last === undefined) return stages;
  const { approval: _, minimum: { inferences: __, ...minimum } = {}, deadline, ...others } = last;
  const time = deadline === undefined ? {} : { deadline: '1h' };
  const rest = {
    ...others,
    ...time,
    minimum,
    name: `${last.name}${REST}`,
    soak: '10m',
    onDeadline: 'promote',
  } as const;
  const isHeldBack = stage === last.name && last.size === '100%' && stable !== null && cohort.cut < BUCKETS;
  return isHeldBack || stage === rest.name ? [...stages, rest] : stages;
}

/** At most a tenth keeps stable in a stage of all, and nobody after it. */
function judgeHeldBack(world: JudgedWorld, next: RolloutStatus, size: PolicyStage['size']): string[] {
  const { stage, target, stable, exceptions = [] } = next;
  if (size !== '100%' || exceptions.length > 0) return [];
  const selector = parseSelector(target);
  const known = world.fleet.filter((device) => matchesSelector(selector, device)).length;
  const held = known - members(world, next).size;
  if (held > 0 && (stable === null || stage?.endsWith(REST))) return [`${stage} holds back ${held} of ${known}`];
  return held > known / 10 ? [`${stage} holds back more than a tenth: ${held} of ${known}`] : [];
}

/** Has the stage earned its end: soak, devices, verdict, approvals; or its deadline with leave to promote? */
function isEarned(world: JudgedWorld, status: RolloutStatus, stage: PolicyStage): boolean {
  const { verdict = null, cohort = null, window = null } = world.measured;
  const least = stage.minimum?.devices ?? Math.min(3, cohort?.wanted ?? 0);
  const hasDevices = (cohort?.ready ?? 0) >= Math.max(1, least);
  const hasSoaked = (window?.readyMs ?? 0) >= parseDurationMs(stage.soak ?? '0s');
  const isOver = isPastDeadline(world, stage);
  const byDeadline = isOver && stage.onDeadline === 'promote' && verdict?.kind !== 'fail';
  const isKept = ({ dryRun, within, trials }: RuleVerdict): boolean => dryRun || within || trials === 0;
  const isUnbroken = verdict?.kind !== 'fail' && (verdict?.rules ?? []).every(isKept);
  const isRest = stage.name.endsWith(REST);
  const judged =
    (isRest && isUnbroken) ||
    verdict?.kind === 'pass' ||
    (verdict?.rules.length === 0 && stage.minimum?.inferences === undefined);
  const approvers = stage.approval?.approvers ?? [];
  const approved = new Set(
    asks(world, status, 'approve').flatMap((one) =>
      one.by !== undefined && approvers.includes(one.by) ? [one.by] : [],
    ),
  );
  const isApproved = stage.approval === undefined || approved.size >= (stage.approval.count ?? 1);
  return hasDevices && isApproved && ((hasSoaked && judged) || byDeadline);
}

function judgeForward(before: Before, step: Transition, status: RolloutStatus): string[] {
  const { world } = before;
  const wrong: string[] = [];
  const { all, at } = stagesBelow(world, status);
  const stage = all[at];
  if (stage === undefined) return ['left a stage that the policy in force does not have'];
  const isAsked = asks(world, status, 'promote').length > 0 || asks(world, status, 'skip').length > 0;
  if (world.spec.suspend === true) wrong.push('promoted while suspended');
  if (!isAsked && status.state === 'paused') wrong.push('promoted out of a pause without being asked');
  if (!isAsked && !isEarned(world, status, stage)) wrong.push('promoted without having earned it');
  if (world.measured.verdict?.kind === 'fail' && status.state === 'rolling' && asks(world, status, 'skip').length === 0)
    wrong.push('promoted over a failed rule');
  if (step.kind === 'complete') {
    if (at !== all.length - 1) wrong.push('completed before the last stage');
    if (step.next.stable?.digest !== status.candidate?.digest)
      wrong.push('something else than the candidate became stable');
    return wrong;
  }
  if (all[at + 1]?.name !== step.next.stage) wrong.push(`went from ${status.stage} to ${step.next.stage}`);
  for (const name of ['candidate', 'salt', 'policy', 'target'] as const) {
    if (JSON.stringify(step.next[name]) !== JSON.stringify(status[name]))
      wrong.push(`${name} changed within an attempt`);
  }
  wrong.push(...judgeHeldBack(world, step.next, all[at + 1]?.size));
  const after = members(world, step.next);
  for (const id of members(world, status)) if (!after.has(id)) wrong.push(`${id} was sent back by a promotion`);
  return wrong;
}

function judgeStart(before: Before, { next }: Transition): string[] {
  const { world, truth } = before;
  const wrong: string[] = [];
  const candidate = next.candidate!;
  const known = world.versions.find((one) => one.digest === candidate.digest);
  if (known?.standing.kind !== 'admitted') wrong.push('started what nobody admitted');
  if (world.policyStanding.kind !== 'admitted') wrong.push('started under a policy that nobody admitted');
  if (world.spec.suspend === true) wrong.push('started while suspended');
  if (truth?.candidate) wrong.push('started beside another candidate');
  const isRejected = ({ digest, parameters }: RolloutStatus['rejected'][number]): boolean =>
    digest === candidate.digest &&
    (parameters === undefined || canonicalJson(parameters) === canonicalJson(candidate.parameters));
  if (truth?.rejected.some(isRejected)) wrong.push('started what was rejected');
  if (candidate.attempt <= (before.attempts.get(candidate.digest) ?? 0)) wrong.push('repeated an attempt');
  const stages = world.policy!.spec.stages;
  const wasStable = (truth?.previous ?? []).some((one) => one.digest === candidate.digest);
  const mayReturn = wasStable && world.policy!.spec.rollbackWindow !== undefined;
  const isFirst = next.stage === stages[0]!.name || (mayReturn && next.stage === stages.at(-1)!.name);
  if (!isFirst) wrong.push(`started in ${next.stage}`);
  if (next.target !== world.spec.target) wrong.push('started for another target');
  if (/^\d/.test(world.spec.version) && candidate.version !== world.spec.version) wrong.push('started another version');
  return wrong;
}

function judgeBack(before: Before, step: Transition, status: RolloutStatus): string[] {
  const { world, headIsTruth } = before;
  const wrong: string[] = [];
  if (step.next.candidate !== null) wrong.push('kept a candidate that was taken back');
  if (step.kind === 'supersede') {
    if (JSON.stringify(step.next.rejected) !== JSON.stringify(status.rejected))
      wrong.push('blamed what was superseded');
    return wrong;
  }
  const { all, at } = stagesBelow(world, status);
  const stage = all[at];
  const isOver = stage !== undefined && isPastDeadline(world, stage);
  const revoked = world.versions.some(
    ({ digest, standing }) => digest === status.candidate?.digest && standing.kind === 'refused' && standing.revoked,
  );
  const because =
    !headIsTruth ||
    revoked ||
    asks(world, status, 'abort').length > 0 ||
    rollsBack(world, status) ||
    (isOver && stage.onDeadline === 'rollback') ||
    world.spec.version !== status.candidate?.version ||
    canonicalJson(world.spec.parameters ?? {}) === canonicalJson(status.stable?.parameters ?? {});
  if (!because) wrong.push('rolled back without a cause');
  const { rejected } = step.next;
  if (rejected[0]?.digest !== status.candidate?.digest) wrong.push('the rejected digest is not on record');
  if (rejected[0]?.evidence !== step.next.evidence) wrong.push('the rejection names other evidence');
  const { version } = step.spec;
  if (version !== undefined && (world.spec.version !== status.candidate?.version || version !== status.stable?.version))
    wrong.push('changed a desired version that does not pin what was rejected');
  return wrong;
}

/** Groups stand apart only for a cause, take nobody else along, and leave the walk as it is. */
function judgeExcept(before: Before, step: Transition, status: RolloutStatus): string[] {
  const { world } = before;
  const wrong: string[] = [];
  if (step.next.cohort.cut < status.cohort.cut) wrong.push('except took devices out of the cohort');
  for (const name of ['candidate', 'stage', 'salt', 'target', 'policy', 'rejected'] as const) {
    if (JSON.stringify(step.next[name]) !== JSON.stringify(status[name])) wrong.push(`except changed ${name}`);
  }
  const names = step.groups?.names ?? [];
  const untold = (all: RolloutStatus): string =>
    JSON.stringify((all.exceptions ?? []).filter(({ group }) => !names.includes(group)));
  if (untold(step.next) !== untold(status)) wrong.push('other groups changed than those that the step names');
  const isAsked = (act: RolloutRequest['act']): boolean =>
    (world.spec.requests ?? []).some((one) => one.act === act && names.includes(one.group ?? ''));
  if (step.groups?.becomes === 'rejoined') return isAsked('promote') ? wrong : [...wrong, 'a group rejoined unasked'];
  if (status.stable === null) wrong.push('a group went back to nothing');
  const { all, at } = stagesBelow(world, status);
  const wanted = { stage: null, rollback: 'rolled-back', hold: 'held' }[all[at]?.onGroupFailure ?? 'stage'];
  const failed = (world.measured.verdict?.rules ?? []).filter((rule) => rule.verdict === 'fail' && !rule.dryRun);
  const isAtFault = names.every((name) =>
    failed.some((rule) => rule.groups?.some((group) => group.name === name && group.verdict === 'fail')),
  );
  const isByRule = failed.length > 0 && isAtFault && wanted === step.groups?.becomes;
  if (!isByRule && !isAsked('abort')) wrong.push('a group stands apart without a cause');
  return wrong;
}

/** What is wrong with a step; empty when it is legal. */
export function judgeStep(before: Before, step: Transition): string[] {
  const wrong: string[] = [];
  const { next, kind } = step;
  const status = before.truth;
  if (next.revision <= before.floor) wrong.push(`revision ${next.revision} is not above ${before.floor}`);
  if (before.evidence.has(next.evidence)) wrong.push(`evidence ${next.evidence} was overwritten`);
  if (kind !== 'complete' && kind !== 'adopt' && JSON.stringify(next.stable) !== JSON.stringify(status?.stable ?? null))
    wrong.push('stable changed without a completion');
  const isRevoked = kind === 'supersede' && step.reason.kind === 'policy-revoked';
  if (!before.headIsTruth && !isRevoked && !['restore', 'roll-back', 'adopt'].includes(kind))
    wrong.push(`${kind} on a status that is not the last`);
  switch (kind) {
    case 'start':
      return [...wrong, ...judgeStart(before, step)];
    case 'advance':
    case 'complete':
      return status?.candidate ? [...wrong, ...judgeForward(before, step, status)] : [...wrong, 'nothing was rolling'];
    case 'roll-back':
    case 'supersede':
      return status?.candidate ? [...wrong, ...judgeBack(before, step, status)] : [...wrong, 'nothing was rolling'];
    case 'except':
      return status?.candidate ? [...wrong, ...judgeExcept(before, step, status)] : [...wrong, 'nothing was rolling'];
    case 'pause':
    case 'reopen':
    case 'answer':
    case 'restore':
      for (const name of ['candidate', 'stage', 'cohort', 'salt'] as const) {
        const was = status === null ? undefined : JSON.stringify(status[name]);
        if (was !== undefined && JSON.stringify(next[name]) !== was) wrong.push(`${kind} changed ${name}`);
      }
      return kind === 'reopen' ? [...wrong, ...judgeReopened(before, status)] : wrong;
    case 'adopt':
      return wrong;
  }
}

/** Out of a pause by an approval; or by itself, in time, once nothing fails any more. */
function judgeReopened({ world }: Before, status: RolloutStatus | null): string[] {
  if (status === null || status.state !== 'paused') return ['resumed what was not paused'];
  if (world.spec.suspend === true) return ['resumed while suspended'];
  if (asks(world, status, 'approve').length > 0) return [];
  const { reason, since } = status.paused!;
  const wrong: string[] = [];
  if (reason.kind !== 'rule-failed' || reason.action !== 'pause') wrong.push('resumed what waits for a person');
  if (world.now - Date.parse(since) > 60 * 60_000) wrong.push('resumed by itself after an hour');
  if ((status.resumes ?? 0) >= 3) wrong.push('resumed by itself more than three times');
  const fails = (world.measured.verdict?.rules ?? []).filter((rule) => rule.verdict === 'fail' && !rule.dryRun);
  if (world.measured.verdict === null || fails.some((rule) => !rule.recovered))
    wrong.push('resumed over a failed rule');
  return wrong;
}

/** Does a rule fail that rolls back, by its own word or the stage's? */
function rollsBack(world: JudgedWorld, truth: RolloutStatus): boolean {
  const { all, at } = stagesBelow(world, truth);
  const fails = (world.measured.verdict?.rules ?? []).filter((rule) => rule.verdict === 'fail' && !rule.dryRun);
  const ofStage = all[at]?.onFailure ?? 'rollback';
  const actions = fails.length === 0 ? [ofStage] : fails.map(({ onFailure }) => onFailure ?? ofStage);
  return world.measured.verdict?.kind === 'fail' && actions.includes('rollback');
}

/** What is wrong with what was decided, step or none, in view of what was due. */
export function judgeDue(before: Before, step: Transition | null): string[] {
  const { world, truth, headIsTruth } = before;
  if (!headIsTruth || !truth?.candidate) return [];
  if (asks(world, truth, 'abort').length > 0) return step?.kind === 'roll-back' ? [] : ['an abort did not win'];
  const mayFail = (truth.state === 'rolling' && world.measured.verdict?.kind === 'fail') || rollsBack(world, truth);
  const isSkipped = asks(world, truth, 'skip').length > 0 && world.spec.suspend !== true;
  if (!mayFail || isSkipped || !world.pinned.has(truth.policy ?? '')) return [];
  return step?.kind === 'roll-back' || step?.kind === 'pause' || step?.kind === 'except'
    ? []
    : ['a failed rule was held up'];
}
