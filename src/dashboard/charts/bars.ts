// Owns counts as bars, the longest one full.
import { html } from 'htm/preact';
import type { VNode } from 'preact';
import { drawable } from './plot.ts';

export interface Bar {
  readonly name: string;
  readonly count: number;
  /** Below the bar; null for nothing. */
  readonly note: string | null;
  readonly isHot: boolean;
}

export function Bars({
  bars,
  format,
}: {
  readonly bars: readonly Bar[];
  readonly format: (count: number) => string;
}): VNode {
  const counts = bars.map(({ count }) => Math.max(0, drawable(count) ?? 0));
  const most = counts.reduce((high, count) => Math.max(high, count), 0) || 1;
  const rows = bars.map(({ name, note, isHot }, i) => {
    const width = Math.round((1000 * (counts[i] ?? 0)) / most) / 10;
    return html`<div class="hbar" role="listitem"><bdi>${name}</bdi><span><svg width="100%" height="12" aria-hidden="true"><rect class=${isHot ? 'hot' : 'cool'} width=${`${Math.max(0.5, width)}%`} height="12" rx="2" /></svg>${note !== null && html`<small class="note"><bdi>${note}</bdi></small>`}</span><b class="num">${format(counts[i] ?? 0)}</b></div>`;
  });
  return html`<div class="hbars" role="list">${rows}</div>`;
}
