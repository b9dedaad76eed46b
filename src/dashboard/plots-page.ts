// Owns a run as a page of plots in a file of its own: what it was, how it ended, its values over time, its log.
import { html } from 'htm/preact';
import type { VNode } from 'preact';
import type { LineChartProps } from './charts/chart-values.ts';
import { LineChart } from './charts/line-chart.ts';
import { selfContainedPage } from './self-contained-page.ts';

export type Plot = Pick<LineChartProps, 'name' | 'points' | 'goodSide' | 'format' | 'decided'> & {
  readonly title: string;
};

export interface PlotsPageProps extends Pick<LineChartProps, 'axis' | 'clock'> {
  readonly title: string;
  readonly intro: readonly string[];
  /** As the terminal shows it. */
  readonly result: string;
  readonly marks: readonly { readonly atMs: number; readonly letter: string; readonly text: string }[];
  readonly plots: readonly Plot[];
  readonly timeline: string;
}

function card(title: string, body: VNode): VNode {
  return html`<section class="card"><header><h2>${title}</h2></header><div class="body">${body}</div></section>`;
}

export function plotsPage({ title, intro, result, marks, plots, timeline, axis, clock }: PlotsPageProps): string {
  const charts = plots.map((plot, i) => {
    const props = { ...plot, id: `p${i}`, axis, clock, marks, height: 200, gapText: 'nothing was measured' };
    return card(plot.title, html`<${LineChart} ...${props} />`);
  });
  const letters = marks.map(({ letter, text }) => html`<span><b>${letter}</b> <bdi>${text}</bdi></span>`);
  return selfContainedPage(
    title,
    html`<article class="report stack"><h1>${title}</h1>${intro.map((sentence) => html`<p>${sentence}</p>`)}<pre>${result}</pre>
    <p class="note">Line: the measured value. Shaded: its confidence bounds, which hold no matter how often results are checked; vermilion where they are beyond the limit. Dashed: the limit. Red dot: the rule failed.</p>
    <p class="legend">${letters}</p>${charts}${card('Timeline', html`<pre>${timeline}</pre>`)}</article>`,
  );
}
