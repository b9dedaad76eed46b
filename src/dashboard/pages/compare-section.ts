// Owns two versions of a rollout side by side: what each was asked, how each rule stood, and where they differ.
import { html } from 'htm/preact';
import type { VNode } from 'preact';
import { clipped } from '../../base/plain-text.ts';
import { Strip } from '../charts/strip.ts';
import { NOT_KNOWN } from '../charts/time-text.ts';
import type { RolloutView, RuleView } from '../read-model/types.generated.ts';
import { Icon } from './icons.ts';
import { type PageAddress, withQuery } from './page-data.ts';
import { Card, Commit, Name, Prose, Scroll, seenText, versionText } from './parts.ts';
import { worstFirst } from './rule-states.ts';
import { MOST_DRAWN } from './rule-strips.ts';
import { Instant } from './time.ts';
import { ROLLOUT_LOOKS, RULE_LOOKS, State } from './words.ts';

interface CompareProps {
  readonly view: RolloutView;
  readonly other: RolloutView | null;
  readonly address: PageAddress;
}

function side(rule: RuleView | undefined): VNode {
  if (rule === undefined) return html`<td class="na" colspan="2">${NOT_KNOWN}</td>`;
  const look = RULE_LOOKS[rule.state];
  return html`<td class="strip-cell">${Strip({ name: clipped(`${rule.rule}: ${look.word}, ${rule.valueText}`, 300), tone: look.tone, relative: rule.relativeToLimit })}</td><td class="num nw"><span class=${look.tone}><${Icon} name=${look.icon} small /><span class="hid">${look.word}</span></span> ${Name({ text: seenText(rule), most: 40 })}</td>`;
}

function heading(view: RolloutView): VNode {
  return html`<th scope="col" colspan="2">${Name({ text: versionText(view.to), most: 60 })} <small>${Commit({ id: view.asOf.commit })} · <${Instant} atMs=${view.asOf.atMs} /></small></th>`;
}

function sentence(view: RolloutView): VNode {
  return html`<td colspan="2">${State({ look: ROLLOUT_LOOKS[view.state] })} ${Prose({ text: view.sentence })}</td>`;
}

export function CompareSection({ view, other, address }: CompareProps): VNode {
  const close = html`<a class="btn" data-act="close" href=${withQuery(address, { compare: null })}>Close</a>`;
  if (other === null) {
    return html`<div class="banner warn-b" role="status"><span class="st warn"><${Icon} name="warn" />Nothing to compare with</span><span>No step of ${Name({ text: view.rollout })} with evidence is of “${Name({ text: address.query.compare ?? '' })}”.</span><span class="end">${close}</span></div>`;
  }
  const names = [...new Set([...worstFirst(view.rules), ...other.rules].map(({ rule }) => rule))].slice(0, MOST_DRAWN);
  const row = (name: string) =>
    html`<tr><th scope="row"><code>${Name({ text: name })}</code></th>${side(other.rules.find(({ rule }) => rule === name))}${side(view.rules.find(({ rule }) => rule === name))}</tr>`;
  return Card({
    id: 'compare',
    title: 'Side by side',
    end: close,
    children: Scroll({
      label: 'Two versions side by side',
      children: html`<table class="compare tight"><thead><tr><th scope="col">Rule</th>${heading(other)}${heading(view)}</tr></thead><tbody><tr><th scope="row">State</th>${sentence(other)}${sentence(view)}</tr>${names.map(row)}</tbody></table>`,
    }),
  });
}
