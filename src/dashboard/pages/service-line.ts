// Owns the service in one line: last cycle, head, publication, who publishes, reports, providers.
import { html } from 'htm/preact';
import type { ComponentChildren, VNode } from 'preact';
import { formatCount } from '../../wording/amounts.ts';
import type { ServiceState } from '../read-model/types.generated.ts';
import { Icon } from './icons.ts';
import { Age, Instant } from './time.ts';

function Fact({ name, children }: { readonly name: string; readonly children?: ComponentChildren }): VNode {
  return html`<div><dt>${name}</dt><dd>${children}</dd></div>`;
}

/** `0.41 s`, `12 s`. */
export function tookText(ms: number | null): string {
  if (ms === null) return '';
  return `, took ${ms < 10_000 ? Number((ms / 1000).toPrecision(2)) : Math.round(ms / 1000)} s`;
}

export function ServiceLine({
  service,
  commit,
}: {
  readonly service: ServiceState;
  readonly commit: string | null;
}): VNode {
  const { lastCycleAtMs, lastCycleMs, headSeenAtMs, publication, lease, reports, providers, trouble } = service;
  const silent = providers.filter(({ isAnswering }) => !isAnswering).length;
  const cycle =
    trouble === null
      ? html`<span class="ok"><${Icon} name="ok" /></span>`
      : html`<span class="bad"><${Icon} name="bad" /></span>`;
  return html`<section class="card" aria-labelledby="h-service"><h2 class="hid" id="h-service">The service</h2>
    <dl class="service">
      <${Fact} name="Last cycle">${lastCycleAtMs === null ? 'none yet' : html`${cycle} <a href="/service"><${Age} sinceMs=${lastCycleAtMs} ago /></a>${tookText(lastCycleMs)}`}<//>
      <${Fact} name="Head seen">${headSeenAtMs === null ? 'not yet' : html`${commit !== null && html`<code>${commit.slice(0, 7)}</code>, `}<${Age} sinceMs=${headSeenAtMs} ago />`}<//>
      <${Fact} name="Last publication">${publication.sequence === 0 ? 'none yet' : html`number ${formatCount(publication.sequence)}${publication.atMs !== null && html`, <${Instant} atMs=${publication.atMs} />`}`}<//>
      ${lease !== null && html`<${Fact} name="Publishes"><bdi class="clip">${lease.holder}</bdi><//>`}
      <${Fact} name="Reports">${reports.perSecond === null ? '' : `${reports.perSecond < 10 ? Number(reports.perSecond.toFixed(1)) : formatCount(reports.perSecond)} a second, `}${formatCount(reports.devices)} ${reports.devices === 1 ? 'device' : 'devices'}<//>
      <${Fact} name="Providers">${providers.length === 0 ? 'none' : silent === 0 ? html`<span class="ok"><${Icon} name="ok" /></span> ${formatCount(providers.length)}, none is silent` : html`<a class="warn" href="/service#providers"><${Icon} name="plug" /> ${formatCount(silent)} of ${formatCount(providers.length)} silent</a>`}<//>
    </dl></section>`;
}
