// Owns pages of fixtures at an address that only the browser of a test knows: drawn by the real routes, without a service.
import type { BrowserContext } from 'playwright-core';
import type { Clock } from '../../../src/base/clock.ts';
import { assetMaker, assetRoute } from '../../../src/dashboard/assets.ts';
import { errorPage, type PageSource, pageRoutes } from '../../../src/dashboard/routes-pages.ts';
import type { Answer, Asked } from '../../../src/fleet-api/http/route.ts';
import { RouteTable } from '../../../src/fleet-api/http/route-table.ts';
import { DEVICE, DEVICES } from '../fixtures/devices.ts';
import { DOCUMENT_READER } from '../fixtures/document-reader.ts';
import { EXPOSURE, FIGURES } from '../fixtures/figures.ts';
import { NOW_MS, OVERVIEW } from '../fixtures/overview.ts';
import { PRODUCE_SCAN } from '../fixtures/produce-scan.ts';

export const SITE = 'http://screen.test';

export const DRAWN: PageSource = {
  overview: () => OVERVIEW,
  rollout: async (name) => (name === PRODUCE_SCAN.rollout ? PRODUCE_SCAN : undefined),
  rolloutAt: async () => PRODUCE_SCAN,
  commitMessage: async () => 'start 3.2.0 in canary',
  postmortem: async () => DOCUMENT_READER,
  devices: () => DEVICES,
  exposure: () => EXPOSURE,
  exposureFile: async () => ({ kind: 'text', text: '' }),
  figures: () => FIGURES,
  device: (id) => (id === DEVICE.device ? DEVICE : undefined),
};

export interface DrawnSite {
  source: PageSource;
  /** The service's clock. */
  nowMs: number;
  /** Does not answer any more. */
  isDown: boolean;
  /** Addresses that were asked for, with what was taken. */
  readonly asked: string[];
}

const assets = assetMaker((error) => {
  throw error;
});

/** Answers all that pages of the context ask for. */
export async function openSite(context: BrowserContext): Promise<DrawnSite> {
  const site: DrawnSite = { source: DRAWN, nowMs: NOW_MS, isDown: false, asked: [] };
  const clock: Clock = { now: () => site.nowMs, monotonicMs: () => performance.now(), sleep: async () => undefined };
  const show = errorPage({ clock, assets });
  await context.route('**/*', async (route) => {
    const request = route.request();
    const url = new URL(request.url());
    if (site.isDown || url.origin !== SITE) return route.abort();
    site.asked.push(`${url.pathname}${url.search} ${request.headers().accept}`);
    if (url.pathname === '/v1/events')
      return route.fulfill({ contentType: 'text/event-stream', body: 'retry: 60000\n\n' });
    const table = new RouteTable([assetRoute(assets), ...pageRoutes(site.source, { clock, assets })]);
    const found = table.find(request.method(), `${url.pathname}${url.search}`);
    const asked = { ...found, headers: request.headers(), bearer: { id: 'alice', name: 'alice', scopes: ['view'] } };
    let answer: Answer = found.kind === 'none' ? found.answer : await found.route.handle(asked as unknown as Asked);
    if (answer.kind === 'error') answer = await show(answer, url.pathname);
    const headers = Object.fromEntries(
      Object.entries('headers' in answer ? (answer.headers ?? {}) : {}).map(([name, value]) => [name, String(value)]),
    );
    if (answer.kind === 'json') return route.fulfill({ json: answer.value, headers });
    // A redirect would go past this function, to an address that nobody has.
    if (answer.kind === 'empty')
      return route.fulfill({
        contentType: 'text/html',
        body: `<meta http-equiv="refresh" content="0;url=${headers.Location}">`,
      });
    if (answer.kind !== 'text') throw new Error(answer.kind);
    return route.fulfill({ status: answer.status ?? 200, headers, body: Buffer.from(answer.text) });
  });
  return site;
}
