// Owns the sentences that say how a rollout stands: what is true, why, and what happens next without anybody's help.
import { asSentence, clipped, oneLine } from '../base/plain-text.ts';
import type { RuleVerdict } from '../gates/rule-verdict.ts';
import type { Outlook, WaitingOn } from '../rollout/outlook.ts';
import { countOf, formatCount, listed, timeLeft } from './amounts.ts';
import { problemInWords, remedyInWords } from './fix-in-words.ts';
import { versionInWords } from './parameters-in-words.ts';
import { waitInWords } from './plan-in-words.ts';
import { statusReasonInWords } from './step-reason-in-words.ts';

const MOST_SENTENCE = 600;
const MOST_NAME = 120;

/** What is to be said beside the outlook's own facts. */
export interface Standing {
  readonly state: string;
  /** Rules that are undecided, on the wrong side of their limit. */
  readonly troubled: readonly Pick<RuleVerdict, 'rule'>[];
}

function find<K extends WaitingOn['kind']>({ waitingOn }: Outlook, kind: K) {
  return waitingOn.find((one): one is Extract<WaitingOn, { kind: K }> => one.kind === kind);
}

function named(text: string): string {
  return clipped(oneLine(text), MOST_NAME);
}

/** `1.4.0 runs on 38 of 40 devices in canary.` */
function where(outlook: Outlook): string {
  const { candidate, stage, cohort } = outlook;
  const version = named(versionInWords(candidate ?? '', outlook));
  const at = stage === null ? '' : ` in ${named(stage)}`;
  if (cohort === null) return `${version} is rolling out${at}.`;
  return `${version} runs on ${formatCount(cohort.ready)} of ${countOf(cohort.wanted, 'device')}${at}.`;
}

/** `It waits for about 6 more minutes: …, then goes on by itself.` */
function nextWait({ waitingOn, terms, window }: Outlook): string {
  const [first] = waitingOn;
  if (first === undefined) return 'It takes its next step by itself.';
  const leftMs = (terms?.deadlineMs ?? 0) - (window?.listenedMs ?? 0);
  const deadline = terms?.deadlineMs && leftMs > 0 ? ` Its deadline is in ${timeLeft(leftMs)}.` : '';
  return `${asSentence(`it waits for ${waitInWords(first)}`)}${deadline}`;
}

function rejectedSentence({ rejected, stable }: Outlook): string {
  if (rejected === null) return '';
  const what = `${named(versionInWords(rejected.version, rejected))} was rolled back: ${statusReasonInWords(rejected.reason)}`;
  const now = stable === null ? 'No version runs.' : `${named(stable)} is stable again.`;
  return `${asSentence(what)} ${now} A retry or another version starts it anew.`;
}

function stalledSentence(outlook: Outlook): string {
  const { rollout, conditions } = outlook;
  const stalled = conditions.find((one) => one.type === 'Stalled');
  if (stalled !== undefined) {
    const { fix } = stalled;
    return `It can't go on: ${asSentence(problemInWords(fix))} ${asSentence(remedyInWords(fix, rollout))}`;
  }
  const held = outlook.waitingOn.find(({ kind }) => kind === 'deadline-held' || kind === 'groups-held');
  return `${where(outlook)} ${held === undefined ? '' : asSentence(`it waits for ${waitInWords(held)}`)}`;
}

function troubledSentence(outlook: Outlook, { troubled }: Standing): string {
  const names = listed(
    troubled.map(({ rule }) => named(rule)),
    'and',
    2,
  );
  const what = `${names} ${troubled.length === 1 ? 'is' : 'are'} over the limit so far, which may be chance.`;
  const then = {
    rollback: 'If the data proves it, the reconciler rolls back by itself.',
    pause: 'If the data proves it, the stage pauses.',
    ask: 'If the data proves it, the stage stops and asks a person.',
  }[outlook.terms?.onFailure ?? 'rollback'];
  return `${where(outlook)} ${what} ${then}`;
}

function sentenceOf(outlook: Outlook, standing: Standing): string {
  const { stable, target } = outlook;
  switch (standing.state) {
    case 'stalled':
      return stalledSentence(outlook);
    case 'reverted':
      return rejectedSentence(outlook);
    case 'in-trouble':
      return troubledSentence(outlook, standing);
    case 'waits-for-approval': {
      const approval = find(outlook, 'approval');
      const waits = approval === undefined ? 'an approval' : waitInWords(approval);
      return `${where(outlook)} ${asSentence(`it waits for ${waits}`)} Nothing else stands in its way.`;
    }
    case 'paused': {
      const paused = find(outlook, 'paused') ?? find(outlook, 'suspended');
      return `${where(outlook)} ${asSentence(`it is paused and waits for ${paused === undefined ? 'a person' : waitInWords(paused)}`)}`;
    }
    case 'complete':
      return `${named(stable ?? '')} is stable on ${named(target)}. Nothing is rolling out.`;
    case 'not-started': {
      const [first] = outlook.waitingOn;
      return first === undefined
        ? 'Nothing has started yet.'
        : `Nothing has started yet: ${asSentence(waitInWords(first))}`;
    }
    default:
      return `${where(outlook)} ${nextWait(outlook)}`;
  }
}

/** How a rollout stands, in at most a few sentences. */
export function rolloutSentence(outlook: Outlook, standing: Standing): string {
  return clipped(oneLine(sentenceOf(outlook, standing)), MOST_SENTENCE);
}
