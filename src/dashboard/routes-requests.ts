// Owns the routes by which people steer rollouts: a request comes in, its commit goes out.
import { CodedError, HTTP_STATUSES, toCodedError } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import { oneLine } from '../base/plain-text.ts';
import type { Answer, Asked, Headers, Route } from '../fleet-api/http/route.ts';
import type { DeskAnswer, DeskOrder } from '../requests/request-desk.ts';
import { RequestMoved } from '../requests/request-desk.ts';
import { parseSteer, type Steer } from './parse-steer.ts';

export interface RequestRouteParts {
  readonly desk: { submit(order: DeskOrder): Promise<DeskAnswer> };
  /** How often one person may ask: after how many seconds again; 0 is now. */
  readonly wait: (person: string) => number;
  /** Look at the repository now. */
  readonly onPoke: () => void;
  readonly logger: Logger;
}

export function requestRoutes(parts: RequestRouteParts): Route[] {
  return [
    {
      ...{ name: 'request', method: 'POST', path: '/v1/rollouts/{name}/requests', scope: 'operate', bySession: true },
      ...{ request: { kind: 'json', schema: 'SteerRequest', mostBytes: 65_536 }, response: 'SteerAnswer' },
      summary: 'Asks something of a rollout, as a commit in the name of whoever asks; `dryRun` shows the change alone.',
      handle: (asked) => answerSteer(parts, asked),
    },
    {
      ...{ name: 'poke', method: 'POST', path: '/v1/poke', scope: 'operate', bySession: true, request: null },
      response: 'Poked',
      summary: 'Makes the service look at the repository now.',
      handle: () => {
        parts.onPoke();
        return { kind: 'json', status: 202, value: { status: 'looking' } };
      },
    },
  ];
}

async function answerSteer(parts: RequestRouteParts, asked: Asked): Promise<Answer> {
  try {
    const { params, body, headers } = asked;
    const key = headers['idempotency-key'];
    const steer = parseSteer(params.name ?? '', body, typeof key === 'string' ? key : null);
    return { kind: 'json', value: answerOf(await steerRollout(parts, asked, steer)) };
  } catch (thrown) {
    return refusalOf(thrown);
  }
}

function answerOf({ stand, ...answer }: DeskAnswer): Readonly<Record<string, unknown>> {
  return { ...answer, now: stand };
}

/** Carries it out as whoever asks. Throws REQUEST_…, ROLLOUT_UNKNOWN, GIT_…. */
export async function steerRollout(parts: RequestRouteParts, asked: Asked, steer: Steer): Promise<DeskAnswer> {
  const { bearer, address } = asked;
  if (bearer === undefined) throw new CodedError({ code: 'TOKEN_MISSING', message: 'Nobody asks.' });
  const name = oneLine(bearer.name).slice(0, 128) || bearer.id;
  const seconds = parts.wait(bearer.id);
  if (seconds > 0)
    throw new CodedError({
      code: 'REQUEST_TOO_OFTEN',
      kind: 'retry-later',
      message: `${name} makes too many requests.`,
      remedy: `Try again in ${seconds} s.`,
    });
  const person = { name, email: bearer.email };
  const order = {
    ...steer,
    request: { ...steer.request, by: name },
    person,
    identity: oneLine(`${name} (${bearer.id})`),
  };
  const { rollout, request, isDryRun } = order;
  const facts = { rollout, act: request.verb, by: bearer.id, name, address };
  try {
    const answer = await parts.desk.submit(order);
    if (isDryRun) return answer;
    parts.logger.info('a request was committed', { ...facts, commit: answer.commit, title: answer.title });
    parts.onPoke();
    return answer;
  } catch (thrown) {
    if (!isDryRun) parts.logger.warn('a request was not committed', { ...facts, code: toCodedError(thrown).code });
    throw thrown;
  }
}

export function statusOf({ code, kind }: CodedError): number {
  if (code === 'REQUEST_TOO_OFTEN') return 429;
  if (code === 'ROLLOUT_UNKNOWN') return 404;
  if (code === 'REQUEST_BY_COMMAND') return 403;
  // What can be asked well, and not of the rollout as it is, is a conflict with it.
  return kind === 'fix-input' && code !== 'REQUEST_FORM' ? 409 : HTTP_STATUSES[kind];
}

function refusalOf(thrown: unknown): Answer {
  const error = toCodedError(thrown);
  const { code, message, remedy, kind } = error;
  // The server logs it.
  if (kind === 'bug') throw thrown;
  const facts = { code, message, ...(remedy === undefined ? {} : { remedy }) };
  const now = error instanceof RequestMoved ? { now: error.stand } : {};
  const headers: Headers = kind === 'retry-later' ? { 'Retry-After': 5 } : {};
  return { kind: 'json', status: statusOf(error), value: { error: facts, ...now }, headers };
}
