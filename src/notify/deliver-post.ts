// Owns what a receiver's answer to a notice means: taken, refused for good, or to be tried again.
import type { Clock } from '../base/clock.ts';
import { type Post, post, redirectReason } from '../base/post.ts';
import type { Delivery } from './notice-target.ts';

/** A receiver may ask for patience, but not for ever. */
const LONGEST_WISH_MS = 60 * 60_000;
/** The body itself is what these refuse; whatever else is wrong may be put right at the receiver. */
const REFUSALS: ReadonlySet<number> = new Set([400, 413, 415, 422]);

function wishedMs(retryAfter: string | null): number | null {
  return retryAfter !== null && /^\d{1,6}$/.test(retryAfter)
    ? Math.min(LONGEST_WISH_MS, Number(retryAfter) * 1000)
    : null;
}

async function readDelivery(response: Response): Promise<Delivery> {
  await response.body?.cancel();
  const { status } = response;
  if (status >= 200 && status < 300) return { kind: 'taken' };
  const reason = redirectReason(response) ?? `HTTP ${status}`;
  if (REFUSALS.has(status)) return { kind: 'refused', reason };
  return { kind: 'later', reason, afterMs: wishedMs(response.headers.get('retry-after')) };
}

/** Never throws. */
export async function deliverPost(wanted: Post, clock: Clock): Promise<Delivery> {
  const outcome = await post(wanted, clock, readDelivery);
  return outcome.kind === 'answered' ? outcome.value : { kind: 'later', reason: outcome.reason, afterMs: null };
}
