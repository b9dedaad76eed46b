// Owns a clone on disk through isomorphic-git: making one, its state, and commits in it.

import fs from 'node:fs';
import { mkdir, open, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import git from 'isomorphic-git';
import { CodedError } from '../../base/errors.ts';
import { filesOfFolder } from '../folder-files.ts';
import type { CommitAuthor } from '../manifests-repository.ts';
import type { RepositoryFiles } from '../repository-files.ts';
import type { WorkTree } from '../work-tree.ts';
import { assertOwnClone, assertReadableIndex } from './clone-form.ts';

export class IsomorphicWorkTree implements WorkTree {
  readonly folder: string;
  readonly #at: { readonly fs: typeof fs; readonly dir: string };

  constructor(folder: string) {
    this.folder = folder;
    this.#at = { fs, dir: folder };
  }

  /** A new clone, or one without a commit; a service may push to its branch, and its files follow. */
  static async create(folder: string): Promise<IsomorphicWorkTree> {
    const tree = new IsomorphicWorkTree(folder);
    await git.init({ ...tree.#at, defaultBranch: 'main' });
    await git.setConfig({ ...tree.#at, path: 'receive.denyCurrentBranch', value: 'updateInstead' });
    return tree;
  }

  async branch(): Promise<string> {
    await assertOwnClone(this.folder);
    const current = await this.#read(() => git.currentBranch(this.#at));
    if (typeof current === 'string') return current;
    throw new CodedError({
      code: 'REPO_DETACHED',
      message: `No branch is checked out in ${this.folder}.`,
      remedy: 'Run `git switch main` there, or pass the branch with --branch.',
    });
  }

  async hasRemote(): Promise<boolean> {
    return (await this.#read(() => git.listRemotes(this.#at))).length > 0;
  }

  async hasCommit(): Promise<boolean> {
    return (await git.log({ ...this.#at, depth: 1 }).catch(() => [])).length > 0;
  }

  files(): Promise<RepositoryFiles> {
    return filesOfFolder(this.folder);
  }

  async status(file: string): Promise<{ readonly isChanged: boolean; readonly staged: readonly string[] }> {
    await assertReadableIndex(this.folder);
    const matrix = await this.#read(() => git.statusMatrix(this.#at));
    const staged = matrix.filter(([, head, , stage]) => head !== stage).map(([name]) => name);
    const state = await this.#read(() => git.status({ ...this.#at, filepath: file }));
    return { isChanged: state !== 'unmodified', staged };
  }

  async lock(): Promise<AsyncDisposable> {
    const gitFolder = path.join(this.folder, '.git');
    const branch = await this.branch();
    await using held = new AsyncDisposableStack();
    for (const name of ['index.lock', `refs/heads/${branch}.lock`]) {
      const file = path.join(gitFolder, ...name.split('/'));
      await mkdir(path.dirname(file), { recursive: true });
      try {
        await (await open(file, 'wx')).close();
      } catch (cause) {
        if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
        throw new CodedError({
          code: 'GIT_LOCKED',
          kind: 'retry-later',
          message: `Another Git process is working in this clone: ${file} exists.`,
          remedy: 'Try again. If no Git process is running, delete that file.',
          cause,
        });
      }
      held.defer(() => rm(file, { force: true }));
    }
    return held.move();
  }

  /** What isomorphic-git can't make sense of is the clone's, not a bug here. What the system refuses stays as it is. */
  async #read<T>(read: () => Promise<T>): Promise<T> {
    try {
      return await read();
    } catch (cause) {
      if (cause instanceof CodedError || (cause as NodeJS.ErrnoException).syscall !== undefined) throw cause;
      throw new CodedError({
        code: 'REPO_UNREADABLE',
        message: `The clone ${this.folder} can't be read: ${(cause as Error).message.split('\n', 1)[0]}`,
        remedy: 'Check it with `git fsck`, or pass the URL of the repository with --repo.',
        cause,
      });
    }
  }

  async commit(files: ReadonlyMap<string, string>, message: string, author: CommitAuthor): Promise<string> {
    for (const [file, text] of files) {
      const target = path.join(this.folder, ...file.split('/'));
      await mkdir(path.dirname(target), { recursive: true });
      await writeFile(target, text);
      await git.add({ ...this.#at, filepath: file });
    }
    return git.commit({ ...this.#at, author, message });
  }
}
