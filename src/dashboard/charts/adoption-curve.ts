// Owns the curve of versions in the field: devices by version over time, stacked, with the commits that moved them.
import { area, curveStepAfter, line } from 'd3-shape';
import { html } from 'htm/preact';
import type { VNode } from 'preact';
import type { ChartMark } from './chart-values.ts';
import { along, drawable, STRETCH, timeAxis, timeScale, valueScale } from './plot.ts';
import { dayText, isInstant, NOT_KNOWN, tickText } from './time-text.ts';

export interface AdoptionLayer {
  readonly version: string;
  readonly tone: 'accent' | 'stable' | 'bad' | 'quiet';
}

export interface AdoptionCurveProps {
  readonly name: string;
  /** From the bottom up. */
  readonly layers: readonly AdoptionLayer[];
  readonly points: readonly { readonly atMs: number; readonly counts: Readonly<Record<string, number>> }[];
  readonly marks: readonly ChartMark[];
  readonly format: (count: number) => string;
}

const [TOP, HEIGHT, BOTTOM] = [18, 176, 22];

/** Counts below the layer and with it, at each point. */
function stacked(layers: readonly AdoptionLayer[], points: AdoptionCurveProps['points']) {
  const below = points.map(() => 0);
  return layers.map((layer) => ({
    ...layer,
    steps: points.map(({ atMs, counts }, i) => {
      const from = below[i] ?? 0;
      const count = Math.max(0, drawable(Object.hasOwn(counts, layer.version) ? counts[layer.version] : 0) ?? 0);
      below[i] = from + count;
      return { atMs, from, to: from + count };
    }),
  }));
}

export function AdoptionCurve({ name, layers, points: all, marks, format }: AdoptionCurveProps): VNode {
  const points = all.filter(({ atMs }) => isInstant(atMs));
  const axis = timeAxis(points.map(({ atMs }) => atMs));
  const { x, ticks, holds } = timeScale(axis, 5);
  const stack = stacked(layers, points);
  const { y, ticks: counts } = valueScale([0, ...(stack.at(-1)?.steps.map(({ to }) => to) ?? [])], HEIGHT, true);
  const bands = stack.map(({ tone, steps }) => {
    type Step = (typeof steps)[number];
    // A count stands until the next one: between two that are far apart nothing crept.
    const band = area<Step>()
      .curve(curveStepAfter)
      .x(({ atMs }) => x(atMs))
      .y0(({ from }) => y(from))
      .y1(({ to }) => y(to))(steps);
    const edge = line<Step>()
      .curve(curveStepAfter)
      .x(({ atMs }) => x(atMs))
      .y(({ to }) => y(to))(steps);
    return html`<path class=${`lay ${tone}`} d=${band ?? ''} /><path class=${`edge ${tone}`} d=${edge ?? ''} />`;
  });
  const write = tickText(axis.toMs - axis.fromMs);
  const empty =
    points.length === 0 &&
    html`<rect x="0" y=${TOP} width="100%" height=${HEIGHT} fill="url(#gaps)" /><text class="tb halo" x="50%" y=${TOP + HEIGHT / 2} text-anchor="middle">no data yet</text>`;
  return html`<svg class="c" width="100%" height=${TOP + HEIGHT + BOTTOM} role="img" aria-label=${name}>
    <svg x="0" y=${TOP} width="100%" height=${HEIGHT} viewBox=${`0 0 ${STRETCH} ${HEIGHT}`} preserveAspectRatio="none">${bands}</svg>${empty}
    ${counts.filter(Number.isInteger).map((count) => html`<line class="g" x1="0" x2="100%" y1=${TOP + y(count)} y2=${TOP + y(count)} /><text class="halo" x="2" y=${TOP + y(count) - 3}>${format(count)}</text>`)}
    ${ticks.map((at) => html`<text x=${along(x(at))} y=${TOP + HEIGHT + 15} text-anchor="middle">${write(at)}</text>`)}
    ${marks.filter(({ atMs }) => holds(atMs)).map(({ atMs, letter }) => html`<line class="mk" x1=${along(x(atMs))} x2=${along(x(atMs))} y1=${TOP} y2=${TOP + HEIGHT} /><text class="tx" x=${along(x(atMs))} y="12" text-anchor="middle">${letter}</text>`)}
    <line class="ax" x1="0" x2="100%" y1=${TOP + HEIGHT} y2=${TOP + HEIGHT} />
  </svg><div class="hid"><table><caption>${name}</caption><thead><tr><th scope="col">Time</th>${layers.map(({ version }) => html`<th scope="col"><bdi>${version}</bdi></th>`)}</tr></thead>
    <tbody>${all.map(({ atMs, counts: at }) => html`<tr><th scope="row">${dayText(atMs)}</th>${layers.map(({ version }) => html`<td>${Object.hasOwn(at, version) ? (drawable(at[version]) === null ? NOT_KNOWN : format(at[version] ?? 0)) : NOT_KNOWN}</td>`)}</tr>`)}</tbody></table></div>`;
}
