// Owns the explanation of a stage: the same words for a stage that is being measured and for one that evidence tells of.

import { asSentence, clipped, oneLine } from '../base/plain-text.ts';
import { formatDuration } from '../contract/duration.ts';
import { type RuleVerdict, ruleName, type StageVerdict } from '../gates/rule-verdict.ts';
import type { CohortCounts } from '../rollout/count-cohort.ts';
import type { Outlook } from '../rollout/outlook.ts';
import type { WindowTime } from '../rollout/rollout-facts.ts';
import type { StageTerms } from '../rollout/stage-terms.ts';
import { countOf, formatCount, listed, timeLeft } from './amounts.ts';
import { devicesApart, IN_TROUBLE, missingListed, ON_THE_WAY, troubleInWords } from './devices-in-words.ts';
import { exceptionInWords } from './exception-in-words.ts';
import { heldBackInWords } from './held-back-in-words.ts';
import { waitInWords } from './plan-in-words.ts';
import { changedPolicyInWords } from './policy-in-words.ts';
import { armsInWords } from './reason-in-words.ts';
import { ruleSentences } from './rule-in-words.ts';
import { statusReasonInWords } from './step-reason-in-words.ts';

/** What is known of a stage; evidence of an earlier version may lack the last two. */
export interface MeasuredStage {
  readonly verdict: StageVerdict | null;
  readonly cohort: CohortCounts | null;
  readonly window?: WindowTime | null | undefined;
  readonly terms?: StageTerms | null | undefined;
}

const MOST_EXCEPTION = 400;

export interface ExplainedRule {
  readonly rule: string;
  readonly verdict: RuleVerdict['verdict'];
  readonly scope: RuleVerdict['scope'];
  /** Of a rule about any device, the share of them that may breach, 0..1; null when none may. */
  readonly share: number | null;
  readonly dryRun: boolean;
  readonly sentences: readonly string[];
}

export interface Explanation {
  /** What follows for the stage, in a sentence. */
  readonly summary: string;
  /** Devices, soak, minimum, deadline, groups that are exceptions. */
  readonly stage: readonly string[];
  readonly rules: readonly ExplainedRule[];
  /** What it waits for; empty for a step that was taken. */
  readonly missing: readonly string[];
  /** How sure a verdict is; empty where the terms were not kept. */
  readonly certainty: string;
}

function rulesNamed(rules: readonly RuleVerdict[]): string {
  return listed(
    rules.map(({ rule }) => `\`${rule}\``),
    'and',
    3,
  );
}

function summaryOf({ verdict }: MeasuredStage): string {
  if (verdict === null) return 'No measurements.';
  const deciding = verdict.rules.filter((rule) => !rule.dryRun && rule.verdict !== 'not-applicable');
  const failed = deciding.filter((rule) => rule.verdict === 'fail');
  const open = deciding.filter((rule) => rule.verdict === 'undecided');
  const held = deciding.length - failed.length - open.length;
  if (failed.length > 0) return `Failed: ${rulesNamed(failed)}.`;
  if (deciding.length === 0) return 'No rule decides this stage; it passes by time alone.';
  if (deciding.length === 1 && open.length === 1) return `Undecided: ${rulesNamed(open)}.`;
  if (open.length === 0) return deciding.length === 1 ? 'Its only rule passes.' : `All ${deciding.length} rules pass.`;
  return `Undecided: ${rulesNamed(open)}. ${held} of ${countOf(deciding.length, 'rule')} ${held === 1 ? 'passes' : 'pass'}.`;
}

function devicesLine({ cohort, verdict }: MeasuredStage): string[] {
  if (cohort === null) return [];
  const missing = missingListed(cohort);
  const others = devicesApart(cohort, [...ON_THE_WAY, ...IN_TROUBLE, 'apart']);
  const ready = `${formatCount(cohort.ready)} of ${formatCount(cohort.wanted)} run the candidate`;
  const withData = (verdict?.rules ?? []).filter(
    ({ kind, verdict }) => kind !== 'share' && kind !== 'heard' && verdict !== 'not-applicable',
  );
  const measured = Math.max(verdict?.measured.devices ?? 0, ...withData.map(({ devices }) => devices));
  return [
    `Devices: ${[ready, ...others].join(', ')}; ${measured === 0 ? 'none has' : `${formatCount(measured)} ${measured === 1 ? 'has' : 'have'}`} sent data.`,
    ...(missing === null ? [] : [`Missing: ${missing}.`]),
    ...cohort.troubled.map((one) => `Problem on ${oneLine(one.device)}: ${troubleInWords(one)}.`),
  ];
}

