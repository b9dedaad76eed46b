// Owns what people ask of a rollout by commit: which requests hold now, and which are answered with a no.
import { clipped, MOST_REASON, oneLine } from '../base/plain-text.ts';
import { isNameable, standsApart } from '../contract/group-exception.ts';
import type { RolloutRequest, RolloutStatus } from '../documents/types.generated.ts';
import { exceptionsOf, MOST_EXCEPTIONS } from './exceptions.ts';
import type { Asked, RefusedRequest, RequestProblem } from './reasons.ts';
import type { Stage } from './stages-of-policy.ts';

export interface PlacedRequest {
  /** Its place in `spec.requests`. */
  readonly index: number;
  readonly request: RolloutRequest;
}

export interface StaleRequest extends RefusedRequest {
  readonly index: number;
}

export interface SortedRequests {
  readonly abort: PlacedRequest | null;
  /** Of a version that has not started. */
  readonly abortBeforeStart: PlacedRequest | null;
  readonly adopt: PlacedRequest | null;
  readonly promote: PlacedRequest | null;
  readonly skip: PlacedRequest | null;
  readonly retry: PlacedRequest | null;
  /** The first of each that is about one group alone. */
  readonly abortOfGroup: PlacedRequest | null;
  readonly promoteOfGroup: PlacedRequest | null;
  readonly approvals: readonly PlacedRequest[];
  /** Places of all that is asked about the present stage: whatever ends the stage answers them, so that none counts for the next one. */
  readonly ofStage: readonly number[];
  /** Valid for nothing that stands now: answered by removing them, with the reason. */
  readonly stale: readonly StaleRequest[];
}

/** Who may approve is the stage's to say; a pause in a stage without approvers may be ended by anyone who may commit. */
function approvalProblem({ by }: RolloutRequest, status: RolloutStatus, stage: Stage | null): RequestProblem | null {
  if (stage === null) return null;
  const { approval } = stage;
  if (status.state !== 'paused' && (approval === null || approval.count === 0))
    return { kind: 'no-approval-needed', stage: stage.name };
  if (approval === null) return null;
  const { approvers } = approval;
  if (by !== undefined && approvers.includes(by)) return null;
  return { kind: 'not-an-approver', by: by ?? null, approvers };
}

/** What is asked for one group alone. */
function groupProblem({ act, digest }: RolloutRequest, group: string, status: RolloutStatus): RequestProblem | null {
  if (!isNameable(group)) return { kind: 'group-unnameable' };
  const exception = exceptionsOf(status).find((one) => one.group === group);
  const { candidate, stable } = status;
  switch (act) {
    case 'promote': {
      const isApart = exception !== undefined && (candidate === null || standsApart(exception));
      if (!isApart) return { kind: 'group-not-apart', group };
      const is = (candidate ?? stable)?.digest ?? null;
      return is === digest ? null : { kind: 'group-runs-other', is, asked: digest };
    }
    case 'abort':
      if (candidate === null) return { kind: 'nothing-rolls' };
      if (digest !== candidate.digest) return { kind: 'other-candidate', is: candidate.digest, asked: digest };
      if (stable === null) return { kind: 'nothing-stable' };
      if (exception?.kind === 'rolled-back') return { kind: 'group-already-back', group };
      return exception === undefined && exceptionsOf(status).length >= MOST_EXCEPTIONS
        ? { kind: 'too-many-groups', most: MOST_EXCEPTIONS }
        : null;
    default:
      return { kind: 'not-for-groups' };
  }
}

/** What people want stopped may not have started yet: abort always wins. */
function isBeforeStart({ act, digest, group }: RolloutRequest, { startable }: RequestContext): boolean {
  return act === 'abort' && group === undefined && startable.has(digest);
}

function problemOf(request: RolloutRequest, status: RolloutStatus, context: RequestContext): RequestProblem | null {
  const { act, digest } = request;
  const { stage } = context;
  if (isBeforeStart(request, context)) return null;
  if (request.group !== undefined) return groupProblem(request, request.group, status);
  if (act === 'adopt') return null;
  if (act === 'retry')
    return status.rejected.some((one) => one.digest === digest) ? null : { kind: 'not-rejected', digest };
  const { candidate } = status;
  if (candidate === null) return { kind: 'nothing-rolls' };
  if (digest !== candidate.digest) return { kind: 'other-candidate', is: candidate.digest, asked: digest };
  // An abort means the candidate, whatever stage it has reached meanwhile: abort always wins.
  if (act === 'abort') return null;
  if (request.stage !== undefined && request.stage !== status.stage)
    return { kind: 'other-stage', is: status.stage, asked: request.stage };
  return act === 'approve' ? approvalProblem(request, status, stage) : null;
}

/** About a group alone is asked besides, and so is about other versions: what ends a stage does not answer it. */
function isOfStage({ request }: PlacedRequest, context: RequestContext): boolean {
  const { act, group } = request;
  return act !== 'adopt' && act !== 'retry' && group === undefined && !isBeforeStart(request, context);
}

export interface RequestContext {
  /** The present one; null when it is not known. */
  readonly stage: Stage | null;
  /** Digests of versions that may start and have not: an abort of one keeps it from starting. */
  readonly startable: ReadonlySet<string>;
}

/** Sorts the requests of a spec by what they ask; the first valid one of a kind counts. */
export function sortRequests(
  requests: readonly RolloutRequest[],
  status: RolloutStatus,
  context: RequestContext,
): SortedRequests {
  const stale: StaleRequest[] = [];
  const valid: PlacedRequest[] = [];
  for (const [index, request] of requests.entries()) {
    const problem = problemOf(request, status, context);
    if (problem === null) valid.push({ index, request });
    else stale.push({ index, act: request.act, problem });
  }
  const beforeStart = valid.filter(({ request }) => isBeforeStart(request, context));
  const first = (act: RolloutRequest['act']): PlacedRequest | null =>
    valid.find((one) => one.request.act === act && one.request.group === undefined && !beforeStart.includes(one)) ??
    null;
  const ofGroup = (act: RolloutRequest['act']): PlacedRequest | null =>
    valid.find(({ request }) => request.act === act && request.group !== undefined) ?? null;
  return {
    abort: first('abort'),
    abortBeforeStart: beforeStart[0] ?? null,
    adopt: first('adopt'),
    promote: first('promote'),
    skip: first('skip'),
    retry: first('retry'),
    abortOfGroup: ofGroup('abort'),
    promoteOfGroup: ofGroup('promote'),
    approvals: valid.filter((one) => one.request.act === 'approve'),
    ofStage: valid.filter((one) => isOfStage(one, context)).map((one) => one.index),
    stale,
  };
}

/** Who asked, and that person's own reason: on one line and bounded, as it stays in the status. */
export function askedBy({ request }: PlacedRequest): Asked {
  const by = oneLine(request.by ?? '');
  const reason = clipped(oneLine(request.reason ?? ''), MOST_REASON);
  return { ...(by === '' ? {} : { by }), ...(reason === '' ? {} : { reason }) };
}
