// Owns the laws of pages as documents: nothing in them runs but our own script, whatever names they show.
import { expect, it } from 'vitest';
import { SystemClock } from '../../src/base/clock.ts';
import { assetMaker, assetRoute } from '../../src/dashboard/assets.ts';
import { errorPage } from '../../src/dashboard/routes-pages.ts';
import type { Answer, Asked } from '../../src/fleet-api/http/route.ts';

const assets = assetMaker((error) => {
  throw error;
});
const page = errorPage({ clock: new SystemClock(), assets });

async function textOf(message: string): Promise<string> {
  const answer = await page({ kind: 'error', status: 404, error: { code: 'NO', message }, headers: {} }, '/x');
  if (answer.kind !== 'text') throw new Error(answer.kind);
  return String(answer.text);
}

it.each(['<script>alert(1)</script>', '</script><img src=x onerror=alert(1)>', '"><b>', '\u202egnp.exe\u2028'])(
  'the name %j stays text, in the page and in its data',
  async (name) => {
    const text = await textOf(name);
    expect(text.match(/<script/g)).toHaveLength(2);
    expect(text).not.toMatch(/<img|<b>/);
    const data = /<script type="application\/json" id="page-data">(.*?)<\/script>/s.exec(text)?.[1];
    expect(JSON.parse(data ?? '').value.message).toBe(name);
  },
);

it('a page loads nothing from elsewhere, and has no style and no script of its own', async () => {
  const text = await textOf('gone');
  const loaded = [...text.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, address]) => address);
  expect(loaded.filter((address) => !/^(?:\/|#|data:,$)/.test(address ?? ''))).toEqual([]);
  expect(text).not.toMatch(/ style=| on[a-z]+=|<style/);
});

it('assets are immutable, packed for whoever takes that, and only those that pages name', async () => {
  const { style, script } = await assets.read();
  const ask = (file: string, encoding = ''): Promise<Answer> | Answer =>
    assetRoute(assets).handle({ params: { file }, headers: { 'accept-encoding': encoding } } as unknown as Asked);
  for (const one of [style, script]) {
    const file = one?.path.replace('/assets/', '') ?? '';
    const [plain, packed] = [await ask(file), await ask(file, 'br, gzip')];
    if (plain.kind !== 'text' || packed.kind !== 'text') throw new Error('no text');
    expect(plain.headers?.['Cache-Control']).toContain('immutable');
    expect(packed.headers?.['Content-Encoding']).toBe('gzip');
    expect(packed.text.length).toBeLessThan(plain.text.length);
  }
  expect(await ask('../main.ts')).toMatchObject({ kind: 'error', status: 404 });
});
