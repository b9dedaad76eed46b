// Owns pages as HTML documents: rendered with what the browser needs to go on, under a policy that lets nothing else run.
import { html } from 'htm/preact';
import { render } from 'preact-render-to-string';
import type { Answer, Headers } from '../fleet-api/http/route.ts';
import type { Assets } from './assets.ts';
import type { PageData } from './pages/page-data.ts';
import { Screen, titleOf } from './pages/screen.ts';
import { NowContext } from './pages/time.ts';

/** No script and no style but our own files, nothing from elsewhere, in nobody's frame. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

export const PAGE_HEADERS: Headers = {
  'Content-Type': 'text/html; charset=utf-8',
  'Content-Security-Policy': POLICY,
  'Referrer-Policy': 'same-origin',
  'X-Content-Type-Options': 'nosniff',
  Vary: 'Accept',
};

function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

/** JSON that can't end its script element, whatever names are in it. */
function scriptJson(value: unknown): string {
  return JSON.stringify(value)
    .replaceAll('<', '\\u003c')
    .replaceAll('\u2028', '\\u2028')
    .replaceAll('\u2029', '\\u2029');
}

export function renderPage(data: PageData, { style, script }: Assets): string {
  const body = render(
    html`<${NowContext.Provider} value=${{ value: data.nowMs }}><${Screen} data=${data} live=${{ kind: 'still' }} /><//>`,
  );
  const scripts =
    script === null
      ? ''
      : `<script type="application/json" id="page-data">${scriptJson(data)}</script>\n<script type="module" src="${script.path}"></script>\n`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover">
<meta name="color-scheme" content="light dark">
<title>${escapeText(titleOf(data))}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${style.path}">
</head>
<body>
<div id="screen">${body}</div>
${scripts}</body>
</html>
`;
}

export function pageAnswer(data: PageData, assets: Assets, status = 200, headers: Headers = {}): Answer {
  return { kind: 'text', text: renderPage(data, assets), status, headers: { ...PAGE_HEADERS, ...headers } };
}
