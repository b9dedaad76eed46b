// Owns reading the event stream of a service: come back to after it broke, from the event that was heard last; events of bounded size.
import { backOffMs } from '../base/back-off.ts';
import type { Clock } from '../base/clock.ts';
import { post, UnusableAnswer } from '../base/post.ts';
import type { RandomStream } from '../base/random.ts';
import { type ServiceAccess, serviceUrl, unreachable } from './ask-service.ts';

const MOST_EVENT = 256 * 1024;
const LONGEST_MS = 24 * 60 * 60_000;
const AGAIN = { firstMs: 500, capMs: 30_000 };

export interface StreamEvent {
  readonly event: string;
  readonly id: string | null;
  readonly data: unknown;
}

/** One frame of the stream; null for comments and for what is no JSON. */
export function parseFrame(frame: string): StreamEvent | null {
  const fields = new Map<string, string>();
  for (const line of frame.split(/\r\n|\r|\n/)) {
    const [, name = '', value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? [];
    if (name !== '') fields.set(name, fields.has(name) && name === 'data' ? `${fields.get(name)}\n${value}` : value);
  }
  const data = fields.get('data');
  if (data === undefined) return null;
  try {
    return { event: fields.get('event') ?? 'message', id: fields.get('id') ?? null, data: JSON.parse(data) };
  } catch {
    return null;
  }
}

async function readFrames(response: Response, take: (event: StreamEvent) => void): Promise<void> {
  const { status, headers } = response;
  if (status !== 200 || !/^text\/event-stream\b/.test(headers.get('content-type') ?? '')) {
    await response.body?.cancel();
    throw new UnusableAnswer(status === 401 || status === 403 ? 'it refuses the token' : `HTTP ${status}`);
  }
  const decoder = new TextDecoder();
  let left = '';
  for await (const chunk of response.body ?? []) {
    left += decoder.decode(chunk, { stream: true });
    const frames = left.split(/\r?\n\r?\n/);
    left = frames.pop() ?? '';
    if (left.length > MOST_EVENT) throw new UnusableAnswer('an event is too long');
    for (const frame of frames) {
      const event = parseFrame(frame);
      if (event !== null) take(event);
    }
  }
}

export interface Following {
  readonly access: ServiceAccess;
  readonly clock: Clock;
  readonly random: RandomStream;
  readonly signal: AbortSignal;
}

/** Until the signal. Throws SERVER_UNREACHABLE where the first answer is none of an event stream; later it waits and asks again. */
export async function followEvents(
  { access, clock, random, signal }: Following,
  take: (event: StreamEvent) => void,
): Promise<void> {
  const url = serviceUrl(access, '/v1/events');
  let last: string | null = null;
  let attempt = 0;
  let hasHeard = false;
  while (!signal.aborted) {
    const outcome = await post(
      {
        ...{ url: url.href, method: 'GET', body: null, timeoutMs: LONGEST_MS, signal },
        headers: {
          accept: 'text/event-stream',
          ...(access.token === null ? {} : { authorization: `Bearer ${access.token}` }),
          ...(last === null ? {} : { 'last-event-id': last }),
        },
      },
      clock,
      (response) =>
        readFrames(response, (event) => {
          [hasHeard, attempt] = [true, 0];
          last = event.id ?? last;
          take(event);
        }).then(() => {
          hasHeard = true;
        }),
    );
    if (signal.aborted) return;
    if (outcome.kind === 'failed' && (outcome.isFinal || !hasHeard)) throw unreachable(url.origin, outcome.reason);
    await clock.sleep(backOffMs(attempt++, AGAIN, random), signal);
  }
}
