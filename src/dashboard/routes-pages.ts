// Owns the addresses of pages: each reads what the JSON routes read, and answers a document, or to its own script the same as data.
import type { Clock } from '../base/clock.ts';
import { errorAnswer } from '../fleet-api/http/answers.ts';
import type { LoginRouteParts } from '../fleet-api/http/login-routes.ts';
import type { Answer, Asked, ErrorAnswer, Route } from '../fleet-api/http/route.ts';
import type { AssetMaker } from './assets.ts';
import { find } from './find.ts';
import type { ExposurePageValue } from './pages/exposure-page.ts';
import type { PageAsOf, PageData } from './pages/page-data.ts';
import type { Problem } from './pages/problem.ts';
import type { PageName } from './pages/screen.ts';
import type { Devices, DeviceView, Figures, Overview } from './read-model/types.generated.ts';
import { type RolloutPageSource, readRolloutPage } from './read-rollout-page.ts';
import { pageAnswer } from './render-page.ts';
import type { SteerRouteParts } from './routes-steer.ts';

/** What pages read: the same as the JSON routes. */
export interface PageSource extends RolloutPageSource {
  overview(): Promise<Overview> | Overview;
  devices(query: URLSearchParams): Promise<Devices> | Devices;
  device(id: string): Promise<DeviceView | undefined> | DeviceView | undefined;
  exposure(query: URLSearchParams): Promise<ExposurePageValue> | ExposurePageValue;
  /** The rows of that page as a file. */
  exposureFile(query: URLSearchParams): Promise<Answer>;
  figures(query: URLSearchParams): Promise<Figures> | Figures;
}

export interface PageParts {
  readonly clock: Clock;
  readonly assets: AssetMaker;
}

/** What was asked for is at another address. */
class Redirect {
  readonly to: string;
  constructor(to: string) {
    this.to = to;
  }
}

/** One kind of page, and how its value is read; undefined where there is no such thing. */
interface PageRoute {
  readonly page: PageName;
  readonly path: string;
  /** Parts of the read model that it shows. */
  readonly parts: (params: Readonly<Record<string, string>>) => readonly string[];
  readonly read: (asked: Asked) => Promise<unknown> | unknown;
}

function routesOf(source: PageSource): PageRoute[] {
  const overview = { parts: () => ['overview'], read: () => source.overview() };
  return [
    { page: 'front', path: '/', ...overview },
    { page: 'service', path: '/service', ...overview },
    { page: 'devices', path: '/devices', parts: () => ['devices'], read: ({ query }) => source.devices(query) },
    { page: 'exposure', path: '/exposure', parts: () => [], read: ({ query }) => source.exposure(query) },
    { page: 'figures', path: '/figures', parts: () => [], read: ({ query }) => source.figures(query) },
    {
      ...{ page: 'find', path: '/find', parts: () => [] },
      read: async ({ query }) => {
        const found = await find(query.get('q') ?? '', await source.overview(), (id) => source.device(id));
        const [only] = found.places;
        return only !== undefined && found.places.length === 1 ? new Redirect(only.href) : found;
      },
    },
    {
      ...{ page: 'device', path: '/devices/{id}', parts: () => ['devices'] },
      read: ({ params }) => source.device(params.id ?? ''),
    },
    {
      ...{ page: 'rollout', path: '/rollouts/{name}', parts: ({ name }) => [`rollout:${name}`] },
      read: ({ params, query }) => readRolloutPage(source, params.name ?? '', query),
    },
    {
      ...{ page: 'reverted', path: '/rollouts/{name}/reverted', parts: () => [] },
      read: ({ params, query }) => source.postmortem(params.name ?? '', revisionIn(query)),
    },
  ];
}

function revisionIn(query: URLSearchParams): number | null {
  const text = query.get('revision') ?? '';
  return /^\d{1,9}$/.test(text) ? Number(text) : null;
}

export function pageRoutes(source: PageSource, parts: PageParts): Route[] {
  const shown = { method: 'GET', scope: 'view', request: null, response: 'page' } as const;
  const pages = routesOf(source).map((one) => ({
    ...{ ...shown, name: `page-${one.page}`, path: one.path },
    handle: (asked: Asked) => showPage(one, asked, parts),
  }));
  const file: Route = {
    ...{ ...shown, name: 'exposure-file', path: '/exposure.csv' },
    handle: ({ query }) => source.exposureFile(query),
  };
  return [...pages, file];
}

async function showPage(
  { page, path, parts, read }: PageRoute,
  asked: Asked,
  { clock, assets }: PageParts,
): Promise<Answer> {
  const value = await read(asked);
  if (value === undefined) return NOT_THERE;
  if (value instanceof Redirect) return { kind: 'empty', status: 303, headers: { Location: value.to } };
  const { params, query, headers, bearer } = asked;
  const data: PageData = {
    page,
    address: { path: filled(path, params), params, query: Object.fromEntries(query) },
    value,
    asOf: asOfIn(value),
    parts: parts(params),
    nowMs: clock.now(),
    person: bearer === undefined ? null : { name: bearer.name, scopes: bearer.scopes },
  };
  // Browsers take HTML; the page's own script asks for JSON alone.
  if (headers.accept === 'application/json') return { kind: 'json', value: data, headers: { Vary: 'Accept' } };
  return pageAnswer(data, await assets.read());
}

function asOfIn(value: unknown): PageAsOf | null {
  return (value as { readonly asOf?: PageAsOf }).asOf ?? null;
}

function filled(path: string, params: Readonly<Record<string, string>>): string {
  return path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(params[name] ?? ''));
}

const NOT_THERE = errorAnswer(404, {
  code: 'PAGE_NOT_FOUND',
  message: 'There is nothing of this name.',
  remedy: 'Look for it in the list: it may have another name, or be gone.',
});

/** The page between a choice and its commit. */
export function steerPage({ clock, assets }: PageParts): SteerRouteParts['showPage'] {
  return async (value, { bearer }, status) => {
    const address = { path: `/rollouts/${encodeURIComponent(value.rollout)}/steer`, params: {}, query: {} };
    const person = bearer === undefined ? null : { name: bearer.name, scopes: bearer.scopes };
    const data = { page: 'steer', address, value, asOf: null, parts: [], nowMs: clock.now(), person };
    return pageAnswer(data, await assets.read(), status);
  };
}

/** The page of the login. */
export function loginPage({ clock, assets }: PageParts): LoginRouteParts['showPage'] {
  return async (value, status, headers) => {
    const address = { path: '/login', params: {}, query: {} };
    const data = { page: 'login', address, value, asOf: null, parts: [], nowMs: clock.now(), person: null };
    return pageAnswer(data, await assets.read(), status, headers);
  };
}

/** Errors as pages, for whoever reads them in a browser. */
export function errorPage({ clock, assets }: PageParts): (error: ErrorAnswer, url: string) => Promise<Answer> {
  return async ({ status, error, headers }, url) => {
    const value: Problem = { status, code: error.code, message: error.message, remedy: error.remedy ?? null };
    const address = { path: url.replace(/[?#].*/, ''), params: {}, query: {} };
    const data = { page: 'problem', address, value, asOf: null, parts: [], nowMs: clock.now(), person: null };
    return pageAnswer(data, await assets.read(), status, headers);
  };
}
