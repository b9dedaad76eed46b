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
import { countOf } from '../wording/amounts.ts';
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
        const message = `\`${was}\` is called \`${now}\` now: it counts tries, not devices.`;
        const remedy = `Write \`${now}\`; whether devices get the version, \`undelivered_devices\` asks.`;
        return [{ code: 'POLICY_RULE_NAME', path: ['spec', 'stages', stage, 'rules', index], message, remedy }];
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
    const message = 'With `latest`, each version that is signed rolls out by itself.';
    const remedy = 'For production, name a version or a range such as `>=1.2 <2`, and let a commit change it.';
    return locateProblems(parsed.source, [{ code: 'ROLLOUT_LATEST', path: ['spec', 'version'], message, remedy }]);
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

/** The traffic that the warnings assume. */
export function assumedText({ devices, perMinute }: Traffic): string[] {
  if (devices === null && perMinute === null) return [];
  const who = devices === null ? 'an unknown number of devices' : countOf(devices, 'device');
  const rate = perMinute === null ? 'unknown traffic' : `${countOf(perMinute, 'inference')} per device per minute`;
  return [`Policies were checked for ${who} with ${rate}; \`slipway plan\` shows more.`];
}
