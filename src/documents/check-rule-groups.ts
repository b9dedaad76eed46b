// Owns what is said of groups in rules that nothing in the repository knows: a mistyped `by` or `limits` passes every other check, and its rule never tells a group apart.
import { findClosestWord } from '../base/closest-word.ts';
import type { CodedError } from '../base/errors.ts';
import { isVariantProperty, VARIANT_PROPERTIES } from '../contract/manifest/choose-variant.ts';
import { parseSelector, type Selector } from '../contract/selector.ts';
import type { FieldPath } from '../contract/source/document-source.ts';
import { locateProblems, type Problem } from '../contract/source/problem.ts';
import type { ModelManifest } from '../contract/types.generated.ts';
import type { RepositoryFile } from './check-references.ts';
import type { SlipwayDocument } from './slipway-document.ts';
import type { RolloutPolicy } from './types.generated.ts';

const MOST_NAMED = 10;

interface Grouping {
  readonly by: string;
  readonly limits: readonly string[];
  readonly path: FieldPath;
}

function groupingsOf({ spec }: RolloutPolicy): Grouping[] {
  return spec.stages.flatMap(({ rules = [] }, stage) =>
    rules.flatMap((rule, index): Grouping[] => {
      if (typeof rule === 'string' || !('by' in rule) || rule.by === undefined) return [];
      const limits = Object.keys(rule.limits ?? {});
      return [{ by: rule.by, limits, path: ['spec', 'stages', stage, 'rules', index] }];
    }),
  );
}

function fieldsOf(selector: Selector): string[] {
  if (selector.kind === 'all') return [];
  if (selector.kind === 'term') return [selector.field];
  return selector.kind === 'not' ? fieldsOf(selector.part) : selector.parts.flatMap(fieldsOf);
}

/** The labels that a document gives to devices, selects them by, or knows of. */
function labelsIn(document: SlipwayDocument): string[] {
  if (document.kind === 'Repository') return [...(document.spec.fleet?.labels ?? [])];
  if (document.kind === 'Rollout') return fieldsOf(parseSelector(document.spec.target));
  if (document.kind === 'RolloutPolicy')
    return document.spec.stages.flatMap(({ select }) => (select === undefined ? [] : fieldsOf(parseSelector(select))));
  if (document.kind !== 'DeviceGroup') return [];
  const { labels = {}, devices = [] } = document.spec;
  return ['groups', ...Object.keys(labels), ...devices.flatMap((device) => Object.keys(device.labels ?? {}))];
}

/** Warnings of labels in `by` that no document names (the settings may list those that devices state) and that aren't among `given`, and of precisions and platforms by which no model that uses the policy has variants. */
export function warnOfGroups(files: readonly RepositoryFile[], given: readonly string[] = []): CodedError[] {
  const found = files.flatMap(({ parsed }) => (parsed.kind === 'parsed' ? [parsed] : []));
  const documents: readonly SlipwayDocument[] = found.map(({ document }) => document);
  const labels = [...new Set([...given, ...documents.flatMap(labelsIn)])];
  const fallback = documents.find((document) => document.kind === 'Repository')?.spec.defaults?.policy;
  const isWhole = files.every(({ parsed }) => parsed.kind === 'parsed');
  return found.flatMap(({ document, source }) => {
    if (document.kind !== 'RolloutPolicy') return [];
    const users = documents.filter((one) => one.kind === 'Rollout');
    const own = users.filter(({ spec }) => (spec.policy ?? fallback) === document.metadata.name);
    const models = new Set(own.map(({ spec }) => spec.model));
    const manifests = documents.filter((one) => one.kind === 'ModelManifest' && models.has(one.metadata.name));
    const problems = groupingsOf(document).flatMap((grouping) =>
      isVariantProperty(grouping.by)
        ? // A document that can't be read may be the manifest that has the variants.
          isWhole
          ? warnOfVariants(grouping, manifests as readonly ModelManifest[])
          : []
        : warnOfLabel(grouping, labels),
    );
    return locateProblems(source, problems);
  });
}

function warnOfLabel({ by, path }: Grouping, labels: readonly string[]): Problem[] {
  if (labels.includes(by)) return [];
  const close = findClosestWord(by, [...VARIANT_PROPERTIES, ...labels]);
  const message = `No device group names the label \`${by}\`, and nothing selects by it.`;
  const remedy =
    close === undefined
      ? 'Correct the label; or, if devices have it from their tokens (`slipway token --label`) or state it themselves, list it in `spec.fleet.labels` of slipway.yaml.'
      : `Did you mean \`${close}\`?`;
  return [{ code: 'REFERENCE_LABEL', path: [...path, 'by'], message, remedy }];
}

function warnOfVariants({ by, limits, path }: Grouping, manifests: readonly ModelManifest[]): Problem[] {
  if (!isVariantProperty(by) || manifests.length === 0) return [];
  const code = 'REFERENCE_VARIANT';
  const known = new Set(manifests.flatMap(({ spec }) => spec.variants.flatMap((variant) => variant[by] ?? [])));
  const unknown = limits.filter((value) => !known.has(value));
  const names = [...known].slice(0, MOST_NAMED).join(', ');
  const models = [...new Set(manifests.map(({ metadata }) => `"${metadata.name}"`))].slice(0, MOST_NAMED).join(', ');
  const problems = unknown.map((value): Problem => {
    const close = findClosestWord(value, [...known]);
    const instead = known.size === 0 ? 'Leave out this limit.' : `Known: ${names}.`;
    return {
      ...{ code, path: [...path, 'limits', value], part: 'name' },
      message: `No manifest of ${models} has a variant of the ${by} \`${value}\`.`,
      remedy: close === undefined ? instead : `Did you mean \`${close}\`?`,
    };
  });
  const isApart = manifests.some(({ spec }) => new Set(spec.variants.map((variant) => variant[by])).size > 1);
  if (isApart) return problems;
  const message = `No manifest of ${models} has variants of more than one ${by}, so all devices are in one group.`;
  const remedy = `Add \`${by}\` to the variants, or leave out \`by\`.`;
  return [{ code, path: [...path, 'by'], message, remedy }, ...problems];
}
