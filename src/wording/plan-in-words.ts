// Owns how a rollout stands, in words: the cells of the status table, and what it waits for.
import { toIsoSeconds } from '../base/clock.ts';
import { assertNever } from '../base/errors.ts';
import { clipped, oneLine } from '../base/plain-text.ts';
import { formatDuration } from '../contract/duration.ts';
import type { Outlook, Parametrised, SilentSignal, WaitingOn } from '../rollout/outlook.ts';
import type { Fix, StatusReason, StuckRule } from '../rollout/reasons.ts';
import { aboutMore, countOf, formatCount, listed, timeLeft, trialsInWords } from './amounts.ts';
import { devicesApart, NOT_COUNTED, unfitInWords } from './devices-in-words.ts';
import { fixInWords, problemInWords } from './fix-in-words.ts';
import { heldBackInWords } from './held-back-in-words.ts';
import { versionInWords } from './parameters-in-words.ts';
import { namedOf, reasonsInWords, silenceInWords, stageReasonInWords } from './reason-in-words.ts';
import { ruleInScope } from './scope-in-words.ts';
import { statusReasonInWords } from './step-reason-in-words.ts';

const MOST_WORDS = 160;

function words(text: string): string {
  return clipped(oneLine(text), MOST_WORDS);
}

type VerdictWait = Extract<WaitingOn, { kind: 'verdict' }>;

/** `latency_p95 on hw:rev2: one device explains the breach, kiosk-017`. */
function stuckInWords({ metric, group, reasons, worstDevice }: StuckRule, isOnly: boolean): string {
  // The only open rule is named beside it.
  const about = [...(isOnly ? [] : [metric]), ...(group === null ? [] : [group])].join(' on ');
  return `${about === '' ? '' : `${about}: `}${reasonsInWords(reasons)}${worstDevice === null ? '' : `, ${worstDevice}`}`;
}

function verdictWaits({ stuck, ...waiting }: VerdictWait): string {
  const what = numbersWaits(waiting);
  if (stuck === null) return what;
  const why = words(stuckInWords(stuck, waiting.rules.length < 2));
  return waiting.slowest === null && waiting.lacks.length === 0 ? `${what} (${why})` : `${what}; ${why}`;
}

function numbersWaits({ rules, minutes, slowest, lacks }: Omit<VerdictWait, 'stuck'>): string {
  if (slowest !== null) {
    const time = minutes === null ? '' : `${aboutMore(minutes)}: `;
    // Only drift waits for reports, which come by time.
    if (slowest.trials === 0) return `${time}reports for ${slowest.metric}`;
    const { within } = slowest;
    const proof = within === undefined ? '' : ` to prove that it ${within ? 'passes' : 'fails'}`;
    return `${time}${slowest.metric} needs ${trialsInWords(slowest.trials, slowest.metric, 'more ')}${proof}`;
  }
  if (lacks.length > 0) return listed(lacks.map(stageReasonInWords), 'and');
  return rules.length === 0 ? 'the first measurements' : `a verdict on ${listed(rules.map(ruleInScope), 'and', 2)}`;
}

/** `checkout_errors: HTTP 503, since 2026-…`. */
export function silentInWords({ signal, from, provider, why, sinceMs }: SilentSignal): string {
  return `${signal}: ${words(`${from} ${provider}: ${silenceInWords(why)}`)}, since ${toIsoSeconds(sinceMs)}`;
}

/** `a retry or another version: 2.0.0 was rejected, error_rate < 0.5% failed in canary`. */
export function rejectedWaits({
  version,
  reason,
  ...changed
}: Parametrised & {
  readonly version: string;
  readonly reason: StatusReason | null;
}): string {
  const why = reason === null ? '' : `, ${statusReasonInWords(reason)}`;
  return `a retry or another version: ${words(`${versionInWords(version, changed)} was rejected${why}`)}`;
}

/** In a cell there is room for one command; what else to do stands in the notes below the table. */
function fixInShort(fix: Fix): string {
  const isCommand = fix.kind === 'history-rewound' || fix.kind === 'status-twice';
  return isCommand ? words(fixInWords(fix)) : words(problemInWords(fix));
}

/** What a rollout waits for, as a clause. */
export function waitInWords(waiting: WaitingOn): string {
  switch (waiting.kind) {
    case 'soak':
      return `${formatDuration(waiting.remainingMs)} of soak`;
    case 'devices':
      return `devices: ${formatCount(waiting.have)} of ${formatCount(waiting.need)}`;
    case 'rest-of-fleet':
      return `${countOf(waiting.pending, 'device')} to install it`;
    case 'verdict':
      return verdictWaits(waiting);
    case 'signal':
      return silentInWords(waiting);
    case 'approval':
      return `approval by ${waiting.need - waiting.have} of ${words(waiting.approvers.join(', '))}`;
    case 'baseline':
      return `a baseline: the stable version has ${formatCount(waiting.have)} of ${formatCount(waiting.need)} inferences (starts without one in ${formatDuration(waiting.remainingMs)})`;
    case 'suspended':
      return 'someone to resume it (spec.suspend)';
    case 'paused': {
      const { reason, resumesWithinMs } = waiting;
      const who =
        resumesWithinMs === undefined
          ? ''
          : `its rules to pass again within ${formatDuration(Math.max(1, Math.ceil(resumesWithinMs / 60_000)) * 60_000)}, or `;
      return `${who}a person: ${words(reason === null ? 'a rule failed' : statusReasonInWords(reason))}`;
    }
    case 'rejected':
      return rejectedWaits(waiting);
    case 'rejected-in-groups':
      return `a retry or another version: ${words(`${waiting.version} failed in ${listed(waiting.groups, 'and')}`)}`;
    case 'groups-held':
      return `a person: ${words(listed(waiting.groups, 'and'))} ${waiting.groups.length === 1 ? 'is' : 'are'} held; promote or abort with --group`;
    case 'deadline-held':
      return `a person: the deadline is over${waiting.without === undefined ? '' : ` without ${namedOf(waiting.without)}`}; promote or abort`;
    case 'known-devices':
      return waiting.need === 1
        ? `the first device of ${words(waiting.target)}${unfitInWords(waiting.unfit)}`
        : `devices of ${words(waiting.target)}: ${formatCount(waiting.have)} of at least ${formatCount(waiting.need)} known${unfitInWords(waiting.unfit)}`;
    case 'needs-fix':
      return `${waiting.fix.code}: ${fixInShort(waiting.fix)}`;
    default:
      return assertNever(waiting);
  }
}

