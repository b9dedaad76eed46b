// Owns the front page: what needs a person, the fleet, each rollout in a line, versions in the field, and the service in short.
import { html } from 'htm/preact';
import type { VNode } from 'preact';
import { formatCount } from '../../wording/amounts.ts';
import { MiniTrack } from '../charts/track.ts';
import type { DeviceCounts, Overview, PersonNeed, RolloutRow, VersionRef } from '../read-model/types.generated.ts';
import { FleetCard } from './fleet-card.ts';
import { Icon } from './icons.ts';
import { ModelsCard } from './models-card.ts';
import { type PageAddress, type PageProps, safeLink, withQuery } from './page-data.ts';
import { Prose } from './parts.ts';
import { Blank } from './problem.ts';
import { ServiceLine } from './service-line.ts';
import { useSteady } from './steady.ts';
import { Age } from './time.ts';
import { lookOfVerdict, NEED_LOOKS, ROLLOUT_LOOKS, State } from './words.ts';

export function frontTitle({ needsPerson }: Overview): string {
  const count = needsPerson.length;
  return count === 0 ? 'Rollouts' : `${formatCount(count)} ${count === 1 ? 'needs' : 'need'} a person`;
}

export function FrontPage({ value, address }: PageProps<Overview>): VNode {
  const { needsPerson, fleet, rollouts, models, service } = value;
  return html`<h1 class="hid">Fleet overview</h1>
    <div class="cols wide">
      <${Needs} needs=${needsPerson} rollouts=${rollouts.length} />
      <${FleetCard} fleet=${fleet} />
    </div>
    <${RolloutsCard} rollouts=${rollouts} address=${address} />
    <${ModelsCard} models=${models} address=${address} />
    <${ServiceLine} service=${service} commit=${value.asOf.commit} />`;
}

const MOST_NEEDS = 20;

function Needs({ needs, rollouts }: { readonly needs: readonly PersonNeed[]; readonly rollouts: number }): VNode {
  const count = needs.length > 0 && html`<span class="chip person">${formatCount(needs.length)}</span>`;
  const more = needs.length - MOST_NEEDS;
  return html`<section class="card" aria-labelledby="h-todo">
    <header><h2 id="h-todo">Needs a person</h2>${count}<div class="end"><span class="hide-s">most urgent first</span><a href="/v1/overview">JSON</a></div></header>
    ${
      needs.length === 0
        ? html`<${Blank} icon="ok" title="Nothing needs a person"><p>${rollouts === 0 ? 'No rollout is declared.' : `${formatCount(rollouts)} ${rollouts === 1 ? 'rollout is' : 'rollouts are'} on the way or complete.`}</p><//>`
        : html`<ul class="todo">${needs.slice(0, MOST_NEEDS).map((need, i) => html`<${Need} key=${`${need.kind} ${need.rollout} ${i}`} need=${need} />`)}</ul>`
    }
    ${more > 0 && html`<p class="note body">${formatCount(more)} more: <code>slipway status</code> has them all.</p>`}
  </section>`;
}

function Need({ need }: { readonly need: PersonNeed }): VNode {
  const { kind, rollout, text, sinceMs, label } = need;
  const [href, runbook] = [safeLink(need.href), safeLink(need.runbook)];
  const { icon, word, tone } = NEED_LOOKS[kind];
  return html`<li>
    <span class=${tone}><${Icon} name=${icon} /></span>
    <div>
      <p><span class=${`k ${tone}`}>${word}</span>${rollout !== null && html` · <b><a data-row href=${href ?? rolloutHref(rollout)}><bdi>${rollout}</bdi></a></b>`}${sinceMs !== null && html` <span class="t3">for <${Age} sinceMs=${sinceMs} /></span>`}</p>
      <p class="clamp">${Prose({ text })}</p>
    </div>
    <div class="act">
      ${href !== null && html`<a class=${kind === 'approval' ? 'btn first' : 'btn'} href=${href}>${label}</a>`}
      ${runbook !== null && html`<a class="btn bare" href=${runbook}>Runbook</a>`}
    </div>
  </li>`;
}

function rolloutHref(name: string): string {
  return `/rollouts/${encodeURIComponent(name)}`;
}

const FILTERS = [
  'rolling',
  'in-trouble',
  'waits-for-approval',
  'paused',
  'stalled',
  'complete',
  'reverted',
  'not-started',
] as const;

function RolloutsCard({
  rollouts,
  address,
}: {
  readonly rollouts: readonly RolloutRow[];
  readonly address: PageAddress;
}): VNode {
  const { state } = address.query;
  const shown = state === undefined ? rollouts : rollouts.filter((row) => row.state === state);
  const steady = useSteady(shown, ({ rollout }) => rollout);
  const chips = FILTERS.flatMap((one) => {
    const count = rollouts.filter((row) => row.state === one).length;
    return count === 0 && one !== state
      ? []
      : [
          html`<a key=${one} href=${withQuery(address, { state: one })} aria-current=${one === state ? 'true' : undefined}>${ROLLOUT_LOOKS[one].word} <b>${formatCount(count)}</b></a>`,
        ];
  });
  const rows = steady.rows.map((row) => html`<${Row} key=${row.rollout} row=${row} />`);
  return html`<section class="card" aria-labelledby="h-roll" ...${steady.hold}>
    <header><h2 id="h-roll">Rollouts</h2>
      <nav class="filters" aria-label="Filter rollouts"><a href=${withQuery(address, { state: null })} aria-current=${state === undefined ? 'true' : undefined}>All <b>${formatCount(rollouts.length)}</b></a>${chips}</nav>
      <div class="end">${steady.moved > 0 && html`<button type="button" class="btn bare" onClick=${steady.show}>${formatCount(steady.moved)} ${steady.moved === 1 ? 'row' : 'rows'} changed order: show</button>`}<code class="hide-s">slipway status</code><a href="/figures">Figures</a><a href="/v1/rollouts">JSON</a></div>
    </header>
    ${
      shown.length === 0
        ? html`<${NoRollouts} hasAny=${rollouts.length > 0} address=${address} />`
        : html`<div class="scroll" tabindex="0" role="region" aria-label="Rollouts, as a table"><table class="rows rollouts">
      <caption class="hid">Rollouts, those in trouble first</caption>
      <thead><tr><th scope="col">Rollout</th><th scope="col">From → to</th><th scope="col">Stage</th><th scope="col">Verdict</th><th scope="col">Waits for</th><th scope="col">Ready</th><th scope="col" class="num">Age</th></tr></thead>
      <tbody>${rows}</tbody></table></div>`
    }
  </section>`;
}

function NoRollouts({ hasAny, address }: { readonly hasAny: boolean; readonly address: PageAddress }): VNode {
  if (hasAny)
    return html`<${Blank} icon="search" title="No rollout is in this state"><a class="btn" href=${withQuery(address, { state: null })}>Show all</a><//>`;
  return html`<${Blank} icon="commit" title="No rollout is declared"><p>Commit a file to <code>rollouts/</code>. Slipway starts it in its first stage within seconds.</p><div class="cli"><span>slipway init my-models --home .slipway --example</span></div><//>`;
}

