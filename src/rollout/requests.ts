// Owns what people ask of a rollout by commit: which requests hold now, and which are answered with a no.

import { asReason } from '../base/plain-text.ts';
import { isNameable, standsApart } from '../contract/group-exception.ts';
import type { RolloutRequest, RolloutStatus } from '../documents/types.generated.ts';
import { countOf, listed } from '../wording/amounts.ts';
import { exceptionsOf, MOST_EXCEPTIONS } from './exceptions.ts';
import type { Stage } from './stages-of-policy.ts';

export interface PlacedRequest {
  /** Its place in `spec.requests`. */
  readonly index: number;
  readonly request: RolloutRequest;
}

export interface StaleRequest {
  readonly index: number;
  readonly reason: string;
}

export interface SortedRequests {
  readonly abort: PlacedRequest | null;
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
function approvalProblem({ by }: RolloutRequest, status: RolloutStatus, stage: Stage | null): string | null {
  if (stage === null) return null;
  if (stage.approval === null) return status.state === 'paused' ? null : `${stage.name} needs no approval`;
  const { approvers } = stage.approval;
  if (by !== undefined && approvers.includes(by)) return null;
  return `${by ?? 'nobody named'} is not among its approvers, ${listed(approvers, 'and')}`;
}

/** What is asked for one group alone. */
function groupProblem({ act, digest }: RolloutRequest, group: string, status: RolloutStatus): string | null {
  if (!isNameable(group)) return 'no device may be in a group of that name';
  const exception = exceptionsOf(status).find((one) => one.group === group);
  const { candidate, stable } = status;
  switch (act) {
    case 'promote': {
      const isApart = exception !== undefined && (candidate === null || standsApart(exception));
      if (!isApart) return `${group} goes along already`;
      const present = candidate ?? stable;
      return present?.digest === digest ? null : `the others run ${present?.digest ?? 'nothing'}, not ${digest}`;
    }
    case 'abort':
      if (candidate === null) return 'nothing is rolling';
      if (digest !== candidate.digest) return `the candidate is ${candidate.digest}, not ${digest}`;
      if (stable === null) return 'nothing is stable that the group could go back to; abort the whole rollout';
      if (exception?.kind === 'rolled-back') return `${group} went back already`;
      return exception === undefined && exceptionsOf(status).length >= MOST_EXCEPTIONS
        ? `${MOST_EXCEPTIONS} groups stand apart already; abort the whole rollout`
        : null;
    default:
      return `only abort and promote are about a group alone`;
  }
}

function problemOf(request: RolloutRequest, status: RolloutStatus, stage: Stage | null): string | null {
  if (request.group !== undefined) return groupProblem(request, request.group, status);
  if (request.act === 'adopt') return null;
  if (request.act === 'retry') {
    return status.rejected.some((one) => one.digest === request.digest)
      ? null
      : `${request.digest} is not among the rejected`;
  }
  if (status.candidate === null) return 'nothing is rolling';
  if (request.digest !== status.candidate.digest)
    return `the candidate is ${status.candidate.digest}, not ${request.digest}`;
  // An abort means the candidate, whatever stage it has reached meanwhile: abort always wins.
  if (request.act === 'abort') return null;
  if (request.stage !== undefined && request.stage !== status.stage) {
    return `the stage is ${status.stage}, not ${request.stage}`;
  }
  return request.act === 'approve' ? approvalProblem(request, status, stage) : null;
}

/** About a group alone is asked besides: what ends a stage does not answer it. */
function isOfStage({ request: { act, group } }: PlacedRequest): boolean {
  return act !== 'adopt' && act !== 'retry' && group === undefined;
}

/** Sorts the requests of a spec by what they ask; the first valid one of a kind counts. `stage` is the present one, when it is known. */
export function sortRequests(
  requests: readonly RolloutRequest[],
  status: RolloutStatus,
  stage: Stage | null,
): SortedRequests {
  const stale: StaleRequest[] = [];
  const valid: PlacedRequest[] = [];
  for (const [index, request] of requests.entries()) {
    const problem = problemOf(request, status, stage);
    if (problem === null) valid.push({ index, request });
    else stale.push({ index, reason: `${request.act}: ${problem}` });
  }
  const first = (act: RolloutRequest['act']): PlacedRequest | null =>
    valid.find(({ request }) => request.act === act && request.group === undefined) ?? null;
  const ofGroup = (act: RolloutRequest['act']): PlacedRequest | null =>
    valid.find(({ request }) => request.act === act && request.group !== undefined) ?? null;
  return {
    abort: first('abort'),
    adopt: first('adopt'),
    promote: first('promote'),
    skip: first('skip'),
    retry: first('retry'),
    abortOfGroup: ofGroup('abort'),
    promoteOfGroup: ofGroup('promote'),
    approvals: valid.filter((one) => one.request.act === 'approve'),
    ofStage: valid.filter(isOfStage).map((one) => one.index),
    stale,
  };
}

/** Who asked, and why, as a clause for a reason. */
export function inWords({ request }: PlacedRequest): string {
  const who = request.by === undefined ? '' : ` by ${asReason(request.by)}`;
  const why = request.reason === undefined ? '' : `: ${asReason(request.reason)}`;
  return `${who}${why}`;
}

const MOST_TOLD = 3;

/** Why requests were answered with a no. */
export function staleInWords(stale: readonly StaleRequest[]): string {
  const told = stale.slice(0, MOST_TOLD).map((one) => one.reason);
  const more = stale.length > MOST_TOLD ? `; and ${countOf(stale.length - MOST_TOLD, 'more', 'more')}` : '';
  return `answered with no: ${told.join('; ')}${more}`;
}
