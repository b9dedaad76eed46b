// Owns the routes of silences: who may keep an alert from people, for how long, and why; each is a line of the log.
import { type Clock, toIsoSeconds } from '../base/clock.ts';
import { CodedError } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import { Mutex } from '../base/mutex.ts';
import { oneLine } from '../base/plain-text.ts';
import { parseDurationMs } from '../contract/duration.ts';
import { errorAnswer } from '../fleet-api/http/answers.ts';
import type { Answer, Asked, Route } from '../fleet-api/http/route.ts';
import type { AlertRecord } from '../rollout/alert-book.ts';
import { isInForce, LONGEST_SILENCE_MS, MOST_SILENCES, type Silence } from '../rollout/silences.ts';
import type { NamedValues } from '../store/reconciler-state.ts';
import { readSilences, writeSilences } from '../store/silences.ts';

export interface SilenceRouteParts {
  readonly store: Pick<NamedValues, 'putValue' | 'readValue'>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The alerts that stand, and the rollouts that there are. */
  readonly known: () => { readonly alerts: readonly AlertRecord[]; readonly rollouts: readonly string[] };
  /** A random id. */
  readonly newId: () => string;
}

const MOST_REASON = 200;
const SHORTEST_MS = 60_000;

interface Order {
  readonly what: string;
  readonly forMs: number;
  readonly reason: string;
}

export function silenceRoutes(parts: SilenceRouteParts): Route[] {
  const turn = new Mutex();
  const about = { path: '/v1/silences', response: 'Silence' } as const;
  return [
    {
      ...{ name: 'silences', method: 'GET', path: '/v1/silences', scope: 'view', request: null, response: 'Silences' },
      summary: 'The silences in force.',
      handle: async () => ({ kind: 'json', value: { silences: (await inForce(parts)).map(silenceToJson) } }),
    },
    {
      ...{ ...about, name: 'silence', method: 'POST', scope: 'operate', bySession: true },
      summary: 'Keeps an alert, or all alerts of a rollout, from people for a time.',
      request: { kind: 'json', schema: 'SilenceOrder', mostBytes: 4_096 },
      handle: (asked) => turn.run(() => silence(parts, asked)),
    },
    {
      ...{
        ...about,
        name: 'unsilence',
        method: 'DELETE',
        path: '/v1/silences/{id}',
        scope: 'operate',
        bySession: true,
      },
      summary: 'Ends a silence: what still stands is sent.',
      request: null,
      handle: (asked) => turn.run(() => unsilence(parts, asked)),
    },
  ];
}

async function inForce({ store, clock }: SilenceRouteParts): Promise<readonly Silence[]> {
  const nowMs = clock.now();
  return (await readSilences(store)).filter((one) => isInForce(one, nowMs));
}

function silenceToJson({ atMs, untilMs, ...rest }: Silence) {
  return { ...rest, at: toIsoSeconds(atMs), until: toIsoSeconds(untilMs) };
}

function refuse(message: string, remedy: string): never {
  throw new CodedError({ code: 'SILENCE_ORDER', message, remedy });
}

function durationIn(text: unknown): number {
  try {
    const ms = parseDurationMs(typeof text === 'string' ? text : '');
    if (ms >= SHORTEST_MS && ms <= LONGEST_SILENCE_MS) return ms;
  } catch {
    // Refused below, in the words of this message.
  }
  return refuse('`for` is not a duration from one minute to 30 days.', 'Write it like `2h` or `90m`.');
}

function orderIn(body: unknown): Order {
  const { what, for: time, reason } = Object(body) as Readonly<Record<string, unknown>>;
  if (typeof what !== 'string' || !/^[A-Za-z0-9._-]{1,128}$/.test(what))
    return refuse(
      '`what` is neither the id of an alert nor a rollout.',
      '`slipway silences` lists the alerts that stand.',
    );
  const said = typeof reason === 'string' ? oneLine(reason) : '';
  if (said === '' || said.length > MOST_REASON)
    return refuse(`\`reason\` is not a text of 1 to ${MOST_REASON} characters.`, 'Say why: others will read it.');
  return { what, forMs: durationIn(time), reason: said };
}

/** An alert by its id, or by its first eight digits or more; else a rollout. */
function subjectOf(what: string, { known }: SilenceRouteParts): Pick<Silence, 'alert' | 'rollout'> | undefined {
  const { alerts, rollouts } = known();
  const found = /^[0-9a-f]{8,32}$/.test(what) ? alerts.filter(({ id }) => id.startsWith(what)) : [];
  const [alert] = found;
  if (alert !== undefined && found.length === 1) return { alert: alert.id, rollout: null };
  const isRollout = rollouts.includes(what) || alerts.some(({ rollout }) => rollout === what);
  return isRollout ? { alert: null, rollout: what } : undefined;
}

async function silence(parts: SilenceRouteParts, { body, bearer }: Asked): Promise<Answer> {
  const { store, clock, logger, newId } = parts;
  const { what, forMs, reason } = orderIn(body);
  const subject = subjectOf(what, parts);
  if (subject === undefined) {
    const message = 'There is no alert with this id, and no rollout of this name.';
    return errorAnswer(404, {
      code: 'SILENCE_SUBJECT',
      message,
      remedy: '`slipway silences` lists the alerts that stand.',
    });
  }
  const before = await inForce(parts);
  if (before.length >= MOST_SILENCES) {
    const message = `There are ${MOST_SILENCES} silences already.`;
    return errorAnswer(409, { code: 'SILENCES_TOO_MANY', message, remedy: 'End some: `slipway unsilence <id>`.' });
  }
  const atMs = clock.now();
  const one: Silence = { id: newId(), ...subject, reason, by: bearer?.name ?? 'nobody', atMs, untilMs: atMs + forMs };
  await writeSilences(store, [...before, one]);
  logger.info('alerts are silenced', { ...silenceToJson(one), token: bearer?.id ?? 'nobody' });
  return { kind: 'json', status: 201, value: silenceToJson(one) };
}

async function unsilence(parts: SilenceRouteParts, { params, bearer }: Asked): Promise<Answer> {
  const { store, logger } = parts;
  const before = await inForce(parts);
  const one = before.find(({ id }) => id === params.id);
  if (one === undefined) {
    const message = 'There is no silence with this id.';
    return errorAnswer(404, { code: 'SILENCE_NOT_FOUND', message, remedy: '`slipway silences` lists those in force.' });
  }
  await writeSilences(
    store,
    before.filter((other) => other !== one),
  );
  logger.info('a silence was ended', { id: one.id, by: bearer?.name ?? 'nobody', token: bearer?.id ?? 'nobody' });
  return { kind: 'json', value: silenceToJson(one) };
}
