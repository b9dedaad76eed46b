// Owns the words of a commit: the whole reason, first for people, then trailers for programs.

import { assertNever } from '../base/errors.ts';
import { asSentence, clipped, oneLine } from '../base/plain-text.ts';
import type { Digest } from '../contract/digest.ts';
import { formatDuration } from '../contract/duration.ts';
import { exceptionsOf } from '../rollout/exceptions.ts';
import type { Transition } from '../rollout/transition.ts';
import { countOf, listed } from './amounts.ts';
import { lateBreachOf } from './late-in-words.ts';
import { breachInShort, breachInWords, vanishedInWords, verdictTable } from './verdict-table.ts';
import { wrapped } from './wrapped.ts';

const MOST_TITLE = 100;
/** What a title has room for beside the versions. */
const MOST_BREACH = 60;

/** The reason; where its sentence tells of classes that vanished, or of other groups as well, what failed alone. */
function headline({ reason, verdict, from }: Transition): string {
  const [expired] = /^"[^"]*" did not pass within its deadline of [^:;]*/.exec(reason) ?? [];
  if (expired !== undefined) return expired;
  const first = verdict?.rules.find((rule) => rule.verdict === 'fail' && !rule.dryRun);
  const isTold = first !== undefined && reason.startsWith(breachInWords(first, from));
  const vanished = isTold ? vanishedInWords(first) : null;
  if (isTold && vanished === null && first.by !== null) return breachInShort(first, from);
  if (vanished !== null) return `${vanished} in ${from}`;
  // A note in parentheses is never cut in its middle.
  return isTold && (lateBreachOf(first) !== null || reason.length > MOST_BREACH) ? breachInShort(first, from) : reason;
}

/** What becomes of the groups that the step is about; a breach need not name its group once more. */
function exceptTitle({ groups, subject }: Transition, reason: string): string {
  const names = listed((groups?.names ?? []).map(oneLine), 'and', 2);
  if (reason.startsWith(`group ${names} `)) return reason;
  const why = reason.replace(` on ${names}`, '');
  switch (groups?.becomes) {
    case 'rolled-back':
      return `revert ${subject?.version} on ${names} alone: ${why}`;
    case 'held':
      return `hold ${subject?.version} on ${names} alone: ${why}`;
    default:
      return reason;
  }
}

function title(transition: Transition): string {
  const { kind, subject, from, to, next } = transition;
  const version = subject?.version ?? '';
  const reason = headline(transition);
  switch (kind) {
    case 'start':
      return `start ${version} in ${to}`;
    case 'advance':
      return `${version} ${from} → ${to}`;
    case 'complete':
      return `${version} is stable`;
    case 'roll-back':
      return next.stable === null
        ? `withdraw ${version}: ${reason}`
        : `revert ${version} to ${next.stable.version}: ${reason}`;
    case 'supersede':
      return `${version} ${reason}`;
    case 'pause':
      return `pause ${version}: ${reason}`;
    case 'reopen':
      return `watch ${version} in ${to} again`;
    case 'except':
      return exceptTitle(transition, reason);
    case 'answer':
      return reason;
    case 'restore':
      return 'put the status right';
    case 'adopt':
      return 'adopt the rewritten history';
    default:
      return assertNever(kind);
  }
}

/** Devices that did not do as they should, each on its line. */
function troubleLines({ cohort }: Transition): string[] {
  if (cohort === null) return [];
  const apart = [
    [cohort.failed, 'failed', 'failed'],
    [cohort.refused, 'refused it', 'refused it'],
    [cohort.silent, 'fell silent', 'fell silent'],
    [cohort.incompatible, 'can not run it', 'can not run it'],
    [cohort.conflicted, 'is in two rollouts', 'are in two rollouts'],
    [cohort.unreachable, 'was not reached', 'were not reached'],
  ] as const;
  const words = apart.filter(([count]) => count > 0).map(([count, one, many]) => countOf(count, one, many));
  if (words.length === 0) return [];
  const troubled = cohort.troubled.map((one) =>
    `  ${oneLine(one.device)}: ${clipped(oneLine(one.what), 100)}`.trimEnd(),
  );
  return [`Of ${countOf(cohort.wanted, 'device')} in the stage ${listed(words, 'and', words.length)}.`, ...troubled];
}

/** What becomes of the devices that run the candidate, and of those that were about to. */
function retreat({ cohort, next, window }: Transition): string[] {
  const after = window ? ` after ${formatDuration(window.listenedMs)}` : '';
  if (cohort === null) return ['No device keeps it.'];
  const { ready, trying, onTrial = 0, silent } = cohort;
  const running = ready + onTrial;
  const [stop, switched, kept] =
    running === 1 ? ['it stops', 'it switches', 'it'] : ['they stop', 'they switch', 'they'];
  const back =
    next.stable === null
      ? `nothing was stable before it, so ${stop} serving the model`
      : `${switched} back to ${next.stable?.version}, which ${kept} kept`;
  const first = running === 0 ? 'No device runs it' : `${countOf(running, 'device')} had it${after}; ${back}`;
  const fetching = trying - onTrial;
  return [
    `${first}. No device outside the stage got it.`,
    ...(fetching > 0
      ? [`${countOf(fetching, 'device')} had not finished taking it, and ${fetching === 1 ? 'drops' : 'drop'} it.`]
      : []),
    ...(silent > 0 ? [`${countOf(silent, 'silent device')} may have it until heard of again.`] : []),
  ];
}

