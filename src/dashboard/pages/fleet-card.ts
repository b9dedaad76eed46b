// Owns the fleet in numbers: what share runs what is declared, and in which states the devices are.
import { html } from 'htm/preact';
import type { VNode } from 'preact';
import { formatCount, percent } from '../../wording/amounts.ts';
import type { FleetSummary, StateCount } from '../read-model/types.generated.ts';
import { Icon } from './icons.ts';
import { Blank } from './problem.ts';
import { DEVICE_LOOKS } from './words.ts';

/** The states of the fleet as one bar; the list beside it says the same in words. */
export function StateBar({ counts }: { readonly counts: readonly StateCount[] }): VNode {
  const shown = counts.filter(({ count }) => count > 0);
  const total = shown.reduce((sum, { count }) => sum + count, 0) || 1;
  // Few devices must be seen too: each part has its least width, and the rest is shared.
  const least = 0.6;
  const widths = shown.map(({ count }) => least + (100 - least * shown.length) * (count / total));
  let from = 0;
  const parts = shown.map(({ state }, i) => {
    const [x, width] = [from, widths[i] ?? 0];
    from += width;
    return html`<rect key=${state} class=${`state-bar ${DEVICE_LOOKS[state].tone}`} x=${`${x}%`} width=${`${Math.max(0.3, width - 0.2)}%`} height="8" rx="2" />`;
  });
  return html`<svg class="states" width="100%" height="8" aria-hidden="true">${parts}</svg>`;
}

export function FleetCard({ fleet }: { readonly fleet: FleetSummary }): VNode {
  const { enrolled, states, share, howCounted } = fleet;
  const all = html`<a href="/devices">all ${formatCount(enrolled)} ${enrolled === 1 ? 'device' : 'devices'}</a>`;
  return html`<section class="card" aria-labelledby="h-score">
    <header><h2 id="h-score">The fleet</h2><div class="end">${enrolled > 0 && all}</div></header>
    ${
      enrolled === 0
        ? html`<${Blank} icon="gone" title="No device is enrolled"><p>Devices enrol with a token: <code>slipway token create --enrol</code>.</p><//>`
        : html`<div class="body score">
      <p class="big">${share === null ? '–' : percent(share)} <small>run what Git declares</small></p>
      <${StateBar} counts=${states} />
      <ul class="key">${states.map(({ state, count }) => html`<${StateRow} key=${state} state=${state} count=${count} />`)}</ul>
      <p class="note">${howCounted}</p>
    </div>`
    }
  </section>`;
}

function StateRow({ state, count }: StateCount): VNode {
  const { icon, word, tone } = DEVICE_LOOKS[state];
  return html`<li><span class=${tone}><${Icon} name=${icon} /></span><a href=${`/devices?state=${state}`}>${word.toLowerCase()}</a><span class="n">${formatCount(count)}</span></li>`;
}
