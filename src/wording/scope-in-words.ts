// Owns how a rule is named to people: with what it is about, where that is not the stage's devices together.
import { ruleName } from '../gates/rule-verdict.ts';
import type { FailureAction, RuleScope } from '../gates/stage-rule.ts';
import { percent } from './amounts.ts';

interface About {
  readonly scope?: RuleScope;
  readonly share?: number | null;
}

/** `any device`; empty for a rule about the stage's devices together. */
export function scopeInWords({ scope, share = null }: About): string {
  if (scope === 'fleet') return 'fleet';
  if (scope !== 'any-device') return '';
  return share === null ? 'any device' : `${percent(share)} of devices may violate it`;
}

const ACTIONS = { pause: 'a fail pauses', ask: 'a fail asks', rollback: 'a fail rolls back' } as const;

/** `dry run`, or the action of its own that a rule has; nothing for a rule that does as its stage says. */
export function decidesInWords({
  dryRun,
  onFailure,
}: {
  readonly dryRun: boolean;
  readonly onFailure?: FailureAction;
}): string[] {
  if (dryRun) return ['dry run'];
  return onFailure === undefined ? [] : [ACTIONS[onFailure]];
}

/** `error_rate < 1% by hw (any device)`. */
export function ruleInScope(asked: About & { readonly rule: string; readonly by: string | null }): string {
  const about = scopeInWords(asked);
  return `${ruleName(asked)}${about === '' ? '' : ` (${about})`}`;
}
