// Owns the page of an error: what is true, its code, and what to do.
import { html } from 'htm/preact';
import type { ComponentChildren, VNode } from 'preact';
import { Icon, type IconName } from './icons.ts';
import type { PageProps } from './page-data.ts';

export interface Problem {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  readonly remedy: string | null;
}

export function problemTitle({ status }: Problem): string {
  if (status === 404) return 'There is nothing here';
  if (status === 401) return 'Who are you?';
  if (status === 403) return 'This is closed to you';
  return status === 429 || status === 503 ? 'Not now' : 'This page can’t be shown';
}

export function ProblemPage({ value }: PageProps<Problem>): VNode {
  const icon: IconName =
    value.status === 404 ? 'search' : value.status === 401 || value.status === 403 ? 'lock' : 'bad';
  return html`<section class="card" aria-labelledby="h-problem"><div class="blank">
    <${Icon} name=${icon} />
    <h1 id="h-problem">${problemTitle(value)}</h1>
    <p><bdi>${value.message}</bdi></p>
    ${value.remedy === null ? null : html`<p><bdi>${value.remedy}</bdi></p>`}
    <p class="note">Code <code>${value.code}</code></p>
    <a class="btn" href="/">To the rollouts</a>
  </div></section>`;
}

/** A part of a page that has nothing to show, and why. */
export function Blank({
  icon,
  title,
  children,
}: {
  readonly icon: IconName;
  readonly title: string;
  readonly children?: ComponentChildren;
}): VNode {
  return html`<div class="blank"><${Icon} name=${icon} /><b>${title}</b>${children}</div>`;
}
