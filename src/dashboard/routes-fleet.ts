// Owns the addresses of devices and exposure as JSON.

import { parseInstant } from '../base/clock.ts';
import { CodedError } from '../base/errors.ts';
import { parseDurationMs } from '../contract/duration.ts';
import { errorAnswer } from '../fleet-api/http/answers.ts';
import type { Answer, Route } from '../fleet-api/http/route.ts';
import type { ExposureLog, ExposureQuestion, PatchingPoint } from '../store/exposure.ts';
import { type DevicesQuestion, type FleetReader, MOST_DEVICES } from './read-model/fleet-reader.ts';
import type { DeviceState, Exposure, Patching } from './read-model/types.generated.ts';

export interface ExposureParts {
  readonly exposure: Pick<ExposureLog, 'readExposure' | 'readPatching'>;
  readonly now: () => number;
}

export interface FleetRouteParts extends ExposureParts {
  readonly reader: FleetReader;
}

const STATES: readonly DeviceState[] = [
  ...(['as-declared', 'changing', 'failed', 'refusing', 'contradiction'] as const),
  ...(['silent', 'unreachable', 'denied', 'not-managed'] as const),
];
/** Rows of exposure on a page. */
export const MOST_ROWS = 5_000;
const USUAL_ROWS = 1_000;
const CURVE_POINTS = 60;
const UNKNOWN = errorAnswer(404, {
  code: 'DEVICE_UNKNOWN',
  message: 'No device of this id reports to the service.',
  remedy: '`slipway devices` lists those that do.',
});

const DEVICES = {
  selector: 'Devices of a selector, such as `region:eu AND NOT hw:rev1`.',
  model: 'That run a version of this model.',
  version: 'That run this version of it.',
  digest: 'That run the version of this digest.',
  state: 'In this state.',
  rollout: 'Of this rollout.',
  arm: 'On this side of it: `candidate` or `stable`.',
  limit: 'As many on a page.',
  cursor: '`next` of the page before.',
};
const EXPOSURE = {
  digest: 'Digest of a manifest; or a model and its version.',
  model: 'The model.',
  version: 'Its version.',
  from: 'An instant, a day, or how long ago, such as `7d`.',
  to: 'The same; now unless given.',
  limit: 'As many on a page.',
  cursor: '`next` of the page before.',
};

export function fleetRoutes(parts: FleetRouteParts): Route[] {
  const { reader } = parts;
  const route = (
    name: string,
    path: string,
    about: Pick<Route, 'response' | 'summary' | 'query' | 'handle'>,
  ): Route => ({
    ...{ name, method: 'GET', path, scope: 'view', request: null, ...about },
  });
  return [
    route('devices', '/v1/devices', {
      ...{
        response: 'Devices',
        summary: 'Devices, a page at a time, with the numbers by state and label.',
        query: DEVICES,
      },
      handle: async ({ query }) => json(await reader.devices(devicesQuestion(query))),
    }),
    route('device', '/v1/devices/{id}', {
      ...{
        response: 'DeviceView',
        summary: 'One device: what it runs and should run, and why; labels, failures, recent reports.',
      },
      handle: async ({ params }) => {
        const view = await reader.device(params.id ?? '');
        return view === undefined ? UNKNOWN : json(view);
      },
    }),
    route('exposure', '/v1/exposure', {
      ...{ response: 'Exposure', summary: 'Which devices had a version, from when until when.', query: EXPOSURE },
      handle: async ({ query }) => json(await readExposure(parts, query)),
    }),
    route('patching', '/v1/exposure/patching', {
      ...{ response: 'Patching', summary: 'How fast devices got rid of a version.', query: EXPOSURE },
      handle: async ({ query }) => json(await readPatching(parts, query)),
    }),
  ];
}

function json(value: unknown): Answer {
  return { kind: 'json', value };
}

function refuse(name: string, text: string, remedy: string): CodedError {
  const shown = JSON.stringify(text.slice(0, 60));
  return new CodedError({ code: 'QUERY_VALUE', message: `${name} is ${shown}, which can't be read.`, remedy });
}

function wordOf<T extends string>(query: URLSearchParams, name: string, words: readonly T[]): T | undefined {
  const text = query.get(name) ?? '';
  if (text === '') return undefined;
  const found = words.find((one) => one === text);
  if (found !== undefined) return found;
  throw refuse(name, text, `Take one of ${words.join(', ')}.`);
}

