// Owns the words of a commit: the whole reason, first for people, then trailers for programs.

import { assertNever } from '../base/errors.ts';
import { asSentence, clipped, oneLine } from '../base/plain-text.ts';
import type { Digest } from '../contract/digest.ts';
import { formatDuration } from '../contract/duration.ts';
import { exceptionsOf } from '../rollout/exceptions.ts';
import { mayResume, ruleOfReason } from '../rollout/rule-failure.ts';
import { heldRules, wantedDevices } from '../rollout/stages-of-policy.ts';
import { MEASURED_STEPS, type OpenedStage, type Step } from '../rollout/transition.ts';
import { countOf } from './amounts.ts';
import { devicesApart, IN_TROUBLE, troubleInWords, unfitInWords } from './devices-in-words.ts';
import { heldBackInWords } from './held-back-in-words.ts';
import { runbookOfStep } from './runbook-of.ts';
import { rulesInWords, stageInWords } from './stage-in-words.ts';
import { groupsInWords, stepInWords } from './step-in-words.ts';
import { stepReasonInWords, vanishedInWords } from './step-reason-in-words.ts';
import { breachInShort, verdictTable } from './verdict-table.ts';
import { wrapped } from './wrapped.ts';

const MOST_TITLE = 100;

/** Why, where room is scarce: what failed, and no more. */
function headline(step: Step): string {
  const { reason, verdict, from } = step;
  if (reason.kind === 'deadline-expired') return stepReasonInWords({ reason: { ...reason, undecided: [] } });
  if (reason.kind !== 'rule-failed') return stepReasonInWords(step);
  if (reason.classes !== undefined) return `${vanishedInWords(reason.classes, reason.group)} in ${from}`;
  const first = ruleOfReason(reason, verdict);
  return first === undefined ? stepReasonInWords(step) : breachInShort(first, from);
}

/** What becomes of the groups that the step is about; a breach need not name its group once more. */
function exceptTitle(step: Step): string {
  const what = stepInWords(step);
  const { reason } = step;
  const words = reason.kind === 'aborted' ? stepReasonInWords({ reason }) : headline(step);
  const why = words.replace(` on ${groupsInWords(step)}`, '');
  return what === '' ? why : `${what}: ${why}`;
}

function answerTitle(step: Step): string {
  const what = stepInWords(step);
  if (what === '') return headline(step);
  return step.reason.kind === 'aborted' ? `${what}: ${headline(step)}` : what;
}

function title(step: Step): string {
  switch (step.kind) {
    case 'roll-back':
    case 'supersede':
    case 'pause':
      return `${stepInWords(step)}: ${headline(step)}`;
    case 'except':
      return exceptTitle(step);
    case 'answer':
      return answerTitle(step);
    default:
      return stepInWords(step);
  }
}

/** Devices that did not do as they should, each on its line. */
function troubleLines({ cohort }: Step): string[] {
  const apart = cohort === null ? [] : devicesApart(cohort, IN_TROUBLE);
  if (cohort === null || apart.length === 0) return [];
  const troubled = cohort.troubled.map((one) => `  ${oneLine(one.device)}: ${troubleInWords(one, 100)}`);
  return [`Of ${countOf(cohort.wanted, 'device')} in the stage: ${apart.join(', ')}.`, ...troubled];
}

/** What becomes of the devices that run the candidate, and of those that were about to. */
function retreat({ cohort, next, window }: Step): string[] {
  if (cohort === null) return ['No device keeps it.'];
  const { ready, trying, onTrial, silent } = cohort;
  const running = ready + onTrial;
  const isOne = running === 1;
  const after = window === null ? '' : ` after ${formatDuration(window.listenedMs)}`;
  const back =
    next.stable === null
      ? `there was no stable version before it, so ${isOne ? 'it stops' : 'they stop'} serving the model`
      : `${isOne ? 'it switches' : 'they switch'} back to ${next.stable.version}, which ${isOne ? 'it' : 'they'} kept`;
  const first = running === 0 ? 'No device runs it' : `${countOf(running, 'device')} ran it${after}; ${back}`;
  const fetching = trying - onTrial;
  return [
    `${first}. No device outside the stage got it.`,
    ...(fetching > 0
      ? [`${countOf(fetching, 'install')} in progress ${fetching === 1 ? 'is' : 'are'} cancelled.`]
      : []),
    ...(silent > 0
      ? [
          `${countOf(silent, 'device')} went silent and may run it until ${silent === 1 ? 'it reads' : 'they read'} the new directive.`,
        ]
      : []),
  ];
}

/** What becomes of the groups, and of the others. */
function exceptStory(step: Step): string[] {
  const { groups, next, subject, from } = step;
  const names = groupsInWords(step);
  const isAnew = next.opened === next.revision;
  const others = `The others continue with ${subject?.version} in ${from}`;
  const anew = (how: string): string => (isAnew ? `${others}; the stage is measured again ${how} them.` : `${others}.`);
  switch (groups?.becomes) {
    case 'rolled-back':
      return [`Devices of ${names} switch back to what they ran before, and don't get it again. ${anew('without')}`];
    case 'held':
      return [
        `Devices of ${names} in ${from} keep it, and no later stage adds more of them until a person decides: abort with --group to roll them back, promote with --group to let them rejoin. ${anew('without')}`,
      ];
    default:
      return next.candidate === null ? [] : [anew('with')];
  }
}

