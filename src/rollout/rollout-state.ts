// Owns how a rollout and a rule stand, in one word: the same on screens, in metrics and in answers.
import type { RuleVerdict } from '../gates/rule-verdict.ts';
import type { Outlook } from './outlook.ts';

export type RolloutState =
  | 'rolling'
  | 'in-trouble'
  | 'waits-for-approval'
  | 'paused'
  | 'stalled'
  | 'complete'
  | 'reverted'
  | 'not-started';

/** `in-trouble`: not decided, and on the wrong side of its limit. */
export type RuleState = 'fail' | 'in-trouble' | 'undecided' | 'pass' | 'dry-run' | 'not-applicable';

/** A rule that stands on the wrong side and is not decided is in trouble, unless its devices are only not heard of yet. */
export function ruleStateOf(rule: RuleVerdict): RuleState {
  const { verdict, dryRun, within, estimate, trials, kind, limit, goodSide } = rule;
  if (verdict === 'not-applicable') return 'not-applicable';
  if (dryRun) return 'dry-run';
  if (verdict !== 'undecided' || within) return verdict;
  if (estimate === null || !Number.isFinite(estimate) || limit === null || goodSide === null || kind === 'gauge')
    return trials > 0 && rule.scope !== 'any-device' ? 'in-trouble' : 'undecided';
  const isBeyond = goodSide === 'below' ? estimate > limit : estimate < limit;
  return isBeyond ? 'in-trouble' : 'undecided';
}

/** A rule that decides and has failed, or is about to. */
export function isInTrouble(rule: RuleVerdict): boolean {
  const state = ruleStateOf(rule);
  return state === 'in-trouble' || state === 'fail';
}

export function rolloutStateOf({ candidate, stable, rejected, conditions, waitingOn, verdict }: Outlook): RolloutState {
  const waitsOn = (...kinds: readonly Outlook['waitingOn'][number]['kind'][]): boolean =>
    waitingOn.some(({ kind }) => kinds.includes(kind));
  if (conditions.some(({ type }) => type === 'Stalled') || waitsOn('needs-fix')) return 'stalled';
  if (candidate === null) return rejected !== null ? 'reverted' : stable !== null ? 'complete' : 'not-started';
  if (waitsOn('paused', 'suspended')) return 'paused';
  if (waitsOn('deadline-held', 'groups-held')) return 'stalled';
  if (waitsOn('approval') && !waitsOn('verdict', 'soak', 'devices')) return 'waits-for-approval';
  return verdict?.rules.some(isInTrouble) ? 'in-trouble' : 'rolling';
}
