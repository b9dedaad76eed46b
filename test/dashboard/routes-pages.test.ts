// Owns the laws of the pages' addresses: a document for people, and the value in it for the page's own script.
import { expect, it } from 'vitest';
import { SystemClock } from '../../src/base/clock.ts';
import { assetMaker } from '../../src/dashboard/assets.ts';
import { pageRoutes } from '../../src/dashboard/routes-pages.ts';
import type { Answer, Asked } from '../../src/fleet-api/http/route.ts';
import { DRAWN } from './browser/drawn-pages.ts';
import { OVERVIEW } from './fixtures/overview.ts';

const assets = assetMaker((error) => {
  throw error;
});
const routes = pageRoutes(DRAWN, { clock: new SystemClock(), assets });

async function open(path: string, accept: string, query = 'state=paused'): Promise<Answer> {
  const route = routes.find((one) => one.path === path);
  if (route === undefined) throw new Error(path);
  const asked = { params: {}, query: new URLSearchParams(query), headers: { accept }, bearer: undefined };
  return route.handle(asked as unknown as Asked);
}

it('a page asked for as JSON answers the value that its document holds', async () => {
  const [document, data] = [await open('/', 'text/html,*/*'), await open('/', 'application/json')];
  if (document.kind !== 'text' || data.kind !== 'json') throw new Error('other kinds');
  const held = JSON.parse(/id="page-data">(.*?)<\/script>/s.exec(String(document.text))?.[1] ?? '');
  expect({ ...held, nowMs: 0 }).toEqual({ ...(data.value as object), nowMs: 0 });
  expect(held).toMatchObject({ page: 'front', address: { path: '/', query: { state: 'paused' } }, value: OVERVIEW });
});

it('every page needs the scope view, and no cache of others may keep it', () => {
  for (const { scope, method } of routes) expect([scope, method]).toEqual(['view', 'GET']);
});

it.each([
  ['produce-scan', '/rollouts/produce-scan'],
  [' kiosk-0871 ', '/devices/kiosk-0871'],
  ['receipt', '/rollouts/receipt-ocr'],
])('whoever looks for %j is led to %s', async (asked, to) => {
  const answer = await open('/find', 'text/html', new URLSearchParams({ q: asked }).toString());
  expect(answer).toMatchObject({ kind: 'empty', status: 303, headers: { Location: to } });
});

it('a name that nothing has, or that many have, is answered with a page', async () => {
  for (const [asked, places] of [
    ['<b>', 0],
    ['', 0],
    ['-', 5],
  ] as const) {
    const answer = await open('/find', 'application/json', new URLSearchParams({ q: asked }).toString());
    if (answer.kind !== 'json') throw new Error(answer.kind);
    expect((answer.value as { value: { places: unknown[] } }).value.places).toHaveLength(places);
  }
});

it('the pages of exposure and figures stand without a script: the question is a form, rows and numbers are text', async () => {
  const textOf = async (path: string, query: string): Promise<string> => {
    const answer = await open(path, 'text/html', query);
    if (answer.kind !== 'text') throw new Error(answer.kind);
    return String(answer.text).replace(/<script.*?<\/script>/gs, '');
  };
  const exposure = await textOf('/exposure', 'model=produce-scan&version=3.1.4&from=7d&cursor=1.2');
  expect(exposure).toMatch(/<form[^>]* method="get" action="\/exposure">/);
  for (const told of [
    'value="7d"',
    'value="3.1.4"',
    '2 devices had it, 1 left it (50%)',
    'kiosk-0871',
    '&lt;b>kiosk',
    '/exposure.csv?model=produce-scan&amp;version=3.1.4&amp;from=7d"',
    '/v1/exposure?model=produce-scan&amp;version=3.1.4&amp;from=7d"',
    'cursor=17.4',
  ])
    expect(exposure).toContain(told);
  const figures = await textOf('/figures', 'since=30d');
  for (const told of ['2 of 7 attempts were taken back (28.6%)', '1 gave way', 'error_rate', '/v1/figures?since=30d'])
    expect(figures).toContain(told);
  expect(await textOf('/', '')).toMatch(/href="\/exposure\?model=[^"]+&amp;version=/);
});
