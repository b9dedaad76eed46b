// Owns the page of one rollout: the sentence, the track, each rule from its limit and over time, who is compared, where it hurts, the history.
import { html } from 'htm/preact';
import type { VNode } from 'preact';
import { clipped } from '../../base/plain-text.ts';
import { StageRail } from '../charts/track.ts';
import type { AsOf, RolloutView, StageRow } from '../read-model/types.generated.ts';
import { CompareSection } from './compare-section.ts';
import { exposureHref } from './exposure-page.ts';
import { Icon } from './icons.ts';
import { type PageAddress, type PageProps, withQuery } from './page-data.ts';
import { amountText, Card, Commit, countText, Name, Prose, versionText } from './parts.ts';
import { ComparedArms, ErrorsByKind, GroupHeat, WeighingDevices } from './rollout-groups.ts';
import { RolloutHistory } from './rollout-history.ts';
import { StateCounts } from './rule-states.ts';
import { RuleStrips } from './rule-strips.ts';
import { RuleTiles, Runbook, tilesAxis } from './rule-tiles.ts';
import { Steer } from './steer.ts';
import { Instant } from './time.ts';
import { ROLLOUT_LOOKS, State } from './words.ts';

export interface RolloutPageValue {
  /** Of now, also where the page shows the past. */
  readonly asOf: AsOf;
  readonly view: RolloutView;
  /** The commit that the page is shown as of (`?at=`); null for now. */
  readonly at: string | null;
  /** What `?compare=` names; null where it names nothing. */
  readonly other: RolloutView | null;
  /** Rules that the view leaves out: those that need a look least. */
  readonly moreRules: number;
  /** Message of the commit that `?commit=` names; null where it was not read. */
  readonly message: string | null;
}

/** Rollout, stage, state. */
export function rolloutTitle({ view }: Pick<RolloutPageValue, 'view'>): string {
  return `${view.rollout}${view.stage === null ? '' : ` in ${view.stage}`}: ${ROLLOUT_LOOKS[view.state].word.toLowerCase()}`;
}

function Stage({ stage, isApart }: { readonly stage: StageRow; readonly isApart: boolean }): VNode {
  const share = amountText(stage.share, 'ratio');
  const size =
    stage.devices === null
      ? ''
      : ` · ${countText(stage.devices)} ${stage.devices === 1 ? 'device' : 'devices'}${share === null ? '' : ` (${share})`}`;
  return html`<li class=${stage.state === 'current' ? 'now' : ''}>${StageRail({ stage, isApart })}<p class="h">${Name({ text: stage.name, most: 40 })} <span class="t3">${size}</span></p><p>${Prose({ text: stage.text })}</p></li>`;
}

function Track({ stages }: { readonly stages: readonly StageRow[] }): VNode | null {
  const own = stages.filter(({ strand }) => strand === null);
  const apart = stages.filter(({ strand }) => strand !== null);
  if (own.length === 0) return null;
  return html`<ol class="track">${own.map((stage) => Stage({ stage, isApart: apart.some(({ name }) => name === stage.name) }))}</ol>
    ${apart.length > 0 && html`<ul class="strands">${apart.map((stage) => html`<li><${Icon} name="apart" small /> <b>${Name({ text: stage.strand ?? '', most: 60 })}</b> ${Prose({ text: stage.text })}</li>`)}</ul>`}`;
}

function Head({
  view,
  address,
  at,
}: {
  readonly view: RolloutView;
  readonly address: PageAddress;
  readonly at: string | null;
}): VNode {
  const { rollout, from, to, policy, target, revision, attempt, history } = view;
  const earlier =
    history.find(({ commit }) => commit !== null && commit !== at && commit !== view.asOf.commit)?.commit ?? null;
  const before =
    from !== null &&
    to !== null &&
    from.version !== to.version &&
    html`<span class="t3 thin">${Name({ text: versionText(from), most: 60 })} → </span>`;
  return html`<div><p class="crumb"><a href="/">Rollouts</a> / ${Name({ text: rollout })}</p>
    <div class="head"><h1>${Name({ text: rollout })} ${before}${Name({ text: versionText(to), most: 60 })}</h1>
    <div class="meta"><span>Policy ${Name({ text: policy, most: 60 })}</span><span>Target <span class="m">${Name({ text: target })}</span></span><span>Revision ${countText(revision)}${attempt !== null && `, attempt ${countText(attempt)}`}</span>
      ${from !== null && html`<a href=${withQuery(address, { compare: from.version, at: null })}>Compare with ${Name({ text: from.version, most: 40 })}</a>`}
      ${to !== null && html`<a href=${exposureHref(view.model, to.version)}>Who had ${Name({ text: to.version, most: 40 })}</a>`}
      <a href=${`/figures?${new URLSearchParams({ rollout }).toString()}`}>Figures</a>
      ${earlier !== null && html`<a href=${withQuery(address, { at: earlier })}>This page at an earlier commit</a>`}
      ${view.rejected !== null && html`<a href=${`${address.path}/reverted`}>Post-mortem of ${Name({ text: view.rejected.version.version, most: 40 })}</a>`}</div></div></div>`;
}

function Sentence({ view }: { readonly view: RolloutView }): VNode {
  return html`<section class="card" aria-label="State"><div class="body saying-body">
    <p class="saying" aria-live="polite">${State({ look: ROLLOUT_LOOKS[view.state] })}. ${Prose({ text: view.sentence })}</p>
    ${view.waitingFor !== null && html`<p class="t2">Waits for: ${Prose({ text: view.waitingFor })}</p>`}
    ${Track({ stages: view.stages })}
  </div></section>`;
}