function Row({ row }: { readonly row: RolloutRow }): VNode {
  const { rollout, target, from, to, stages, verdict, waitingFor, sinceMs, state } = row;
  const apart = [...new Set(stages.flatMap(({ strand }) => (strand === null ? [] : [strand])))];
  const current = stages.find(
    (one) => one.strand === null && (one.state === 'current' || one.state === 'waits' || one.state === 'reverted'),
  );
  const stage = state === 'complete' ? 'complete' : (current?.text ?? ROLLOUT_LOOKS[state].word.toLowerCase());
  return html`<tr>
    <th scope="row"><a data-row href=${rolloutHref(rollout)}><b><bdi>${rollout}</bdi></b></a><small class="clip"><bdi>${target}</bdi></small></th>
    <td class="ver">${from !== null && from.version !== to?.version && html`<s><${Version} of=${from} /></s> → `}<${Version} of=${to} /></td>
    <td class="full stage"><${MiniTrack} name=${`Stages of ${rollout}`} stages=${stages} /><small>${stage}</small></td>
    <td class="full"><${State} look=${lookOfVerdict(row)} /><small class="clip"><bdi>${verdict.text}</bdi></small>${apart.length > 0 && html`<small class="clip"><${Icon} name="apart" small /> <bdi>${apart.join(', ')}</bdi> apart</small>`}</td>
    <td class="full" data-l="Waits for">${waitingFor === null ? '–' : html`<span class="clip"><bdi>${waitingFor}</bdi></span>`}</td>
    <td class="nw" data-l="Ready"><${Ready} counts=${row.devices} /></td>
    <td class="num nw" data-l="Age"><${Age} sinceMs=${sinceMs} /></td>
  </tr>`;
}

function Version({ of }: { readonly of: VersionRef | null }): VNode {
  if (of === null) return html`<span>–</span>`;
  const changed = of.parameters?.length ?? 0;
  return html`<bdi>${of.version}</bdi>${changed > 0 && html`<small>${changed === 1 ? '1 parameter' : `${changed} parameters`}</small>`}`;
}

/** Two of what is wrong most, in words. */
function Ready({ counts }: { readonly counts: DeviceCounts | null }): VNode {
  if (counts === null) return html`<span>–</span>`;
  const { ready, expected, failed, refused, changing, silent, unreachable, undelivered, denied, heldBack } = counts;
  const parts = [
    [failed, 'failed'],
    [refused, 'refused'],
    [undelivered, 'undelivered'],
    [changing, 'changing'],
    [silent, 'silent'],
    [unreachable, 'unreachable'],
    [denied, 'denied'],
    [heldBack, 'held back'],
  ] as const;
  const told = parts
    .flatMap(([count, word]) => (count !== null && count > 0 ? [[count, word] as const] : []))
    .slice(0, 2);
  return html`<b>${formatCount(ready)}</b> of ${formatCount(expected)}<small>${told.map(([count, word]) => `${formatCount(count)} ${word}`).join(', ')}</small>`;
}
