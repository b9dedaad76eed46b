// Owns requests to a provider: one POST, and an answer of bounded size.
import type { Clock } from '../base/clock.ts';
import { type Post, post, redirectReason, UnusableAnswer } from '../base/post.ts';

interface ProviderAnswer {
  readonly status: number;
  readonly body: string;
}

export type BoundedAnswer =
  | ({ readonly kind: 'answered' } & ProviderAnswer)
  | { readonly kind: 'none'; readonly reason: string };

const MOST_BYTES = 1024 * 1024;

/** The body as text of at most 1 MiB, after any decompression. */
async function readBody(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    if (length > MOST_BYTES) throw new UnusableAnswer('its answer is longer than 1 MiB');
    chunks.push(chunk);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks, length));
  } catch {
    throw new UnusableAnswer('its answer is not UTF-8');
  }
}

async function readAnswer(response: Response): Promise<ProviderAnswer> {
  const redirect = redirectReason(response);
  if (redirect === null) return { status: response.status, body: await readBody(response) };
  await response.body?.cancel();
  throw new UnusableAnswer(redirect);
}

/** Never throws. */
export async function request(asked: Post, clock: Clock): Promise<BoundedAnswer> {
  const headers = { 'accept-encoding': 'identity', ...asked.headers };
  const outcome = await post({ ...asked, headers }, clock, readAnswer);
  return outcome.kind === 'answered'
    ? { kind: 'answered', ...outcome.value }
    : { kind: 'none', reason: outcome.reason };
}
