// Owns how a policy is told that changed while an attempt goes on under the one it began with.
import { oneLine } from '../base/plain-text.ts';
import type { ChangedPolicy } from '../rollout/outlook.ts';

/** What changed, and which of the two counts for how long: one sentence, without its stop. */
export function changedPolicyInWords({ atHead, inForce }: ChangedPolicy): string {
  if (atHead === inForce)
    return `the policy ${oneLine(atHead)} at HEAD has changed since; this attempt goes on under the one it began with`;
  return `the policy is ${oneLine(atHead)} at HEAD now; this attempt goes on under ${oneLine(inForce)}, with which it began`;
}
