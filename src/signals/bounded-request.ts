// Owns requests to a provider: one POST, and an answer in words of bounded size.
import { boundedRequest } from '../base/bounded-request.ts';
import type { Clock } from '../base/clock.ts';
import type { Post } from '../base/post.ts';

export type BoundedAnswer =
  | { readonly kind: 'answered'; readonly status: number; readonly body: string }
  | { readonly kind: 'none'; readonly reason: string };

/** Never throws. */
export async function request(asked: Post, clock: Clock): Promise<BoundedAnswer> {
  const outcome = await boundedRequest(asked, clock);
  if (outcome.kind === 'failed') return { kind: 'none', reason: outcome.reason };
  const { status, body } = outcome.value;
  try {
    return { kind: 'answered', status, body: new TextDecoder('utf-8', { fatal: true }).decode(body) };
  } catch {
    return { kind: 'none', reason: 'its answer is not UTF-8' };
  }
}
