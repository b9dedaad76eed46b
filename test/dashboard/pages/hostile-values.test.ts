// Owns the law that pages hold: whatever texts and numbers the read model has, each page is whole and nothing in it is markup of others.
import { expect, it } from 'vitest';
import type { PageData } from '../../../src/dashboard/pages/page-data.ts';
import { renderPage } from '../../../src/dashboard/render-page.ts';
import { DEVICE, DEVICES } from '../fixtures/devices.ts';
import { NOW_MS, OVERVIEW } from '../fixtures/overview.ts';

const STYLE = { path: '/assets/x.css', type: 'text/css', bytes: new Uint8Array(), gzipped: new Uint8Array() };

const PAGES = { front: OVERVIEW, service: OVERVIEW, devices: DEVICES, device: DEVICE } as const;

function draw(page: string, value: unknown, query: Record<string, string> = {}): string {
  const data: PageData = {
    ...{ page, address: { path: '/x', params: {}, query }, value, asOf: OVERVIEW.asOf, parts: [] },
    ...{ nowMs: NOW_MS, person: { name: query.q ?? 'alice', scopes: ['view'] } },
  };
  return renderPage(data, { style: STYLE, script: null });
}

/** Words that the schema lists: nobody outside chooses them. */
const LISTED = new Set(['state', 'arm', 'kind', 'source', 'role']);

function withTexts(value: unknown, text: string, key = ''): unknown {
  if (typeof value === 'string') return LISTED.has(key) ? value : text;
  if (Array.isArray(value)) return value.map((one) => withTexts(one, text, key));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, withTexts(one, text, name)]));
}

/** Everything that may be missing is. */
function emptied(value: unknown): unknown {
  if (Array.isArray(value)) return [];
  if (typeof value !== 'object' || value === null) return typeof value === 'number' ? 0 : value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, emptied(one)]));
}

const HOSTILE = [
  '<script>alert(1)</script>',
  '" onload="x',
  '\u202e\u2066evil',
  '🦊'.repeat(5000),
  '__proto__',
  'constructor',
  '',
];

for (const [page, value] of Object.entries(PAGES)) {
  it.each(HOSTILE)(`the page ${page} holds with the text %#`, (text) => {
    const html = draw(page, withTexts(value, text), { q: text, state: text, selector: text, model: text, view: text });
    expect(html.replace(/="[^"]*"/g, '=""')).not.toMatch(/<script|<[^>]* (?:style|on[a-z]+)=/);
    expect(html).toContain('</html>');
  });

  it(`the page ${page} holds with nothing in it, and makes up no number`, () => {
    const text = draw(page, emptied(value)).replace(/<[^>]+>/g, ' ');
    expect(text).not.toMatch(/NaN|Infinity|undefined|\[object|\bnull\b/);
  });
}

it('a link leads to this site or to the web, whatever a policy says is its runbook', () => {
  for (const runbook of ['javascript:alert(1)', 'data:text/html,x', '//elsewhere', 'docs/x.md']) {
    const needsPerson = OVERVIEW.needsPerson.map((need) => ({ ...need, runbook, href: runbook }));
    expect(draw('front', { ...OVERVIEW, needsPerson })).not.toContain(`"${runbook}"`);
  }
  const needsPerson = OVERVIEW.needsPerson.map((need) => ({ ...need, runbook: 'https://runbooks.example/x' }));
  expect(draw('front', { ...OVERVIEW, needsPerson })).toContain('"https://runbooks.example/x"');
});

it('every number that is not one is told as unknown', () => {
  const odd = withNumbers(DEVICE, Number.NaN);
  expect(draw('device', odd)).not.toMatch(/(?:width|height|cx|cy|x1|x2|x|y|d)="[^"]*NaN/);
});

function withNumbers(value: unknown, number: number): unknown {
  if (typeof value === 'number') return number;
  if (Array.isArray(value)) return value.map((one) => withNumbers(one, number));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, withNumbers(one, number)]));
}
