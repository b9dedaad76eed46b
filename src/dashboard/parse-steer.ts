// Owns what a request to steer a rollout looks like on the wire, and its strict parser.
import { CodedError } from '../base/errors.ts';
import { oneLine } from '../base/plain-text.ts';
import { commandOf } from '../requests/command-line.ts';
import type { DeskOrder } from '../requests/request-desk.ts';
import type { PersonsRequest } from '../requests/request-edit.ts';

export type Steer = Pick<DeskOrder, 'rollout' | 'request' | 'seen' | 'key' | 'isDryRun'>;

/** Buttons make these. The others are for whoever may push: they count by the name that stands in the commit, and anybody could write it. */
export const ACTS_BY_BUTTON = ['pause', 'resume', 'promote', 'skip', 'abort', 'retry', 'set', 'undo'] as const;
const ACTS_BY_COMMAND = ['approve', 'adopt'] as const;

const MOST_REASON = 1_000;
const MEMBERS: Readonly<Record<string, number>> = {
  ...{
    act: 20,
    stage: 63,
    group: 512,
    reason: 10_000,
    digest: 71,
    version: 256,
    to: 256,
    target: 1_024,
    expectedHead: 40,
  },
};

function refuse(message: string, remedy: string): CodedError {
  return new CodedError({ code: 'REQUEST_FORM', message, remedy });
}

type Texts = Readonly<Record<string, string | undefined>>;

function textsIn(body: Readonly<Record<string, unknown>>): Texts {
  const texts: Record<string, string> = {};
  for (const [name, value] of Object.entries(body)) {
    if (name === 'dryRun' || name === 'parameters' || value === null || value === undefined) continue;
    const most = Object.hasOwn(MEMBERS, name) ? MEMBERS[name] : undefined;
    if (most === undefined)
      throw refuse(
        `The request has the unknown member ${JSON.stringify(name.slice(0, 60))}.`,
        `Known are ${Object.keys(MEMBERS).join(', ')}, parameters and dryRun.`,
      );
    if (typeof value !== 'string' || value.length > most)
      throw refuse(`\`${name}\` is not a text of at most ${most} characters.`, 'Correct the request.');
    if (value !== '') texts[name] = value;
  }
  return texts;
}

type Parameters = NonNullable<NonNullable<PersonsRequest['change']>['parameters']>;

function parametersIn(value: unknown): Parameters | undefined {
  if (value === undefined || value === null) return undefined;
  const entries = typeof value === 'object' && !Array.isArray(value) ? Object.entries(value) : [];
  // `1e999` is JSON for a number that no document can hold.
  const isParameter = (one: unknown): boolean =>
    one === null || ['string', 'boolean'].includes(typeof one) || Number.isFinite(one);
  if (entries.length > 0 && entries.length <= 100 && entries.every(([, one]) => isParameter(one)))
    return Object.fromEntries(entries) as Parameters;
  throw refuse('`parameters` is not an object of 1 to 100 texts, numbers, booleans or nulls.', 'Correct the request.');
}

/** Throws REQUEST_FORM, REQUEST_BY_COMMAND. */
export function parseSteer(rollout: string, body: unknown, key: string | null): Steer {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw refuse('The request is not an object.', 'Send JSON with `act` and `reason`.');
  const given = body as Readonly<Record<string, unknown>>;
  const { act, stage, group, reason, digest, version, to, target, expectedHead } = textsIn(given);
  const { dryRun = false } = given;
  if (typeof dryRun !== 'boolean') throw refuse('`dryRun` is not true or false.', 'Correct the request.');
  if (key !== null && !/^[\x21-\x7e]{8,128}$/.test(key))
    throw refuse('The idempotency key is not 8 to 128 characters of ASCII.', 'Take a random one, such as a UUID.');
  if (expectedHead !== undefined && !/^[0-9a-f]{40}$/.test(expectedHead))
    throw refuse('`expectedHead` is no commit.', 'Send the 40 digits of the commit that you saw.');
  if (ACTS_BY_COMMAND.some((one) => one === act)) throw byCommand(rollout, act as (typeof ACTS_BY_COMMAND)[number]);
  const verb = ACTS_BY_BUTTON.find((one) => one === act);
  if (verb === undefined) throw refuse('`act` is none of the known.', `Choose from ${ACTS_BY_BUTTON.join(', ')}.`);
  const why = reason === undefined ? undefined : oneLine(reason);
  if ((why ?? '') === '' && !dryRun) throw refuse('A reason is required.', 'Say why: it is kept in the history.');
  if ((why ?? '').length > MOST_REASON)
    throw refuse(`The reason has more than ${MOST_REASON} characters.`, 'Say it shorter, and link to the rest.');
  const parameters = parametersIn(given.parameters);
  const change = verb === 'set' ? { version, parameters, target } : undefined;
  const request: PersonsRequest = {
    ...{ verb, reason: why === '' ? undefined : why, by: undefined },
    version: verb === 'retry' ? version : undefined,
    ...(group === undefined ? {} : { group }),
    ...(change === undefined ? {} : { change }),
    ...(verb === 'undo' && to !== undefined ? { to } : {}),
  };
  return { rollout, request, seen: { head: expectedHead, digest, stage }, key, isDryRun: dryRun };
}

function byCommand(rollout: string, verb: (typeof ACTS_BY_COMMAND)[number]): CodedError {
  return new CodedError({
    code: 'REQUEST_BY_COMMAND',
    message: `The service does not ${verb} for anybody: until approvals are signed, the push is what says who did it.`,
    remedy: `Run \`${commandOf(rollout, { verb, reason: undefined, by: undefined, version: undefined })}\` in a clone, and push.`,
  });
}
