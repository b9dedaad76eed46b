// Owns trying an upload again: a bounded number of times, ever later, and as late as the host asks.
import { backOffMs } from '../../base/back-off.ts';
import { assertInvariant, type CodedError } from '../../base/errors.ts';
import type { RandomStream } from '../../base/random.ts';
import { type OutgoingRequest, type ReceivedAnswer, type SendingTerms, sendRequest } from './send-request.ts';
import { stopped, type Tried, unreachable } from './upload-problems.ts';

export interface UploadTerms extends SendingTerms {
  readonly random: RandomStream;
  /** In a row without progress, `MOST_TRIES` unless given. */
  readonly mostTries?: number | undefined;
}

const MOST_TRIES = 6;
const BACK_OFF = { firstMs: 1000, capMs: 20_000 };

/** Throws the error of the last try, what a try throws, or UPLOAD_STOPPED. */
export async function withTries<T>(
  place: string,
  { clock, random, signal, mostTries = MOST_TRIES }: UploadTerms,
  attempt: () => Promise<Tried<T>>,
): Promise<T> {
  let last: CodedError | undefined;
  for (let tries = 0; tries < mostTries; tries++) {
    if (signal.aborted) throw stopped(place);
    const tried = await attempt();
    if (tried.kind === 'done') return tried.value;
    last = tried.error;
    if (tried.hasProgress === true) tries = 0;
    if (tries === mostTries - 1) break;
    await clock.sleep(Math.max(tried.afterMs ?? 0, backOffMs(tries, BACK_OFF, random)), signal);
  }
  if (signal.aborted) throw stopped(place);
  assertInvariant(last !== undefined, 'at least one try was made');
  throw last;
}

/** One request of a try: its answer, whatever its status, or a reason for the next try. Throws UPLOAD_UNREACHABLE where none can help. */
export async function sendOnce(
  place: string,
  outgoing: OutgoingRequest,
  terms: SendingTerms,
): Promise<Tried<ReceivedAnswer>> {
  const outcome = await sendRequest(outgoing, terms);
  if (outcome.kind === 'answered') return { kind: 'done', value: outcome.answer };
  if (outcome.isFinal) throw unreachable(place, outcome.reason);
  return { kind: 'again', error: unreachable(place, outcome.reason), afterMs: null };
}
