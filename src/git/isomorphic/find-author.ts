// Owns who a person's commit is by: as git itself would say.

import { execFile } from 'node:child_process';
import fs from 'node:fs';
import { promisify } from 'node:util';
import git from 'isomorphic-git';
import type { CommitAuthor } from '../manifests-repository.ts';
import type { Environment } from '../wire/process-transport.ts';

const run = promisify(execFile);

/** A setting as the git command sees it, the person's own included; without the command, the repository's own. */
export async function settingOf(folder: string, name: string): Promise<string | undefined> {
  try {
    const { stdout } = await run('git', ['config', '--get', name], { cwd: folder, timeout: 10_000 });
    return stdout.trim();
  } catch {
    const value: unknown = await git.getConfig({ fs, dir: folder, path: name }).catch(() => undefined);
    return typeof value === 'string' ? value : undefined;
  }
}

/** From GIT_AUTHOR_NAME and GIT_AUTHOR_EMAIL, or `user.name` and `user.email`; undefined when one is missing. */
export async function findAuthor(folder: string, environment: Environment): Promise<CommitAuthor | undefined> {
  const name = environment.GIT_AUTHOR_NAME ?? (await settingOf(folder, 'user.name'));
  const email = environment.GIT_AUTHOR_EMAIL ?? (await settingOf(folder, 'user.email'));
  return name && email ? { name, email } : undefined;
}
