// Owns which policy each rollout is judged by, in the store: what rolls is judged though neither HEAD nor the mirror has the policy any more.
import { canonicalJson } from '../contract/digest.ts';
import type { RolloutPolicy, RolloutStatus } from '../documents/types.generated.ts';
import type { RolloutFacts } from '../rollout/rollout-facts.ts';
import { MOST_VALUE_BYTES, type NamedValues } from '../store/reconciler-state.ts';

interface Pinned {
  readonly digest: string;
  readonly policy: RolloutPolicy;
}

function valueName(rollout: string): string {
  return `policy-in-force:${rollout}`;
}

/** One for each rollout, the newest. A policy that is too long for a value is not remembered. */
export async function rememberPolicy(
  store: Pick<NamedValues, 'putValue'>,
  { name, policyInForce: policy }: Pick<RolloutFacts, 'name' | 'policyInForce'>,
  { policy: digest }: RolloutStatus,
): Promise<void> {
  if (policy === null || digest === null) return;
  const value = JSON.parse(JSON.stringify({ digest, policy } satisfies Pinned));
  if (Buffer.byteLength(canonicalJson(value)) <= MOST_VALUE_BYTES) await store.putValue(valueName(name), value);
}

/** The policy that the status pins, where it was remembered; else null. */
export async function recallPolicy(
  store: Pick<NamedValues, 'readValue'>,
  rollout: string,
  status: RolloutStatus | null,
): Promise<RolloutPolicy | null> {
  if (status === null || status.policy === null) return null;
  const pinned = (await store.readValue(valueName(rollout))) as unknown as Pinned | undefined;
  return pinned?.digest === status.policy ? pinned.policy : null;
}
