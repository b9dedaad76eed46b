// Owns what a step does, in the few words that titles and listings have room for; why it does it is said elsewhere.
import { assertNever } from '../base/errors.ts';
import { oneLine } from '../base/plain-text.ts';
import type { Step } from '../rollout/transition.ts';
import { listed } from './amounts.ts';
import { versionInWords } from './parameters-in-words.ts';

/** What is to be known of a step to name it; evidence has all of it but the parameters that changed. */
export type NamedStep = Pick<Step, 'kind' | 'from' | 'to' | 'subject' | 'reason' | 'groups' | 'parameters'> & {
  readonly next: Pick<Step['next'], 'stable'>;
};

/** The groups that the step is about. */
export function groupsInWords({ groups }: Pick<Step, 'groups'>): string {
  return listed((groups?.names ?? []).map(oneLine), 'and', 2);
}

function exceptInWords(step: NamedStep): string {
  const names = groupsInWords(step);
  switch (step.groups?.becomes) {
    case 'rolled-back':
      return `revert ${step.subject?.version} on ${names} alone`;
    case 'held':
      return `hold ${step.subject?.version} on ${names} alone`;
    default:
      return '';
  }
}

function answerInWords(step: NamedStep): string {
  const { reason } = step;
  if (reason.kind === 'retried') return `allow a retry of ${reason.version}`;
  if (reason.kind === 'aborted') return `reject ${versionInWords(step.subject?.version ?? '', step)} before its start`;
  if (reason.kind !== 'requests-refused') return '';
  return `refuse ${listed([...new Set(reason.requests.map(({ act }) => act))], 'and')}`;
}

/** `revert 1.4.0 to 1.3.0`; empty where the reason alone says it. */
export function stepInWords(step: NamedStep): string {
  const { kind, subject, from, to, next } = step;
  const version = subject === null ? '' : versionInWords(subject.version, step);
  switch (kind) {
    case 'start':
      return `start ${version} in ${to}`;
    case 'advance':
      return `${version} ${from} → ${to}`;
    case 'complete':
      return `${version} is stable`;
    case 'roll-back':
      if (next.stable === null) return `withdraw ${version}`;
      return next.stable.digest === subject?.digest
        ? `revert ${version}`
        : `revert ${version} to ${next.stable.version}`;
    case 'supersede':
      return `stop ${version}`;
    case 'pause':
      return `pause ${version}`;
    case 'reopen':
      return `resume ${version} in ${to}`;
    case 'except':
      return exceptInWords(step);
    case 'answer':
      return answerInWords(step);
    case 'restore':
      return 'restore the status';
    case 'adopt':
      return 'adopt the rewritten history';
    default:
      return assertNever(kind);
  }
}
