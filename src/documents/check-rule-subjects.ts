// Owns what is said of classes and inputs in rules that no model has: a mistyped name passes every other check, and its rule never sees an answer.

import { findClosestWord } from '../base/closest-word.ts';
import type { CodedError } from '../base/errors.ts';
import { inputNamesOf } from '../contract/input-names.ts';
import type { DocumentSource, FieldPath } from '../contract/source/document-source.ts';
import { locateProblems, type Problem } from '../contract/source/problem.ts';
import type { ModelManifest } from '../contract/types.generated.ts';
import type { RepositoryFile } from './check-references.ts';
import { parseRule } from './rules/rule-text.ts';
import type { SlipwayDocument } from './slipway-document.ts';
import type { RolloutPolicy } from './types.generated.ts';

const MOST_NAMED = 10;
/** What these name in brackets no manifest names, or only some of its versions: outputs are held against those of each rollout. */
const NAMED_ELSEWHERE: ReadonlySet<string> = new Set(['gauge', 'counter', 'error_rate', 'output_drift']);

/** What a rule names in brackets that a manifest names too. */
interface Subject {
  readonly kind: keyof typeof KINDS;
  readonly path: FieldPath;
  readonly column: number;
  readonly rule: string;
  readonly name: string;
}

/** The classes and inputs that a policy's rules name, each where it stands. */
function subjectsOf({ spec }: RolloutPolicy): Subject[] {
  const written = [
    ...spec.stages.flatMap(({ rules = [] }, stage) =>
      rules.map((rule, index) => ({ rule, path: ['spec', 'stages', stage, 'rules', index] })),
    ),
    ...(spec.watch?.rules ?? []).map((rule, index) => ({ rule, path: ['spec', 'watch', 'rules', index] })),
  ];
  return written.flatMap(({ rule, path }): Subject[] => {
    if (typeof rule !== 'string' && ('prometheus' in rule || 'webhook' in rule)) return [];
    const text = typeof rule === 'string' ? rule : rule.rule;
    const { metric, ofClass } = parseRule(text);
    if (ofClass === undefined || NAMED_ELSEWHERE.has(metric)) return [];
    const kind = metric === 'input' ? 'input' : 'class';
    const at = typeof rule === 'string' ? path : [...path, 'rule'];
    return [{ kind, path: at, column: text.indexOf('[') + 2, rule: text.trim(), name: ofClass }];
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

/** The inputs that reports of the model can tell of; undefined when those of one manifest may have any name. */
function inputsOfModel(manifests: readonly ModelManifest[]): ReadonlySet<string> | undefined {
  const names = manifests.map(({ spec }) => inputNamesOf(spec.interface.inputs));
  return names.length === 0 || names.includes(undefined) ? undefined : new Set(names.flatMap((one) => one ?? []));
}

const KINDS = {
  class: {
    code: 'REFERENCE_CLASS',
    namesOf: classesOfModel,
    without: (model: string) => `a class that no manifest of "${model}" names, so it would see no answer`,
    its: 'Its classes',
  },
  input: {
    code: 'REFERENCE_INPUT',
    namesOf: inputsOfModel,
    without: (model: string) => `an input that reports of "${model}" don't tell of, so it would see no value`,
    its: 'Its inputs in reports',
  },
} as const;

/** Warnings of classes and inputs in the rules of a policy that no manifest of a model has which some rollout rolls out by this policy. */
export function warnOfSubjects(files: readonly RepositoryFile[]): CodedError[] {
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
    // A manifest that can't be read may well name the class or the input.
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
  const problems = subjectsOf(policy).flatMap((subject): Problem[] => {
    const { code, namesOf, without } = KINDS[subject.kind];
    const { path, column, rule, name } = subject;
    for (const model of models) {
      const known = namesOf(byModel.get(model) ?? []);
      if (known === undefined || known.has(name)) continue;
      const message = `\`${rule}\` is about ${without(model)}.`;
      return [{ code, path, column, message, remedy: remedyOf(subject, [...known]) }];
    }
    return [];
  });
  return locateProblems(source, problems);
}

function remedyOf({ kind, name }: Subject, known: readonly string[]): string {
  if (known.length === 0) return 'Leave out the rule: its inputs are text, of which reports hold no numbers.';
  // Which column of a table is meant is nobody's guess.
  const close = kind === 'input' && name.endsWith(']') ? undefined : findClosestWord(name, known);
  if (close !== undefined) return `Did you mean \`${close}\`?`;
  const more = known.length > MOST_NAMED ? ', …' : '';
  return `${KINDS[kind].its}: ${known.slice(0, MOST_NAMED).join(', ')}${more}.`;
}
