// Owns the addresses of pages.
import type { Clock } from '../base/clock.ts';
import type { Answer, ErrorAnswer } from '../fleet-api/http/route.ts';
import type { AssetMaker } from './assets.ts';
import type { Problem } from './pages/problem.ts';
import { pageAnswer } from './render-page.ts';

export interface PageParts {
  readonly clock: Clock;
  readonly assets: AssetMaker;
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