/** The commits that the tiles show. */
function Letters({ view }: { readonly view: RolloutView }): VNode {
  const { rules, marks, asOf } = view;
  const { fromMs } = tilesAxis({ rules, marks, asOfMs: asOf.atMs });
  return html`<p class="legend">${marks
    .filter(({ atMs }) => atMs >= fromMs)
    .slice(0, 26)
    .map(
      ({ letter, atMs, commit, text }) =>
        html`<span><b>${clipped(letter, 3)}</b> <${Instant} atMs=${atMs} /> ${Commit({ id: commit })} ${Name({ text, most: 80 })}</span>`,
    )}</p>`;
}

function Legend({ view }: { readonly view: RolloutView }): VNode {
  const key = (shapes: VNode, text: string) =>
    html`<span><svg class="c" width="24" height="12" aria-hidden="true">${shapes}</svg>${text}</span>`;
  return html`<p class="legend">${key(html`<rect class="band" y="1" width="24" height="10" /><path class="e" d="M0 6H24" />`, `${versionText(view.to)} and where its true value most likely is`)}
    ${key(html`<path class="bl" d="M0 6H24" />`, 'stable, at the same time')}${key(html`<rect fill="url(#hatch)" width="24" height="6" /><path class="lim" d="M0 6H24" />`, 'limit, and what is beyond it')}
    ${key(html`<circle class="okpt" cx="12" cy="6" r="5" />`, 'decided')}${key(html`<rect fill="url(#gaps)" width="24" height="12" />`, 'no data')}</p>`;
}

function NoRules({ view, address }: { readonly view: RolloutView; readonly address: PageAddress }): VNode {
  const { rejected } = view;
  const last =
    rejected !== null &&
    html` The <a href=${`${address.path}/reverted`}>post-mortem of ${Name({ text: rejected.version.version, most: 40 })}</a> has them as they were last judged.`;
  return Card({
    id: 'rules',
    title: 'Rules',
    children: html`<div class="body"><p class="note">No rule is judged now.${last}</p></div>`,
  });
}

function Rules({
  view,
  address,
  moreRules,
}: Pick<RolloutPageValue, 'view' | 'moreRules'> & { readonly address: PageAddress }): VNode {
  if (view.rules.length === 0) return NoRules({ view, address });
  const isTable = address.query.view === 'table';
  const strips = Card({
    id: 'rules',
    title: 'All rules, seen from their limit',
    end: StateCounts({ rules: view.rules }),
    children: RuleStrips({ rules: view.rules, more: moreRules }),
  });
  return html`${strips}<section aria-labelledby="h-tiles"><div class="tile-h"><h2 id="h-tiles">Rules over time</h2>${Letters({ view })}<a class="small" data-act="table" href=${withQuery(address, { view: isTable ? null : 'table' })}>${isTable ? 'as charts' : 'as tables'}</a></div>
    <${RuleTiles} rules=${view.rules} marks=${view.marks} asOfMs=${view.asOf.atMs} isTable=${isTable} />${!isTable && Legend({ view })}</section>`;
}

function Past({
  view,
  at,
  address,
}: {
  readonly view: RolloutView;
  readonly at: string;
  readonly address: PageAddress;
}): VNode {
  return html`<div class="banner info-b" role="status"><span class="st person"><${Icon} name="clock" />As it was at <code>${at.slice(0, 7)}</code></span><span><${Instant} atMs=${view.asOf.atMs} />, rebuilt from evidence. Actions are off here.</span><span class="end"><a class="btn" href=${withQuery(address, { at: null })}>Back to now</a></span></div>`;
}

function NotThen({ at, address }: { readonly at: string; readonly address: PageAddress }): VNode {
  return html`<div class="banner warn-b" role="status"><span class="st warn"><${Icon} name="warn" />This is now</span><span>No step with evidence is known at “${Name({ text: at, most: 40 })}”, so the page can’t be rebuilt as it was then.</span><span class="end"><a class="btn" href=${withQuery(address, { at: null })}>Close</a></span></div>`;
}

export function RolloutPage({ value, address, person }: PageProps<RolloutPageValue>): VNode {
  const { view, at, other, message, moreRules } = value;
  const isUnknown = at === null && address.query.at !== undefined;
  return html`${at !== null && Past({ view, at, address })}${isUnknown && NotThen({ at: address.query.at ?? '', address })}
    <div class="stack">${Head({ view, address, at })}${Sentence({ view })}</div>
    ${address.query.compare !== undefined && CompareSection({ view, other, address })}
    <div class="cols wide"><div class="stack">${Rules({ view, address, moreRules })}</div>
      <aside class="stack" aria-label="Actions and devices">${at === null && Steer({ view, address, person })}${ComparedArms(view)}${view.runbook !== null && Card({ id: 'runbook', title: 'Runbook', children: html`<div class="body">${Runbook({ at: view.runbook })}</div>` })}</aside></div>
    <div class="cols two">${GroupHeat(view)}<div class="stack">${WeighingDevices(view)}${ErrorsByKind(view)}</div></div>
    ${RolloutHistory({ view, address, message })}
    ${at === null && view.acts.length > 0 && html`<nav class="dock no-print" aria-label="Actions"><a class="btn first" href="#steer">Steer it</a></nav>`}
    <p class="note">The same facts: <code>slipway explain ${Name({ text: view.rollout })} --json</code></p>`;
}
