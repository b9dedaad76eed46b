// Owns the laws of the screen over a real service: it shows a rollout as it goes, why a bad one went back, and each device; and its buttons commit.
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { issuerInHome } from '../../../src/cli/token-issuer.ts';
import { findChromium, findSerious, launch, overflowOf } from '../../support/chromium.ts';
import { quickPolicy, ROLLOUT, World } from '../../system/world.ts';

const SOUND = '2026.01.10';
const BETTER = '2026.01.20';
const FAILING = '2026.02.01';
const binary = findChromium();
if (binary === undefined) console.warn('skipped: tests of the screen need Chromium');

let world: World;
let browser: Browser;
let page: Page;
const said: string[] = [];

/** A person with a token logs in by the page that everything leads to. */
async function logIn(at: string): Promise<void> {
  await using issuer = await issuerInHome(world.set.home.folder);
  const { token } = await issuer.createApiToken({ name: 'alice', scopes: ['view', 'operate'], expires: '1d' });
  await page.goto(`${world.service.url}${at}`);
  await page.waitForURL(/\/login/);
  await page.locator('#token').fill(token);
  await page.keyboard.press('Enter');
  await page.waitForURL(`${world.service.url}${at}`);
}

const row = () => page.locator('.rollouts tbody tr', { hasText: ROLLOUT });
const shown = (): Promise<string | null> => row().textContent();

describe.skipIf(binary === undefined)('the screen over a real service', () => {
  beforeAll(async () => {
    [world, browser] = await Promise.all([
      // The first stage stays open for as long as a person needs to pause it, on a busy machine as well.
      World.open({ policy: quickPolicy({ soak: '4s' }).replace('soak: 4s', 'soak: 12s'), flags: ['--insecure-http'] }),
      launch(binary ?? ''),
    ]);
    page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
    page.on('pageerror', (error) => said.push(error.message));
    page.on('console', (message) => {
      if (/Content Security Policy/.test(message.text())) said.push(message.text());
    });
  });
  afterAll(async () => {
    await browser?.close();
    await world?.[Symbol.asyncDispose]();
  });

  it('an empty service is shown to whoever logs in, and says what to do', async () => {
    await logIn('/');
    await page.getByText('Commit a file to').waitFor();
    expect(await page.title()).toContain('Slipway');
  });

  it('the front page goes along with a rollout to its end, and is never loaded again', async () => {
    await page.evaluate('window.isSame = true');
    await world.release('sound', SOUND);
    await expect.poll(shown, { timeout: 150_000 }).toMatch(/canary/);
    await expect.poll(shown, { timeout: 150_000 }).toMatch(/Complete/);
    await world.untilStable(SOUND);
    await expect.poll(() => page.locator('.asof').textContent()).toMatch(/Live/);
    expect(await page.evaluate('window.isSame')).toBe(true);
    expect(said).toEqual([]);
  });

  it('a device is two steps away, with what is declared beside what it runs', async () => {
    await page.getByRole('link', { name: 'Devices', exact: true }).click();
    await expect.poll(() => page.locator('.devices tbody tr').count(), { timeout: 90_000 }).toBe(4);
    await page.keyboard.press('j');
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/devices\/scanner-/);
    const text = await page.locator('main').textContent();
    for (const told of [SOUND, 'Declared, and running', 'Identity']) expect(text).toContain(told);
  });

  it('pause by button: the commit is shown first, its author is the person, and the page shows that it is paused', async () => {
    await page.goto(`${world.service.url}/rollouts/${ROLLOUT}`);
    await world.release('better', BETTER);
    await page.locator('h1', { hasText: BETTER }).waitFor();
    await page.locator('input[value^="pause"]:enabled').check();
    await page.locator('#steer-reason').fill('lunch <b>');
    await page.getByRole('button', { name: 'Show the commit' }).click();
    const preview = await page.locator('main').textContent();
    for (const told of [`slipway pause ${ROLLOUT}`, 'suspend: true', 'lunch <b>']) expect(preview).toContain(told);
    await page.getByRole('button', { name: 'Commit it' }).click();
    await page.waitForURL(/\/rollouts\/[^/]+$/);
    const author = async (): Promise<string> => world.host('log', '-1', '--format=%an %s', '--author=alice', 'main');
    await world.until('a commit by alice', async () => (await author()).startsWith('alice'));
    await expect.poll(() => page.locator('main').textContent(), { timeout: 90_000 }).toMatch(/Paused/);
  });

  it('the page of a rollout says which rule failed and what became of it', async () => {
    await page.locator('input[value^="resume"]:enabled').check();
    await page.locator('#steer-reason').fill('back from lunch');
    await page.getByRole('button', { name: 'Show the commit' }).click();
    await page.getByRole('button', { name: 'Commit it' }).click();
    await page.waitForURL(/\/rollouts\/[^/]+$/);
    await world.untilStable(BETTER);
    await world.release('failing', FAILING);
    await expect.poll(() => page.locator('main').textContent(), { timeout: 90_000 }).toMatch(/Reverted/);
    expect(await page.locator('main').textContent()).toMatch(/error_rate/);
    await page.goto(world.service.url);
    expect(await shown()).toMatch(/Reverted/);
  });

  it('axe finds nothing serious on any page, and none is wider than a phone', async () => {
    const device = 'scanner-001';
    for (const path of [
      '/',
      `/rollouts/${ROLLOUT}`,
      `/rollouts/${ROLLOUT}/reverted`,
      '/devices',
      `/devices/${device}`,
      '/service',
      '/exposure?model=&version=1',
      '/figures',
    ]) {
      await page.setViewportSize({ width: 390, height: 844 });
      await page.goto(world.service.url + path);
      expect(await overflowOf(page), path).toBe(0);
      await page.setViewportSize({ width: 1440, height: 900 });
      expect(await findSerious(page), path).toEqual([]);
    }
    expect(said).toEqual([]);
  });

  it('who is logged out sees the login again, and no page', async () => {
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.waitForURL(/\/login/);
    await page.goto(`${world.service.url}/devices`);
    expect(page.url()).toContain('/login?next=');
    const answer = await fetch(`${world.service.url}/v1/overview`, { signal: AbortSignal.timeout(5_000) });
    expect(answer.status).toBe(401);
  });
});
