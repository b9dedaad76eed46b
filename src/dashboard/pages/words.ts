// Owns how states look and are called on the screen: one icon, one word and one tone for each.
import { html } from 'htm/preact';
import type { VNode } from 'preact';
import type { DeviceState, PersonNeed, RolloutRow, RolloutState, RuleState } from '../read-model/types.generated.ts';
import { Icon, type IconName } from './icons.ts';

export type Tone = 'ok' | 'warn' | 'bad' | 'open' | 'person' | 'quiet';

export interface Look {
  readonly icon: IconName;
  readonly word: string;
  readonly tone: Tone;
}

export const RULE_LOOKS: Readonly<Record<RuleState, Look>> = {
  fail: { icon: 'bad', word: 'Fail', tone: 'bad' },
  'in-trouble': { icon: 'warn', word: 'In trouble', tone: 'warn' },
  undecided: { icon: 'open', word: 'Undecided', tone: 'open' },
  pass: { icon: 'ok', word: 'Pass', tone: 'ok' },
  'dry-run': { icon: 'open', word: 'Dry run', tone: 'quiet' },
  'not-applicable': { icon: 'silent', word: 'Does not apply', tone: 'quiet' },
};

export const ROLLOUT_LOOKS: Readonly<Record<RolloutState, Look>> = {
  rolling: { icon: 'moving', word: 'Rolling', tone: 'person' },
  'in-trouble': { icon: 'warn', word: 'In trouble', tone: 'warn' },
  'waits-for-approval': { icon: 'person', word: 'Approval', tone: 'person' },
  paused: { icon: 'pause', word: 'Paused', tone: 'warn' },
  stalled: { icon: 'bad', word: 'Stalled', tone: 'bad' },
  complete: { icon: 'ok', word: 'Complete', tone: 'ok' },
  reverted: { icon: 'back', word: 'Reverted', tone: 'bad' },
  'not-started': { icon: 'clock', word: 'Not started', tone: 'quiet' },
};

export const DEVICE_LOOKS: Readonly<Record<DeviceState, Look>> = {
  'as-declared': { icon: 'ok', word: 'As declared', tone: 'ok' },
  changing: { icon: 'moving', word: 'Changing', tone: 'person' },
  failed: { icon: 'bad', word: 'Failed', tone: 'bad' },
  refusing: { icon: 'bad', word: 'Refusing', tone: 'bad' },
  contradiction: { icon: 'warn', word: 'Contradiction', tone: 'warn' },
  silent: { icon: 'silent', word: 'Silent', tone: 'warn' },
  unreachable: { icon: 'gone', word: 'Unreachable', tone: 'quiet' },
  denied: { icon: 'lock', word: 'Denied', tone: 'bad' },
  'not-managed': { icon: 'gone', word: 'Not managed', tone: 'quiet' },
};

export const NEED_LOOKS: Readonly<Record<PersonNeed['kind'], Look>> = {
  approval: { icon: 'person', word: 'Approval', tone: 'person' },
  'in-trouble': { icon: 'warn', word: 'In trouble', tone: 'warn' },
  stalled: { icon: 'bad', word: 'Stalled', tone: 'bad' },
  paused: { icon: 'pause', word: 'Paused', tone: 'warn' },
  reverted: { icon: 'back', word: 'Reverted', tone: 'bad' },
  'provider-silent': { icon: 'plug', word: 'Silent provider', tone: 'warn' },
  'status-not-authentic': { icon: 'seal', word: 'Status not authentic', tone: 'warn' },
  conflict: { icon: 'warn', word: 'Conflict', tone: 'warn' },
  'devices-refusing': { icon: 'bad', word: 'Devices refuse', tone: 'bad' },
  'source-away': { icon: 'plug', word: 'Repository away', tone: 'bad' },
  documents: { icon: 'commit', word: 'Documents', tone: 'warn' },
  other: { icon: 'warn', word: 'Look at this', tone: 'warn' },
};

/** What is over says how it ended; what goes on, how the rules stand. */
export function lookOfVerdict({ state, verdict }: Pick<RolloutRow, 'state' | 'verdict'>): Look {
  const isOver = state === 'complete' || state === 'reverted' || state === 'paused' || state === 'stalled';
  if (isOver || verdict.state === 'none') return ROLLOUT_LOOKS[state];
  return RULE_LOOKS[verdict.state];
}

export function State({ look }: { readonly look: Look }): VNode {
  return html`<span class=${`st ${look.tone}`}><${Icon} name=${look.icon} />${look.word}</span>`;
}
