// Owns the page of devices: how many are in which state, filters as links, and the devices that they leave.
import { html } from 'htm/preact';
import type { VNode } from 'preact';
import { formatCount, percent } from '../../wording/amounts.ts';
import type { DeviceRow, Devices, Facet } from '../read-model/types.generated.ts';
import { StateBar } from './fleet-card.ts';
import { Icon } from './icons.ts';
import { type PageAddress, type PageProps, withQuery } from './page-data.ts';
import { Blank } from './problem.ts';
import { useSteady } from './steady.ts';
import { Age } from './time.ts';
import { DEVICE_LOOKS, State } from './words.ts';

export function devicesTitle({ total }: Devices): string {
  return `Devices: ${formatCount(total)}`;
}

/** Labels that have a column: those that tell devices apart, few of them. */
const MOST_COLUMNS = 3;
const MOST_VALUES = 12;
/** What the address may hold beside a selector. */
const KEPT = ['state', 'model', 'version', 'rollout', 'arm'] as const;

export function DevicesPage({ value, address }: PageProps<Devices>): VNode {
  const { counts, facets, total } = value;
  const { query } = address;
  return html`<div class="head"><h1>Devices</h1><div class="meta"><span>${formatCount(total)} ${query.selector === undefined ? '' : 'match'}</span><span class="hide-s">API <code>/v1/devices</code></span><code class="hide-s">slipway devices</code><a href="/exposure">Who had a version</a><a href=${withQuery({ ...address, path: '/v1/devices' }, {})}>JSON</a></div></div>
    <section class="card pad" aria-label="Devices by state">
      <${StateBar} counts=${counts} />
      <${StateChips} value=${value} address=${address} />
    </section>
    <div class="cols left">
      <${Filters} facets=${facets} address=${address} />
      <${DeviceList} value=${value} address=${address} />
    </div>`;
}

function StateChips({ value, address }: { readonly value: Devices; readonly address: PageAddress }): VNode {
  const { state } = address.query;
  const all = value.counts.reduce((sum, { count }) => sum + count, 0);
  const chips = value.counts
    .filter((one) => one.count > 0 || one.state === state)
    .map(({ state: one, count }) => {
      const { icon, word } = DEVICE_LOOKS[one];
      return html`<a key=${one} href=${withQuery(address, { state: one, cursor: null })} aria-current=${one === state ? 'true' : undefined}><${Icon} name=${icon} small />${word} <b>${formatCount(count)}</b></a>`;
    });
  return html`<nav class="filters" aria-label="By state"><a href=${withQuery(address, { state: null, cursor: null })} aria-current=${state === undefined ? 'true' : undefined}>All <b>${formatCount(all)}</b></a>${chips}</nav>`;
}

/** `label:value` as a term of a selector. */
function termOf(label: string, value: string): string {
  return /^[\w.-]+$/.test(value) ? `${label}:${value}` : `${label}:"${value.replace(/["\\]/g, '\\$&')}"`;
}

/** A selector with the term in it; without it, where it is in it already. */
function toggled(selector: string | undefined, term: string): string | null {
  const terms = selector?.split(' AND ') ?? [];
  const left = terms.includes(term) ? terms.filter((one) => one !== term) : [...terms, term];
  return left.length === 0 ? null : left.join(' AND ');
}

function Filters({ facets, address }: { readonly facets: readonly Facet[]; readonly address: PageAddress }): VNode {
  const { query } = address;
  const { selector } = query;
  const kept = KEPT.flatMap((name) => (query[name] === undefined ? [] : [{ name, value: query[name] }]));
  const chosen = kept.filter(({ name }) => name !== 'state');
  return html`<div class="facets no-print">
    <form action=${address.path} method="get" class="field">
      <label for="selector">Selector</label>
      <input class="sel m" id="selector" name="selector" value=${selector ?? ''} maxlength="1000" spellcheck=${false} autocomplete="off" placeholder="region:west AND hw:rev2" />
      ${kept.map(({ name, value }) => html`<input key=${name} type="hidden" name=${name} value=${value} />`)}
      <button class="btn" type="submit">Filter</button>
    </form>
    ${chosen.length > 0 && html`<ul class="chosen">${chosen.map(({ name, value }) => html`<li key=${name}><span>${name}</span> <bdi>${value}</bdi> <a href=${withQuery(address, { [name]: null, cursor: null })} aria-label=${`Without ${name} ${value}`}><${Icon} name="close" small /></a></li>`)}</ul>`}
    ${facets.map(
      ({ label, values }) =>
        html`<section key=${label} class="hide-s"><h2><bdi>${label}</bdi></h2><ul>${values
          .slice(0, MOST_VALUES)
          .map(({ value, count }) => {
            const term = termOf(label, value);
            const isOn = selector?.split(' AND ').includes(term) === true;
            return html`<li key=${value}><a href=${withQuery(address, { selector: toggled(selector, term), cursor: null })} aria-current=${isOn ? 'true' : undefined}><bdi>${value}</bdi></a><span>${formatCount(count)}</span></li>`;
          })}</ul>${values.length > MOST_VALUES && html`<p class="note">${formatCount(values.length - MOST_VALUES)} more: write a selector</p>`}</section>`,
    )}
  </div>`;
}

