// Owns looking documents up by the names that people use, instead of by path.
import { CodedError } from '../base/errors.ts';
import type { BrokenDocument, ModelDocument, PolicyDocument, RolloutDocument, Snapshot } from './snapshot.ts';

/** The name that a document's path gives it: the file's name without its ending. */
export function nameOfPath(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1).replace(/\.(ya?ml|json)$/, '');
}

function twice(path: string, other: string): BrokenDocument {
  const error = new CodedError({
    code: 'DOCUMENT_TWICE',
    message: `${other} has the same name.`,
    remedy: 'Rename one of them: names are unique over all folders.',
    at: { file: path, line: 1, column: 1 },
  });
  return { kind: 'broken', path, errors: [error] };
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

/** The versions of each model; a model whose documents did not change keeps the same array. */
export class ModelIndex {
  #source: Snapshot['models'] | undefined;
  #byModel = new Map<string, readonly (ModelDocument | BrokenDocument)[]>();

  of({ models }: Snapshot): ReadonlyMap<string, readonly (ModelDocument | BrokenDocument)[]> {
    if (this.#source === models) return this.#byModel;
    const grouped = new Map<string, (ModelDocument | BrokenDocument)[]>();
    for (const document of models.values()) {
      const name = document.kind === 'model' ? document.manifest.metadata.name : folderName(document.path);
      const versions = grouped.get(name);
      if (versions === undefined) grouped.set(name, [document]);
      else versions.push(document);
    }
    const kept = [...grouped].map(([name, documents]): [string, readonly (ModelDocument | BrokenDocument)[]] => {
      const before = this.#byModel.get(name);
      const isSame = before?.length === documents.length && documents.every((document, i) => document === before[i]);
      return [name, isSame ? before : documents];
    });
    this.#byModel = new Map(kept);
    this.#source = models;
    return this.#byModel;
  }
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

/** All that is wrong with the documents of a snapshot. */
export function documentErrors({ problems, models, policies, rollouts, groups }: Snapshot): readonly CodedError[] {
  return [...problems, ...[models, policies, rollouts, groups].flatMap(errorsIn)];
}
