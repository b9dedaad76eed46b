// Owns what a receiver's answer to a notice means: taken, refused for good, or to be tried again.
import type { Clock } from '../base/clock.ts';
import { type Post, post, redirectReason } from '../base/post.ts';
import type { Delivery } from './notice-target.ts';

/** A receiver can't make us wait longer. */
const MOST_RETRY_AFTER_MS = 60 * 60_000;
/** These refuse the body itself. Any other problem may be fixed at the receiver. */
const REFUSALS: ReadonlySet<number> = new Set([400, 413, 415, 422]);

function retryAfterMs(retryAfter: string | null): number | null {
  return retryAfter !== null && /^\d{1,6}$/.test(retryAfter)
    ? Math.min(MOST_RETRY_AFTER_MS, Number(retryAfter) * 1000)
    : null;
}

async function readDelivery(response: Response): Promise<Delivery> {
  await response.body?.cancel();
  const { status } = response;
  if (status >= 200 && status < 300) return { kind: 'taken' };
  const reason = redirectReason(response) ?? `HTTP ${status}`;
  if (REFUSALS.has(status)) return { kind: 'refused', reason };
  return { kind: 'later', reason, afterMs: retryAfterMs(response.headers.get('retry-after')) };
}

/** Never throws. */
export async function deliverPost(order: Post, clock: Clock): Promise<Delivery> {
  const outcome = await post(order, clock, readDelivery);
  return outcome.kind === 'answered' ? outcome.value : { kind: 'later', reason: outcome.reason, afterMs: null };
}
