// Owns how tests render a page's component: as the server does, at a time that stands still.
import { html } from 'htm/preact';
import type { VNode } from 'preact';
import { render } from 'preact-render-to-string';
import type { PageAddress } from '../../../src/dashboard/pages/page-data.ts';
import { NowContext } from '../../../src/dashboard/pages/time.ts';
import { NOW_MS } from '../fixtures/produce-scan.ts';

export function addressOf(query: Readonly<Record<string, string>> = {}): PageAddress {
  return { path: '/rollouts/produce-scan', params: { name: 'produce-scan' }, query };
}

export function shown(body: VNode): string {
  return render(html`<${NowContext.Provider} value=${{ value: NOW_MS }}>${body}<//>`);
}

export const HOSTILE = [
  '<script>alert(1)</script>',
  '\u202Egnp.exe',
  '"><img src=x onerror=alert(1)>',
  '👩‍🚀'.repeat(50),
  'x'.repeat(10_000),
];
