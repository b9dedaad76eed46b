// Owns a rule as one bar seen from its limit: the limit always in the same place, good values left of it, bad ones right.
import { html } from 'htm/preact';
import type { VNode } from 'preact';
import { drawable } from './plot.ts';

/** Where the limit stands, in percent. */
const LIMIT = 60;

export interface StripProps {
  /** The rule and how it stands, in words. */
  readonly name: string;
  /** Names the colour. */
  readonly tone: string;
  /** From -1, far within, over 0, the limit, to 1, far beyond. */
  readonly relative: {
    readonly estimate: number | null;
    readonly low: number | null;
    readonly high: number | null;
    readonly baseline: number | null;
  };
}

function place(value: number | null): number | null {
  const at = drawable(value);
  if (at === null) return null;
  const within = Math.max(-1, Math.min(1, at));
  return Math.round(10 * (LIMIT + within * (within < 0 ? LIMIT : 100 - LIMIT))) / 10;
}

/** Dashed where a range is known, and nothing was seen yet. */
export function Strip({ name, tone, relative }: StripProps): VNode {
  const [estimate, low, high, baseline] = [relative.estimate, relative.low, relative.high, relative.baseline].map(
    place,
  );
  const isRange = typeof low === 'number' && typeof high === 'number';
  const range =
    isRange &&
    html`<rect class=${typeof estimate === 'number' ? 'iv' : 'un'} x=${`${Math.min(low, high)}%`} y="6" width=${`${Math.round(10 * Math.max(1.5, Math.abs(high - low))) / 10}%`} height="8" rx="4" />`;
  return html`<svg class=${`strip ${tone}`} width="100%" height="20" role="img" aria-label=${name}>
    <rect x=${`${LIMIT}%`} y="0" width=${`${100 - LIMIT}%`} height="20" fill="url(#hatch)" /><line class="sax" x1="0" x2="100%" y1="10" y2="10" />
    <line class="slim" x1=${`${LIMIT}%`} x2=${`${LIMIT}%`} y1="0" y2="20" />
    ${typeof baseline === 'number' && html`<rect class="bl" x=${`${Math.min(baseline, 99)}%`} y="3" width="3" height="14" />`}
    ${range}${typeof estimate === 'number' && html`<circle class="spt" cx=${`${estimate}%`} cy="10" r="5" />`}
  </svg>`;
}
