// Owns the small course of one value, without axes: for what a device reported of late.
import { line } from 'd3-shape';
import { html } from 'htm/preact';
import type { VNode } from 'preact';
import { along, drawable, STRETCH, timeAxis, timeScale, valueScale } from './plot.ts';
import { clockText, isInstant, NOT_KNOWN } from './time-text.ts';

export interface SparklineProps {
  readonly name: string;
  readonly points: readonly { readonly atMs: number; readonly value: number | null }[];
  readonly format: (value: number) => string;
}

export function Sparkline({ name, points, format }: SparklineProps): VNode {
  const drawn = points
    .filter(({ atMs }) => isInstant(atMs))
    .map(({ atMs, value }) => ({ atMs, value: drawable(value) }));
  const known = drawn.filter(({ value }) => value !== null);
  const { x } = timeScale(timeAxis(drawn.map(({ atMs }) => atMs)), 2);
  const { y } = valueScale(
    known.map(({ value }) => value ?? 0),
    32,
    true,
  );
  const last = known.at(-1);
  const course = line<(typeof drawn)[number]>()
    .defined(({ value }) => value !== null)
    .x(({ atMs }) => x(atMs))
    .y(({ value }) => y(value ?? 0))(drawn);
  return html`<svg class="c" width="100%" height="36" role="img" aria-label=${`${name}: ${last === undefined ? 'no data' : format(last.value ?? 0)}`}>
    ${last === undefined && html`<rect x="0" y="2" width="100%" height="32" fill="url(#gaps)" /><text class="halo" x="50%" y="22" text-anchor="middle">no data</text>`}
    <svg x="0" y="2" width="100%" height="32" viewBox=${`0 0 ${STRETCH} 32`} preserveAspectRatio="none"><path class="e" d=${course ?? ''} /></svg>
    ${last !== undefined && html`<circle class="pt" cx=${along(x(last.atMs))} cy=${2 + y(last.value ?? 0)} r="4" />`}
  </svg><div class="hid"><table><caption>${name}</caption><tbody>${points.map(({ atMs, value }) => html`<tr><th scope="row">${clockText(atMs)}</th><td>${drawable(value) === null ? NOT_KNOWN : format(drawable(value) ?? 0)}</td></tr>`)}</tbody></table></div>`;
}
