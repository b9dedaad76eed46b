// Owns the laws of pages in a real browser: they hold at every width, in light and dark, without a script, by keyboard, and for whatever the read model says.
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Overview } from '../../../src/dashboard/read-model/types.generated.ts';
import { findChromium, findSerious, launch, overflowOf } from '../../support/chromium.ts';
import { DEVICE, DEVICES } from '../fixtures/devices.ts';
import { NOW_MS, OVERVIEW } from '../fixtures/overview.ts';
import { PRODUCE_SCAN } from '../fixtures/produce-scan.ts';
import { DRAWN, type DrawnSite, openSite, SITE } from './drawn-pages.ts';

const PATHS = [
  '/',
  '/?view=table&state=reverted',
  '/rollouts/produce-scan',
  '/rollouts/document-reader/reverted',
  '/devices',
  '/devices?state=silent&selector=hw%3Arev1',
  '/devices/kiosk-0871',
  '/service',
  '/exposure?model=produce-scan&version=3.1.4',
  '/figures',
  '/find?q=-',
  '/nowhere',
];
/** Fields that others fill. */
const NAMES = new Set(
  'rollout model target text device version waitingFor why name value label error holder how agent sentence rule reason what by'.split(
    ' ',
  ),
);
const binary = findChromium();
if (binary === undefined) console.warn('skipped: tests of pages in a browser need Chromium');

let browser: Browser;
let context: BrowserContext;
let page: Page;
let site: DrawnSite;
let said: string[];

async function open(options: Parameters<Browser['newContext']>[0] = {}): Promise<void> {
  context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  site = await openSite(context);
  page = await context.newPage();
  said = [];
  page.on('console', (message) => {
    // An address that is not there is said to be so.
    if (message.type() === 'error' && !message.text().includes('404')) said.push(message.text());
  });
  page.on('pageerror', (error) => said.push(error.message));
}

