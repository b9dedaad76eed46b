// Owns warnings about rules over outputs that the manifests don't let judge: said before a stage waits for them in vain.
import { findClosestWord } from '../base/closest-word.ts';
import type { CodedError } from '../base/errors.ts';
import { type DeclaredOutputs, declaredOutputs } from '../contract/declared-outputs.ts';
import { compareVersions, isVersionRange, satisfiesRange } from '../contract/model-version.ts';
import type { FieldPath } from '../contract/source/document-source.ts';
import { locateProblems, type Problem } from '../contract/source/problem.ts';
import type { ModelManifest } from '../contract/types.generated.ts';
import { whyNotComparable } from '../documents/comparable-outputs.ts';
import { type ParsedRule, parseRule } from '../documents/rules/rule-text.ts';
import type { Rollout, RolloutPolicy } from '../documents/types.generated.ts';
import { metricKind } from '../gates/metric-kind.ts';
import type { FoundDocuments } from '../snapshot/repository-documents.ts';
import { unjudgedRuleInWords } from '../wording/document-warnings-in-words.ts';
import { incomparableInWords } from '../wording/outputs-in-words.ts';

interface WrittenRule {
  readonly rule: ParsedRule;
  readonly path: FieldPath;
}

/** The rules of stages, where they are written. */
function rulesOf({ spec }: RolloutPolicy): WrittenRule[] {
  return spec.stages.flatMap(({ rules = [] }, stage) =>
    rules.flatMap((rule, index): WrittenRule[] => {
      if (typeof rule !== 'string' && ('prometheus' in rule || 'webhook' in rule)) return [];
      const path = ['spec', 'stages', stage, 'rules', index];
      return [{ rule: parseRule(typeof rule === 'string' ? rule : rule.rule), path }];
    }),
  );
}

/** The manifest that a rollout asks for, and that of its stable version or the one before. */
function versionsOf({ spec, status }: Rollout, manifests: readonly ModelManifest[]) {
  const known = manifests
    .filter(({ metadata }) => metadata.name === spec.model)
    .sort((a, b) => compareVersions(b.metadata.version, a.metadata.version));
  const { version: wanted } = spec;
  const isWanted = (version: string): boolean =>
    version === wanted || wanted === 'latest' || (isVersionRange(wanted) && satisfiesRange(version, wanted));
  const at = known.findIndex(({ metadata }) => isWanted(metadata.version));
  const stable = status?.stable?.version;
  const before = stable === undefined ? known[at + 1] : known.find(({ metadata }) => metadata.version === stable);
  return at < 0 ? [] : ([known[at], before] as const);
}

function outputsOf(manifest: ModelManifest): DeclaredOutputs {
  return declaredOutputs(manifest.spec.interface.outputs);
}

/** What speaks against a rule between two versions, as a clause; undefined when nothing does. */
function findWhy({ metric, ofClass: name }: ParsedRule, candidate: ModelManifest, stable?: ModelManifest) {
  const kind = metricKind(metric);
  const outputs = outputsOf(candidate);
  if (kind.kind === 'rate') {
    const isUnseen =
      (kind.measure === 'odd' && outputs.scalars.length === 0) || (kind.measure === 'empty' && outputs.text === null);
    return isUnseen ? incomparableInWords({ kind: 'not-declared', by: 'candidate' }) : undefined;
  }
  if (kind.kind !== 'drift') return undefined;
  const why = whyNotComparable(
    { histogram: kind.histogram, name },
    { candidate: outputs, ...(stable === undefined ? {} : { stable: outputsOf(stable) }) },
  );
  return why === null ? undefined : incomparableInWords(why);
}

/** The output that a rule means whose name no output has. */
function findMeant({ metric, ofClass: name }: ParsedRule, candidate: ModelManifest): string | undefined {
  const known = outputsOf(candidate).scalars.flatMap((scalar) => scalar.name ?? []);
  const close = metric !== 'output_drift' || name === undefined ? undefined : findClosestWord(name, known);
  return close === name ? undefined : close;
}

/** Warnings at rules that would stay undecided in a rollout that uses the policy. */
export function warnOfOutputs(found: FoundDocuments['documents']): CodedError[] {
  const parsed = found.flatMap((one) => (one.parsed.kind === 'parsed' ? [one.parsed] : []));
  const documents = parsed.map(({ document }) => document);
  const manifests = documents.filter((one) => one.kind === 'ModelManifest');
  const rollouts = documents.filter((one) => one.kind === 'Rollout');
  const fallback = documents.find((one) => one.kind === 'Repository')?.spec.defaults?.policy;
  return parsed.flatMap(({ document, source }) => {
    if (document.kind !== 'RolloutPolicy') return [];
    const users = rollouts.filter(({ spec }) => (spec.policy ?? fallback) === document.metadata.name);
    const problems = rulesOf(document).flatMap(({ rule, path }): Problem[] => {
      for (const rollout of users) {
        const [candidate, stable] = versionsOf(rollout, manifests);
        const why = candidate && findWhy(rule, candidate, stable);
        if (why === undefined || candidate === undefined) continue;
        const versions = [candidate, ...(stable === undefined ? [] : [stable])].map(({ metadata }) => metadata.version);
        const words = { rule: rule.source, rollout: rollout.metadata.name, versions, why };
        const meant = findMeant(rule, candidate);
        return [{ code: 'POLICY_OUTPUTS', path, ...unjudgedRuleInWords({ ...words, meant }) }];
      }
      return [];
    });
    return locateProblems(source, problems);
  });
}
