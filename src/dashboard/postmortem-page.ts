// Owns the post-mortem as a file of its own: to be kept, sent and printed.
import { html } from 'htm/preact';
import { PostmortemReport, postmortemTitle } from './pages/reverted-page.ts';
import type { Postmortem } from './read-model/types.generated.ts';
import { selfContainedPage } from './self-contained-page.ts';

export function postmortemPage(value: Postmortem): string {
  const title = postmortemTitle(value);
  return selfContainedPage(
    title,
    html`<article class="report stack"><h1><bdi>${title}</bdi></h1>${PostmortemReport({ value })}</article>`,
  );
}
