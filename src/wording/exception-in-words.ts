// Owns how a group that does not go along is told: what it runs, and why.
import { oneLine } from '../base/plain-text.ts';
import type { ExceptedOutlook } from '../rollout/outlook.ts';

/** `hw:rev2 went back alone, to the stable version`. */
export function exceptionInWords({ group, kind, version }: ExceptedOutlook): string {
  const run = version === null ? 'the stable version' : oneLine(version);
  const how = {
    'rolled-back': `went back alone, to ${run}`,
    held: 'is held: no more of it get the candidate',
    behind: `stayed on ${run}`,
  }[kind];
  return `${oneLine(group)} ${how}`;
}
