// Owns who a commit of these commands is by: as git itself would say.
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import process from 'node:process';
import { promisify } from 'node:util';
import git from 'isomorphic-git';
import { CodedError } from '../base/errors.ts';

export interface Person {
  readonly name: string;
  readonly email: string;
}

const run = promisify(execFile);

/** A setting as the git command sees it, the person's own included; without the command, the repository's own. */
async function settingOf(folder: string, name: string): Promise<string | undefined> {
  try {
    const { stdout } = await run('git', ['config', '--get', name], { cwd: folder, timeout: 10_000 });
    return stdout.trim();
  } catch {
    const value: unknown = await git.getConfig({ fs, dir: folder, path: name }).catch(() => undefined);
    return typeof value === 'string' ? value : undefined;
  }
}

/** From GIT_AUTHOR_NAME and GIT_AUTHOR_EMAIL, or `user.name` and `user.email`; undefined when one is missing. */
export async function personOf(folder: string): Promise<Person | undefined> {
  const name = process.env.GIT_AUTHOR_NAME ?? (await settingOf(folder, 'user.name'));
  const email = process.env.GIT_AUTHOR_EMAIL ?? (await settingOf(folder, 'user.email'));
  return name && email ? { name, email } : undefined;
}

/** As `personOf`. Throws REQUEST_NOBODY: a request is somebody's. */
export async function readPerson(folder: string): Promise<Person> {
  const person = await personOf(folder);
  if (person !== undefined) return person;
  throw new CodedError({
    code: 'REQUEST_NOBODY',
    message: 'Git does not know who you are, so the commit would be nobody’s.',
    remedy:
      'Run `git config user.name "…"` and `git config user.email "…"`, or set GIT_AUTHOR_NAME and GIT_AUTHOR_EMAIL.',
  });
}
