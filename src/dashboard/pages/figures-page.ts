// Owns the page of delivery figures: how often versions reach everyone, how long it takes, how often they are taken back, and why.
import { html } from 'htm/preact';
import type { VNode } from 'preact';
import { formatCount, percent } from '../../wording/amounts.ts';
import type { FigureRow, Figures, Spread } from '../read-model/types.generated.ts';
import { type PageAddress, type PageProps, withQuery } from './page-data.ts';
import { Card, Commit, Name, Scroll } from './parts.ts';
import { Blank } from './problem.ts';
import { formatAge, Instant } from './time.ts';

export function figuresTitle({ all }: Figures): string {
  return `Figures: ${all.changeFailureRate === null ? 'nothing ended' : `${percent(all.changeFailureRate)} failed`}`;
}

const PERIODS = ['7d', '30d', '90d', '365d'] as const;
const USUAL = '90d';
const HEAD = ['Started', 'Completed', 'Taken back', 'A week', 'Lead time', 'Change failures', 'Time to restore'];

export function FiguresPage({ value, address }: PageProps<Figures>): VNode {
  const { all, rollouts, models, months, fromMs, untilMs, commit, isCut } = value;
  return html`<div class="head"><h1>How often do we fail?</h1><div class="meta"><code class="hide-s">slipway figures</code><a href=${withQuery({ ...address, path: '/v1/figures' }, {})}>JSON</a></div></div>
    <section class="card pad" aria-label="All">
      <p class="saying">${sentenceOf(all)}</p>
      <p class="t2">Attempts that ended from <${Instant} atMs=${fromMs} /> to <${Instant} atMs=${untilMs} />, at commit <${Commit} id=${commit} />. Times are medians.${isCut && ' Earlier commits are missing.'}</p>
      <${Periods} address=${address} />
    </section>
    <${Table} id="rollouts" title="By rollout" first="Rollout" rows=${[{ ...all, name: 'all' }, ...rollouts]} />
    <${Table} id="models" title="By model" first="Model" rows=${models} />
    <${Table} id="months" title="By month" first="Month" rows=${months} />
    <${Reasons} all=${all} />`;
}

function sentenceOf({ completed, takenBack, changeFailureRate, superseded }: FigureRow): string {
  if (changeFailureRate === null) return 'No attempt was completed or taken back in this time.';
  const other = superseded === 0 ? '' : ` ${formatCount(superseded)} gave way to another wish and count as neither.`;
  return `${formatCount(takenBack)} of ${formatCount(completed + takenBack)} attempts were taken back (${percent(changeFailureRate)}).${other}`;
}

function Periods({ address }: { readonly address: PageAddress }): VNode {
  const { since = USUAL, rollout } = address.query;
  const chips = PERIODS.map(
    (one) =>
      html`<a key=${one} href=${withQuery(address, { since: one })} aria-current=${one === since ? 'true' : undefined}>${one}</a>`,
  );
  return html`<nav class="filters" aria-label="Period">${chips}${rollout !== undefined && html`<a href=${withQuery(address, { rollout: null })}>of all rollouts</a>`}</nav>`;
}

function median(spread: Spread | null): string {
  return spread === null ? '–' : formatAge(spread.medianMs);
}

function Table({
  id,
  title,
  first,
  rows,
}: {
  readonly id: string;
  readonly title: string;
  readonly first: string;
  readonly rows: readonly FigureRow[];
}): VNode | null {
  if (rows.length === 0) return null;
  const lines = rows.map(
    (row) =>
      html`<tr key=${row.name}><th scope="row"><${Name} text=${row.name} /></th>${[row.started, row.completed, row.takenBack].map((count) => html`<td class="num">${formatCount(count)}</td>`)}<td class="num">${row.perWeek === null ? '–' : row.perWeek.toFixed(1)}</td><td class="num">${median(row.leadTime)}</td><td class="num">${row.changeFailureRate === null ? '–' : percent(row.changeFailureRate)}</td><td class="num">${median(row.timeToRestore)}</td></tr>`,
  );
  return html`<${Card} id=${id} title=${title}><${Scroll} label=${title}><table class="tight"><thead><tr><th scope="col">${first}</th>${HEAD.map((name) => html`<th scope="col" class="num">${name}</th>`)}</tr></thead><tbody>${lines}</tbody></table><//><//>`;
}

function Reasons({ all: { reasons } }: { readonly all: FigureRow }): VNode {
  return html`<${Card} id="reasons" title="Taken back for">${
    reasons.length === 0
      ? html`<${Blank} icon="ok" title="Nothing was taken back" />`
      : html`<ul class="body lines">${reasons.map(({ reason, count }) => html`<li key=${reason}><${Name} text=${reason} /> <b>${formatCount(count)}</b></li>`)}</ul>`
  }<//>`;
}
