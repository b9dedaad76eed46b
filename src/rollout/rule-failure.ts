// Owns what a failed rule does: the strongest action of those that failed, and when a pause ends by itself.
import { parseInstant } from '../base/clock.ts';
import type { RolloutStatus } from '../documents/types.generated.ts';
import { holdsNow } from '../gates/recovery.ts';
import type { RuleVerdict } from '../gates/rule-verdict.ts';
import type { FailureAction } from '../gates/stage-rule.ts';
import type { RuleFailedReason } from './reasons.ts';
import type { RolloutFacts } from './rollout-facts.ts';
import type { Stage } from './stages-of-policy.ts';

/** As the schema of a status has it. */
export const MOST_RULES = 50;
const MOST_RULE = 200;
const MOST_CLASSES = 8;

export function decidingRules({ verdict }: Pick<RolloutFacts, 'verdict'>): readonly RuleVerdict[] {
  return (verdict?.rules ?? []).filter((rule) => !rule.dryRun);
}

export function failedRules(facts: Pick<RolloutFacts, 'verdict'>): readonly RuleVerdict[] {
  return decidingRules(facts).filter(({ verdict }) => verdict === 'fail');
}

/** A stage that stops and goes on again and again needs a person; as the schema of a status has it. */
const MOST_RESUMES = 3;

/** The weakest first. */
const BY_STRENGTH: readonly FailureAction[] = ['pause', 'ask', 'rollback'];

/** What a rule does if it fails: its own action, else the stage's. */
function actionOf({ onFailure }: Pick<RuleVerdict, 'onFailure'>, stage: Pick<Stage, 'onFailure'>): FailureAction {
  return onFailure ?? stage.onFailure;
}

/** The strongest action first; of one action in the policy's order. */
function byStrength(rules: readonly RuleVerdict[], stage: Stage): readonly RuleVerdict[] {
  const strength = (rule: RuleVerdict): number => BY_STRENGTH.indexOf(actionOf(rule, stage));
  return rules.toSorted((a, b) => strength(b) - strength(a));
}

export function ruleText(rule: string): string {
  return rule.slice(0, MOST_RULE);
}

/** Why the stage fails: the failed rule with the strongest action, and the others. */
export function failureOf(stage: Stage, failed: readonly RuleVerdict[]): RuleFailedReason {
  const [first, ...more] = byStrength(failed, stage);
  const others = more.slice(0, MOST_RULES).map(({ rule }) => ruleText(rule));
  const action = first === undefined ? stage.onFailure : actionOf(first, stage);
  const stopped = action === 'rollback' ? {} : ({ action } as const);
  // Whatever a verdict's rules are, a failed one counts.
  if (first === undefined)
    return { kind: 'rule-failed', stage: stage.name, rule: '–', observed: null, unit: '–', ...stopped, others };
  const { by, group, estimate, unit } = first;
  const classes = vanishedClasses(first);
  return {
    kind: 'rule-failed',
    stage: stage.name,
    rule: ruleText(first.rule),
    ...(by === null ? {} : { by }),
    ...(group === null ? {} : { group }),
    observed: estimate,
    unit,
    ...(classes.length === 0 ? {} : { classes }),
    ...stopped,
    others,
  };
}

/** The classes that a rule about vanished ones found to be gone. */
function vanishedClasses(rule: RuleVerdict): string[] {
  const { metric, estimate } = rule;
  if (metric !== 'vanished_classes' || rule.kind !== 'classes' || estimate === null || estimate < 1) return [];
  return rule.sums.slice(0, Math.min(estimate, MOST_CLASSES)).map(({ name }) => name);
}

/** Does a failure take a stage further that is paused already? A pause of which nobody knows what it was waits for a person. */
export function goesBeyond({ action }: RuleFailedReason, { paused }: RolloutStatus): boolean {
  const before = paused?.reason.kind === 'rule-failed' ? (paused.reason.action ?? 'ask') : 'ask';
  return BY_STRENGTH.indexOf(action ?? 'rollback') > BY_STRENGTH.indexOf(before);
}

/** May the pause end by itself, if it is not too late? */
export function mayResume({ paused, resumes = 0 }: RolloutStatus): boolean {
  return paused?.reason.kind === 'rule-failed' && paused.reason.action === 'pause' && resumes < MOST_RESUMES;
}

/** For how long a paused stage may still go on by itself, in milliseconds; null when only a person ends the pause. */
export function resumableMs(status: RolloutStatus, stage: Stage, now: number): number | null {
  const sinceMs = parseInstant(status.paused?.since ?? '');
  if (sinceMs === undefined || !mayResume(status)) return null;
  // A clock that was set back gives no more time than the policy.
  const remainingMs = Math.min(stage.resumeWithinMs, sinceMs + stage.resumeWithinMs - now);
  return remainingMs > 0 ? remainingMs : null;
}

/** Do the rules that paused the stage hold again, and does no other one fail? */
export function haveRecovered(facts: RolloutFacts, { rule, others }: RuleFailedReason): boolean {
  const deciding = decidingRules(facts);
  const failed = new Set([rule, ...others]);
  const isOfPause = (one: RuleVerdict): boolean => failed.has(ruleText(one.rule));
  return (
    deciding.some(isOfPause) &&
    deciding.every((one) => (isOfPause(one) || one.verdict === 'fail' ? holdsNow(one) : true))
  );
}

/** The verdict on the rule that a reason names. */
export function ruleOfReason(
  { rule, by }: RuleFailedReason,
  verdict: RolloutFacts['verdict'],
): RuleVerdict | undefined {
  return failedRules({ verdict }).find((one) => ruleText(one.rule) === rule && (one.by ?? undefined) === by);
}
