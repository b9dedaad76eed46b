// Owns what stands around each page: the way to the content, navigation, search, the age of what is shown, and the foot.
import { html } from 'htm/preact';
import type { ComponentChildren, VNode } from 'preact';
import { useContext } from 'preact/hooks';
import { Icon, Sprite } from './icons.ts';
import type { PageAsOf, Person } from './page-data.ts';
import { formatAge, formatTime, NowContext } from './time.ts';

/** How the page hears of changes. `still`: not at all, as without JavaScript. */
export type Live =
  | { readonly kind: 'still' }
  /** Last heard of the service at `heardAtMs`. */
  | { readonly kind: 'live'; readonly heardAtMs: number }
  | { readonly kind: 'catching-up'; readonly awayMs: number }
  | { readonly kind: 'cut-off'; readonly sinceMs: number; readonly retryAtMs: number };

/** What is older counts as late. */
export const LATE_MS = 15_000;

const PLACES = [
  { name: 'Rollouts', href: '/', section: 'rollouts' },
  { name: 'Devices', href: '/devices', section: 'devices' },
  { name: 'Service', href: '/service', section: 'service' },
] as const;

export type Section = (typeof PLACES)[number]['section'];

export interface FrameProps {
  readonly section: Section | null;
  readonly asOf: PageAsOf | null;
  readonly live: Live;
  readonly person: Person | null;
  readonly find?: string;
  readonly children?: ComponentChildren;
}

export function Frame({ section, asOf, live, person, find = '', children }: FrameProps): VNode {
  return html`<${Sprite} />
    <a class="skip" href="#main">Skip to the content</a>
    <header class="top"><div>
      <a class="brand" href="/"><${Mark} />Slipway</a>
      <nav class="nav" aria-label="Main">
        ${PLACES.map(
          ({ name, href, section: own }) =>
            html`<a key=${own} href=${href} aria-current=${own === section ? 'page' : undefined}>${name}</a>`,
        )}
      </nav>
      <search><form action="/find" method="get" class="find">
        <${Icon} name="search" />
        <label class="hid" for="find">Find a rollout, a device or a commit</label>
        <input id="find" type="search" name="q" value=${find} maxlength="200" autocomplete="off" placeholder="Find a rollout, device or commit" />
        <kbd aria-hidden="true">/</kbd>
      </form></search>
      ${asOf === null ? null : html`<${AsOf} asOf=${asOf} live=${live} />`}
    </div></header>
    <main class="page" id="main" tabindex="-1">
      <${LiveBanner} live=${live} />
      ${children}
      <${Foot} person=${person} />
    </main>`;
}

function Mark(): VNode {
  return html`<svg viewBox="0 0 20 20" aria-hidden="true"><path d="M1 17.5 19 12.5" stroke="currentColor" stroke-width="2" stroke-linecap="round" /><path d="M3.2 8.3 17.6 4.3 14.8 10.6 5.8 13.1Z" fill="currentColor" /></svg>`;
}

function AsOf({ asOf, live }: { readonly asOf: PageAsOf; readonly live: Live }): VNode {
  const nowMs = useContext(NowContext).value;
  const atMs = Math.max(asOf.atMs, live.kind === 'live' ? live.heardAtMs : 0);
  const isLate = nowMs - atMs > LATE_MS;
  const age =
    live.kind === 'still'
      ? null
      : html`<span class=${isLate ? 'warn' : undefined}>, ${formatAge(nowMs - atMs)} ago</span>`;
  const commit =
    asOf.commit === null ? null : html`<span class="wide-only">, commit <code>${asOf.commit.slice(0, 7)}</code></span>`;
  return html`<div class="asof">
    <${LiveChip} live=${live} isLate=${isLate} />
    <span><span class="wide-only">As of </span>${formatTime(atMs)}${commit}${age}</span>
  </div>`;
}

function LiveChip({ live, isLate }: { readonly live: Live; readonly isLate: boolean }): VNode | null {
  if (live.kind === 'still') return null;
  if (live.kind === 'live' && !isLate) return html`<span class="chip ok"><${Icon} name="live" small />Live</span>`;
  if (live.kind === 'catching-up') return html`<span class="chip"><${Icon} name="moving" small />Catching up</span>`;
  return html`<span class="chip warn"><${Icon} name="warn" small />${live.kind === 'live' ? 'Late' : 'Not live'}</span>`;
}

/** Says it where it is read when the page is not what is true now. */
function LiveBanner({ live }: { readonly live: Live }): VNode | null {
  const nowMs = useContext(NowContext).value;
  if (live.kind !== 'cut-off') return null;
  const { sinceMs, retryAtMs } = live;
  const next = retryAtMs > nowMs ? `Trying again in ${formatAge(retryAtMs - nowMs + 999)}.` : 'Trying again now.';
  return html`<div class="banner warn-b" role="status">
    <span class="st warn"><${Icon} name="warn" />Not live</span>
    <span>The service has not answered since ${formatTime(sinceMs)}, ${formatAge(nowMs - sinceMs)} ago. What you see is as of then. ${next}</span>
    <span class="end"><a class="btn" href="" data-act="read-again">Try now</a></span>
  </div>`;
}

function Foot({ person }: { readonly person: Person | null }): VNode {
  return html`<footer class="foot">
    <span>Times are UTC, by the service’s clock</span>
    <span class="wide-only">Filters are in the address: copy it to share what you see</span>
    ${
      person === null
        ? null
        : html`<form class="end no-print" method="post" action="/logout"><span>You are <bdi>${person.name}</bdi></span> <button class="btn bare" type="submit">Log out</button></form>`
    }
  </footer>`;
}
