// Owns the history of a rollout as a matrix of commits by stages, and the drawer of one of them.
import { html } from 'htm/preact';
import type { VNode } from 'preact';
import { clipped } from '../../base/plain-text.ts';
import { NOT_KNOWN } from '../charts/time-text.ts';
import type { HistoryRow, RolloutView } from '../read-model/types.generated.ts';
import { Icon, type IconName } from './icons.ts';
import { type PageAddress, withQuery } from './page-data.ts';
import { Card, Command, Commit, countText, Name, Prose, Scroll } from './parts.ts';
import { Instant } from './time.ts';

const MOST_ROWS = 60;
const MOST_MESSAGE = 20_000;

const STAGE_ICONS: Readonly<Record<string, readonly [IconName, string]>> = {
  pass: ['ok', 'ok'],
  passed: ['ok', 'ok'],
  fail: ['bad', 'bad'],
  reverted: ['back', 'bad'],
  paused: ['pause', 't2'],
  waits: ['person', 'person'],
};

const SIGNATURES: Readonly<Record<HistoryRow['signature'], readonly [IconName, string, string]>> = {
  verified: ['seal', 'ok', 'Signed by the reconciler'],
  'not-verified': ['warn', 'bad', 'The signature can’t be verified'],
  unsigned: ['open', 't2', 'Not signed'],
  unknown: ['open', 't2', 'The signature was not checked'],
};

export interface RolloutHistoryProps {
  readonly view: Pick<RolloutView, 'rollout' | 'history' | 'stages'>;
  readonly address: PageAddress;
  /** Of the commit that the drawer shows; null where it was not read. */
  readonly message: string | null;
}

function stageCell(stages: HistoryRow['stages'], name: string): VNode {
  const found = stages.find(({ stage }) => stage === name);
  if (found === undefined) return html`<td class="t3">${NOT_KNOWN}</td>`;
  const [icon, tone] = STAGE_ICONS[found.state] ?? ['open', 't2'];
  return html`<td><span class=${tone}><${Icon} name=${icon} small /></span> ${Name({ text: found.text, most: 60 })}</td>`;
}

function Drawer({
  row,
  message,
  address,
}: {
  readonly row: HistoryRow;
  readonly message: string | null;
  readonly address: PageAddress;
}): VNode {
  const [icon, tone, text] = SIGNATURES[row.signature];
  const { commit } = row;
  return html`<div class="drawer" role="region" aria-labelledby="h-drawer">
    <header><div><h3 id="h-drawer">${Name({ text: row.what })}</h3><p class="note">${Commit({ id: commit })} · <${Instant} atMs=${row.atMs} />${row.revision !== null && ` · revision ${countText(row.revision)}`} · by ${Name({ text: row.by })}</p></div>
      <a class="btn bare" data-act="close" href=${withQuery(address, { commit: null })} aria-label="Close"><${Icon} name="close" /></a></header>
    <p class=${tone}><${Icon} name=${icon} /> <b>${text}</b>${row.signatureReason !== null && html` ${Prose({ text: row.signatureReason })}`} <span class="t2">${row.evidence === null ? `without evidence${row.evidenceMissing === null ? '' : ` (${row.evidenceMissing})`}` : html`with evidence <code>${Name({ text: row.evidence, most: 60 })}</code>`}</span></p>
    ${message === null ? html`<p>${Prose({ text: row.reason })}</p>` : html`<pre tabindex="0" role="region" aria-label="Commit message" dir="auto">${clipped(message, MOST_MESSAGE)}</pre>`}
    ${commit !== null && Command({ line: `git show --show-signature ${commit.slice(0, 10)}` })}
    ${commit !== null && html`<p class="small"><a href=${`/v1/rollouts/${encodeURIComponent(address.params.name ?? '')}/at/${commit}`}>As JSON</a> · <a href=${withQuery(address, { at: commit, commit: null, compare: null })}>This page as it was then</a> · <a href=${withQuery(address, { compare: commit, commit: null, at: null })}>Side by side with now</a></p>`}
  </div>`;
}

export function RolloutHistory({ view, address, message }: RolloutHistoryProps): VNode {
  const stages = [...new Set(view.stages.filter(({ strand }) => strand === null).map(({ name }) => name))].slice(0, 12);
  const chosen = view.history.find(({ commit }) => commit !== null && commit === address.query.commit);
  const rows = view.history.slice(0, MOST_ROWS).map((row) => {
    const title = Name({ text: row.what, most: 80 });
    const open =
      row.commit === null ? title : html`<a data-row href=${withQuery(address, { commit: row.commit })}>${title}</a>`;
    return html`<tr key=${row.commit} class=${row === chosen ? 'sel-row' : undefined}><th scope="row">${open}<small>${Commit({ id: row.commit })} · ${Name({ text: row.by, most: 40 })} · <${Instant} atMs=${row.atMs} /></small></th>${stages.map((stage) => stageCell(row.stages, stage))}</tr>`;
  });
  const matrix = Scroll({
    label: 'Commits by stages',
    children: html`<table class="matrix"><thead><tr><th scope="col">Commit</th>${stages.map((stage) => html`<th scope="col">${Name({ text: stage, most: 40 })}</th>`)}</tr></thead><tbody>${rows}</tbody></table>`,
  });
  const none = view.history.length === 0 && html`<div class="body"><p class="note">No commit is known yet.</p></div>`;
  return Card({
    id: 'history',
    title: 'History',
    isLong: true,
    end: html`<code>slipway history ${Name({ text: view.rollout })}</code>`,
    children:
      none ||
      html`<div class=${chosen === undefined ? 'hist' : 'hist open'}>${matrix}${chosen && html`<${Drawer} row=${chosen} message=${message} address=${address} />`}</div>`,
  });
}
