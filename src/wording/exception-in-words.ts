// Owns the words for a group that is an exception: what it runs, and why.
import { oneLine } from '../base/plain-text.ts';
import type { ExceptedOutlook } from '../rollout/outlook.ts';

/** `hw:rev2 was rolled back alone to the stable version`. */
export function exceptionInWords({ group, kind, version }: Omit<ExceptedOutlook, 'reason'>): string {
  const run = version === null ? 'the stable version' : oneLine(version);
  const how = {
    'rolled-back': `was rolled back alone to ${run}`,
    held: 'is held: no more of its devices get the candidate',
    behind: `stays on ${run}`,
  }[kind];
  return `${oneLine(group)} ${how}`;
}
