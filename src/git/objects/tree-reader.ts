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
  /** Was anything in it left out for its depth? */
  readonly isCut: boolean;
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
    // A subtree that was cut off says so only of the depth at which it lay.
    const known = [oid, `${oid} ${depth}`].find(
      (one) => (this.#kept.get(one)?.height ?? Number.POSITIVE_INFINITY) <= depth,
    );
    const kept = known === undefined ? undefined : this.#kept.get(known);
    if (known !== undefined && kept !== undefined) {
      this.#kept.delete(known); // to the young end
      this.#kept.set(known, kept);
      budget.left -= kept.size;
      this.#bound(budget);
      return kept;
    }
    const entries = new Map<string, TreeChild>();
    const skipped = new Map<string, SkipReason>();
    let size = 0;
    let height = 0;
    let isCut = false;
    const raw = await store.readTree(oid);
    budget.left -= raw.length;
    this.#bound(budget);
    for (const { name, mode, oid: child } of raw) {
      size++;
      if (nameFault(name) !== undefined || entries.has(name)) skipped.set(name, 'unfit-name');
      else if (mode === '120000') skipped.set(name, 'symlink');
      else if (mode === '160000') skipped.set(name, 'submodule');
      else if (mode !== '40000') entries.set(name, { kind: 'blob', oid: child });
      else if (depth === 0) {
        // Left out, and nothing else: a deep folder somewhere must not stop every rollout.
        skipped.set(name, 'too-deep');
        isCut = true;
      } else {
        const below = await this.#read(store, child, depth - 1, budget);
        size += below.size;
        height = Math.max(height, below.height + 1);
        isCut ||= below.isCut;
        entries.set(name, { kind: 'tree', tree: below.tree });
      }
    }
    const made: Kept = { tree: { oid, entries, skipped }, size, height, isCut };
    this.#kept.set(isCut ? `${oid} ${depth}` : oid, made);
    this.#keptEntries += raw.length + 1;
    return made;
  }

  #bound(budget: { readonly left: number }): void {
    if (budget.left >= 0) return;
    throw new CodedError({
      code: 'GIT_TREE_TOO_LARGE',
      message: `The manifests repository has more than ${this.#limits.entries} files and folders.`,
      remedy: 'Split it, or remove files that are no longer used.',
    });
  }

  #evict(): void {
    for (const [oid, kept] of this.#kept) {
      if (this.#keptEntries <= this.#limits.keptEntries) return;
      this.#kept.delete(oid);
      this.#keptEntries -= kept.tree.entries.size + kept.tree.skipped.size + 1;
    }
  }
}
