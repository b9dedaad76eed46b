// Owns what documents of one repository say about each other: that what a rollout names is there, whole, and may be used.

import { findClosestWord } from '../base/closest-word.ts';
import type { CodedError } from '../base/errors.ts';
import { compareVersions, isVersionRange, satisfiesRange } from '../contract/model-version.ts';
import { findUnfitParameters } from '../contract/parameter-limits.ts';
import type { DocumentSource } from '../contract/source/document-source.ts';
import { locateProblems, type Problem } from '../contract/source/problem.ts';
import { matchesGlob } from '../contract/trust/name-glob.ts';
import type { ModelManifest } from '../contract/types.generated.ts';
import { findTargetOverlaps } from './check-target-overlap.ts';
import { findInterfaceBreaks } from './interface-step.ts';
import type { ParsedDocument } from './parse-document.ts';
import type { SlipwayDocument } from './slipway-document.ts';
import type { DeviceGroup, ModelDraft, Rollout, RolloutPolicy } from './types.generated.ts';

/** One file of the repository; its path from the root, with `/`. */
export interface RepositoryFile {
  readonly file: string;
  readonly parsed: ParsedDocument;
}

interface Found<T extends SlipwayDocument> {
  readonly file: string;
  readonly document: T;
  readonly source: DocumentSource;
}

interface Catalogue {
  readonly manifests: readonly Found<ModelManifest>[];
  readonly drafts: readonly Found<ModelDraft>[];
  readonly policies: readonly Found<RolloutPolicy>[];
  readonly rollouts: readonly Found<Rollout>[];
  readonly groups: readonly Found<DeviceGroup>[];
  /** Paths without their ending of the files that could not be parsed. */
  readonly broken: readonly string[];
  readonly defaultPolicy: string | undefined;
  /** By a version that changes the interface without a major step: the version whose interface it promises. */
  readonly breaks: ReadonlyMap<ModelManifest, ModelManifest>;
}

/**
 * Problems between documents, each at the document that it stops: a broken or missing document stops only the rollouts that use it.
 * Problems inside the documents are not repeated.
 */
export function checkReferences(files: readonly RepositoryFile[]): CodedError[] {
  const catalogue = catalogueOf(files);
  const { manifests, drafts, policies, rollouts, groups } = catalogue;
  const at = (found: Found<SlipwayDocument>, problems: readonly Problem[]): CodedError[] =>
    locateProblems(found.source, problems);
  return [
    ...[[...manifests, ...drafts], policies, rollouts, groups]
      .flatMap((list) => checkNames(list))
      .flatMap(([found, problem]) => at(found, [problem])),
    ...manifests.flatMap((found) => at(found, checkManifest(found.document, catalogue))),
    ...rollouts.flatMap((found) => at(found, checkRollout(found, catalogue))),
    ...overlaps(rollouts, true),
  ];
}

/** Targets of one model that may have a device in common: known devices alone tell whether one has. */
export function warnOfOverlaps(files: readonly RepositoryFile[]): CodedError[] {
  return overlaps(catalogueOf(files).rollouts, false);
}

function overlaps(rollouts: readonly Found<Rollout>[], areCertain: boolean): CodedError[] {
  const wanted = findTargetOverlaps(rollouts).filter(({ isCertain }) => isCertain === areCertain);
  return wanted.flatMap(({ found, problem }) => locateProblems(found.source, [problem]));
}

function catalogueOf(files: readonly RepositoryFile[]): Catalogue {
  const found = files.flatMap(({ file, parsed }) => (parsed.kind === 'parsed' ? [{ file, ...parsed }] : []));
  const ofKind = <K extends SlipwayDocument['kind']>(kind: K): Found<Extract<SlipwayDocument, { kind: K }>>[] =>
    found.flatMap(({ file, document, source }) =>
      document.kind === kind ? [{ file, document: document as Extract<SlipwayDocument, { kind: K }>, source }] : [],
    );
  const manifests = ofKind('ModelManifest');
  return {
    manifests,
    drafts: ofKind('ModelDraft'),
    policies: ofKind('RolloutPolicy'),
    rollouts: ofKind('Rollout'),
    groups: ofKind('DeviceGroup'),
    broken: files
      .filter(({ parsed }) => parsed.kind === 'broken')
      .map(({ file }) => file.replace(/\.(?:ya?ml|json)$/, '')),
    defaultPolicy: ofKind('Repository')[0]?.document.spec.defaults?.policy,
    breaks: breaksOf(manifests.map(({ document }) => document)),
  };
}

