// Owns the page of exposure: the question as a form, which devices had the version and until when, and how they left it.
import { html } from 'htm/preact';
import type { VNode } from 'preact';
import { formatCount, percent } from '../../wording/amounts.ts';
import { Sparkline } from '../charts/sparkline.ts';
import type { Exposure, ExposureRow, Patching } from '../read-model/types.generated.ts';
import { type PageAddress, type PageProps, withQuery } from './page-data.ts';
import { Card, Name, Scroll } from './parts.ts';
import { Blank } from './problem.ts';
import { Instant } from './time.ts';

export interface ExposurePageValue {
  /** Null where nothing was asked, or what was asked can't be answered. */
  readonly exposure: Exposure | null;
  readonly patching: Patching | null;
  /** Why the question can't be answered. */
  readonly problem: { readonly code: string; readonly message: string; readonly remedy: string | null } | null;
}

export function exposureTitle({ patching }: ExposurePageValue): string {
  return patching === null ? 'Who had a version' : `${devicesText(patching.exposed)} had it`;
}

/** Where the page asks for a version of a model. */
export function exposureHref(model: string, version: string): string {
  return `/exposure?${new URLSearchParams({ model, version }).toString()}`;
}

function devicesText(count: number): string {
  return `${formatCount(count)} ${count === 1 ? 'device' : 'devices'}`;
}

const FIELDS = [
  { name: 'model', label: 'Model', hint: 'shelf' },
  { name: 'version', label: 'Version', hint: '1.3.0' },
  { name: 'digest', label: 'or digest', hint: 'sha256:…' },
  { name: 'from', label: 'From', hint: '7d' },
  { name: 'to', label: 'Until', hint: 'now' },
] as const;

export function ExposurePage({ value, address }: PageProps<ExposurePageValue>): VNode {
  const { exposure, patching, problem } = value;
  return html`<div class="head"><h1>Who had a version</h1><div class="meta"><span class="hide-s">API <code>/v1/exposure</code></span><code class="hide-s">slipway exposure</code></div></div>
    <${Question} query=${address.query} />
    ${problem !== null && html`<p class="banner warn-b" role="alert"><b>${problem.code}</b> <span><bdi>${problem.message}</bdi> <bdi>${problem.remedy ?? ''}</bdi></span></p>`}
    ${patching !== null && html`<${Left} patching=${patching} />`}
    ${exposure !== null && html`<${Rows} exposure=${exposure} address=${address} />`}`;
}

/** A form of the address: it works without a script. */
function Question({ query }: { readonly query: PageAddress['query'] }): VNode {
  const fields = FIELDS.map(
    ({ name, label, hint }) =>
      html`<div class="field" key=${name}><label for=${`ask-${name}`}>${label}</label><input class="sel" id=${`ask-${name}`} name=${name} value=${query[name] ?? ''} placeholder=${hint} maxlength="200" autocomplete="off" /></div>`,
  );
  return html`<section class="card pad" aria-label="Question"><form class="asks" method="get" action="/exposure">${fields}<button class="btn first" type="submit">Show</button></form>
    <p class="note">A time is an instant, a day such as 2026-11-20, or how long ago: 7d. Empty is the beginning, and now.</p></section>`;
}

function Left({ patching }: { readonly patching: Patching }): VNode {
  const { points, exposed, left, share, halfMs, mostMs } = patching;
  const when = (atMs: number | null) => (atMs === null ? 'not yet' : html`<${Instant} atMs=${atMs} />`);
  const course = points.map(({ atMs, exposed: had, left: gone }) => ({ atMs, value: had === 0 ? null : gone / had }));
  return html`<${Card} id="left" title="How they left it">
    <div class="body"><p class="saying">${devicesText(exposed)} had it${share !== null && html`, ${formatCount(left)} left it (${percent(share)})`}.</p>
      <p class="t2">Half of them: ${when(halfMs)}. 95% of them: ${when(mostMs)}.</p>
      <figure><${Sparkline} name="Share of the devices that left it" points=${course} format=${percent} /></figure></div>
  <//>`;
}

function Rows({
  exposure: { rows, next },
  address,
}: {
  readonly exposure: Exposure;
  readonly address: PageAddress;
}): VNode {
  const to = (path: string) => withQuery({ ...address, path }, { cursor: null });
  const end = html`<a href=${to('/v1/exposure')}>JSON</a><a href=${to('/exposure.csv')}>CSV</a>`;
  const more =
    next !== null &&
    html`<p class="body"><a class="btn" href=${withQuery(address, { cursor: next })}>Next rows</a></p>`;
  const head = ['Device', 'Model', 'Version', 'Heard before', 'From', 'Until', 'How'];
  return html`<${Card} id="rows" title="Devices" end=${end}>
    ${
      rows.length === 0
        ? html`<${Blank} icon="search" title="No device had it in this time"><p>Rows are kept for 13 months after they end.</p><//>`
        : html`<${Scroll} label="Devices that had it"><table class="rows"><thead><tr>${head.map((name) => html`<th scope="col">${name}</th>`)}</tr></thead><tbody>${rows.map((row, i) => html`<${Row} key=${i} row=${row} />`)}</tbody></table><//>`
    }${more}<//>`;
}

function Row({ row }: { readonly row: ExposureRow }): VNode {
  const { device, model, version, afterMs, fromMs, untilMs, how } = row;
  return html`<tr><th scope="row"><a data-row href=${`/devices/${encodeURIComponent(device)}`}><${Name} text=${device} /></a></th>
    <td data-l="Model"><${Name} text=${model} /></td><td data-l="Version"><${Name} text=${version ?? 'not said'} /></td>
    <td data-l="Heard before"><${Instant} atMs=${afterMs} /></td><td data-l="From"><${Instant} atMs=${fromMs} /></td>
    <td data-l="Until">${untilMs === null ? 'still' : html`<${Instant} atMs=${untilMs} />`}</td><td data-l="How">${how}</td></tr>`;
}
