// Owns requests to the services that keyless signing needs: tried again while a service is away, and every other outcome as an error with a remedy.
import { type BackOff, backOffMs } from '../../base/back-off.ts';
import { type BoundedAnswer, boundedRequest } from '../../base/bounded-request.ts';
import type { Clock } from '../../base/clock.ts';
import { CodedError } from '../../base/errors.ts';
import { clipped, oneLine } from '../../base/plain-text.ts';
import type { RandomStream } from '../../base/random.ts';

export interface Network {
  readonly clock: Clock;
  readonly random: RandomStream;
  readonly signal: AbortSignal;
}

export interface Question {
  /** For people: "Fulcio". */
  readonly service: string;
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Left out: asked by GET. */
  readonly body?: string | Uint8Array<ArrayBuffer>;
  /** The request carries a token: no message quotes the answer, which may quote the request. */
  readonly hasSecret: boolean;
  /** What to do when the service says no. */
  readonly refusedRemedy: string;
}

/** Version 2 of Rekor answers once its checkpoint is published, which takes seconds. */
const TIMEOUT_MS = 20_000;
const MOST_TRIES = 4;
const BACK_OFF: BackOff = { firstMs: 500, capMs: 8_000 };
const MOST_WORDS = 300;

/** Away for now; everything else that is no success is an answer. */
function isAway(status: number): boolean {
  return status >= 500 || status === 408 || status === 429;
}

/** The address without what may be secret in it. */
function nameOf({ service, url }: Question): string {
  const { origin, pathname } = new URL(url);
  return `${service} (${origin}${pathname === '/' ? '' : pathname})`;
}

/**
 * The answer with a status below 300, or 409. Throws SIGN_SERVICE_DOWN after four tries of at most 20 s, and SIGN_SERVICE_REFUSED or
 * SIGN_SERVICE_ANSWER for what another try would not change.
 */
export async function exchange(question: Question, { clock, random, signal }: Network): Promise<BoundedAnswer> {
  const { url, body = null, headers = {} } = question;
  let reason = '';
  for (let tried = 0; tried < MOST_TRIES; tried++) {
    if (tried > 0) await clock.sleep(backOffMs(tried - 1, BACK_OFF, random), signal);
    const outcome = await boundedRequest({ url, headers, body, timeoutMs: TIMEOUT_MS, signal }, clock);
    if (outcome.kind === 'failed' && outcome.isFinal)
      throw unfit(question, `gives no usable answer: ${outcome.reason}`);
    if (outcome.kind === 'failed') reason = outcome.reason;
    else if (isAway(outcome.value.status)) reason = `HTTP ${outcome.value.status}`;
    else if (outcome.value.status < 300 || outcome.value.status === 409) return outcome.value;
    else throw refused(question, outcome.value);
    if (signal.aborted) break;
  }
  throw new CodedError({
    code: 'SIGN_SERVICE_DOWN',
    kind: 'retry-later',
    message: `${nameOf(question)} gives no answer: ${reason}. Nothing was written.`,
    remedy: 'Try again later; if it goes on, check the network, the proxy and the address in the signing config.',
  });
}

function refused(question: Question, { status, headers, body }: BoundedAnswer): CodedError {
  const isQuoted = !question.hasSecret && !/html/.test(headers.get('content-type') ?? '');
  const said = isQuoted ? clipped(oneLine(wordsOf(body.toString('utf8'))), MOST_WORDS) : '';
  return new CodedError({
    code: 'SIGN_SERVICE_REFUSED',
    message: `${nameOf(question)} refuses (HTTP ${status})${said === '' ? '' : `: ${said}`}`.replace(/[^.]$/, '$&.'),
    remedy: question.refusedRemedy,
  });
}

/** Services answer `{"message": …}`, or a line of text. */
function wordsOf(text: string): string {
  try {
    const { message } = JSON.parse(text) as { readonly message?: unknown };
    return typeof message === 'string' ? message : '';
  } catch {
    return text;
  }
}

/** What `parse` makes of the JSON in the answer. Throws SIGN_SERVICE_ANSWER for anything else. */
export function readJson<T>(question: Question, answer: BoundedAnswer, parse: (json: unknown) => T): T {
  try {
    return parse(JSON.parse(answer.body.toString('utf8')));
  } catch {
    throw unusable(question, answer);
  }
}

/** The cause is left out on purpose: it may quote an answer that holds a token. */
export function unusable(question: Question, { headers }: BoundedAnswer): CodedError {
  const type = headers.get('content-type') ?? '';
  const kind = question.hasSecret ? (/^text\/html\b/.exec(type)?.[0] ?? '') : clipped(oneLine(type), 100);
  return unfit(question, `gives an answer${kind === '' ? '' : ` of type ${kind}`} that is none of this service`);
}

function unfit(question: Question, problem: string): CodedError {
  return new CodedError({
    code: 'SIGN_SERVICE_ANSWER',
    message: `${nameOf(question)} ${problem}.`,
    remedy: 'Check the address; a captive portal or a proxy may have answered in its place.',
  });
}
