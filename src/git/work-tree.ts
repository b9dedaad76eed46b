// Owns what Slipway asks of a person's clone: its branch, its files as they lie, and commits of its own changes alone.
import type { CommitAuthor } from './manifests-repository.ts';
import type { RepositoryFiles } from './repository-files.ts';

export interface WorkTree {
  readonly folder: string;
  /** The branch that is checked out. Throws REPO_DETACHED, REPO_LINKED, REPO_UNREADABLE. */
  branch(): Promise<string>;
  hasRemote(): Promise<boolean>;
  /** The files as they lie, uncommitted changes included. */
  files(): Promise<RepositoryFiles>;
  /** What the person has begun: is this file changed, and which files are staged? Throws REPO_INDEX, REPO_UNREADABLE. */
  status(file: string): Promise<{ readonly isChanged: boolean; readonly staged: readonly string[] }>;
  /** Git's own locks, so that neither git nor a push into this clone moves the branch meanwhile. Throws GIT_LOCKED, REPO_LINKED. */
  lock(): Promise<AsyncDisposable>;
  /** Writes the files, and commits them with all that is staged; returns the commit's id. */
  commit(files: ReadonlyMap<string, string>, message: string, author: CommitAuthor): Promise<string>;
}
