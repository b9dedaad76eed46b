// Owns a Git host in memory: branches that move by compare-and-swap, and the pushes of people.

import { CodedError } from '../../base/errors.ts';
import { branchMoved } from '../git-errors.ts';
import type { CommitAuthor } from '../manifests-repository.ts';
import { writeCommit } from '../objects/commit-writer.ts';
import type { GitObjects } from '../objects/git-objects.ts';
import { MemoryObjects } from './memory-objects.ts';

export type MoveOutcome = { readonly kind: 'moved' } | { readonly kind: 'refused'; readonly reason: string };

/** What repositories in memory ask of their remote. A test or a simulation wraps it to let requests fail. */
export interface GitHost {
  readonly objects: GitObjects;
  /** Heads by the names of their branches. Throws when the host can't be reached. */
  branches(): Promise<ReadonlyMap<string, string>>;
  /** Moves a branch from one commit to another, or not at all; from null, it begins. A throw doesn't say whether it moved. */
  move(branch: string, from: string | null, to: string): Promise<MoveOutcome>;
}

export interface PersonsCommit {
  readonly branch?: string;
  /** Path to new text; null deletes. */
  readonly files: Readonly<Record<string, string | null>>;
  readonly message: string;
  readonly atMs: number;
  readonly author?: CommitAuthor;
}

const PERSON: CommitAuthor = { name: 'Ann', email: 'ann@example.org' };

export class MemoryGitHost implements GitHost {
  readonly objects = new MemoryObjects();
  readonly #branches = new Map<string, string>();

  async branches(): Promise<ReadonlyMap<string, string>> {
    return new Map(this.#branches);
  }

  async move(branch: string, from: string | null, to: string): Promise<MoveOutcome> {
    const found = this.#branches.get(branch);
    if ((found ?? null) !== from) return { kind: 'refused', reason: branchMoved(found, from) };
    this.#branches.set(branch, to);
    return { kind: 'moved' };
  }

  /** Commits on top of the branch, as a person's push would; the first commit begins the branch. Returns its id. */
  async commit({ branch = 'main', files, message, atMs, author = PERSON }: PersonsCommit): Promise<string> {
    const changes = new Map(
      Object.entries(files).map(([path, text]) => [path, text === null ? null : Buffer.from(text)]),
    );
    const parent = this.#branches.get(branch) ?? null;
    const oid = await writeCommit(this.objects, { parent, changes, message, atMs }, author, undefined);
    if ((this.#branches.get(branch) ?? null) !== parent)
      throw new CodedError({ code: 'GIT_PUSH_REFUSED', kind: 'retry-later', message: `${branch} moved meanwhile.` });
    this.#branches.set(branch, oid);
    return oid;
  }

  /** Puts a branch on a commit, as a forced push would. */
  force(branch: string, commit: string): void {
    this.#branches.set(branch, commit);
  }
}
