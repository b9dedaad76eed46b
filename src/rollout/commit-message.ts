// Owns the words of a commit: the whole reason, first for people, then trailers for programs.

import { assertNever } from '../base/errors.ts';
import type { Digest } from '../contract/digest.ts';
import type { RuleVerdict } from '../gates/rule-verdict.ts';
import { formatAmount } from './amounts.ts';
import type { Transition } from './transition.ts';

const MOST_TITLE = 100;

function title(transition: Transition): string {
  const version = transition.subject?.version ?? '';
  switch (transition.kind) {
    case 'start':
    case 'advance':
      return `${version} ${transition.from} → ${transition.to}`;
    case 'complete':
      return `${version} is stable`;
    case 'roll-back':
      return `revert ${version} to ${transition.next.stable?.version ?? 'nothing'}: ${transition.reason}`;
    case 'supersede':
      return `${version} ${transition.reason}`;
    case 'pause':
      return `pause ${version} in ${transition.from}: ${transition.reason}`;
    case 'reopen':
      return `watch ${version} in ${transition.to} again`;
    case 'answer':
      return `answer requests: ${transition.reason}`;
    case 'restore':
      return `put the status right: ${transition.reason}`;
    case 'adopt':
      return 'adopt the rewritten history';
    default:
      return assertNever(transition.kind);
  }
}

function ruleLine(rule: RuleVerdict): string {
  const estimate = rule.estimate === null ? '–' : formatAmount(rule.estimate, rule.unit);
  const hasBounds = rule.lower !== null && rule.upper !== null;
  const bounds = hasBounds
    ? `(${formatAmount(rule.lower ?? 0, rule.unit)}–${formatAmount(rule.upper ?? 0, rule.unit)})`
    : '';
  const stable = rule.baseline?.estimate ?? null;
  const baseline =
    stable === null ? '' : `   baseline ${formatAmount(stable, rule.unit)} on ${rule.baseline?.devices} devices`;
  const dry = rule.dryRun ? ' (dry run)' : '';
  const why = rule.reason === '' ? '' : `   ${rule.reason}`;
  return `  ${rule.rule.padEnd(36)} ${estimate.padStart(9)}  ${bounds.padEnd(20)} ${rule.verdict}${dry}${baseline}${why}`.trimEnd();
}

function cohortLines({ cohort }: Transition): string[] {
  if (cohort === null || cohort.wanted === 0) return [];
  const apart = [
    [cohort.failed, 'failed'],
    [cohort.refused, 'refused it'],
    [cohort.silent, 'fell silent'],
    [cohort.incompatible, 'incompatible'],
    [cohort.unreachable, 'unreachable'],
  ] as const;
  const words = apart.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
  const rest = words.length === 0 ? '' : `; ${words.join(', ')}`;
  const troubled = cohort.troubled.map((one) => `  ${one.device}: ${one.what}`);
  return [`${cohort.ready} of ${cohort.wanted} devices of the stage had it installed${rest}.`, ...troubled];
}

function body(transition: Transition): string[] {
  const { verdict } = transition;
  const rules = verdict === null ? [] : verdict.rules.map(ruleLine);
  return [
    `${capital(transition.reason)}.`,
    ...cohortLines(transition),
    ...rules,
    ...(transition.outlook === null ? [] : [`Next: ${transition.outlook}`]),
  ];
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

export interface MessageFacts {
  readonly transition: Transition;
  /** The head on which the step was decided. */
  readonly observed: string;
  readonly evidenceDigest: Digest;
  /** The commit that a rollback takes back, when it is known. */
  readonly reverts: string | null;
}

/** One line without control characters: nothing out of a document may forge a trailer or a second line. */
function oneLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is taken out
  return text.replace(/[\u0000-\u001f\u007f\u2028\u2029]+/g, ' ').trim();
}

/** The commit message of a step. */
export function commitMessage({ transition, observed, evidenceDigest, reverts }: MessageFacts): string {
  const head = oneLine(`rollout(${transition.rollout}): ${title(transition)}`);
  const lines = [
    head.length > MOST_TITLE ? `${head.slice(0, MOST_TITLE - 1)}…` : head,
    '',
    ...body(transition).map((line) => line.replace(/\S.*$/s, oneLine)),
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
