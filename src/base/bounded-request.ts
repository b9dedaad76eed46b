// Owns requests with an answer of bounded size, whose redirects are no answers.
import type { Clock } from './clock.ts';
import { type Post, type PostOutcome, post, redirectReason, UnusableAnswer } from './post.ts';

export interface BoundedAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** After any decompression. */
  readonly body: Buffer;
}

const MIB = 1024 * 1024;

async function readAnswer(response: Response, mostBytes: number): Promise<BoundedAnswer> {
  const redirect = redirectReason(response);
  if (redirect !== null) {
    await response.body?.cancel();
    throw new UnusableAnswer(redirect);
  }
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    if (length > mostBytes) throw new UnusableAnswer(`its answer is longer than ${mostBytes / MIB} MiB`);
    chunks.push(chunk);
  }
  return { status: response.status, headers: response.headers, body: Buffer.concat(chunks, length) };
}

/** The answer of at most 1 MiB unless given, whatever its status. Never throws. */
export function boundedRequest(asked: Post, clock: Clock, mostBytes = MIB): Promise<PostOutcome<BoundedAnswer>> {
  const headers = { 'accept-encoding': 'identity', ...asked.headers };
  return post({ ...asked, headers }, clock, (response) => readAnswer(response, mostBytes));
}