const MOST_SHOWN = 4;

/** What a rollout waits for, the first things first; `–` when all is as declared. */
export function waitingInWords(waitingOn: readonly WaitingOn[]): string {
  if (waitingOn.length === 0) return '–';
  const shown = waitingOn.slice(0, MOST_SHOWN).map(waitInWords).join('; ');
  return waitingOn.length > MOST_SHOWN ? `${shown}; and ${waitingOn.length - MOST_SHOWN} more` : shown;
}

/** One row of `slipway status`. */
export interface OutlookCells {
  readonly rollout: string;
  readonly model: string;
  readonly stage: string;
  readonly devices: string;
  readonly verdict: string;
  readonly waitingFor: string;
}

function isPaused({ waitingOn }: Outlook): boolean {
  return waitingOn.some((waiting) => waiting.kind === 'paused' || waiting.kind === 'suspended');
}

function stageCell(outlook: Outlook): string {
  const { stage, candidate, stable } = outlook;
  if (candidate !== null) return `${isPaused(outlook) ? 'paused' : stage} ${words(versionInWords(candidate, outlook))}`;
  return stable === null ? '–' : `stable ${stable}`;
}

function devicesCell({ cohort }: Outlook): string {
  if (cohort === null) return '–';
  const bad = cohort.failed + cohort.refused + cohort.silent;
  const apart = bad === 0 ? '' : ` · ${formatCount(bad)} failed`;
  return `${formatCount(cohort.ready)}/${formatCount(cohort.wanted)} ready${apart}`;
}

const VERDICT_WORDS = [
  ['fail', 'fail'],
  ['pass', 'pass'],
  ['undecided', 'undecided'],
  ['not-applicable', 'n/a'],
] as const;

function verdictCell({ verdict, waitingOn, candidate, stable, rejected }: Outlook): string {
  const approval = waitingOn.find((waiting) => waiting.kind === 'approval');
  if (approval !== undefined) return waitInWords(approval);
  if (rejected !== null) return `rejected ${words(versionInWords(rejected.version, rejected))}`;
  if (candidate === null) return stable !== null && waitingOn.length === 0 ? 'complete' : '–';
  const rules = (verdict?.rules ?? []).filter((rule) => !rule.dryRun);
  const counts = VERDICT_WORDS.map(
    ([kind, word]) => [rules.filter((rule) => rule.verdict === kind).length, word] as const,
  );
  const shown = counts.filter(([count]) => count > 0).map(([count, word]) => `${count} ${word}`);
  return shown.length === 0 ? '–' : shown.join(' · ');
}

/** The verdict column shows an approval in full. */
function waitsCell({ waitingOn }: Outlook): string {
  return waitingOn.length === 1 && waitingOn[0]?.kind === 'approval' ? 'approval' : waitingInWords(waitingOn);
}

function apartInWords({ cohort, terms }: Outlook): string {
  const held = terms?.heldBack === undefined ? [] : [words(heldBackInWords(terms.heldBack))];
  const apart = [...held, ...(cohort === null ? [] : devicesApart(cohort, NOT_COUNTED))];
  return apart.length === 0 ? '' : `  (${apart.join(', ')})`;
}

const ENDED_BY_DEADLINE: readonly WaitingOn['kind'][] = ['soak', 'devices', 'rest-of-fleet', 'verdict', 'signal'];

/** How long a stage still waits by itself. */
function deadlineInWords({ terms, window, waitingOn }: Outlook): string {
  const leftMs = (terms?.deadlineMs ?? 0) - (window?.listenedMs ?? 0);
  const waits = waitingOn.some(({ kind }) => ENDED_BY_DEADLINE.includes(kind));
  return waits && leftMs > 0 ? `; deadline in ${timeLeft(leftMs)}` : '';
}

/** How a rollout stands, as the cells of a row. */
export function outlookCells(outlook: Outlook): OutlookCells {
  return {
    rollout: outlook.rollout,
    model: outlook.model === '' ? '–' : outlook.model,
    stage: stageCell(outlook),
    devices: devicesCell(outlook),
    verdict: verdictCell(outlook),
    waitingFor: `${waitsCell(outlook)}${deadlineInWords(outlook)}${apartInWords(outlook)}`,
  };
}

/** The same in one line, for logs and lists. */
export function outlookLine(outlook: Outlook): string {
  const { rollout, stage, devices, verdict, waitingFor } = outlookCells(outlook);
  const waits = waitingFor.replace(/ {2,}/g, ' ');
  const parts = [stage, devices, verdict, ...(/^–/.test(waits) ? [] : [`waiting for ${waits}`])];
  return `${rollout}: ${parts.filter((part) => part !== '–').join(', ') || 'nothing yet'}`;
}
