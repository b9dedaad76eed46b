// Owns what a device reported of itself lately: one small course a value.
import { html } from 'htm/preact';
import type { VNode } from 'preact';
import { formatAmount, formatCount, percent } from '../../wording/amounts.ts';
import { Sparkline } from '../charts/sparkline.ts';
import type { DeviceView } from '../read-model/types.generated.ts';

type Recent = DeviceView['recent'][number];

interface Course {
  readonly name: string;
  readonly read: (report: Recent) => number | null;
  readonly format: (value: number) => string;
}

const COURSES: readonly Course[] = [
  { name: 'Inferences', read: ({ inferences }) => inferences, format: formatCount },
  { name: 'Errors', read: ({ errors, inferences }) => shareOf(errors, inferences), format: percent },
  { name: 'Latency p95', read: ({ latencyP95Ms }) => latencyP95Ms, format: (ms) => formatAmount(ms, 'ms') },
  { name: 'Unknown answers', read: ({ unknown, inferences }) => shareOf(unknown, inferences), format: percent },
  { name: 'Processor', read: ({ cpu }) => cpu, format: percent },
  { name: 'Memory', read: ({ memory }) => memory, format: percent },
  { name: 'Temperature', read: ({ temperature }) => temperature, format: (value) => formatAmount(value, 'celsius') },
  { name: 'Disk', read: ({ disk }) => disk, format: percent },
];

function shareOf(part: number | null, whole: number | null): number | null {
  return part === null || whole === null || whole <= 0 ? null : part / whole;
}

export function DeviceReports({ recent }: { readonly recent: readonly Recent[] }): VNode | null {
  const courses = COURSES.map(({ name, read, format }) => {
    const points = recent.map((report) => ({ atMs: report.atMs, value: read(report) }));
    return { name, points, format, last: points.findLast(({ value }) => value !== null)?.value ?? null };
  }).filter(({ last }) => last !== null);
  if (courses.length === 0) return null;
  return html`<section class="card" aria-labelledby="h-sp"><header><h2 id="h-sp">Its own reports, newest right</h2><div class="end">${formatCount(recent.length)} of them</div></header>
    <div class="body sparks">${courses.map(({ name, points, format, last }) => html`<figure key=${name}><h3>${name} <b>${format(last ?? 0)}</b></h3><${Sparkline} name=${name} points=${points} format=${format} /></figure>`)}</div></section>`;
}
