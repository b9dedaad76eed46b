// Owns how far a stage is: failed, held at its deadline, ready to go on, or waiting and for what.

import type { WaitingOn } from './outlook.ts';
import type { RolloutFacts } from './rollout-facts.ts';
import type { Stage } from './stages-of-policy.ts';
import { leastDevices } from './stages-of-policy.ts';

export type StageProgress =
  | { readonly kind: 'failed'; readonly because: readonly string[]; readonly reason: string }
  | { readonly kind: 'passed'; readonly reason: string }
  | { readonly kind: 'waiting'; readonly on: readonly WaitingOn[] };

function openRules(facts: RolloutFacts): readonly string[] {
  const rules = facts.verdict?.rules ?? [];
  return rules.filter((rule) => !rule.dryRun && rule.verdict === 'undecided').map((rule) => rule.rule);
}

function isObservedWithin(facts: RolloutFacts): boolean {
  return facts.verdict?.rules.every((rule) => rule.dryRun || rule.verdict !== 'undecided' || rule.within) ?? false;
}

function whatIsMissing(stage: Stage, isLast: boolean, facts: RolloutFacts): WaitingOn[] {
  const { cohort, window, verdict } = facts;
  const missing: WaitingOn[] = [];
  const need = leastDevices(stage, cohort?.wanted ?? 0);
  const have = cohort?.ready ?? 0;
  if (have < Math.max(1, need)) missing.push({ kind: 'devices', have, need: Math.max(1, need) });
  const rest = (cohort?.pending ?? 0) + (cohort?.trying ?? 0);
  if (isLast && rest > 0) missing.push({ kind: 'rest-of-fleet', pending: rest });
  const remainingMs = stage.soakMs - (window?.readyMs ?? 0);
  if (remainingMs > 0) missing.push({ kind: 'soak', remainingMs });
  if (stage.rules.length > 0 && verdict?.kind !== 'pass')
    missing.push({ kind: 'verdict', rules: openRules(facts), minutes: minutesOf(facts) });
  return missing;
}

function minutesOf(facts: RolloutFacts): number | null {
  const needed = (facts.verdict?.rules ?? [])
    .map((rule) => rule.needs?.minutes ?? null)
    .filter((minutes) => minutes !== null);
  return needed.length === 0 ? null : Math.max(...needed);
}

/** How the present stage stands. A failing rule counts at once; everything else has time until the deadline. */
export function stageProgress(stage: Stage, isLast: boolean, facts: RolloutFacts): StageProgress {
  if (facts.verdict?.kind === 'fail') {
    const because = facts.verdict.because;
    return {
      kind: 'failed',
      because,
      reason: `${because.map((rule) => `"${rule}"`).join(', ')} failed in ${stage.name}`,
    };
  }
  const missing = whatIsMissing(stage, isLast, facts);
  if (missing.length === 0) return { kind: 'passed', reason: `every rule of "${stage.name}" held` };
  if (stage.deadlineMs === null || (facts.window?.listenedMs ?? 0) < stage.deadlineMs)
    return { kind: 'waiting', on: missing };
  return atDeadline(stage, facts);
}

function atDeadline(stage: Stage, facts: RolloutFacts): StageProgress {
  const open = openRules(facts);
  if (stage.onDeadline === 'rollback') {
    return { kind: 'failed', because: open, reason: `"${stage.name}" did not pass before its deadline` };
  }
  if (stage.onDeadline === 'promote' && isObservedWithin(facts)) {
    return { kind: 'passed', reason: `"${stage.name}" reached its deadline with every rule observed within its limit` };
  }
  return { kind: 'waiting', on: [{ kind: 'deadline-held', rules: open }] };
}
