// Owns looking documents up by the names that people use, instead of by path.
import { assertNever, CodedError } from '../base/errors.ts';
import { nameOfPath } from '../documents/repository-layout.ts';
import { type BrokenDocument, brokenBy, type PolicyDocument, type RolloutDocument, type Snapshot } from './snapshot.ts';

function twice(path: string, other: string): BrokenDocument {
  const error = new CodedError({
    code: 'DOCUMENT_TWICE',
    message: `${other} has the same name.`,
    remedy: 'Rename one of them: names are unique over all folders.',
    at: { file: path, line: 1, column: 1 },
  });
  return brokenBy(path, error);
}

function byName<T extends { readonly path: string }>(
  documents: ReadonlyMap<string, T>,
): Map<string, T | BrokenDocument> {
  const named = new Map<string, T | BrokenDocument>();
  for (const [path, document] of documents) {
    const name = nameOfPath(path);
    const other = named.get(name);
    named.set(name, other === undefined ? document : twice(path, other.path));
  }
  return named;
}

const rolloutIndex = new WeakMap<Snapshot['rollouts'], ReadonlyMap<string, RolloutDocument | BrokenDocument>>();
const policyIndex = new WeakMap<Snapshot['policies'], ReadonlyMap<string, PolicyDocument | BrokenDocument>>();

/** Rollouts by name; two of one name are both broken, as nobody can say which is meant. */
export function rolloutsByName({ rollouts }: Snapshot): ReadonlyMap<string, RolloutDocument | BrokenDocument> {
  const known = rolloutIndex.get(rollouts) ?? byName(rollouts);
  rolloutIndex.set(rollouts, known);
  return known;
}

export function policiesByName({ policies }: Snapshot): ReadonlyMap<string, PolicyDocument | BrokenDocument> {
  const known = policyIndex.get(policies) ?? byName(policies);
  policyIndex.set(policies, known);
  return known;
}

type VersionDocument = MapValues<Snapshot['models']>;
type MapValues<M> = M extends ReadonlyMap<string, infer V> ? V : never;
type Versions = readonly VersionDocument[];

/**
 * The versions of each model, in order of their paths; a model whose documents did not change keeps the same array, and only those of
 * changed documents are grouped anew.
 */
export class ModelIndex {
  #source: Snapshot['models'] = new Map();
  #byModel: ReadonlyMap<string, Versions> = new Map();

  of({ models }: Snapshot): ReadonlyMap<string, Versions> {
    const before = this.#source;
    if (before === models) return this.#byModel;
    const came = Map.groupBy(
      [...models.values()].filter((document) => before.get(document.path) !== document),
      modelOf,
    );
    const went = [...before.values()].filter((document) => models.get(document.path) !== document);
    const byModel = new Map(this.#byModel);
    for (const model of new Set([...came.keys(), ...went.map(modelOf)])) {
      const stayed = (byModel.get(model) ?? []).filter((document) => models.get(document.path) === document);
      const versions = [...stayed, ...(came.get(model) ?? [])];
      if (versions.length === 0) byModel.delete(model);
      else byModel.set(model, versions.sort(byPath));
    }
    this.#byModel = byModel;
    this.#source = models;
    return byModel;
  }
}

function modelOf(document: VersionDocument): string {
  switch (document.kind) {
    case 'model':
      return document.manifest.metadata.name;
    case 'draft':
      return document.draft.metadata.name;
    case 'broken':
      return folderName(document.path);
    default:
      return assertNever(document);
  }
}

function byPath(one: VersionDocument, other: VersionDocument): number {
  return one.path < other.path ? -1 : 1;
}

function folderName(path: string): string {
  return path.split('/').at(-2) ?? '';
}

type Documents = ReadonlyMap<string, { readonly kind: string } | BrokenDocument>;
const errorsKnown = new WeakMap<Documents, readonly CodedError[]>();

/** The errors of documents of one kind, looked for once as long as the documents are the same. */
function errorsIn(documents: Documents): readonly CodedError[] {
  const known =
    errorsKnown.get(documents) ?? [...documents.values()].flatMap((one) => ('errors' in one ? one.errors : []));
  errorsKnown.set(documents, known);
  return known;
}

/** What is wrong with `slipway.yaml` itself. */
export function settingsErrors(settings: Snapshot['settings']): readonly CodedError[] {
  return settings?.kind === 'broken' ? settings.errors : [];
}

/** All that is wrong with the documents of a snapshot. */
export function documentErrors({ settings, models, policies, rollouts, groups }: Snapshot): readonly CodedError[] {
  return [...settingsErrors(settings), ...[models, policies, rollouts, groups].flatMap(errorsIn)];
}
