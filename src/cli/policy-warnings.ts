// Owns warnings about the policies of a repository, each at the place where its rule is written.
import type { CodedError } from '../base/errors.ts';
import type { FieldPath } from '../contract/source/document-source.ts';
import { locateProblems, type Problem } from '../contract/source/problem.ts';
import { oldNameIn } from '../documents/rules/rule-text.ts';
import type { RolloutPolicy } from '../documents/types.generated.ts';
import { warningsOf } from '../rollout/plan-warnings.ts';
import { planOf, type Traffic } from '../rollout/stage-plan.ts';
import { stagesOf } from '../rollout/stages-of-policy.ts';
import type { FoundDocuments } from '../snapshot/repository-documents.ts';
import { LATEST_IN_WORDS, oldNameInWords } from '../wording/document-warnings-in-words.ts';
import { defaultDeadlinesInWords, type WordedWarning, warningInWords } from '../wording/plan-warnings-in-words.ts';

/** Warnings about the policies, at the given traffic or at any. */
export function planFindings(found: FoundDocuments, traffic: Traffic): CodedError[] {
  return found.documents.flatMap(({ parsed }) => {
    if (parsed.kind !== 'parsed' || parsed.document.kind !== 'RolloutPolicy') return [];
    const { document, source } = parsed;
    const problems = warningsOf(planOf(document, traffic)).map((warning): Problem => {
      const worded = warningInWords(warning);
      const { code, message, remedy } = worded;
      return { code, path: placeOfWarning(document, worded), message, remedy };
    });
    return locateProblems(source, problems);
  });
}

/** Rules by a name that their metric had before. */
export function warnOfOldNames(documents: FoundDocuments['documents']): CodedError[] {
  return documents.flatMap(({ parsed }) => {
    if (parsed.kind !== 'parsed' || parsed.document.kind !== 'RolloutPolicy') return [];
    const problems = parsed.document.spec.stages.flatMap(({ rules = [] }, stage) =>
      rules.flatMap((rule, index): Problem[] => {
        const old = oldNameIn(typeof rule === 'string' ? rule : rule.rule);
        if (old === undefined) return [];
        const [was, now] = old;
        const path = ['spec', 'stages', stage, 'rules', index];
        return [{ code: 'POLICY_RULE_NAME', path, ...oldNameInWords(was, now) }];
      }),
    );
    return locateProblems(parsed.source, problems);
  });
}

/** Rollouts whose next version nobody decides on. */
export function warnOfLatest(documents: FoundDocuments['documents']): CodedError[] {
  return documents.flatMap(({ parsed }) => {
    if (parsed.kind !== 'parsed' || parsed.document.kind !== 'Rollout') return [];
    if (parsed.document.spec.version !== 'latest') return [];
    return locateProblems(parsed.source, [{ code: 'ROLLOUT_LATEST', path: ['spec', 'version'], ...LATEST_IN_WORDS }]);
  });
}

/** The rule where it is written; in a stage that has it from one before, that stage's name. */
function placeOfWarning({ spec }: RolloutPolicy, { stage, rule }: WordedWarning): FieldPath {
  const index = spec.stages.findIndex((one) => one.name === stage);
  const at = ['spec', 'stages', index];
  const own = spec.stages[index]?.rules?.findIndex((one) => (typeof one === 'string' ? one : one.rule).trim() === rule);
  return rule === null || own === undefined || own < 0 ? [...at, 'name'] : [...at, 'rules', own];
}

/** The deadlines that policies leave to the default, a line for each policy. */
export function defaultDeadlines({ documents }: FoundDocuments): string[] {
  return documents.flatMap(({ parsed }) => {
    if (parsed.kind !== 'parsed' || parsed.document.kind !== 'RolloutPolicy') return [];
    const stages = stagesOf(parsed.document).filter((stage) => stage.hasDefaultDeadline && !stage.isRest);
    return stages.length === 0 ? [] : [defaultDeadlinesInWords(parsed.document.metadata.name, stages)];
  });
}
