// Owns what stands beside a device: its slots, who it is, where its labels come from, and what is not believed or refused.
import { html } from 'htm/preact';
import type { VNode } from 'preact';
import { formatCount } from '../../wording/amounts.ts';
import type { DeviceModel, DeviceSlot, DeviceView } from '../read-model/types.generated.ts';
import { Icon } from './icons.ts';
import { Instant } from './time.ts';

export function DeviceAside({
  view,
  model,
}: {
  readonly view: DeviceView;
  readonly model: DeviceModel | undefined;
}): VNode {
  return html`<aside class="stack">
    ${model !== undefined && model.slots.length > 0 && html`<${Slots} model=${model} />`}
    ${model !== undefined && model.outcomes.length > 0 && html`<${Outcomes} model=${model} />`}
    <${Identity} view=${view} />
    <${Labels} sources=${view.labelSources} />
    <${Doubts} title="Refused" lines=${view.refusals} />
    <${Doubts} title="Claims that are not believed" lines=${view.claims} />
    <${Steer} model=${model} />
  </aside>`;
}

function Slot({ slot, isRunning }: { readonly slot: DeviceSlot; readonly isRunning: boolean }): VNode {
  return html`<li class=${isRunning ? 'slot on' : 'slot'}><span class=${isRunning ? 'person small' : 't3 small'}>${isRunning && html`<${Icon} name="ok" small /> `}Slot <bdi>${slot.slot}</bdi>${isRunning ? ', running' : ''}</span><b><bdi>${slot.version ?? 'empty'}</bdi></b><span class="t2"><bdi>${slot.state}</bdi></span>${slot.digest !== null && html`<span class="m small t3">${slot.digest.slice(0, 14)}…</span>`}</li>`;
}

function Slots({ model: { model, slots, running } }: { readonly model: DeviceModel }): VNode {
  return html`<section class="card" aria-labelledby="h-slots"><header><h2 id="h-slots">Slots of <bdi>${model}</bdi></h2></header><ul class="body slots">${slots.map((slot) => html`<${Slot} key=${slot.slot} slot=${slot} isRunning=${slot.digest !== null && slot.digest === running?.digest} />`)}</ul></section>`;
}

function Outcomes({ model: { outcomes } }: { readonly model: DeviceModel }): VNode {
  const lines = outcomes
    .slice(0, 6)
    .map(
      ({ version, digest, text, atMs, kind }) =>
        html`<li key=${`${digest} ${atMs}`}><b><bdi>${version ?? digest.slice(0, 14)}</bdi></b> ${kind}, <${Instant} atMs=${atMs} /><small class="sub"><bdi class="clamp">${text}</bdi></small></li>`,
    );
  return html`<section class="card" aria-labelledby="h-out"><header><h2 id="h-out">What became of versions</h2></header><ul class="body lines">${lines}</ul></section>`;
}

function Identity({ view: { identity } }: { readonly view: DeviceView }): VNode {
  const { enrolledAtMs, epoch, key, newestSequence, agent, platform, properties } = identity;
  const facts: (readonly [name: string, value: unknown])[] = [
    [
      'Enrolled',
      html`${enrolledAtMs === null ? 'not known' : html`<${Instant} atMs=${enrolledAtMs} />`}, epoch ${epoch}`,
    ],
    ['Key', html`<code class="clip">${key}</code>`],
    ['Last report', `sequence ${formatCount(newestSequence)}`],
    ['Agent', agent ?? 'not known'],
    ['Platform', platform ?? 'not known'],
    ...Object.entries(properties)
      .filter(([name]) => name !== 'agent' && name !== 'platform')
      .slice(0, 20),
  ];
  return html`<section class="card" aria-labelledby="h-id"><header><h2 id="h-id">Identity</h2></header><dl class="body pairs">${facts.map(([name, value]) => html`<dt key=${name}><bdi>${name}</bdi></dt><dd><bdi>${value}</bdi></dd>`)}</dl></section>`;
}

const SOURCES = {
  token: 'from its enrolment token',
  documents: 'from the fleet documents',
  stated: 'it says so itself',
  contradicted: 'it says so, and documents say otherwise',
} as const;

function Labels({ sources }: { readonly sources: DeviceView['labelSources'] }): VNode | null {
  if (sources.length === 0) return null;
  const lines = sources.map(
    ({ name, value, source }) =>
      html`<li key=${`${name} ${source}`}><span class="tag"><bdi>${name}=${value}</bdi></span> <small class=${source === 'contradicted' ? 'sub warn' : 'sub'}>${source === 'contradicted' && html`<${Icon} name="warn" small /> `}${SOURCES[source]}</small></li>`,
  );
  return html`<section class="card" aria-labelledby="h-labels"><header><h2 id="h-labels">Labels, and who says so</h2></header><ul class="body lines">${lines}</ul></section>`;
}

function Doubts({ title, lines }: { readonly title: string; readonly lines: readonly string[] }): VNode | null {
  if (lines.length === 0) return null;
  return html`<section class="card"><header><h2><span class="warn"><${Icon} name="warn" /></span> ${title}</h2></header><ul class="body lines">${lines.slice(0, 10).map((line, i) => html`<li key=${i}><bdi class="clamp">${line}</bdi></li>`)}</ul></section>`;
}

/** All devices get the same directive: what can be asked for is about a rollout or a group of it. */
function Steer({ model }: { readonly model: DeviceModel | undefined }): VNode | null {
  if (model === undefined || model.rollout === null) return null;
  const { rollout } = model;
  return html`<section class="card no-print" aria-labelledby="h-act"><header><h2 id="h-act">Steer it</h2></header><div class="body stack"><p class="note">One device can’t be steered by itself: all get the same directive. What you can ask for is about its rollout, or about a group of devices in it.</p><a class="btn" href=${`/rollouts/${encodeURIComponent(rollout)}#steer`}>Steer <bdi>${rollout}</bdi></a></div></section>`;
}
