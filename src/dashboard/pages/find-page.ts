// Owns what was found by a name: rollouts that have it in theirs, and where else to look.
import { html } from 'htm/preact';
import type { VNode } from 'preact';
import type { PageProps } from './page-data.ts';
import { Blank } from './problem.ts';

export interface Found {
  readonly asked: string;
  /** A path and the words of its link. */
  readonly places: readonly {
    readonly href: string;
    readonly name: string;
    readonly kind: 'rollout' | 'device' | 'commit';
  }[];
}

export function findTitle({ asked }: Found): string {
  return `Find ${asked}`;
}

export function FindPage({ value: { asked, places } }: PageProps<Found>): VNode {
  const devices = `/devices?${new URLSearchParams({ selector: `id:${/^[\w.-]+$/.test(asked) ? asked : 'name'}*` })}`;
  if (places.length === 0)
    return html`<section class="card"><h1 class="hid">Find</h1><${Blank} icon="search" title="Nothing has this name"><p><bdi class="clamp">${asked}</bdi></p><a class="btn" href=${devices}>Look among the devices</a><//></section>`;
  return html`<section class="card" aria-labelledby="h-found"><header><h1 id="h-found">Found</h1></header><ul class="body lines">${places.map(({ href, name, kind }) => html`<li key=${href}><a data-row href=${href}><bdi>${name}</bdi></a> <span class="t3">${kind}</span></li>`)}</ul></section>`;
}
