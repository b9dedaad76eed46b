// Owns the abort of a version that has not started: it never will, and the spec goes back to what runs.
import type { RolloutStatus } from '../documents/types.generated.ts';
import type { Decision } from './decision.ts';
import { nextAttempt, rejectionAdded } from './next-status.ts';
import type { StatusReason } from './reasons.ts';
import { sameParameters } from './rejections.ts';
import { askedBy, type SortedRequests } from './requests.ts';
import type { RolloutFacts } from './rollout-facts.ts';
import { labelOf, restoredSpec, step } from './steps.ts';

/** Digests that an abort can keep from starting: those of HEAD but the candidate, and but stable unless it is to start with other parameters. */
export function startableOf(
  { versions, spec }: RolloutFacts,
  { candidate, stable }: RolloutStatus,
): ReadonlySet<string> {
  const { parameters = {} } = spec;
  const startable = new Set(versions.map((one): string => one.digest));
  if (candidate !== null) startable.delete(candidate.digest);
  if (stable !== null && sameParameters(stable.parameters, parameters)) startable.delete(stable.digest);
  return startable;
}

/** Null when nobody aborts a version before its start. */
export function decideNoStart(facts: RolloutFacts, status: RolloutStatus, requests: SortedRequests): Decision | null {
  const asked = requests.abortBeforeStart;
  if (asked === null) return null;
  const { digest } = asked.request;
  const known = facts.versions.find((one) => one.digest === digest);
  // A document that can't be read has no digest that anyone could name. Asked also so that evidence keeps the version.
  if (known === undefined || known.standing.kind === 'broken') return null;
  const { version } = known;
  const reason: StatusReason = { kind: 'aborted', ...askedBy(asked) };
  const to = labelOf(status);
  // No attempt was made: the next one counts on from the last.
  const rejected = {
    version,
    digest,
    attempt: Math.max(1, nextAttempt(status, digest) - 1),
    parameters: facts.spec.parameters ?? {},
  };
  // A retry of the same version is answered with it: abort wins.
  const answered = (facts.spec.requests ?? []).flatMap((one, index) =>
    one.digest === digest && one.group === undefined && one.act !== 'adopt' ? [index] : [],
  );
  return step(facts, status, {
    kind: 'answer',
    to,
    next: rejectionAdded(status, facts, { candidate: rejected, reason, stamp: { from: to, to, opens: false } }),
    subject: rejected,
    answered,
    reason,
    ...restoredSpec(facts, status, rejected),
  });
}
