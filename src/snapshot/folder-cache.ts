// Owns reading documents out of folders once: unchanged folders and files are neither read, parsed nor verified again.
import { BOM_SUFFIX } from '../documents/ml-bom.ts';
import type { Tree } from '../git/manifests-repository.ts';

/** A document of a folder and the signature that lies beside it. */
export interface FoundFile {
  readonly path: string;
  readonly oid: string;
  /** Object id of `<file>.sigstore.json`, or null when there is none. */
  readonly bundleOid: string | null;
}

export const BUNDLE_SUFFIX = '.sigstore.json';

/** Is the file a document, by its name? */
export function isDocument(name: string): boolean {
  return /\.(ya?ml|json)$/.test(name) && !name.endsWith(BUNDLE_SUFFIX) && !name.endsWith(BOM_SUFFIX);
}

interface Folder<T> {
  readonly tree: Tree;
  readonly files: ReadonlyMap<string, { readonly found: FoundFile; readonly value: T }>;
  readonly below: readonly string[];
}

/**
 * What `load` made of each document below a folder. A folder whose tree is the same object is taken as it is, and within a changed folder
 * only files whose content or signature changed are loaded: the cost grows with the change. Memory is bounded by what HEAD holds.
 */
export class FolderCache<T> {
  readonly #load: (found: FoundFile) => Promise<T>;
  #root: { readonly path: string; readonly tree: Tree } | undefined;
  #folders: ReadonlyMap<string, Folder<T>> = new Map();
  #all: ReadonlyMap<string, T> = new Map();

  constructor(load: (found: FoundFile) => Promise<T>) {
    this.#load = load;
  }

  /** All documents below the folder, by path; the same map as before when nothing changed. */
  async read(path: string, tree: Tree): Promise<ReadonlyMap<string, T>> {
    const before = this.#folders;
    if (this.#root?.path === path && this.#root.tree === tree) return this.#all;
    const folders = new Map<string, Folder<T>>();
    await this.#readFolder(path, tree, folders);
    const isSame = folders.size === before.size && [...folders].every(([name, folder]) => before.get(name) === folder);
    if (isSame && this.#folders === before) {
      this.#root = { path, tree };
      return this.#all;
    }
    const all = new Map<string, T>();
    for (const folder of folders.values()) for (const [file, { value }] of folder.files) all.set(file, value);
    if (this.#folders !== before) return all; // forgotten meanwhile: the next read must not find what this one loaded
    this.#root = { path, tree };
    this.#folders = folders;
    this.#all = all;
    return all;
  }

  /** Forgets everything, so that the next read loads anew: after the trust policy changed. */
  clear(): void {
    this.#root = undefined;
    this.#folders = new Map();
    this.#all = new Map();
  }

  async #readFolder(path: string, tree: Tree, into: Map<string, Folder<T>>): Promise<void> {
    const before = this.#folders.get(path);
    const folder = before?.tree === tree ? before : await this.#refresh(path, tree, before);
    into.set(path, folder);
    for (const name of folder.below) {
      const entry = tree.entries.get(name);
      if (entry?.kind === 'tree') await this.#readFolder(`${path}/${name}`, entry.tree, into);
    }
  }

  async #refresh(path: string, tree: Tree, before: Folder<T> | undefined): Promise<Folder<T>> {
    const files = new Map<string, { found: FoundFile; value: T }>();
    const below: string[] = [];
    for (const [name, entry] of tree.entries) {
      if (entry.kind === 'tree') below.push(name);
      else if (isDocument(name)) {
        const bundle = tree.entries.get(name + BUNDLE_SUFFIX);
        const found = {
          path: `${path}/${name}`,
          oid: entry.oid,
          bundleOid: bundle?.kind === 'blob' ? bundle.oid : null,
        };
        const known = before?.files.get(found.path);
        const isSame = known?.found.oid === found.oid && known.found.bundleOid === found.bundleOid;
        files.set(found.path, isSame ? known : { found, value: await this.#load(found) });
      }
    }
    return { tree, files, below };
  }
}
