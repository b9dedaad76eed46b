// Owns the icons of the screen: drawn once in a page, used by name. An icon never stands without a word.
import { html } from 'htm/preact';
import type { VNode } from 'preact';

const LINE = 'fill="none" stroke="currentColor" stroke-linecap="round" stroke-linejoin="round"';
const ON_DISC = 'fill="none" stroke="var(--surface)" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round"';
const RING = `<circle cx="8" cy="8" r="6.2" stroke-width="1.6" ${LINE}/>`;

/** In a box of 16 by 16. */
const DRAWINGS = {
  apart: `<path d="M2 8h4.5M6.5 8c3 0 3-4.5 7-4.5M6.5 8c3 0 3 4.5 5 4.5" stroke-width="1.7" ${LINE}/><circle cx="13" cy="12.5" r="1.8" stroke-width="1.5" ${LINE}/>`,
  back: `<path d="M6 2.5 2.5 6 6 9.5M3 6h6.2a4 4 0 0 1 0 8H6" stroke-width="1.8" ${LINE}/>`,
  bad: `<path d="M5 1h6l4 4v6l-4 4H5l-4-4V5Z" fill="currentColor"/><path d="m5.5 5.5 5 5m0-5-5 5" ${ON_DISC}/>`,
  clock: `${RING}<path d="M8 4.5V8l2.5 1.6" stroke-width="1.6" ${LINE}/>`,
  close: `<path d="m4 4 8 8m0-8-8 8" stroke-width="1.6" ${LINE}/>`,
  commit: `<circle cx="8" cy="8" r="3" stroke-width="1.6" ${LINE}/><path d="M8 1v4M8 11v4" stroke-width="1.6" ${LINE}/>`,
  gone: `<circle cx="8" cy="8" r="6.2" fill="none" stroke="currentColor" stroke-width="1.6" stroke-dasharray="2.6 2.2"/>`,
  live: '<circle cx="8" cy="8" r="3.5" fill="currentColor"/><circle cx="8" cy="8" r="6.5" fill="none" stroke="currentColor" stroke-width="1.2" opacity=".5"/>',
  lock: `<rect x="3" y="7" width="10" height="7" rx="1.5" stroke-width="1.5" ${LINE}/><path d="M5 7V5a3 3 0 0 1 6 0v2" stroke-width="1.5" ${LINE}/>`,
  moving: `${RING}<path d="M8 4.6v6m-2.4-2.3L8 10.8l2.4-2.5" stroke-width="1.6" ${LINE}/>`,
  ok: `<circle cx="8" cy="8" r="7" fill="currentColor"/><path d="m4.8 8.3 2.2 2.2 4.2-4.7" ${ON_DISC}/>`,
  open: `${RING}<circle cx="5.2" cy="8" r="1" fill="currentColor"/><circle cx="8" cy="8" r="1" fill="currentColor"/><circle cx="10.8" cy="8" r="1" fill="currentColor"/>`,
  pause: `${RING}<path d="M6.3 5.5v5M9.7 5.5v5" stroke-width="1.8" ${LINE}/>`,
  person:
    '<circle cx="8" cy="5" r="3" fill="currentColor"/><path d="M1.8 14.5c.5-3.4 3-5 6.2-5s5.7 1.6 6.2 5Z" fill="currentColor"/>',
  plug: `<path d="M5.5 1.5v3M10.5 1.5v3M3.5 4.5h9v2.6a4.5 4.5 0 0 1-9 0ZM8 11.6v3" stroke-width="1.6" ${LINE}/>`,
  seal: `<path d="M8 1 14 3.4v4.2c0 3.6-2.5 6-6 7.4-3.5-1.4-6-3.8-6-7.4V3.4Z" stroke-width="1.5" ${LINE}/><path d="m5.3 7.8 2 2 3.5-3.8" stroke-width="1.5" ${LINE}/>`,
  search: `<circle cx="7" cy="7" r="4.6" stroke-width="1.6" ${LINE}/><path d="m10.5 10.5 4 4" stroke-width="1.6" ${LINE}/>`,
  silent: `${RING}<path d="m3.8 12.2 8.4-8.4" stroke-width="1.6" ${LINE}/>`,
  warn: `<path d="M8 1.2 15.4 14H.6Z" fill="currentColor" stroke="currentColor" stroke-linejoin="round"/><path d="M8 6v3.6M8 11.6v.4" ${ON_DISC}/>`,
} as const;

export type IconName = keyof typeof DRAWINGS;

const SYMBOLS = Object.entries(DRAWINGS)
  .map(([name, drawing]) => `<symbol id="i-${name}" viewBox="0 0 16 16">${drawing}</symbol>`)
  .join('');
/** Hatching of charts and bars: beyond a limit, and where there is no data. */
const PATTERNS = `<defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><path class="hatchline" d="M1 0v6"/></pattern><pattern id="gaps" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><path class="gapline" d="M1 0v5"/></pattern></defs>`;
const DRAWN = { __html: PATTERNS + SYMBOLS };

/** All drawings, once at the start of a page. */
export function Sprite(): VNode {
  return html`<svg class="hid" aria-hidden="true" dangerouslySetInnerHTML=${DRAWN}></svg>`;
}

export function Icon({ name, small = false }: { readonly name: IconName; readonly small?: boolean }): VNode {
  return html`<svg class=${small ? 'i i-s' : 'i'} aria-hidden="true"><use href=${`#i-${name}`} /></svg>`;
}