function breaksOf(manifests: readonly ModelManifest[]): Map<ModelManifest, ModelManifest> {
  const byModel = Map.groupBy(manifests, ({ metadata }) => metadata.name);
  const breaks = [...byModel.values()].flatMap((versions) => findInterfaceBreaks(versions));
  return new Map(breaks.map(({ manifest, before }) => [manifest, before]));
}

type Named = ModelManifest | ModelDraft | RolloutPolicy | Rollout | DeviceGroup;

function nameOf(document: Named): string {
  const { metadata } = document;
  return document.kind === 'ModelManifest' || document.kind === 'ModelDraft'
    ? `${metadata.name} ${document.metadata.version}`
    : metadata.name;
}

/** Folders may nest, so two files can claim one name; nobody can say which is meant. */
function checkNames(list: readonly Found<Named>[]): [Found<Named>, Problem][] {
  const seen = new Map<string, string>();
  return list.flatMap((found): [Found<Named>, Problem][] => {
    const name = nameOf(found.document);
    const other = seen.get(name);
    if (other === undefined) {
      seen.set(name, found.file);
      return [];
    }
    const message = `${other} has the same name, "${name}".`;
    const remedy = 'Rename one of them: names must be unique across folders.';
    return [[found, { code: 'DOCUMENT_TWICE', path: ['metadata', 'name'], message, remedy }]];
  });
}

const BROKEN_REMEDY = 'Correct the document; its errors are listed separately.';

function checkManifest(manifest: ModelManifest, catalogue: Catalogue): Problem[] {
  const problems: Problem[] = [];
  const { version } = manifest.metadata;
  const before = catalogue.breaks.get(manifest);
  if (before !== undefined) {
    const message = `The interface differs from that of ${before.metadata.version}, but ${version} is not a new major version.`;
    const remedy = 'Raise the major version, or keep the interface.';
    problems.push({ code: 'MANIFEST_INTERFACE', path: ['spec', 'interface'], part: 'name', message, remedy });
  }
  const known = catalogue.groups.map(({ document }) => document.metadata.name);
  for (const [index, group] of (manifest.spec.compatibility?.groups ?? []).entries()) {
    if (known.includes(group)) continue;
    const path = ['spec', 'compatibility', 'groups', index];
    const isBroken = catalogue.broken.some((file) => file.split('/').at(-1) === group);
    problems.push(
      isBroken
        ? { code: 'REFERENCE_BROKEN', path, message: `The device group ${group} is broken.`, remedy: BROKEN_REMEDY }
        : {
            code: 'REFERENCE_GROUP',
            path,
            message: `There is no device group "${group}".`,
            remedy: suggest(group, known),
          },
    );
  }
  return problems;
}

function suggest(word: string, known: readonly string[]): string {
  const close = findClosestWord(word, known);
  if (close !== undefined) return `Did you mean \`${close}\`?`;
  return known.length === 0 ? 'Add its document first.' : `Known: ${listOf(known)}.`;
}

function listOf(known: readonly string[]): string {
  return [...new Set(known)].slice(0, 20).join(', ');
}

function checkRollout({ document }: Found<Rollout>, catalogue: Catalogue): Problem[] {
  return [...checkVersion(document, catalogue), ...checkPolicy(document, catalogue)];
}

function isAsked(version: string, desired: string): boolean {
  return newestOf([version], desired) !== undefined;
}

