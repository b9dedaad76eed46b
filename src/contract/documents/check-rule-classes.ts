// Owns what is said of classes in rules that no model has: a mistyped name passes every other check, and its rule never sees an answer.
import type { CodedError } from '../../base/errors.ts';
import type { RepositoryFile } from './check-references.ts';
import { findClosestWord } from './closest-word.ts';
import type { DocumentSource, FieldPath } from './document-source.ts';
import { locateProblems, type Problem } from './problem.ts';
import { parseRule } from './rule-text.ts';
import type { SlipwayDocument } from './slipway-document.ts';
import type { ModelManifest, RolloutPolicy } from './types.generated.ts';

const MOST_NAMED = 10;

interface RuleClass {
  readonly path: FieldPath;
  readonly column: number;
  readonly rule: string;
  readonly ofClass: string;
}

/** The classes that a policy's rules name, each where it stands. */
function classesOf({ spec }: RolloutPolicy): RuleClass[] {
  const written = [
    ...spec.stages.flatMap(({ rules = [] }, stage) =>
      rules.map((rule, index) => ({ rule, path: ['spec', 'stages', stage, 'rules', index] })),
    ),
    ...(spec.watch?.rules ?? []).map((rule, index) => ({ rule, path: ['spec', 'watch', 'rules', index] })),
  ];
  return written.flatMap(({ rule, path }): RuleClass[] => {
    if (typeof rule !== 'string' && ('prometheus' in rule || 'webhook' in rule)) return [];
    const text = typeof rule === 'string' ? rule : rule.rule;
    const { metric, ofClass } = parseRule(text);
    if (ofClass === undefined || metric === 'gauge') return [];
    const at = typeof rule === 'string' ? path : [...path, 'rule'];
    return [{ path: at, column: text.indexOf('[') + 2, rule: text.trim(), ofClass }];
  });
}

/** The classes that manifests of the model name; undefined when one names none: its answers may be of any. */
function classesOfModel(manifests: readonly ModelManifest[]): ReadonlySet<string> | undefined {
  const known = new Set<string>();
  for (const { spec } of manifests) {
    const classes = spec.interface.outputs.flatMap((output) => output.classes ?? []);
    if (classes.length === 0) return undefined;
    for (const name of classes) known.add(name);
  }
  return known.size === 0 ? undefined : known;
}

/** Warnings of classes in the rules of a policy that no manifest of a model has which some rollout rolls out by this policy. */
export function warnOfClasses(files: readonly RepositoryFile[]): CodedError[] {
  const found = files.flatMap(({ parsed }) => (parsed.kind === 'parsed' ? [parsed] : []));
  const documents: readonly SlipwayDocument[] = found.map(({ document }) => document);
  const settings = documents.find((document) => document.kind === 'Repository');
  const fallback = settings?.spec.defaults?.policy;
  const rollouts = documents.filter((document) => document.kind === 'Rollout');
  const broken = files.flatMap(({ file, parsed }) => (parsed.kind === 'broken' ? [file] : []));
  const byModel = Map.groupBy(
    documents.filter((document) => document.kind === 'ModelManifest'),
    ({ metadata }) => metadata.name,
  );
  return found.flatMap(({ document, source }) => {
    if (document.kind !== 'RolloutPolicy') return [];
    const users = rollouts.filter(({ spec }) => (spec.policy ?? fallback) === document.metadata.name);
    // A manifest that can't be read may well name the class.
    const models = new Set(users.map(({ spec }) => spec.model));
    const whole = [...models].filter((model) => !broken.some((file) => file.includes(`/${model}/`)));
    return warnOfPolicy({ policy: document, source, models: whole, byModel });
  });
}

interface UsedPolicy {
  readonly policy: RolloutPolicy;
  readonly source: DocumentSource;
  readonly models: readonly string[];
  readonly byModel: ReadonlyMap<string, readonly ModelManifest[]>;
}

function warnOfPolicy({ policy, source, models, byModel }: UsedPolicy): CodedError[] {
  const problems = classesOf(policy).flatMap(({ path, column, rule, ofClass }): Problem[] => {
    for (const model of models) {
      const known = classesOfModel(byModel.get(model) ?? []);
      if (known === undefined || known.has(ofClass)) continue;
      const message = `\`${rule}\` is about a class that no manifest of "${model}" names, so it would see no answer.`;
      return [{ code: 'REFERENCE_CLASS', path, column, message, remedy: remedyOf(ofClass, [...known]) }];
    }
    return [];
  });
  return locateProblems(source, problems);
}

function remedyOf(ofClass: string, known: readonly string[]): string {
  const close = findClosestWord(ofClass, known);
  if (close !== undefined) return `Did you mean \`${close}\`?`;
  const more = known.length > MOST_NAMED ? ', …' : '';
  return `Its classes: ${known.slice(0, MOST_NAMED).join(', ')}${more}.`;
}
