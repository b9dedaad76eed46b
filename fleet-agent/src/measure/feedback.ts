// Owns what applications report over the local endpoint: feedback on earlier answers, and readings of their own gauges.
import { assertNever, CodedError } from '../../../src/base/errors.ts';
import type { DeclaredOutputs } from '../../../src/contract/declared-outputs.ts';
import { gaugeBounds, isGaugeName, MOST_GAUGES } from '../../../src/contract/gauges.ts';
import { ANSWER_ENDS, type AnswerEnd } from '../../../src/contract/output-counts.ts';
import { isCounterName, MOST_COUNTERS } from '../../../src/contract/report.ts';
import { isClassName } from '../../../src/contract/report-reader.ts';
import type { DeviceGauges } from './device-gauges.ts';
import type { Observation } from './interval-tally.ts';
import type { Measurements } from './measurements.ts';
import { countsOfText } from './output-sums.ts';
import type { FeedbackKind, RecentAnswers } from './recent-answers.ts';

/** In one request. */
const MOST_ITEMS = 1000;
const MOST_ID = 256;

export interface FeedbackItem {
  readonly id: string;
  readonly row: number;
  /** The true class; with labels only. */
  readonly className: string;
  /** With texts only: at least one of both. */
  readonly tokens?: number;
  readonly end?: AnswerEnd;
}

/** How many items were counted; `unknown` ones are about answers that are not remembered (any more). */
export interface FeedbackTally {
  readonly counted: number;
  readonly repeated: number;
  readonly unknown: number;
}

function feedbackError(problem: string, remedy: string): CodedError {
  return new CodedError({ code: 'INFER_FEEDBACK', message: `The feedback can't be counted: ${problem}.`, remedy });
}

function parseJson(body: Buffer): Record<string, unknown> {
  try {
    return Object(JSON.parse(body.toString('utf8'))) as Record<string, unknown>;
  } catch {
    throw feedbackError('it is not JSON', 'Send a JSON object.');
  }
}

/** Throws INFER_FEEDBACK: a request is counted whole or not at all. */
export function parseFeedback(body: Buffer, kind: FeedbackKind): readonly FeedbackItem[] {
  const more = {
    labels: ', "class": "receipt"',
    texts: ', "tokens": 128, "end": "stop"',
    complaints: '',
    anomalies: '',
  };
  const example = `{ "${kind}": [{ "id": "…"${more[kind]} }] }`;
  const remedy = `Send ${example}, at most ${MOST_ITEMS}; \`row\` counts from 0 in a batch.`;
  const items = parseJson(body)[kind];
  if (!Array.isArray(items) || items.length > MOST_ITEMS)
    throw feedbackError(`\`${kind}\` is not a list of at most ${MOST_ITEMS} items`, remedy);
  return items.map((item: unknown) => {
    const { id: given, row = 0, class: className, tokens, end } = Object(item) as Record<string, unknown>;
    // A request may have had a number for its id.
    const id = typeof given === 'number' || typeof given === 'boolean' ? String(given) : given;
    if (typeof id !== 'string' || id === '' || id.length > MOST_ID)
      throw feedbackError('an `id` is missing, empty or too long', remedy);
    if (typeof row !== 'number' || !Number.isSafeInteger(row) || row < 0)
      throw feedbackError('a `row` is not a whole number of 0 or more', remedy);
    if (kind === 'texts') return { id, row, className: '', ...textOf(tokens, end, remedy) };
    if (kind !== 'labels') return { id, row, className: '' };
    if (!isClassName(className)) throw feedbackError('a `class` is missing or is not a class name', remedy);
    return { id, row, className };
  });
}

function textOf(tokens: unknown, end: unknown, remedy: string): Pick<FeedbackItem, 'tokens' | 'end'> {
  const known = ANSWER_ENDS.find((one) => one === end);
  if (end !== undefined && known === undefined)
    throw feedbackError(`an \`end\` is none of ${ANSWER_ENDS.join(', ')}`, remedy);
  if (tokens === undefined && known === undefined) throw feedbackError('a text has neither `tokens` nor `end`', remedy);
  if (tokens === undefined) return known === undefined ? {} : { end: known };
  if (typeof tokens !== 'number' || !Number.isSafeInteger(tokens) || tokens < 0)
    throw feedbackError('`tokens` are not a whole number of 0 or more', remedy);
  return { tokens, ...(known === undefined ? {} : { end: known }) };
}

