// Owns the states of many rules: which need a look first, and how many are in each.
import { html } from 'htm/preact';
import type { VNode } from 'preact';
import type { RuleState, RuleView } from '../read-model/types.generated.ts';
import { Icon } from './icons.ts';
import { type Look, RULE_LOOKS, State } from './words.ts';

const ORDER = Object.keys(RULE_LOOKS);

/** Fail, trouble, undecided, pass, dry run. */
export function worstFirst<R extends { readonly state: RuleState }>(rules: readonly R[]): R[] {
  return [...rules].sort((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state));
}

export function StateChip({ look }: { readonly look: Look }): VNode {
  return html`<span class=${`chip ${look.tone}`}><${Icon} name=${look.icon} small />${look.word}</span>`;
}

/** `6 pass`, `2 undecided`. */
export function StateCounts({ rules }: { readonly rules: readonly { readonly state: RuleState }[] }): VNode[] {
  return [...Map.groupBy(worstFirst(rules), ({ state }) => state)].map(([state, all]) => {
    const look = RULE_LOOKS[state];
    const word = state === 'not-applicable' && all.length > 1 ? 'do not apply' : look.word.toLowerCase();
    return State({ look: { ...look, word: `${all.length} ${word}` } });
  });
}

/** What a rule lacks before it can be decided; null where it lacks nothing. */
export function missingText({
  missing,
  state,
  estimate,
}: Pick<RuleView, 'missing' | 'state' | 'estimate'>): string | null {
  if (missing !== null || state === 'pass' || state === 'fail') return missing;
  if (state === 'not-applicable') return 'something to compare with';
  return estimate === null ? 'data' : 'more time';
}