function DeviceList({ value, address }: { readonly value: Devices; readonly address: PageAddress }): VNode {
  const { devices, facets, next, total } = value;
  const labels = facets.slice(0, MOST_COLUMNS).map(({ label }) => label);
  const steady = useSteady(devices, ({ device }) => device);
  const isFirst = address.query.cursor === undefined;
  const foot = html`<div class="body pages"><span class="note">${formatCount(devices.length)} of ${formatCount(total)}</span>${!isFirst && html`<a class="btn" href=${withQuery(address, { cursor: null })}>Back to the first</a>`}${next !== null && html`<a class="btn" href=${withQuery(address, { cursor: next })}>Next</a>`}</div>`;
  return html`<section class="card" aria-labelledby="h-list" ...${steady.hold}>
    <header><h2 id="h-list">${address.query.state === undefined ? 'All devices' : 'Devices'}</h2>${steady.moved > 0 && html`<button type="button" class="btn bare" onClick=${steady.show}>${formatCount(steady.moved)} ${steady.moved === 1 ? 'row' : 'rows'} changed order: show</button>`}</header>
    ${
      devices.length === 0
        ? html`<${NoDevices} address=${address} />`
        : html`<div class="scroll" tabindex="0" role="region" aria-label="Devices, as a table"><table class="rows devices">
      <thead><tr><th scope="col">Device</th><th scope="col">State</th><th scope="col">As declared</th><th scope="col">In</th>${labels.map((label) => html`<th key=${label} scope="col" class="hide-s"><bdi>${label}</bdi></th>`)}<th scope="col" class="num">Errors</th><th scope="col" class="num">Last report</th></tr></thead>
      <tbody>${steady.rows.map((row) => html`<${Row} key=${row.device} row=${row} labels=${labels} />`)}</tbody></table></div>${foot}`
    }
  </section>`;
}

function NoDevices({ address }: { readonly address: PageAddress }): VNode {
  const { selector, state } = address.query;
  const isFiltered =
    selector !== undefined || state !== undefined || KEPT.some((name) => address.query[name] !== undefined);
  if (!isFiltered)
    return html`<${Blank} icon="gone" title="No device is enrolled"><p>Devices enrol with a token, and show up with their first report.</p><//>`;
  return html`<${Blank} icon="search" title="No device matches"><p>${selector !== undefined && html`<code><bdi>${selector}</bdi></code> `}${state !== undefined && html`state <bdi>${state}</bdi>`}</p><a class="btn" href=${address.path}>Show all devices</a><//>`;
}

function Row({ row, labels }: { readonly row: DeviceRow; readonly labels: readonly string[] }): VNode {
  const { device, state, text, asDeclared, declared, in: rollouts, lastSeenAtMs, errorShare } = row;
  return html`<tr>
    <th scope="row"><a data-row href=${`/devices/${encodeURIComponent(device)}`}><bdi>${device}</bdi></a></th>
    <td class="full"><${State} look=${DEVICE_LOOKS[state]} />${text !== null && html`<small class="clip"><bdi>${text}</bdi></small>`}</td>
    <td class="nw" data-l="As declared">${declared === 0 ? '–' : `${formatCount(asDeclared)} of ${formatCount(declared)}`}</td>
    <td data-l="In"><span class="clip"><bdi>${rollouts.length === 0 ? '–' : rollouts.slice(0, 3).join(', ')}</bdi></span></td>
    ${labels.map((label) => html`<td key=${label} class="hide-s"><bdi class="m clip">${Object.hasOwn(row.labels, label) ? row.labels[label] : '–'}</bdi></td>`)}
    <td class="num nw" data-l="Errors">${errorShare === null ? '–' : percent(errorShare)}</td>
    <td class="num nw" data-l="Last report">${lastSeenAtMs === null ? 'never' : html`<${Age} sinceMs=${lastSeenAtMs} ago />`}</td>
  </tr>`;
}