function heldBackLine({ terms }: MeasuredStage): string[] {
  return terms?.heldBack === undefined ? [] : [`Held back: ${heldBackInWords(terms.heldBack)}.`];
}

const AFTER_DEADLINE = {
  hold: 'then it waits for a person',
  rollback: 'then it rolls back',
  promote: 'then it continues if every undecided rule is within its limit',
} as const;

function clockLines({ window, terms, cohort, verdict }: MeasuredStage): string[] {
  if (!terms) return [];
  const { readyMs = 0, listenedMs = 0 } = window ?? {};
  const soak =
    terms.soakMs === 0
      ? 'Soak: none.'
      : readyMs >= terms.soakMs
        ? `Soak: complete, ${formatDuration(readyMs)} of at least ${formatDuration(terms.soakMs)}.`
        : `Soak: ${formatDuration(readyMs)} of at least ${formatDuration(terms.soakMs)}.`;
  const seen = verdict?.measured.inferences ?? null;
  const inferences =
    terms.minimumInferences === 0
      ? ''
      : ` and ${countOf(terms.minimumInferences, 'inference')}${seen === null ? '' : ` (${formatCount(seen)} so far)`}`;
  const devices = `${countOf(terms.minimumDevices, 'device')} (${formatCount(cohort?.ready ?? 0)} ready)`;
  const { deadlineMs } = terms;
  const left = (deadlineMs ?? 0) - listenedMs;
  const byDefault = terms.hasDefaultDeadline ? ' (by default)' : '';
  const deadline =
    deadlineMs === null
      ? 'Deadline: none.'
      : left > 0
        ? `Deadline: ${timeLeft(left)} of ${formatDuration(deadlineMs)} left${byDefault}, ${AFTER_DEADLINE[terms.onDeadline]}.`
        : `Deadline: ${formatDuration(deadlineMs)}${byDefault}, passed.`;
  return [soak, `Minimum: ${devices}${inferences}.`, deadline];
}

function certaintyOf({ terms }: MeasuredStage): string {
  if (!terms) return '';
  const most = Number((100 * terms.errorLevel).toPrecision(3));
  return `Confidence: at most ${most} in 100 stages fail a good version, and at most ${most} in 100 pass a bad one, no matter how often results are checked.`;
}

function armsLine({ verdict }: MeasuredStage): string[] {
  return verdict?.arms === undefined ? [] : [asSentence(armsInWords(verdict.arms))];
}

/** Refused requests are the callers' fault: shown, for whoever calls, and judged only where a rule asks. */
function rejectedLine({ verdict }: MeasuredStage): string[] {
  const { rejected = 0 } = verdict?.measured ?? {};
  if (rejected === 0) return [];
  return [
    `Rejected: devices refused ${countOf(rejected, 'request')} before the model saw ${rejected === 1 ? 'it' : 'them'}.`,
  ];
}

/** What a stage was judged on, in sentences. */
export function explainStage(stage: MeasuredStage, missing: readonly string[] = []): Explanation {
  const rules = (stage.verdict?.rules ?? []).map((rule): ExplainedRule => {
    const { verdict, scope, share, dryRun } = rule;
    return {
      rule: oneLine(ruleName(rule)),
      verdict,
      scope,
      share,
      dryRun,
      sentences: ruleSentences(rule, stage.terms?.opened),
    };
  });
  return {
    summary: summaryOf(stage),
    stage: [
      ...devicesLine(stage),
      ...heldBackLine(stage),
      ...clockLines(stage),
      ...rejectedLine(stage),
      ...armsLine(stage),
    ],
    rules,
    missing,
    certainty: certaintyOf(stage),
  };
}

/** How a rollout stands now, and why. */
export function explainOutlook(outlook: Outlook): Explanation {
  const { exceptions = [], changedPolicy, waitingOn } = outlook;
  const explanation = explainStage(outlook, waitingOn.map(waitInWords));
  const apart = exceptions.map((one) =>
    clipped(`${exceptionInWords(one)}: ${statusReasonInWords(one.reason)}`, MOST_EXCEPTION),
  );
  const policy = changedPolicy === undefined ? [] : [asSentence(changedPolicyInWords(changedPolicy))];
  return { ...explanation, stage: [...explanation.stage, ...policy, ...apart] };
}