/** Throws INFER_FEEDBACK where the model has no texts, or the agent counts their length itself. */
export function checkTexts(items: readonly FeedbackItem[], text: DeclaredOutputs['text']): void {
  if (text === null)
    throw feedbackError('the model declares no text', 'Give an output the `kind: text` in the manifest.');
  if (text.isSeen && items.some(({ tokens }) => tokens !== undefined))
    throw feedbackError('the agent counts the length of its texts itself', 'Send `end` alone.');
}

/** Readings by name, none of a gauge that the agent reads itself. Throws INFER_FEEDBACK. */
export function parseReadings(
  body: Buffer,
  known: Pick<DeviceGauges, 'isOwn'>,
): readonly (readonly [string, number])[] {
  const remedy = `Send { "gauges": { "queue_depth": 3 } }: at most ${MOST_GAUGES} numbers, named in a-z, digits and _.`;
  const { gauges } = parseJson(body);
  if (typeof gauges !== 'object' || gauges === null || Array.isArray(gauges))
    throw feedbackError('`gauges` is not an object', remedy);
  const entries = Object.entries(gauges as Record<string, unknown>);
  if (entries.length > MOST_GAUGES) throw feedbackError('there are too many gauges', remedy);
  return entries.map(([name, value]) => {
    if (!isGaugeName(name)) throw feedbackError(`"${name.slice(0, 64)}" is not a gauge name`, remedy);
    if (known.isOwn(name))
      throw feedbackError(`the agent reads ${name} itself on this device`, 'Leave it out, or rename yours.');
    const { least, most } = gaugeBounds(name);
    if (typeof value === 'number' && value >= least && value <= most) return [name, value] as const;
    throw feedbackError(`${name} is not a number from ${least} to ${most}`, remedy);
  });
}

/** So many events of one name in one request. */
const MOST_EVENTS = 1_000_000;
const COUNTS = { errors: '{ "errors": { "network": 1 } }', counters: '{ "counters": { "alerts": 1 } }' } as const;

/** Numbers of events by name: of failures, by any name, or of the application's own counters. Throws INFER_FEEDBACK. */
export function parseCounts(body: Buffer, kind: keyof typeof COUNTS): Readonly<Record<string, number>> {
  const remedy = `Send ${COUNTS[kind]}: at most ${MOST_COUNTERS} names in a-z, digits and ${kind === 'errors' ? '-' : '_'}.`;
  const counts = parseJson(body)[kind];
  if (typeof counts !== 'object' || counts === null || Array.isArray(counts))
    throw feedbackError(`\`${kind}\` is not an object`, remedy);
  const entries = Object.entries(counts as Record<string, unknown>);
  if (entries.length > MOST_COUNTERS) throw feedbackError('there are too many names', remedy);
  const read = entries.map(([name, count]) => {
    const isName = kind === 'counters' ? isCounterName(name) : isClassName(name);
    if (!isName) throw feedbackError(`"${name.slice(0, 64)}" is not a name`, remedy);
    if (typeof count === 'number' && Number.isSafeInteger(count) && count >= 0 && count <= MOST_EVENTS)
      return [name, count] as const;
    throw feedbackError(`${name} is not a whole number from 0 to ${MOST_EVENTS}`, remedy);
  });
  return Object.fromEntries(read);
}

/** Counts each item to the version that gave the answer. */
export function countFeedback(
  items: readonly FeedbackItem[],
  kind: FeedbackKind,
  { recent, measurements }: { readonly recent: RecentAnswers; readonly measurements: Measurements },
): FeedbackTally {
  let [counted, repeated, unknown] = [0, 0, 0];
  for (const { id, row, className, ...text } of items) {
    const recalled = recent.recall(id, row, kind);
    if (recalled.kind === 'forgotten') unknown += 1;
    else if (recalled.kind === 'repeated') repeated += 1;
    else {
      counted += 1;
      const { attribution, predicted = '' } = recalled;
      measurements.observe(attribution, observationOf(kind, { predicted, actual: className, text }));
    }
  }
  return { counted, repeated, unknown };
}

function observationOf(
  kind: FeedbackKind,
  { predicted, actual, text }: { predicted: string; actual: string; text: Pick<FeedbackItem, 'tokens' | 'end'> },
): Observation {
  switch (kind) {
    case 'labels':
      return { kind: 'labelled', predicted, actual } as const;
    case 'complaints':
      return { kind: 'complaint' } as const;
    case 'anomalies':
      return { kind: 'anomaly' } as const;
    case 'texts':
      return { kind: 'text', outputs: countsOfText(text) };
    default:
      return assertNever(kind);
  }
}
