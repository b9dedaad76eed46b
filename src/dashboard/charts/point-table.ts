// Owns the table below a chart: every point as text, for screen readers and for whoever asks for the numbers.
import { html } from 'htm/preact';
import type { VNode } from 'preact';
import type { ChartPoint, LineChartProps } from './chart-values.ts';
import { drawable } from './plot.ts';
import { clockText, NOT_KNOWN } from './time-text.ts';

const COLUMNS: readonly { readonly field: Exclude<keyof ChartPoint, 'atMs'>; readonly title: string }[] = [
  { field: 'estimate', title: 'Seen' },
  { field: 'low', title: 'From' },
  { field: 'high', title: 'To' },
  { field: 'baseline', title: 'Stable' },
  { field: 'limit', title: 'Limit' },
];

export type PointTableProps = Pick<LineChartProps, 'name' | 'points' | 'format' | 'clock'> & {
  readonly isShown?: boolean;
};

export function PointTable({ name, points, format, clock = clockText, isShown = false }: PointTableProps): VNode {
  const columns = COLUMNS.filter(({ field }) => points.some((point) => drawable(point[field]) !== null));
  const text = (value: number | null) => (value === null ? NOT_KNOWN : format(value));
  const rows = points.map(
    (point) =>
      html`<tr><th scope="row">${clock(point.atMs)}</th>${columns.map(({ field }) => html`<td class="num">${text(drawable(point[field] ?? null))}</td>`)}</tr>`,
  );
  const table = html`<table class="tight"><caption>${name}</caption><thead><tr><th scope="col">Time</th>${columns.map(({ title }) => html`<th scope="col" class="num">${title}</th>`)}</tr></thead><tbody>${rows}</tbody></table>`;
  if (!isShown) return html`<div class="hid">${table}</div>`;
  return html`<div class="scroll" tabindex="0" role="region" aria-label=${name}>${table}</div>`;
}
