// Owns the page of the service: the repository that it follows, its last cycle, its publication, providers, and what is wrong.
import { html } from 'htm/preact';
import type { VNode } from 'preact';
import { formatCount } from '../../wording/amounts.ts';
import type { Overview, ProviderState, ServiceState } from '../read-model/types.generated.ts';
import type { PageProps } from './page-data.ts';
import { ServiceLine } from './service-line.ts';
import { Age, Instant } from './time.ts';
import { type Look, State } from './words.ts';

const FINE: Look = { icon: 'ok', word: 'All is well', tone: 'ok' };
const AWAY: Look = { icon: 'plug', word: 'Repository away', tone: 'bad' };
const FAILS: Look = { icon: 'bad', word: 'The last cycle could not finish', tone: 'bad' };
const WAITS: Look = { icon: 'clock', word: 'Starting', tone: 'open' };
const PROBLEMS: Look = { icon: 'warn', word: 'Something needs a fix', tone: 'warn' };

function lookOf({ source, trouble, problems, providers }: ServiceState): Look {
  if (source.kind === 'starting') return WAITS;
  if (source.kind === 'away' || source.kind === 'branch-missing') return AWAY;
  if (trouble !== null) return FAILS;
  return problems.length > 0 || providers.some(({ isAnswering }) => !isAnswering) ? PROBLEMS : FINE;
}

export function serviceTitle({ service }: Overview): string {
  return `Service: ${lookOf(service).word.toLowerCase()}`;
}

export function ServicePage({ value }: PageProps<Overview>): VNode {
  const { service, asOf } = value;
  const { source, trouble, problems, providers } = service;
  return html`<div class="head"><h1>Service</h1><div class="meta"><a href="/metrics">Metrics</a><a href="/v1/overview">JSON</a></div></div>
    <section class="card pad" aria-label="State"><p class="saying" aria-live="polite"><${State} look=${lookOf(service)} />. <bdi>${source.text}</bdi>${source.sinceMs !== null && html` (for <${Age} sinceMs=${source.sinceMs} />)`}</p>
      ${trouble !== null && html`<p class="clamp"><b>${trouble.code}</b> <bdi>${trouble.message}</bdi> <bdi>${trouble.remedy ?? ''}</bdi></p>`}</section>
    <${ServiceLine} service=${service} commit=${asOf.commit} />
    <div class="cols two"><${Problems} problems=${problems} /><${Publication} service=${service} /></div>
    <${Providers} providers=${providers} />`;
}

const MOST_PROBLEMS = 50;

function Problems({ problems }: { readonly problems: readonly string[] }): VNode {
  const lines = problems
    .slice(0, MOST_PROBLEMS)
    .map((problem, i) => html`<li key=${i}><bdi class="clamp pre">${problem}</bdi></li>`);
  return html`<section class="card" aria-labelledby="h-problems"><header><h2 id="h-problems">Needs a fix</h2>${problems.length > 0 && html`<span class="chip warn">${formatCount(problems.length)}</span>`}</header>${problems.length === 0 ? html`<p class="body t2">All documents can be used.</p>` : html`<ul class="body lines">${lines}</ul>`}</section>`;
}

function Publication({ service: { publication, lease } }: { readonly service: ServiceState }): VNode {
  const { sequence, atMs, expiresAtMs } = publication;
  return html`<section class="card" aria-labelledby="h-pub"><header><h2 id="h-pub">Publication for devices</h2></header><dl class="body pairs">
    <dt>Number</dt><dd>${sequence === 0 ? 'none yet' : formatCount(sequence)}</dd>${atMs !== null && html`<dt>Published</dt><dd><${Instant} atMs=${atMs} />, <${Age} sinceMs=${atMs} ago /></dd>`}
    <dt>Expires</dt><dd>${expiresAtMs === null ? 'not known' : html`<${Instant} atMs=${expiresAtMs} />`}</dd>${lease !== null && html`<dt>Who writes</dt><dd><bdi>${lease.holder}</bdi>${lease.untilMs !== null && html`, alone until <${Instant} atMs=${lease.untilMs} />`}</dd>`}</dl></section>`;
}

const ANSWERS: Look = { icon: 'ok', word: 'Answers', tone: 'ok' };
const RESTS: Look = { icon: 'clock', word: 'Not asked now', tone: 'open' };
const SILENT: Look = { icon: 'plug', word: 'Silent', tone: 'warn' };

function Providers({ providers }: { readonly providers: readonly ProviderState[] }): VNode {
  const rows = providers.map(
    ({ name, kind, isAsked, isAnswering, sinceMs, error }) =>
      html`<tr key=${`${kind} ${name}`}><th scope="row"><bdi>${name}</bdi></th><td>${kind}</td><td><${State} look=${isAnswering ? (isAsked ? ANSWERS : RESTS) : SILENT} />${sinceMs !== null && html`<small>for <${Age} sinceMs=${sinceMs} /></small>`}</td><td class="full"><bdi class="clamp">${error ?? '–'}</bdi></td></tr>`,
  );
  return html`<section class="card" id="providers" aria-labelledby="h-prov"><header><h2 id="h-prov">Providers of outside signals</h2></header>${
    providers.length === 0
      ? html`<p class="body t2">None is set. Rules about outside signals need one.</p>`
      : html`<div class="scroll" tabindex="0" role="region" aria-label="Providers"><table class="rows"><thead><tr><th scope="col">Name</th><th scope="col">Kind</th><th scope="col">State</th><th scope="col">Last error</th></tr></thead><tbody>${rows}</tbody></table></div>`
  }</section>`;
}