function numberOf(query: URLSearchParams, name: string, most: number): number | undefined {
  const text = query.get(name) ?? '';
  if (text === '') return undefined;
  if (/^\d{1,6}$/.test(text) && Number(text) >= 1) return Math.min(most, Number(text));
  throw refuse(name, text, `Take a whole number from 1 to ${most}.`);
}

/** The filters of an address, for pages as well. Throws QUERY_VALUE. */
export function devicesQuestion(query: URLSearchParams): DevicesQuestion {
  const asked: Record<string, string | number | undefined> = {
    state: wordOf(query, 'state', STATES),
    arm: wordOf(query, 'arm', ['candidate', 'stable'] as const),
    limit: numberOf(query, 'limit', MOST_DEVICES),
  };
  for (const name of ['selector', 'model', 'version', 'digest', 'rollout', 'cursor'])
    asked[name] = query.get(name) || undefined;
  return Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== undefined));
}

/** An instant in ISO 8601, a day, or how long ago: `7d`. Throws QUERY_VALUE. */
function instantOf(query: URLSearchParams, name: string, { nowMs, absent }: { nowMs: number; absent: number }): number {
  const text = query.get(name) ?? '';
  if (text === '') return absent;
  if (/^\d{12,14}$/.test(text)) return Number(text);
  const atMs = parseInstant(/^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00:00Z` : text);
  if (atMs !== undefined) return atMs;
  try {
    return nowMs - parseDurationMs(text);
  } catch {
    throw refuse(name, text, 'Write an instant such as 2026-11-20T10:00:00Z, a day, or how long ago: 7d.');
  }
}

function exposureQuestion(query: URLSearchParams, nowMs: number): ExposureQuestion {
  const about = ['digest', 'model', 'version'].flatMap((name) => {
    const value = query.get(name) ?? '';
    return value === '' ? [] : [[name, value] as const];
  });
  if (!about.some(([name]) => name !== 'version'))
    throw new CodedError({
      code: 'EXPOSURE_QUESTION',
      message: 'The question names no version.',
      remedy: 'Pass the digest of a manifest, or a model and its version.',
    });
  const fromMs = instantOf(query, 'from', { nowMs, absent: 0 });
  const untilMs = instantOf(query, 'to', { nowMs, absent: nowMs });
  if (fromMs >= untilMs) throw refuse('from', query.get('from') ?? '', 'It has to be before the end.');
  return { ...Object.fromEntries(about), fromMs, untilMs, most: numberOf(query, 'limit', MOST_ROWS) ?? USUAL_ROWS };
}

export async function readExposure({ exposure, now }: ExposureParts, query: URLSearchParams): Promise<Exposure> {
  const question = exposureQuestion(query, now());
  const cursor = query.get('cursor') ?? '';
  if (cursor !== '' && !/^\d{1,15}(\.\d{1,15})?$/.test(cursor))
    throw refuse('cursor', cursor, 'Take `next` of the page before, or leave it out for the first page.');
  const { rows, next } = await exposure.readExposure({ ...question, ...(cursor === '' ? {} : { cursor }) });
  return { rows: [...rows], next };
}

export async function readPatching({ exposure, now }: ExposureParts, query: URLSearchParams): Promise<Patching> {
  const nowMs = now();
  const question = exposureQuestion(query, nowMs);
  const fromMs = question.fromMs > 0 ? question.fromMs : await firstSeen(exposure, question);
  const step = (question.untilMs - fromMs) / (CURVE_POINTS - 1);
  const at = Array.from({ length: CURVE_POINTS }, (_, i) => Math.floor(fromMs + i * step));
  const points = await exposure.readPatching(question, at);
  const { exposed = 0, left = 0 } = points.at(-1) ?? {};
  const reached = (share: number): number | null =>
    points.find((one: PatchingPoint) => exposed > 0 && one.left >= share * exposed)?.atMs ?? null;
  const share = exposed === 0 ? null : left / exposed;
  return { points: [...points], exposed, left, share, halfMs: reached(0.5), mostMs: reached(0.95) };
}

/** Rows are written as reports come: the first is about the oldest. */
async function firstSeen(exposure: ExposureParts['exposure'], question: ExposureQuestion): Promise<number> {
  const { rows } = await exposure.readExposure({ ...question, most: 1 });
  return rows[0]?.fromMs ?? question.untilMs - 1;
}