/** The groups that stay on an earlier version. */
function behindStory({ next }: Step): string[] {
  return exceptionsOf(next).map(
    ({ group, stable }) =>
      `Devices of ${oneLine(group)} stay on ${stable?.version} until they complete a later version or someone promotes the group.`,
  );
}

/** What the step means, in sentences. */
function story(step: Step): string[] {
  const { kind, next, cohort } = step;
  switch (kind) {
    case 'roll-back':
    case 'supersede':
      return retreat(step);
    case 'complete': {
      const who = `${exceptionsOf(next).length === 0 ? '' : 'other '}device`;
      const of = next.target === '*' ? '' : ` of ${oneLine(next.target)}`;
      return [...behindStory(step), `From now on every ${who}${of} runs it.`];
    }
    case 'pause': {
      const ready = cohort?.ready ?? 0;
      const who = mayResume(next) ? 'its rules pass again or a person decides' : 'a person decides';
      return [
        `${countOf(ready, 'device')} ${ready === 1 ? 'keeps' : 'keep'} it; no other device gets it until ${who}.`,
      ];
    }
    case 'restore':
      return ['No device moved: only a status that the reconciler signed moves devices.'];
    case 'except':
      return exceptStory(step);
    case 'advance':
      return restStory(step);
    case 'start':
    case 'reopen':
    case 'answer':
    case 'adopt':
      return [];
    default:
      return assertNever(kind);
  }
}

/** What becomes of those who were held back. */
function restStory({ opens, terms, subject }: Step): string[] {
  const { devices = 0, version = '' } = terms?.heldBack ?? {};
  if (opens?.stage.isRest !== true || devices === 0) return [];
  return [
    `The ${countOf(devices, 'device')} that kept ${version} ${devices === 1 ? 'gets' : 'get'} ${subject?.version} now.`,
  ];
}

/** Prose that begins with our own words; no line after looks like a trailer or like git's own, wherever the text was broken. */
function prose(text: string): string[] {
  const [first = '', ...rest] = wrapped(text);
  return [first, ...rest.map((line) => (/^(?:[A-Za-z0-9-]+:|This reverts commit)/.test(line) ? `  ${line}` : line))];
}

/** What comes next: the stage that opens with the rules that have to hold there, or a person's decision. */
function nextLines({ kind, opens, next, subject }: Step): string[] {
  if (kind === 'pause') {
    return indentedAfterFirst(
      `Next: abort to roll back, approve to resume, or promote to go on with ${subject?.version}.`,
    );
  }
  if (opens === null) return [];
  const stage = `${oneLine(stageInWords(opens.stage, opens.able))}${unfitInWords(opens.unfit)}`;
  const held = heldNext(opens, next.stable?.version ?? null);
  const rules = opens.keepsRules ? [] : rulesInWords(opens.stage, next.limits);
  const end = rules.length === 0 ? '.' : ', while these rules pass:';
  return [...indentedAfterFirst(`Next: ${stage}${held}${end}`), ...rules.map((rule) => `  ${oneLine(rule)}`)];
}

/** `; 10 of 400 devices keep 1.0.0 until …`. */
function heldNext({ stage, able }: OpenedStage, version: string | null): string {
  const devices = able - wantedDevices(stage, able);
  if (stage.holdBack === null || version === null || devices === 0) return '';
  const { forMs } = stage.holdBack;
  return `; ${heldBackInWords({ devices, of: able, version, rules: heldRules(stage), forMs })}`;
}

function indentedAfterFirst(text: string): string[] {
  const [first = '', ...rest] = wrapped(text);
  return [first, ...rest.map((line) => `  ${line}`)];
}

function body(step: Step): string[] {
  const isMeasured = MEASURED_STEPS.has(step.kind);
  return [
    ...prose(asSentence(stepReasonInWords(step))),
    ...(isMeasured && step.verdict !== null ? verdictTable(step.verdict.rules) : []),
    ...(isMeasured ? troubleLines(step) : []),
    ...story(step).flatMap(prose),
    ...nextLines(step),
  ];
}

export interface MessageFacts {
  readonly transition: Step;
  /** The head on which the step was decided. */
  readonly observed: string;
  readonly evidenceDigest: Digest;
  /** The commit that a rollback takes back, when it is known. */
  readonly reverts: string | null;
  /** Where the project's runbooks are read, unless at their usual place. */
  readonly runbooks?: string;
}

/** The commit message of a step. Every line is ours: what documents and devices say stands inside one, never begins another. */
export function commitMessage({ transition, observed, evidenceDigest, reverts, runbooks }: MessageFacts): string {
  const runbook = runbookOfStep(transition, runbooks);
  const lines = [
    clipped(oneLine(`rollout(${transition.rollout}): ${title(transition)}`), MOST_TITLE),
    '',
    ...body(transition),
    ...(runbook === null ? [] : [`What to do: ${runbook}`]),
    ...(reverts === null ? [] : [`This reverts commit ${reverts}.`]),
    '',
    ...trailers({ transition, observed, evidenceDigest }),
  ];
  return `${lines.join('\n')}\n`;
}

export function transitionTrailer(transition: Step): string {
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