function checkVersion({ spec }: Rollout, { manifests, drafts, broken }: Catalogue): Problem[] {
  const ofModel = manifests.filter(({ document }) => document.metadata.name === spec.model);
  const brokenVersions = broken.flatMap((path) => {
    const [version = '', model] = path.split('/').reverse();
    return model === spec.model ? [version] : [];
  });
  const draft = drafts.find(
    ({ document: { metadata } }) => metadata.name === spec.model && isAsked(metadata.version, spec.version),
  );
  if (ofModel.length === 0 && brokenVersions.length === 0 && draft === undefined) {
    const known = manifests.map(({ document }) => document.metadata.name);
    const message = `There is no model "${spec.model}".`;
    return [{ code: 'REFERENCE_MODEL', path: ['spec', 'model'], message, remedy: suggest(spec.model, known) }];
  }
  const versions = ofModel.map(({ document }) => document.metadata.version);
  const version = newestOf(versions, spec.version);
  const path = ['spec', 'version'];
  if (version === undefined && draft !== undefined) {
    const message = `${spec.model} ${draft.document.metadata.version} is a draft: it has no files yet, so no rollout can ask for it.`;
    const remedy = 'Package and sign the version first (`slipway package`, `slipway sign`), or ask for another one.';
    return [{ code: 'REFERENCE_DRAFT', path, message, remedy }];
  }
  if (version === undefined && brokenVersions.includes(spec.version)) {
    const message = `The manifest of ${spec.model} ${spec.version} is broken.`;
    return [
      { code: 'REFERENCE_BROKEN', path, message, remedy: 'Correct the manifest; its errors are listed separately.' },
    ];
  }
  if (version === undefined) {
    const message = `No version of "${spec.model}" matches ${spec.version}.`;
    const isBlind = isVersionRange(spec.version) && !versions.some((one) => satisfiesRange(one, '*'));
    const remedy = isBlind
      ? `Name the version: a range matches SemVer versions such as 1.4.0 only, and there are ${listOf(versions)}.`
      : suggest(spec.version, versions);
    return [{ code: 'REFERENCE_VERSION', path, message, remedy }];
  }
  const manifest = ofModel.find(({ document }) => document.metadata.version === version)?.document;
  return manifest === undefined ? [] : checkParameters(spec.parameters ?? {}, manifest);
}

function newestOf(versions: readonly string[], desired: string): string | undefined {
  const fitting = versions.filter((version) =>
    desired === 'latest' ? true : isVersionRange(desired) ? satisfiesRange(version, desired) : version === desired,
  );
  return fitting.sort(compareVersions).at(-1);
}

function checkParameters(parameters: NonNullable<Rollout['spec']['parameters']>, manifest: ModelManifest): Problem[] {
  const known = manifest.spec.parameters ?? {};
  return findUnfitParameters(manifest, parameters).map(({ name, kind, message }): Problem => {
    const problem = { code: 'REFERENCE_PARAMETER', path: ['spec', 'parameters', name], message };
    if (kind === 'unknown') return { ...problem, part: 'name', remedy: suggest(name, Object.keys(known)) };
    if (kind === 'type') return { ...problem, remedy: `Give it a value that is a ${typeof known[name]}.` };
    return { ...problem, remedy: 'Give it a value within these limits: devices refuse any other.' };
  });
}

function checkPolicy({ metadata, spec }: Rollout, { policies, broken, defaultPolicy }: Catalogue): Problem[] {
  const name = spec.policy ?? defaultPolicy;
  const path = spec.policy === undefined ? ['spec'] : ['spec', 'policy'];
  if (name === undefined) {
    const message = 'The rollout names no policy, and the repository has no default policy.';
    const remedy = 'Add `policy: …` here, or `defaults: { policy: … }` to slipway.yaml.';
    return [{ code: 'REFERENCE_POLICY', path, part: 'name', message, remedy }];
  }
  const policy = policies.find(({ document }) => document.metadata.name === name)?.document;
  if (policy === undefined && broken.some((file) => file.split('/').at(-1) === name && !file.includes('rollouts/'))) {
    const message = `The policy "${name}" is broken.`;
    return [
      { code: 'REFERENCE_BROKEN', path, message, remedy: 'Correct the policy; its errors are listed separately.' },
    ];
  }
  if (policy === undefined) {
    const known = policies.map(({ document }) => document.metadata.name);
    return [{ code: 'REFERENCE_POLICY', path, message: `There is no policy "${name}".`, remedy: suggest(name, known) }];
  }
  const scope = policy.spec.appliesTo.rollouts;
  if (scope.some((glob) => matchesGlob(glob, metadata.name))) return [];
  const message = `The policy "${name}" does not apply to the rollout "${metadata.name}", only to ${scope.join(', ')}.`;
  const remedy = 'Use another policy, or extend its `appliesTo` and sign it again.';
  return [{ code: 'REFERENCE_POLICY_SCOPE', path, message, remedy }];
}
