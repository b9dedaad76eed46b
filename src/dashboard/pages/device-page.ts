// Owns the page of one device: what is declared beside what it runs, why it is in its arm, and what it says of itself.
import { html } from 'htm/preact';
import type { VNode } from 'preact';
import { formatCount } from '../../wording/amounts.ts';
import type { DeviceModel, DeviceView, ExposureRow, VersionRef } from '../read-model/types.generated.ts';
import { CohortCard } from './cohort-card.ts';
import { DeviceAside } from './device-aside.ts';
import { DeviceReports } from './device-reports.ts';
import { Icon, type IconName } from './icons.ts';
import { type PageAddress, type PageProps, withQuery } from './page-data.ts';
import { Age, Instant } from './time.ts';
import { DEVICE_LOOKS, State, type Tone } from './words.ts';

export function deviceTitle({ device, state }: DeviceView): string {
  return `${device}: ${DEVICE_LOOKS[state].word.toLowerCase()}`;
}

export function DevicePage({ value, address }: PageProps<DeviceView>): VNode {
  const { device, models, changes, failures } = value;
  const model =
    models.find((one) => one.model === address.query.model) ??
    models.find(({ arm }) => arm === 'candidate') ??
    models[0];
  const labels = Object.entries(value.labels).slice(0, 12);
  return html`<div><p class="crumb"><a href="/devices">Devices</a> / <bdi>${device}</bdi></p>
    <div class="head"><h1><bdi>${device}</bdi></h1><div class="meta">${labels.map(([name, one]) => html`<span key=${name} class="tag"><bdi>${name}=${one}</bdi></span>`)}<a href=${`/v1/devices/${encodeURIComponent(device)}`}>JSON</a></div></div></div>
    <section class="card pad" aria-label="State"><${Sentence} view=${value} /></section>
    <div class="cols wide"><div class="stack">
      <${ModelsTable} view=${value} chosen=${model} address=${address} />
      ${model !== undefined && html`<${CohortCard} model=${model} device=${device} />`}
      <${DeviceReports} recent=${value.recent} />
      <${Changes} changes=${changes} />
      <${Failures} failures=${failures} />
    </div><${DeviceAside} view=${value} model=${model} /></div>`;
}

function Sentence({ view }: { readonly view: DeviceView }): VNode {
  const { state, text, asDeclared, declared, lastSeenAtMs } = view;
  const runs =
    declared === 0
      ? 'Nothing is declared for it'
      : `It runs what Git declares for ${asDeclared === declared ? `${declared === 1 ? 'its model' : `all ${formatCount(declared)} models`}` : `${formatCount(asDeclared)} of ${formatCount(declared)} models`}`;
  const seen =
    lastSeenAtMs === null
      ? ', and it has never reported.'
      : html`, and it reported <${Age} sinceMs=${lastSeenAtMs} ago />.`;
  return html`<p class="saying" aria-live="polite"><${State} look=${DEVICE_LOOKS[state]} />. ${runs}${seen} ${text !== null && html`<bdi class="clamp">${text}</bdi>`}</p>`;
}

const ARMS: Readonly<Record<DeviceModel['arm'], readonly [IconName, string, Tone | '']>> = {
  candidate: ['moving', 'candidate', 'person'],
  stable: ['ok', 'stable', ''],
  apart: ['apart', 'apart', ''],
  'held-back': ['pause', 'held back', ''],
  none: ['gone', 'no arm', ''],
};

function Ref({ of }: { readonly of: VersionRef | null }): VNode {
  if (of === null) return html`<span>–</span>`;
  return html`<bdi>${of.version}</bdi> <s>${of.digest?.replace('sha256:', '').slice(0, 6) ?? ''}</s>`;
}

function ModelsTable({
  view,
  chosen,
  address,
}: {
  readonly view: DeviceView;
  readonly chosen: DeviceModel | undefined;
  readonly address: PageAddress;
}): VNode {
  const rows = view.models.map((one) => {
    const { model, rollout, declared, running, isSame, arm, why } = one;
    const [icon, word, tone] = ARMS[arm];
    const same = isSame
      ? html`<span class="ok"><${Icon} name="ok" small /></span> yes`
      : html`<span class="warn"><${Icon} name="warn" small /></span> no`;
    return html`<tr key=${model} class=${one === chosen ? 'sel-row' : undefined}>
      <th scope="row"><a data-row href=${withQuery(address, { model })}><bdi>${model}</bdi></a>${rollout !== null && html`<small>in <a href=${`/rollouts/${encodeURIComponent(rollout)}`}><bdi>${rollout}</bdi></a></small>`}</th>
      <td class="ver" data-l="Git declares"><${Ref} of=${declared} /></td><td class="ver" data-l="It runs"><${Ref} of=${running} /></td><td class="nw" data-l="Same">${same}</td>
      <td><span class=${`chip ${tone}`}><${Icon} name=${icon} small />${word}</span></td><td class="full t2 small"><bdi class="clip">${why}</bdi></td></tr>`;
  });
  return html`<section class="card" aria-labelledby="h-dec"><header><h2 id="h-dec">Declared, and running</h2></header>
    <div class="scroll" tabindex="0" role="region" aria-label="Declared and running versions"><table class="rows tight"><thead><tr><th scope="col">Model</th><th scope="col">Git declares</th><th scope="col">It runs</th><th scope="col">Same</th><th scope="col">Arm</th><th scope="col">Why</th></tr></thead><tbody>${rows}</tbody></table></div></section>`;
}

const MOST_CHANGES = 50;

function Changes({ changes }: { readonly changes: readonly ExposureRow[] }): VNode | null {
  if (changes.length === 0) return null;
  const rows = changes
    .slice(0, MOST_CHANGES)
    .map(
      ({ model, version, digest, fromMs, untilMs, how }) =>
        html`<tr key=${`${model} ${digest} ${fromMs}`}><th scope="row"><bdi>${model}</bdi></th><td class="ver"><bdi>${version ?? digest?.slice(0, 14) ?? 'not known'}</bdi></td><td class="nw"><${Instant} atMs=${fromMs} /></td><td class="nw">${untilMs === null ? 'now' : html`<${Instant} atMs=${untilMs} />`}</td><td class="t2"><bdi class="clip">${how}</bdi></td></tr>`,
    );
  return html`<section class="card" aria-labelledby="h-changes"><header><h2 id="h-changes">What it had, newest first</h2><div class="end">${changes.length > MOST_CHANGES && `${MOST_CHANGES} of ${formatCount(changes.length)}`}</div></header>
    <div class="scroll" tabindex="0" role="region" aria-label="Versions over time"><table class="tight"><thead><tr><th scope="col">Model</th><th scope="col">Version</th><th scope="col">From</th><th scope="col">Until</th><th scope="col">How it is known</th></tr></thead><tbody>${rows}</tbody></table></div></section>`;
}

const MOST_FAILURES = 20;

function Failures({ failures }: { readonly failures: DeviceView['failures'] }): VNode | null {
  if (failures.length === 0) return null;
  const lines = failures
    .slice(0, MOST_FAILURES)
    .map(
      ({ atMs, kind, text }, i) =>
        html`<li key=${`${atMs} ${i}`}><${Instant} atMs=${atMs} /><b><bdi>${kind}</bdi></b><bdi class="clamp">${text}</bdi></li>`,
    );
  return html`<section class="card" aria-labelledby="h-log"><header><h2 id="h-log">Failures, newest first</h2><div class="end">${Math.min(MOST_FAILURES, failures.length)} of ${formatCount(failures.length)}, as the device reported them</div></header><div class="body"><ol class="log">${lines}</ol></div></section>`;
}
