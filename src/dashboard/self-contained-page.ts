// Owns pages as files of their own: the sheet inside, no script, nothing fetched.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { html } from 'htm/preact';
import type { VNode } from 'preact';
import { render } from 'preact-render-to-string';
import { Sprite } from './pages/icons.ts';

const STYLES = path.join(import.meta.dirname, 'pages/styles');
const POLICY = "default-src 'none'; style-src 'unsafe-inline'";

/** Of the screen's sheets, those that what stands in a file needs. */
function sheet(): string {
  return ['base.css', 'charts.css', 'rollout.css']
    .map((name) => readFileSync(path.join(STYLES, name), 'utf8'))
    .join('\n');
}

export function selfContainedPage(title: string, body: VNode): string {
  const head = html`<head><meta charset="utf-8" /><meta name="viewport" content="width=device-width, initial-scale=1" /><meta http-equiv="Content-Security-Policy" content=${POLICY} />
    <title>${title}</title><style dangerouslySetInnerHTML=${{ __html: sheet() }}></style></head>`;
  return `<!doctype html>\n${render(html`<html lang="en">${head}<body><${Sprite} /><main class="page">${body}</main></body></html>`)}\n`;
}
