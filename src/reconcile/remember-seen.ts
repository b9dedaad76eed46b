// Owns what is remembered of an observation: the highest authentic status of each rollout, the floor below which nothing goes.
import type { ReconcilerState } from '../store/reconciler-state.ts';
import type { Observation } from './observe.ts';
import { rememberPolicy } from './remember-policies.ts';

/**
 * Records the highest authentic status of each rollout that stands on the branch, and the policy that it pins. False when another process has meanwhile seen a higher
 * one, or another one of the same number: what was observed here is not to be acted on.
 */
export async function rememberSeen(
  store: Pick<ReconcilerState, 'recordSeen' | 'putValue'>,
  { snapshot, facts }: Pick<Observation, 'snapshot' | 'facts'>,
): Promise<boolean> {
  let isNewest = true;
  for (const rollout of facts.rollouts) {
    const { name, claim, seen, publishedRevision } = rollout;
    if (claim.kind !== 'authentic' || claim.status.revision < publishedRevision) continue;
    if (seen !== null && claim.status.revision <= seen.revision) continue;
    // First: what was recorded is not looked at again.
    await rememberPolicy(store, rollout, claim.status);
    const answer = await store.recordSeen(name, {
      revision: claim.status.revision,
      commit: snapshot.commit,
      status: JSON.parse(JSON.stringify(claim.status)),
    });
    isNewest &&= answer === 'recorded';
  }
  return isNewest;
}
