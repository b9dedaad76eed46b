// Owns the rows of the route table that answer with the read model as JSON, and the event stream.
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { errorAnswer } from '../fleet-api/http/answers.ts';
import type { Answer, Asked, Route } from '../fleet-api/http/route.ts';
import type { EventFeed } from './event-feed.ts';
import type { LiveModel } from './read-model/live-model.ts';

export interface DashboardParts {
  readonly model: LiveModel;
  readonly feed: EventFeed;
}

const NO_ROLLOUT = errorAnswer(404, { code: 'ROLLOUT_UNKNOWN', message: 'There is no rollout of this name.' });

interface WrittenView {
  readonly bytes: Uint8Array;
  readonly gzipped: () => Promise<Uint8Array>;
}

const compress = promisify(gzip);
/** Views as they go over the wire, made once for all who ask for the same. */
const written = new WeakMap<object, WrittenView>();

function writtenView(view: object): WrittenView {
  const known = written.get(view);
  if (known !== undefined) return known;
  const bytes = Buffer.from(JSON.stringify(view));
  // The fastest level: a view is read for seconds.
  let packed: Promise<Uint8Array> | undefined;
  const gzipped = (): Promise<Uint8Array> => {
    packed ??= compress(bytes, { level: 1 });
    return packed;
  };
  const fresh = { bytes, gzipped };
  written.set(view, fresh);
  return fresh;
}

/** A view with the number of the change that it was made after as its tag: whoever has that one is told so. */
export async function viewAnswer(
  view: { readonly asOf: { readonly sequence: number } },
  { headers }: Pick<Asked, 'headers'>,
): Promise<Answer> {
  const tag = `"${view.asOf.sequence}"`;
  const known = headers['if-none-match']?.split(',').map((one) => one.trim().replace(/^W\//, ''));
  const caching = { ETag: `W/${tag}`, 'Cache-Control': 'private, no-cache', Vary: 'Accept-Encoding' };
  if (known?.includes(tag)) return { kind: 'empty', status: 304, headers: caching };
  const isPacked = /\bgzip\b/.test(String(headers['accept-encoding'] ?? ''));
  const { bytes, gzipped } = writtenView(view);
  const encoding = isPacked ? { 'Content-Encoding': 'gzip' } : {};
  return {
    kind: 'text',
    text: isPacked ? await gzipped() : bytes,
    headers: { 'Content-Type': 'application/json; charset=utf-8', ...encoding, ...caching },
  };
}

/** The last event that the reader heard: browsers say it in a header when they come back, pages in the address at first. */
function lastHeard({ headers, query }: Asked): number | null {
  const header = headers['last-event-id'];
  const said = typeof header === 'string' && header !== '' ? header : query.get('after');
  return said !== null && /^\d{1,16}$/.test(said) ? Number(said) : null;
}

const GET = { method: 'GET', scope: 'view', request: null } as const;

export function dashboardRoutes({ model, feed }: DashboardParts): Route[] {
  return [
    {
      ...{ ...GET, name: 'overview', path: '/v1/overview', response: 'Overview' },
      summary: 'What needs a person, the fleet, each rollout in a line, versions in the field, and the service.',
      handle: async (asked) => viewAnswer(await model.overview(), asked),
    },
    {
      ...{ ...GET, name: 'rollouts', path: '/v1/rollouts', response: 'Rollouts' },
      summary: 'Each rollout in a line.',
      handle: async (asked) => viewAnswer(await model.rollouts(), asked),
    },
    {
      ...{ ...GET, name: 'rollout', path: '/v1/rollouts/{name}', response: 'RolloutView' },
      summary:
        'One rollout: rules beside their limits with their curves, arms, groups, devices, history, and what a person can do.',
      handle: async (asked) => {
        const view = await model.rollout(asked.params.name ?? '');
        return view === undefined ? NO_ROLLOUT : viewAnswer(view, asked);
      },
    },
    {
      ...{ ...GET, name: 'versions', path: '/v1/versions', response: 'Versions' },
      summary: 'Which versions of models run on how many devices.',
      query: { model: 'Of this model alone.' },
      handle: async (asked) => viewAnswer(await model.versions(asked.query.get('model') ?? undefined), asked),
    },
    {
      ...{ ...GET, name: 'events', path: '/v1/events', response: 'events', isLongPoll: true },
      summary:
        'A stream of what changes: server-sent events `changed`, `step`, `alert` and `reset`, each with its number.',
      query: { after: 'Number of the last event that is known; `Last-Event-ID` counts over it.' },
      handle: (asked) => ({ kind: 'stream', serve: (stream) => feed.add(stream, lastHeard(asked)) }),
    },
  ];
}
