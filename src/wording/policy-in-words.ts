// Owns the words for a policy that changed while an attempt continues under the earlier one.
import { oneLine } from '../base/plain-text.ts';
import type { ChangedPolicy } from '../rollout/outlook.ts';

/** What changed, and which of the two counts for how long: one sentence, without its stop. */
export function changedPolicyInWords({ atHead, inForce }: ChangedPolicy): string {
  if (atHead === inForce)
    return `policy ${oneLine(atHead)} changed at HEAD; this attempt keeps the policy as it was when it started`;
  return `HEAD names policy ${oneLine(atHead)} now; this attempt keeps ${oneLine(inForce)}, under which it started`;
}
