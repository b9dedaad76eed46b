// Owns how each step changes the status block: the only place that writes one.
import { toIsoSeconds } from '../base/clock.ts';
import type { Digest } from '../contract/digest.ts';
import { groupsApart } from '../contract/group-exception.ts';
import { type Cohort, saltOf } from '../contract/membership.ts';
import { sketchCount } from '../contract/sketch.ts';
import type { RolloutStatus } from '../documents/types.generated.ts';
import { freezeGroupLimits, freezeLimits } from '../gates/freeze-limits.ts';
import {
  exceptionsAfterCompletion,
  exceptionsAfterRetreat,
  exceptionsOf,
  startedApart,
  withExceptions,
} from './exceptions.ts';
import type { StatusReason } from './reasons.ts';
import { rejects } from './rejections.ts';
import { type BaselineFacts, isFreezable, LEAST_BASELINE_INFERENCES, type RolloutFacts } from './rollout-facts.ts';
import { rulesWithin, type Stage } from './stages-of-policy.ts';
import { evidencePath, type Stamp } from './status-stamp.ts';

const MOST_PREVIOUS = 10;
const MOST_ATTEMPTS = 20;
const MOST_REJECTED = 100;

export type CandidateStatus = NonNullable<RolloutStatus['candidate']>;

/** What stands before the first step: nothing rolls, nothing is stable. */
export function blankStatus(target: string, now: number): RolloutStatus {
  return {
    revision: 0,
    opened: 0,
    state: 'idle',
    stage: null,
    since: toIsoSeconds(now),
    candidate: null,
    stable: null,
    target,
    policy: null,
    salt: null,
    cohort: { cut: 0, select: null, devices: [] },
    limits: [],
    rejected: [],
    previous: [],
    attempts: [],
    paused: null,
    evidence: '',
  };
}

/** The number of the next walk of a digest: one above every walk that this rollout remembers. */
export function nextAttempt(status: RolloutStatus, digest: string): number {
  const known = [...(status.attempts ?? []), ...status.rejected].filter((one) => one.digest === digest);
  return 1 + Math.max(0, ...known.map((one) => one.attempt));
}

export interface Opening {
  readonly stage: Stage;
  readonly cohort: Cohort;
  readonly limits: RolloutStatus['limits'];
}

function limitsOf(stage: Stage, baseline: BaselineFacts | null): RolloutStatus['limits'] {
  const known = isFreezable(baseline) ? baseline : null;
  const groups = [...(known?.groups ?? [])].filter(([, sketch]) => sketchCount(sketch) >= LEAST_BASELINE_INFERENCES);
  return [
    ...freezeLimits(stage.rules.flatMap(rulesWithin), known?.latencyMs ?? null),
    ...stage.rules.flatMap((rule) => freezeGroupLimits(rule, new Map(groups))),
  ];
}

export function openingOf(
  stage: Stage,
  status: RolloutStatus,
  salt: string,
  facts: RolloutFacts,
  { target, digest }: Pick<NewCandidate, 'target' | 'digest'>,
): Opening {
  return {
    stage,
    cohort: facts.known.choose({
      ...{ stage, target, salt, before: status.cohort, version: digest },
      apart: groupsApart(exceptionsOf(status)),
    }).cohort,
    limits: limitsOf(stage, facts.baseline),
  };
}

export interface NewCandidate {
  readonly version: string;
  readonly digest: Digest;
  readonly parameters: CandidateStatus['parameters'];
  readonly target: string;
  readonly policy: Digest;
}

/** The candidate's first stage. */
export function startedStatus(
  status: RolloutStatus,
  wanted: NewCandidate,
  stage: Stage,
  facts: RolloutFacts,
): RolloutStatus {
  const attempt = nextAttempt(status, wanted.digest);
  const salt = saltOf(facts.name, wanted.digest, attempt, facts.nonce);
  const empty: Cohort = { cut: 0, select: null, devices: [] };
  const apart = startedApart(status, wanted.digest);
  const opening = openingOf(stage, { ...apart, cohort: empty }, salt, facts, wanted);
  const others = (status.attempts ?? []).filter((one) => one.digest !== wanted.digest);
  return {
    ...apart,
    model: facts.spec.model,
    state: 'rolling',
    stage: stage.name,
    candidate: { version: wanted.version, digest: wanted.digest, attempt, parameters: wanted.parameters },
    target: wanted.target,
    policy: wanted.policy,
    salt,
    cohort: opening.cohort,
    limits: opening.limits,
    attempts: [{ digest: wanted.digest, attempt }, ...others].slice(0, MOST_ATTEMPTS),
    paused: null,
  };
}

/** The next stage of the same walk. */
export function advancedStatus(
  status: RolloutStatus,
  { digest }: CandidateStatus,
  stage: Stage,
  facts: RolloutFacts,
): RolloutStatus {
  const opening = openingOf(stage, status, status.salt ?? '', facts, { target: status.target, digest });
  return {
    ...withoutResumes(status),
    state: 'rolling',
    stage: stage.name,
    cohort: opening.cohort,
    limits: opening.limits,
    paused: null,
  };
}

