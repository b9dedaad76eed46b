// Owns what a rollout waits on, in a few words for a table.
import { assertNever } from '../base/errors.ts';
import { formatDuration } from '../contract/duration.ts';
import { countOf } from '../rollout/amounts.ts';
import type { WaitingOn } from '../rollout/outlook.ts';

export function waitingInWords(waiting: WaitingOn): string {
  switch (waiting.kind) {
    case 'soak':
      return `${formatDuration(waiting.remainingMs)} more of soak`;
    case 'devices':
      return `${waiting.need - waiting.have} more devices (${waiting.have} of ${waiting.need} have it)`;
    case 'rest-of-fleet':
      return `${waiting.pending} devices that have not begun`;
    case 'verdict':
      return verdictInWords(waiting);
    case 'approval':
      return `approval by ${waiting.need - waiting.have} of ${waiting.approvers.join(', ')}`;
    case 'baseline':
      return `devices on stable to compare with (${waiting.have} of ${waiting.need})`;
    case 'suspended':
      return '`slipway resume`';
    case 'paused':
      return `a person: ${waiting.reason}`;
    case 'rejected':
      return `another version: ${waiting.version} was rejected`;
    case 'deadline-held':
      return `a person: past its deadline, open: ${waiting.rules.join(', ')}`;
    case 'first-device':
      return `a device that matches ${waiting.target}`;
    case 'mending':
      return `mending: ${waiting.code}`;
    default:
      return assertNever(waiting);
  }
}

function verdictInWords({ minutes, slowest, rules, lacks }: Extract<WaitingOn, { kind: 'verdict' }>): string {
  const about = minutes === null ? '' : `~${formatDuration(Math.max(1, minutes) * 60_000)}: `;
  const needs =
    slowest === null ? rules.join(', ') : `${slowest.metric} needs ${countOf(slowest.trials, 'more inference')}`;
  return about + [needs, ...lacks].filter((words) => words !== '').join('; ');
}
