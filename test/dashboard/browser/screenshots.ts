// Owns the pictures of the screen in docs/images: pages of example numbers, drawn by the real components in a real browser.
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { findChromium, launch } from '../../support/chromium.ts';
import { openSite, SITE } from './drawn-pages.ts';

const FOLDER = path.join(import.meta.dirname, '../../../docs/images');

const PICTURES = [
  { name: 'screen-front', at: '/', width: 1120, height: 720, colorScheme: 'light' },
  { name: 'screen-rollout', at: '/rollouts/produce-scan', width: 1120, height: 760, colorScheme: 'light' },
  { name: 'screen-device', at: '/devices/kiosk-0871', width: 1120, height: 780, colorScheme: 'dark' },
  { name: 'screen-phone', at: '/', width: 390, height: 844, colorScheme: 'dark' },
] as const;

const binary = findChromium();
if (binary === undefined) throw new Error('install Chromium, or set CHROMIUM_BIN');
await mkdir(FOLDER, { recursive: true });
const browser = await launch(binary);
for (const { name, at, width, height, colorScheme } of PICTURES) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme });
  const site = await openSite(context);
  site.nowMs += 2_000;
  const page = await context.newPage();
  await page.goto(SITE + at);
  await page.locator('.asof .chip').waitFor();
  const file = path.join(FOLDER, `${name}.png`);
  await page.screenshot({ path: file });
  await context.close();
  process.stdout.write(`${path.relative(process.cwd(), file)}\n`);
}
await browser.close();