const STEADY_STATE = {
  state: 'idle',
  stage: null,
  candidate: null,
  salt: null,
  cohort: { cut: 0, select: null, devices: [] },
  limits: [],
  paused: null,
} as const;

function steadyState(status: RolloutStatus): RolloutStatus {
  return { ...withoutResumes(status), ...STEADY_STATE, cohort: { cut: 0, select: null, devices: [] }, limits: [] };
}

/** Nothing rolls any more; what was stable stays stable. */
export function restedStatus(status: RolloutStatus): RolloutStatus {
  return withExceptions(steadyState(status), exceptionsAfterRetreat(status));
}

/** The candidate becomes what everyone runs but the groups that stand apart. */
export function completedStatus(status: RolloutStatus, candidate: CandidateStatus, now: number): RolloutStatus {
  const { version, digest, parameters } = candidate;
  const before = status.stable;
  const until = toIsoSeconds(now);
  const previous = [
    ...(before === null || before.digest === digest ? [] : [{ version: before.version, digest: before.digest, until }]),
    ...(status.previous ?? []).filter((one) => one.digest !== digest && one.digest !== before?.digest),
  ];
  const next = {
    ...steadyState(status),
    stable: { version, digest, parameters, target: status.target },
    previous: previous.slice(0, MOST_PREVIOUS),
    rejected: status.rejected.filter((one) => !rejects(one, candidate)),
  };
  return withExceptions(next, exceptionsAfterCompletion(status));
}

export interface Rejection {
  readonly candidate: CandidateStatus;
  readonly reason: StatusReason;
  readonly stamp: Stamp;
}

/** The version is not tried again unless a person asks. The rejection names the evidence of its own step. */
export function rejectionAdded(status: RolloutStatus, facts: RolloutFacts, rejection: Rejection): RolloutStatus {
  const { candidate, reason, stamp } = rejection;
  const entry = {
    digest: candidate.digest,
    version: candidate.version,
    attempt: candidate.attempt,
    reason,
    // What is stable has proven itself: only the parameters that it was tried with failed.
    ...(candidate.digest === status.stable?.digest ? { parameters: candidate.parameters } : {}),
    evidence: evidencePath(status, facts, stamp),
    at: toIsoSeconds(facts.now),
  };
  const others = status.rejected.filter((one) => !rejects(one, candidate));
  return { ...status, rejected: [entry, ...others].slice(0, MOST_REJECTED) };
}

/** The candidate is out, and rejected. */
export function rejectedStatus(status: RolloutStatus, facts: RolloutFacts, rejection: Rejection): RolloutStatus {
  return rejectionAdded(restedStatus(status), facts, rejection);
}

/** The candidate stays where it is until people say how to go on, or the rule recovers. */
export function pausedStatus(status: RolloutStatus, reason: StatusReason, now: number): RolloutStatus {
  return { ...status, state: 'paused', paused: { reason, since: toIsoSeconds(now) } };
}

function withoutResumes({ resumes: _, ...status }: RolloutStatus): RolloutStatus {
  return status;
}

/** The stage goes on, and has now done so by itself `resumes` times; 0 after a person looked. */
export function resumedStatus(status: RolloutStatus, resumes: number): RolloutStatus {
  const next: RolloutStatus = { ...withoutResumes(status), state: 'rolling', paused: null };
  return resumes === 0 ? next : { ...next, resumes };
}

/** A status out of a rewritten history: attempts still count on from those that devices have seen. */
export function adoptedStatus(status: RolloutStatus, seen: RolloutStatus | null): RolloutStatus {
  if (seen === null) return status;
  const all = [status, seen].flatMap((one) => [
    ...(one.candidate === null ? [] : [one.candidate]),
    ...(one.attempts ?? []),
    ...one.rejected,
  ]);
  const highest = new Map<Digest, number>();
  for (const { digest, attempt } of all) highest.set(digest, Math.max(attempt, highest.get(digest) ?? 0));
  const attempts = [...highest].map(([digest, attempt]) => ({ digest, attempt }));
  return { ...status, attempts: attempts.slice(0, MOST_ATTEMPTS) };
}

/** Takes a digest off the list of the rejected, because a person asked to try it again. */
export function permittedStatus(status: RolloutStatus, digest: Digest): RolloutStatus {
  const retried = status.rejected.find((one) => one.digest === digest);
  const attempts = status.attempts ?? [];
  const known = attempts.some((one) => one.digest === digest);
  return {
    ...status,
    rejected: status.rejected.filter((one) => one.digest !== digest),
    attempts:
      known || retried === undefined
        ? attempts
        : [{ digest, attempt: retried.attempt }, ...attempts].slice(0, MOST_ATTEMPTS),
  };
}
