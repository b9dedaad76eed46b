// Owns what to say when a place does not take an artifact, and whether another try can help.
import { CodedError, type CodedErrorFacts } from '../../base/errors.ts';
import { asSentence, clipped } from '../../base/plain-text.ts';
import type { ReceivedAnswer } from './send-request.ts';

/** What became of one try. */
export type Tried<T> =
  | { readonly kind: 'done'; readonly value: T }
  | {
      readonly kind: 'again';
      readonly error: CodedError;
      readonly afterMs: number | null;
      /** The next try has less to do, and counts as the first. */
      readonly hasProgress?: boolean;
    };

const MOST_SAID = 300;
/** A host can't hold a command up for longer. */
const MOST_WAIT_MS = 60_000;

type Facts = Omit<CodedErrorFacts, 'message'> & { readonly what: string };

/** An error about a place; `said` is what its host wrote. */
function problem(place: string, said: string | null, { what, ...facts }: Facts): CodedError {
  const quote = said === null ? '' : ` It says: ${asSentence(clipped(said, MOST_SAID))}`;
  return new CodedError({ ...facts, message: `${place} ${what}.${quote}` });
}

export function unreachable(place: string, reason: string): CodedError {
  const other = place.startsWith('s3://')
    ? ' AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL names a store other than AWS.'
    : '';
  return problem(place, null, {
    code: 'UPLOAD_UNREACHABLE',
    kind: 'retry-later',
    what: `did not take the artifact: ${reason}`,
    remedy: `Check the address and the network, and try again.${other}`,
  });
}

export function credentialsRefused(place: string, said: string | null): CodedError {
  return problem(place, said, {
    code: 'UPLOAD_REFUSED',
    what: 'does not let these credentials store artifacts',
    remedy: 'Check the credentials, whether they have expired, and what they may do.',
  });
}

export function placeMissing(place: string, said: string | null): CodedError {
  return problem(place, said, {
    code: 'UPLOAD_NO_PLACE',
    what: 'is not there',
    remedy: 'Check the address, or create the bucket or folder.',
  });
}

export const NOT_S3 = 'its answer is not that of S3';

/** Something else answered than a place that stores files. */
export function answerUnusable(place: string, what: string): CodedError {
  return problem(place, null, {
    code: 'UPLOAD_ANSWER',
    kind: 'retry-later',
    what: `did not store the artifact: ${what}`,
    remedy: 'Check the address. If a network asks people to sign in first, use another network.',
  });
}

export function clockWrong(place: string, hostDate: string): CodedError {
  return problem(place, null, {
    code: 'UPLOAD_CLOCK',
    what: `refuses the time of this machine: its own clock says ${clipped(hostDate, 40)}`,
    remedy: 'Set the clock of this machine (RequestTimeTooSkewed); S3 allows 15 minutes of difference.',
  });
}

export function regionWrong(place: string, region: string): CodedError {
  return problem(place, null, {
    code: 'UPLOAD_REGION',
    what: `is in the region ${region}`,
    remedy: `Set AWS_REGION=${region}.`,
  });
}

export function incomplete(place: string): CodedError {
  return problem(place, null, {
    code: 'UPLOAD_INCOMPLETE',
    kind: 'retry-later',
    what: 'took the artifact, and has another size of it now',
    remedy: 'Try again. If it happens again, something between this machine and the place changes files.',
  });
}

export function stopped(place: string): CodedError {
  return problem(place, null, {
    code: 'UPLOAD_STOPPED',
    kind: 'retry-later',
    what: 'has not got the artifact: the upload was stopped',
    remedy: 'Run the command again.',
  });
}

/** What the status alone says. Throws what no other try can change. */
export function refusalOf(place: string, answer: ReceivedAnswer, said: string | null): Tried<never> {
  const { status } = answer;
  if (status === 408 || status === 429 || (status >= 500 && ![501, 505, 507].includes(status))) {
    const what = `can't take the artifact now (HTTP ${status})`;
    const facts = { code: 'UPLOAD_UNAVAILABLE', kind: 'retry-later', what, remedy: 'Try again later.' } as const;
    return { kind: 'again', error: problem(place, said, facts), afterMs: retryAfterMs(answer) };
  }
  if (status === 401 || status === 403) throw credentialsRefused(place, said);
  if (status === 404 || status === 409) throw placeMissing(place, said);
  if (status === 413)
    throw problem(place, said, {
      code: 'UPLOAD_TOO_LARGE',
      what: 'takes no files of this size',
      remedy: 'Raise its limit, or store the artifact elsewhere.',
    });
  if (status === 507)
    throw problem(place, said, {
      code: 'UPLOAD_FULL',
      kind: 'retry-later',
      what: 'has no room for the artifact',
      remedy: 'Free space there, or raise its quota.',
    });
  if (status >= 300 && status < 400) throw answerUnusable(place, `it redirects (HTTP ${status})`);
  throw problem(place, said, {
    code: 'UPLOAD_NOT_TAKEN',
    what: `does not take the artifact (HTTP ${status})`,
    remedy: 'Check that the address is one where files can be stored by PUT.',
  });
}

export function retryAfterMs({ headers }: ReceivedAnswer): number | null {
  const after = headers['retry-after']?.trim() ?? '';
  return /^\d{1,9}$/.test(after) ? Math.min(Number(after) * 1000, MOST_WAIT_MS) : null;
}

/** A web page, as captive portals and proxies send it in the place of any answer. */
export function isWebPage({ headers, text }: ReceivedAnswer): boolean {
  // Swift calls answers without a body HTML as well.
  return (isHtml(headers) && text !== '') || /^\s*<(?:!doctype )?html/i.test(text);
}

/** The same for an answer of which the body was not read. */
export function isHtml(headers: ReceivedAnswer['headers']): boolean {
  return /^(?:text\/html|application\/xhtml)/i.test(headers['content-type'] ?? '');
}
