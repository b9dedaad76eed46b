// Owns all rules in one list, each seen from its limit.
import { html } from 'htm/preact';
import type { VNode } from 'preact';
import { clipped } from '../../base/plain-text.ts';
import { Strip } from '../charts/strip.ts';
import type { RuleView } from '../read-model/types.generated.ts';
import { Icon } from './icons.ts';
import { Name, Prose, seenText } from './parts.ts';
import { worstFirst } from './rule-states.ts';
import { RULE_LOOKS } from './words.ts';

/** More are not drawn: nobody reads them, and a page must stay one that opens. */
export const MOST_DRAWN = 100;

export type StripRule = Pick<
  RuleView,
  'rule' | 'group' | 'state' | 'valueText' | 'missing' | 'relativeToLimit' | 'goodSide' | 'dryRun' | 'worst'
>;

function noteOf({ missing, dryRun, goodSide, state }: StripRule): string {
  if (missing !== null) return missing;
  if (dryRun) return 'dry run, never decides';
  if (state === 'not-applicable') return 'nothing to compare with';
  return goodSide === 'above' ? 'turned: higher is better' : '';
}

function row(rule: StripRule): VNode {
  const { icon, word, tone } = RULE_LOOKS[rule.state];
  const name = `${rule.rule}${rule.group === null ? '' : `, ${rule.group}`}`;
  return html`<li class=${tone === 'warn' || tone === 'bad' ? `${tone}-row` : ''}>
    <span class="rule"><span class=${tone}><${Icon} name=${icon} /><span class="hid">${word}</span></span> <code>${Name({ text: name })}</code></span>
    ${Strip({ name: clipped(`${name}: ${word}, ${rule.valueText}`, 300), tone, relative: rule.relativeToLimit })}
    <b class=${`num ${tone === 'warn' || tone === 'bad' ? tone : ''}`}>${Name({ text: seenText(rule), most: 60 })}</b><span class="w t2">${Prose({ text: noteOf(rule) })}</span>
  </li>`;
}

export interface RuleStripsProps {
  readonly rules: readonly StripRule[];
  /** Rules that were left out before. */
  readonly more?: number;
}

export function RuleStrips({ rules, more: left = 0 }: RuleStripsProps): VNode {
  const drawn = worstFirst(rules).slice(0, MOST_DRAWN);
  const more = left + rules.length - drawn.length;
  return html`<ul class="forest">
    <li class="fh" aria-hidden="true"><span>Rule</span><div class="ends"><span>← within the limit</span><span>beyond →</span></div><span class="num">Seen</span><span>What is missing</span></li>
    ${drawn.map(row)}
  </ul><div class="body after"><p class="note">${more > 0 && html`<b>${more} more rules are not drawn: these ${drawn.length} are those that need a look most.</b> `}Each bar is where the true value most likely is; the dot is what was seen; grey is stable at the same time. A bar wholly left of the dashed line is a pass, wholly right is a fail. A bar across it is undecided.</p></div>`;
}
