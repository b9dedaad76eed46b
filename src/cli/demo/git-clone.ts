// Owns a person's clone of the manifests repository: changes files, commits and pushes with the git command, as people do.
import { execFile } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { backOffMs } from '../../base/back-off.ts';
import type { Clock } from '../../base/clock.ts';
import { CodedError } from '../../base/errors.ts';
import type { RandomStream } from '../../base/random.ts';

const run = promisify(execFile);
const MOST_TRIES = 20;
/** Whoever lost a race waits a moment of random length: services and people must not meet again in step. */
const BACK_OFF = { firstMs: 50, capMs: 1_000 };

export interface GitEnvironment {
  readonly path: string;
  readonly home: string;
}

/** Runs git away from the user's own settings, and never asks at a terminal. Throws GIT_COMMAND. */
export async function git(args: readonly string[], folder: string, environment: GitEnvironment): Promise<string> {
  const env = {
    PATH: environment.path,
    HOME: environment.home,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
  };
  try {
    const { stdout } = await run('git', [...args], { cwd: folder, env, maxBuffer: 64 * 1024 * 1024, timeout: 60_000 });
    return stdout;
  } catch (cause) {
    const said = (cause as { readonly stderr?: string }).stderr?.trim() ?? String(cause);
    throw new CodedError({
      code: 'GIT_COMMAND',
      kind: 'retry-later',
      message: `git ${args[0]}: ${said}`,
      remedy: 'Is git installed?',
      cause,
    });
  }
}

export interface CloneOptions {
  /** With credentials in it: it is made for one demonstration on this machine. */
  readonly url: string;
  readonly folder: string;
  readonly person: { readonly name: string; readonly email: string };
  readonly environment: GitEnvironment;
  readonly clock: Clock;
  readonly random: RandomStream;
}

export class GitClone {
  readonly #options: CloneOptions;

  constructor(options: CloneOptions) {
    this.#options = options;
  }

  get folder(): string {
    return this.#options.folder;
  }

  async clone(): Promise<void> {
    const { url, folder, person } = this.#options;
    await mkdir(folder, { recursive: true });
    await this.git('init', '--quiet', '--initial-branch=main');
    await this.git('remote', 'add', 'origin', url);
    await this.git('config', 'user.name', person.name);
    await this.git('config', 'user.email', person.email);
    await this.git('config', 'commit.gpgsign', 'false');
  }

  git(...args: string[]): Promise<string> {
    return git(args, this.#options.folder, this.#options.environment);
  }

  async read(file: string): Promise<string> {
    return readFile(path.join(this.#options.folder, file), 'utf8');
  }

  /** Applies `change` to the newest state of the branch, commits and pushes; when someone else was faster, again. Returns the commit. */
  async push(message: string, change: () => Promise<ReadonlyMap<string, string | Buffer | null>>): Promise<string> {
    for (let attempt = 1; ; attempt++) {
      await this.pull();
      for (const [file, content] of await change()) await this.#write(file, content);
      await this.git('add', '--all');
      await this.git('commit', '--quiet', '--message', message);
      try {
        await this.git('push', '--quiet', 'origin', 'HEAD:main');
        return (await this.git('rev-parse', 'HEAD')).trim();
      } catch (error) {
        if (attempt >= MOST_TRIES) throw error;
        await this.#options.clock.sleep(backOffMs(attempt, BACK_OFF, this.#options.random));
      }
    }
  }

  /** The branch as it is now; what was not pushed is dropped. */
  async pull(): Promise<void> {
    const heads = await this.git('ls-remote', '--heads', 'origin', 'main');
    if (heads.trim() === '') return;
    await this.git('fetch', '--quiet', 'origin', 'main');
    await this.git('checkout', '--quiet', '--force', '-B', 'main', 'FETCH_HEAD');
    await this.git('clean', '-fdq');
  }

  async #write(file: string, content: string | Buffer | null): Promise<void> {
    const target = path.join(this.#options.folder, file);
    if (content === null) return rm(target, { force: true });
    await mkdir(path.dirname(target), { recursive: true });
    await writeFile(target, content);
  }
}
