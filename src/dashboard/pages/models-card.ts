// Owns versions in the field: one model at a time, as a curve over 14 days and as a table.
import { html } from 'htm/preact';
import type { VNode } from 'preact';
import { formatCount } from '../../wording/amounts.ts';
import { AdoptionCurve, type AdoptionLayer } from '../charts/adoption-curve.ts';
import type { CommitMark, ModelInField, VersionInField } from '../read-model/types.generated.ts';
import { exposureHref } from './exposure-page.ts';
import { type PageAddress, withQuery } from './page-data.ts';
import { formatDay, formatTime } from './time.ts';

const TONES: Readonly<Record<VersionInField['role'], AdoptionLayer['tone']>> = {
  stable: 'accent',
  candidate: 'accent',
  rejected: 'bad',
  before: 'stable',
  other: 'stable',
  unknown: 'quiet',
};
const MOST_CHIPS = 12;

export function ModelsCard({
  models,
  address,
}: {
  readonly models: readonly ModelInField[];
  readonly address: PageAddress;
}): VNode | null {
  const model = models.find((one) => one.model === address.query.model) ?? models[0];
  if (model === undefined) return null;
  const isTable = address.query.view === 'table';
  const chips = models
    .slice(0, MOST_CHIPS)
    .map(
      ({ model: name }) =>
        html`<a key=${name} href=${withQuery(address, { model: name })} aria-current=${name === model.model ? 'true' : undefined}><bdi>${name}</bdi></a>`,
    );
  const more = models.length - MOST_CHIPS;
  return html`<section class="card" aria-labelledby="h-field">
    <header><h2 id="h-field">Versions in the field</h2><nav class="filters" aria-label="Model">${chips}</nav>
      <div class="end">${more > 0 && html`<span>${formatCount(more)} more by <code>?model=</code></span>`}<span>14 days</span><a data-act="table" href=${withQuery(address, { view: isTable ? null : 'table' })}>${isTable ? 'as a chart' : 'as a table'}</a></div></header>
    <div class="body cols wide">
      ${isTable ? html`<${HistoryTable} model=${model} />` : html`<${Curve} model=${model} />`}
      <${VersionTable} model=${model} />
    </div>
  </section>`;
}

/** The order of the curve, from the bottom: what comes, what stays, what went. */
function layersOf({ versions, history }: ModelInField): AdoptionLayer[] {
  const comes = versions.some(({ role }) => role === 'candidate');
  const known = versions.flatMap(({ version, role }) =>
    version === null ? [] : [{ version: version.version, tone: comes && role === 'stable' ? 'stable' : TONES[role] }],
  );
  const names = new Set(known.map(({ version }) => version));
  const gone = new Set(history.flatMap(({ counts }) => Object.keys(counts)).filter((version) => !names.has(version)));
  return [...known, ...[...gone].map((version) => ({ version, tone: 'stable' as const }))];
}

function nameOf({ model, versions, history }: ModelInField): string {
  const [first, last] = [history[0], history.at(-1)];
  const days =
    first === undefined || last === undefined ? '' : ` from ${formatDay(first.atMs)} to ${formatDay(last.atMs)}`;
  const now = versions
    .filter(({ devices }) => devices > 0)
    .map(({ version, devices }) => `${version?.version ?? 'not known'} on ${formatCount(devices)}`);
  return `Devices by version of ${model}${days}. Now: ${now.slice(0, 5).join(', ')}.`;
}

function Curve({ model }: { readonly model: ModelInField }): VNode {
  return html`<figure><${AdoptionCurve} name=${nameOf(model)} layers=${layersOf(model)} points=${model.history} marks=${model.marks} format=${formatCount} /><${Marks} marks=${model.marks} /></figure>`;
}

function Marks({ marks }: { readonly marks: readonly CommitMark[] }): VNode | null {
  if (marks.length === 0) return null;
  return html`<ol class="marks">${marks.map(({ letter, text, commit }) => html`<li key=${commit}><b>${letter}</b> <bdi>${text}</bdi></li>`)}</ol>`;
}

function HistoryTable({ model }: { readonly model: ModelInField }): VNode {
  const layers = layersOf(model);
  const rows = model.history.map(
    ({ atMs, counts }) =>
      html`<tr key=${atMs}><th scope="row">${formatDay(atMs)} ${formatTime(atMs).slice(0, 5)}</th>${layers.map(({ version }) => html`<td class="num">${Object.hasOwn(counts, version) ? formatCount(counts[version] ?? 0) : '–'}</td>`)}</tr>`,
  );
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Devices by version, as a table"><table class="tight"><thead><tr><th scope="col">Time</th>${layers.map(({ version }) => html`<th scope="col" class="num"><bdi>${version}</bdi></th>`)}</tr></thead><tbody>${rows}</tbody></table></div>`;
}

function VersionTable({ model: { model, versions } }: { readonly model: ModelInField }): VNode {
  const rows = versions.map(
    ({ version, role, devices, text }, i) =>
      html`<tr key=${version?.digest ?? i}><th scope="row">${version === null ? 'not known' : html`<a href=${exposureHref(model, version.version)} title="Which devices had it"><bdi class="m">${version.version}</bdi></a>`} ${role !== 'other' && role !== 'unknown' && html`<span class="t2">${role === 'before' ? 'before it' : role}</span>`}<small><bdi>${text}</bdi></small></th><td class="num"><b>${formatCount(devices)}</b></td></tr>`,
  );
  return html`<table class="tight versions"><thead><tr><th scope="col">Version</th><th scope="col" class="num">Devices</th></tr></thead><tbody>${rows}</tbody></table>`;
}