/** What becomes of the groups, and of the others. */
function exceptStory({ groups, next, subject, from }: Transition): string[] {
  const names = listed((groups?.names ?? []).map(oneLine), 'and', 2);
  const isAnew = next.opened === next.revision;
  const others = `The others go on with ${subject?.version} in ${from}`;
  const without = isAnew ? `${others}, which is measured anew without them` : others;
  switch (groups?.becomes) {
    case 'rolled-back':
      return [`Devices of ${names} switch back to what they ran before, and get it no more. ${without}.`];
    case 'held':
      return [
        `Devices of ${names} that are in ${from} keep it, and no later stage takes in more of them until a person decides: abort with --group to send them back, promote with --group to let them go along. ${without}.`,
      ];
    default:
      return next.candidate === null ? [] : [`${others}, which is measured anew with them.`];
  }
}

/** The groups that stay on a version of before. */
function behindStory({ next }: Transition): string[] {
  return exceptionsOf(next).map(
    ({ group, stable }) =>
      `Devices of ${oneLine(group)} run ${stable?.version}, until a later version completes with them or someone promotes the group.`,
  );
}

/** What the step means, in sentences. */
function story(transition: Transition): string[] {
  const { kind, next, cohort } = transition;
  switch (kind) {
    case 'roll-back':
    case 'supersede':
      return retreat(transition);
    case 'complete':
      return [
        ...behindStory(transition),
        `It is what every ${exceptionsOf(next).length === 0 ? '' : 'other '}device${next.target === '*' ? '' : ` of ${oneLine(next.target)}`} runs from now on.`,
      ];
    case 'pause': {
      const ready = cohort?.ready ?? 0;
      return [`${countOf(ready, 'device')} ${ready === 1 ? 'keeps' : 'keep'} it until then; no other device gets it.`];
    }
    case 'restore':
      return ['Devices were not told of it: only a status that the reconciler signed moves them.'];
    case 'except':
      return exceptStory(transition);
    case 'start':
    case 'advance':
    case 'reopen':
    case 'answer':
    case 'adopt':
      return [];
    default:
      return assertNever(kind);
  }
}

/** The steps that rest on what was measured. */
export const MEASURED_STEPS: ReadonlySet<Transition['kind']> = new Set([
  'advance',
  'complete',
  'roll-back',
  'pause',
  'reopen',
  'except',
]);

/** Prose that begins with our own words; no line after looks like a trailer or like git's own, wherever the text was broken. */
function prose(text: string): string[] {
  const [first = '', ...rest] = wrapped(text);
  return [first, ...rest.map((line) => (/^(?:[A-Za-z0-9-]+:|This reverts commit)/.test(line) ? `  ${line}` : line))];
}

function nextLines({ outlook, mustHold = [] }: Transition): string[] {
  if (outlook === null) return [];
  const [first = '', ...rest] = wrapped(
    `Next: ${oneLine(outlook)}${mustHold.length === 0 ? '.' : ', while these hold:'}`,
  );
  return [first, ...rest.map((line) => `  ${line}`), ...mustHold.map((rule) => `  ${oneLine(rule)}`)];
}

function body(transition: Transition): string[] {
  const isMeasured = MEASURED_STEPS.has(transition.kind);
  return [
    ...prose(asSentence(transition.reason)),
    ...(isMeasured && transition.verdict !== null ? verdictTable(transition.verdict.rules) : []),
    ...(isMeasured ? troubleLines(transition) : []),
    ...story(transition).flatMap(prose),
    ...nextLines(transition),
  ];
}

export interface MessageFacts {
  readonly transition: Transition;
  /** The head on which the step was decided. */
  readonly observed: string;
  readonly evidenceDigest: Digest;
  /** The commit that a rollback takes back, when it is known. */
  readonly reverts: string | null;
}

/** The commit message of a step. Every line is ours: what documents and devices say stands inside one, never begins another. */
export function commitMessage({ transition, observed, evidenceDigest, reverts }: MessageFacts): string {
  const lines = [
    clipped(oneLine(`rollout(${transition.rollout}): ${title(transition)}`), MOST_TITLE),
    '',
    ...body(transition),
    ...(reverts === null ? [] : [`This reverts commit ${reverts}.`]),
    '',
    ...trailers({ transition, observed, evidenceDigest }),
  ];
  return `${lines.join('\n')}\n`;
}

export function transitionTrailer(transition: Transition): string {
  return `${transition.next.revision} ${transition.from}→${transition.to}`;
}

function trailers({ transition, observed, evidenceDigest }: Omit<MessageFacts, 'reverts'>): string[] {
  return [
    `Slipway-Rollout: ${transition.rollout}`,
    `Slipway-Transition: ${transitionTrailer(transition)}`,
    `Slipway-Kind: ${transition.kind}`,
    `Slipway-Observed: ${observed}`,
    `Slipway-Evidence: ${evidenceDigest}`,
  ];
}
