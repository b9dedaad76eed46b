// Owns snapshots: trees read once, kept by oid, so that a new commit costs only the folders that changed.
import { CodedError } from '../../base/errors.ts';
import type { SkipReason, Tree, TreeChild } from '../manifests-repository.ts';
import type { GitObjects } from './git-objects.ts';
import { nameFault } from './tree-object.ts';

export interface TreeLimits {
  readonly depth: number;
  /** Files and folders of one snapshot. */
  readonly entries: number;
  /** Entries kept in memory over all snapshots. */
  readonly keptEntries: number;
}

export const DEFAULT_TREE_LIMITS: TreeLimits = { depth: 24, entries: 250_000, keptEntries: 1_000_000 };

interface Kept {
  readonly tree: Tree;
  /** Entries of the whole subtree, and its height. */
  readonly size: number;
  readonly height: number;
}

export class TreeReader {
  readonly #limits: TreeLimits;
  readonly #kept = new Map<string, Kept>();
  #keptEntries = 0;

  constructor(limits: TreeLimits) {
    this.#limits = limits;
  }

  async read(store: GitObjects, oid: string): Promise<Tree> {
    const budget = { left: this.#limits.entries };
    const { tree } = await this.#read(store, oid, this.#limits.depth, budget);
    this.#evict();
    return tree;
  }

  async #read(store: GitObjects, oid: string, depth: number, budget: { left: number }): Promise<Kept> {
    const kept = this.#kept.get(oid);
    if (kept !== undefined) {
      this.#kept.delete(oid); // to the young end
      this.#kept.set(oid, kept);
      budget.left -= kept.size;
      this.#bound(depth - kept.height, budget);
      return kept;
    }
    this.#bound(depth, budget);
    const entries = new Map<string, TreeChild>();
    const skipped = new Map<string, SkipReason>();
    let size = 0;
    let height = 0;
    const raw = await store.readTree(oid);
    budget.left -= raw.length;
    this.#bound(depth, budget);
    for (const { name, mode, oid: child } of raw) {
      size++;
      if (nameFault(name) !== undefined || entries.has(name)) skipped.set(name, 'unfit-name');
      else if (mode === '120000') skipped.set(name, 'symlink');
      else if (mode === '160000') skipped.set(name, 'submodule');
      else if (mode !== '40000') entries.set(name, { kind: 'blob', oid: child });
      else {
        const below = await this.#read(store, child, depth - 1, budget);
        size += below.size;
        height = Math.max(height, below.height + 1);
        entries.set(name, { kind: 'tree', tree: below.tree });
      }
    }
    const made: Kept = { tree: { oid, entries, skipped }, size, height };
    this.#kept.set(oid, made);
    this.#keptEntries += raw.length + 1;
    return made;
  }

  #bound(depth: number, budget: { readonly left: number }): void {
    if (depth < 0) {
      throw new CodedError({
        code: 'GIT_TREE_TOO_DEEP',
        message: `Folders in the manifests repository nest deeper than ${this.#limits.depth}.`,
        remedy: 'Move the documents to a higher folder.',
      });
    }
    if (budget.left < 0) {
      throw new CodedError({
        code: 'GIT_TREE_TOO_LARGE',
        message: `The manifests repository has more than ${this.#limits.entries} files and folders.`,
        remedy: 'Split it, or remove files that are no longer used.',
      });
    }
  }

  #evict(): void {
    for (const [oid, kept] of this.#kept) {
      if (this.#keptEntries <= this.#limits.keptEntries) return;
      this.#kept.delete(oid);
      this.#keptEntries -= kept.tree.entries.size + kept.tree.skipped.size + 1;
    }
  }
}