describe.skipIf(binary === undefined)('pages in a browser', () => {
  beforeAll(async () => {
    browser = await launch(binary ?? '');
  });
  afterAll(async () => browser?.close());
  beforeEach(async () => open());
  afterEach(async () => {
    expect(said).toEqual([]);
    await context.close();
  });

  it.each(PATHS)('%s: axe finds nothing serious, wide and light as on a phone in the dark', async (path) => {
    for (const [width, colorScheme] of [
      [1440, 'light'],
      [390, 'dark'],
    ] as const) {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height: 844 });
      await page.goto(SITE + path);
      expect(await findSerious(page), `${colorScheme} ${width}`).toEqual([]);
      expect(await overflowOf(page), `${colorScheme} ${width}`).toBe(0);
    }
  });

  it('names of any kind and length are text, and never make a page wider than a phone', async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    for (const text of [
      '<script>said(1)</script><img src=x onerror=said(2)>',
      '\u202e\u2066\u202d evil',
      'x'.repeat(10_000),
      '🦊'.repeat(3000),
    ]) {
      const named = <Value>(value: Value): Value =>
        JSON.parse(JSON.stringify(value, (key, one) => (NAMES.has(key) && typeof one === 'string' ? text : one)));
      site.source = {
        ...{ ...DRAWN, overview: () => named(OVERVIEW), devices: () => named(DEVICES), device: () => named(DEVICE) },
        rollout: async () => named(PRODUCE_SCAN),
      };
      for (const path of ['/', '/rollouts/x', '/devices', '/devices/kiosk-0871', '/service']) {
        await page.goto(SITE + path);
        expect(await overflowOf(page), `${path} ${text.slice(0, 20)}`).toBe(0);
      }
    }
  });

  it('the colours follow the system', async () => {
    const surface = () => page.evaluate('getComputedStyle(document.body).backgroundColor');
    await page.goto(SITE);
    expect(await surface()).toBe('rgb(245, 246, 248)');
    await page.emulateMedia({ colorScheme: 'dark' });
    expect(await surface()).toBe('rgb(13, 15, 19)');
  });

  it('without JavaScript all is there: numbers, filters, drawers; and nothing says that it is live', async () => {
    await context.close();
    await open({ javaScriptEnabled: false });
    await page.goto(SITE);
    expect(await page.locator('.rollouts tbody tr').count()).toBe(OVERVIEW.rollouts.length);
    await page.getByRole('link', { name: /^Reverted/ }).click();
    await expect.poll(() => page.locator('.rollouts tbody tr').count()).toBe(1);
    expect(await page.locator('.asof .chip').count()).toBe(0);
    await page.locator('#find').fill('kiosk-0871');
    await page.keyboard.press('Enter');
    await page.waitForURL(`${SITE}/devices/kiosk-0871`);
    expect(await page.locator('h1').textContent()).toBe('kiosk-0871');
  });

  it('a filter changes the address and not the place, and back takes it away', async () => {
    await page.goto(SITE);
    await page.evaluate('window.isSame = true');
    await page.getByRole('link', { name: /^Reverted/ }).click();
    await expect.poll(() => page.locator('.rollouts tbody tr').count()).toBe(1);
    expect(page.url()).toBe(`${SITE}/?state=reverted`);
    await page.goBack();
    await expect.poll(() => page.locator('.rollouts tbody tr').count()).toBe(OVERVIEW.rollouts.length);
    expect(await page.evaluate('window.isSame')).toBe(true);
  });

  it('the keyboard is enough: find, walk rows, open one, change to a table, and the way to the content is first', async () => {
    await page.goto(SITE);
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to the content');
    await page.keyboard.press('t');
    await expect.poll(() => page.url()).toContain('view=table');
    await page.keyboard.press('/');
    expect(await page.evaluate('document.activeElement.id')).toBe('find');
    await page.keyboard.press('Escape');
    for (const key of ['j', 'j', 'k']) await page.keyboard.press(key);
    expect(await page.evaluate('document.activeElement.textContent')).toBe('queue-length');
    await page.goto(`${SITE}/devices`);
    await page.keyboard.press('j');
    await page.keyboard.press('Enter');
    await page.waitForURL(`${SITE}/devices/kiosk-0871`);
    expect(await page.title()).toBe('kiosk-0871: as declared · Slipway');
  });

  const reordered = (): Overview => ({ ...OVERVIEW, rollouts: [...OVERVIEW.rollouts].reverse() });
  const names = (): Promise<string[]> => page.locator('.rollouts tbody th b').allTextContents();
  const before = OVERVIEW.rollouts.map(({ rollout }) => rollout);

  it('rows stay where they are under the pointer, and move when it is asked for', async () => {
    await page.goto(SITE);
    await page.locator('.rollouts tbody tr').first().hover();
    site.source = { ...DRAWN, overview: reordered };
    await page.evaluate('history.pushState(null, "", "/?x"); dispatchEvent(new PopStateEvent("popstate"))');
    const show = page.getByRole('button', { name: '4 rows changed order: show' });
    await show.waitFor();
    expect(await names()).toEqual(before);
    await show.click();
    expect(await names()).toEqual(before.toReversed());
  });

  it('after a time in the background the page is right at once, and holds no stream while nobody sees it', async () => {
    await page.clock.install({ time: NOW_MS });
    await page.goto(SITE);
    const turn = (state: string): Promise<unknown> =>
      page.evaluate(
        `Object.defineProperty(document, 'visibilityState', { value: '${state}', configurable: true }); document.dispatchEvent(new Event('visibilitychange'))`,
      );
    await turn('hidden');
    site.asked.length = 0;
    site.source = { ...DRAWN, overview: reordered };
    site.nowMs += 60_000;
    await page.clock.runFor(60_000);
    expect(site.asked).toEqual([]);
    await turn('visible');
    await expect.poll(names).toEqual(before.toReversed());
    expect(site.asked.slice(0, 2)).toEqual(['/ application/json', expect.stringMatching(/^\/v1\/events/)]);
    await expect.poll(() => page.locator('.asof').textContent()).toMatch(/^LiveAs of 12:04:0\d/);
  });

  it('a service that does not answer is told with the time since when, and tried again by itself', async () => {
    await page.clock.install({ time: NOW_MS });
    await page.goto(SITE);
    await page.locator('.asof .chip.ok').waitFor();
    site.isDown = true;
    await page.clock.runFor(12_000);
    await page.locator('.banner', { hasText: 'The service has not answered since 12:03:' }).waitFor();
    site.isDown = false;
    site.nowMs += 30_000;
    await page.clock.runFor(16_000);
    await page.locator('.asof .chip.ok').waitFor();
    expect(await page.locator('.banner').count()).toBe(0);
    said.splice(0);
  });
});
