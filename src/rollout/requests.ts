// Owns what people ask of a rollout by commit: which requests hold now, and which are answered with a no.
import type { RolloutRequest, RolloutStatus } from '../contract/documents/types.generated.ts';

export interface PlacedRequest {
  /** Its place in `spec.requests`. */
  readonly index: number;
  readonly request: RolloutRequest;
}

export interface SortedRequests {
  readonly abort: PlacedRequest | null;
  readonly adopt: PlacedRequest | null;
  readonly promote: PlacedRequest | null;
  readonly skip: PlacedRequest | null;
  readonly retry: PlacedRequest | null;
  readonly approvals: readonly PlacedRequest[];
  /** Valid for nothing that stands now: answered by removing them, with the reason. */
  readonly stale: readonly { readonly index: number; readonly reason: string }[];
}

function problemOf(request: RolloutRequest, status: RolloutStatus): string | null {
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
  if (request.act !== 'abort' && request.stage !== undefined && request.stage !== status.stage) {
    return `the stage is ${status.stage}, not ${request.stage}`;
  }
  return null;
}

/** Sorts the requests of a spec by what they ask; the first valid one of a kind counts. */
export function sortRequests(requests: readonly RolloutRequest[], status: RolloutStatus): SortedRequests {
  const stale: { index: number; reason: string }[] = [];
  const valid: PlacedRequest[] = [];
  for (const [index, request] of requests.entries()) {
    const problem = problemOf(request, status);
    if (problem === null) valid.push({ index, request });
    else stale.push({ index, reason: `${request.act}: ${problem}` });
  }
  const first = (act: RolloutRequest['act']): PlacedRequest | null =>
    valid.find((one) => one.request.act === act) ?? null;
  return {
    abort: first('abort'),
    adopt: first('adopt'),
    promote: first('promote'),
    skip: first('skip'),
    retry: first('retry'),
    approvals: valid.filter((one) => one.request.act === 'approve'),
    stale,
  };
}

/** Who asked, and why, as a clause for a reason. */
export function inWords({ request }: PlacedRequest): string {
  const who = request.by === undefined ? '' : ` by ${request.by}`;
  const why = request.reason === undefined ? '' : `: ${request.reason}`;
  return `${who}${why}`;
}
