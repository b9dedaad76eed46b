// Owns what a step of the story rested on: the rules in the signed evidence that its commit brought.
import type { TrustPolicy } from '../../contract/trust/trust-policy.ts';
import { verifyEvidence } from '../../contract/trust/verifier.ts';
import type { RuleVerdict } from '../../gates/rule-verdict.ts';
import type { EvidencePredicate } from '../../snapshot/evidence.ts';
import { breachInWords } from '../../wording/verdict-table.ts';
import type { SeenCommit } from './branch-watch.ts';
import type { GitClone } from './git-clone.ts';

/** What one rule said, without the sums below it. */
export interface SaidRule extends Pick<RuleVerdict, 'rule' | 'metric' | 'verdict' | 'estimate' | 'limit' | 'dryRun'> {
  /** What it failed for, as part of a sentence; null when it did not fail. */
  readonly breach: string | null;
}

/** The rules behind a step; none where the commit brought no evidence that the reconciler signed. */
export async function readRules(
  clone: GitClone,
  { commit }: Pick<SeenCommit, 'commit'>,
  { reconciler }: Pick<TrustPolicy, 'reconciler'>,
): Promise<readonly SaidRule[]> {
  const files = await clone.git('diff-tree', '--no-commit-id', '--name-only', '-r', commit, '--', 'evidence');
  for (const file of files.split('\n').filter((name) => name.endsWith('.json'))) {
    const check = verifyEvidence(await clone.git('show', `${commit}:${file}`), reconciler);
    if (check.kind !== 'verified') continue;
    const { verdict, transition } = check.value.value.predicate as EvidencePredicate;
    return (verdict?.rules ?? []).map((one) => saidOf(one, transition.from));
  }
  return [];
}

function saidOf(one: RuleVerdict, stage: string): SaidRule {
  const { rule, metric, verdict, estimate, limit, dryRun } = one;
  return {
    rule,
    metric,
    verdict,
    estimate,
    limit,
    dryRun,
    breach: verdict === 'fail' ? breachInWords(one, stage) : null,
  };
}
