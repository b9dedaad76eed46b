// Owns what a receiver's answer to a notice means: taken, refused for good, or to be tried again.
import type { Clock } from '../base/clock.ts';
import { type Post, post, redirectReason } from '../base/post.ts';
import type { Delivery } from './notice-target.ts';

/** A receiver can't make us wait longer. */
const MOST_RETRY_AFTER_MS = 60 * 60_000;
/** These refuse the body itself. Any other problem may be fixed at the receiver. */
const REFUSALS: ReadonlySet<number> = new Set([400, 413, 415, 422]);
/** Of an answer, so much is looked at. */
const MOST_LOOKED_AT = 4_096;

export interface AnswerReading {
  /** An HTML page is no answer of this receiver: a login page of some network stands in between. */
  readonly refusesPages?: boolean;
  /** Does an answer without success say that nothing is left to do? */
  readonly isDone?: (status: number, body: string) => boolean;
}

function retryAfterMs(retryAfter: string | null): number | null {
  return retryAfter !== null && /^\d{1,6}$/.test(retryAfter)
    ? Math.min(MOST_RETRY_AFTER_MS, Number(retryAfter) * 1000)
    : null;
}

/** The beginning of the body; the rest is never read. */
async function beginningOf(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk);
    length += chunk.length;
    if (length >= MOST_LOOKED_AT) break;
  }
  return Buffer.concat(chunks).subarray(0, MOST_LOOKED_AT).toString('utf8');
}

async function readDelivery(response: Response, { refusesPages = false, isDone }: AnswerReading): Promise<Delivery> {
  const body = refusesPages || isDone !== undefined ? await beginningOf(response) : '';
  await response.body?.cancel().catch(() => undefined);
  const { status } = response;
  if (isDone?.(status, body) === true) return { kind: 'taken' };
  if (status >= 200 && status < 300) {
    const isPage = refusesPages && /^\s*</.test(body);
    return isPage ? { kind: 'later', reason: 'a web page answers in its place', afterMs: null } : { kind: 'taken' };
  }
  const reason = redirectReason(response) ?? `HTTP ${status}`;
  if (REFUSALS.has(status)) return { kind: 'refused', reason };
  return { kind: 'later', reason, afterMs: retryAfterMs(response.headers.get('retry-after')) };
}

/** Never throws. */
export async function deliverPost(order: Post, clock: Clock, reading: AnswerReading = {}): Promise<Delivery> {
  const outcome = await post(order, clock, (response) => readDelivery(response, reading));
  return outcome.kind === 'answered' ? outcome.value : { kind: 'later', reason: outcome.reason, afterMs: null };
}
