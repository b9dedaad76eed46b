// Owns sessions of the real command line for tests: each command in a process of its own, and what it printed as text to compare.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { SystemClock } from '../../src/base/clock.ts';
import { generateKeyPair } from '../../src/signing/keys.ts';
import { openSqliteFleetStore } from '../../src/store/sqlite/open-sqlite-fleet-store.ts';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
export const PERSON = { GIT_AUTHOR_NAME: 'alice', GIT_AUTHOR_EMAIL: 'alice@example.org' };

export interface Ran {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number | null;
}

export interface RunningCommand extends AsyncDisposable {
  readonly url: string;
  /** What it has said on stderr. */
  readonly log: () => string;
}

/** A folder in which commands run, and what they said so far. */
export class CliSession implements AsyncDisposable {
  readonly folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'slipway-cli-')));
  readonly #said: string[] = [];
  readonly #open: AsyncDisposable[] = [];

  path(...parts: string[]): string {
    return path.join(this.folder, ...parts);
  }

  write(file: string, text: string): void {
    mkdirSync(path.dirname(this.path(file)), { recursive: true });
    writeFileSync(this.path(file), text);
  }

  /** The environment of a person with nothing of their own set up. */
  #environment(more: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
    const home = this.path('nobody');
    mkdirSync(home, { recursive: true });
    const { PATH, NODE_COMPILE_CACHE } = process.env;
    return { PATH, NODE_COMPILE_CACHE, HOME: home, TMPDIR: this.folder, GIT_CONFIG_NOSYSTEM: '1', ...more };
  }

  git(repository: string, ...args: string[]): string {
    const env = this.#environment({
      ...PERSON,
      GIT_COMMITTER_NAME: PERSON.GIT_AUTHOR_NAME,
      GIT_COMMITTER_EMAIL: PERSON.GIT_AUTHOR_EMAIL,
    });
    return execFileSync('git', ['-C', this.path(repository), ...args], { env, stdio: 'pipe' })
      .toString()
      .trim();
  }

  /** A line as a person would paste it. */
  shell(line: string): void {
    execFileSync('sh', ['-c', line], { cwd: this.folder, stdio: 'pipe' });
  }

  async run(args: readonly string[], env: Readonly<Record<string, string>> = PERSON): Promise<Ran> {
    const child = spawn(process.execPath, [MAIN, ...args], {
      cwd: this.folder,
      env: this.#environment(env),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    const [code] = (await once(child, 'close')) as [number | null];
    return { stdout: Buffer.concat(out).toString('utf8'), stderr: Buffer.concat(err).toString('utf8'), code };
  }

  /** Runs a command that goes on until Ctrl-C, which it gets after so many lines. */
  async watch(args: readonly string[], lines: number, env: Readonly<Record<string, string>>): Promise<Ran> {
    const child = spawn(process.execPath, [MAIN, ...args], {
      cwd: this.folder,
      env: this.#environment(env),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString('utf8');
      if (stdout.split('\n').length > lines) child.kill('SIGINT');
    });
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString('utf8');
    });
    const [code] = (await once(child, 'close')) as [number | null];
    return { stdout, stderr, code };
  }

  /** Runs a command and takes down what a person would see. */
  async say(line: string, env?: Readonly<Record<string, string>>): Promise<Ran> {
    const ran = await this.run(line.match(/"[^"]*"|\S+/g)?.map((word) => word.replaceAll('"', '')) ?? [], env);
    const end = ran.code === 0 ? '' : `(exit ${ran.code})\n`;
    this.#said.push(`$ slipway ${line}\n${ran.stdout}${ran.stderr}${end}`);
    return ran;
  }

  /** Begins the text anew, as a test does that runs once more. */
  forget(): void {
    this.#said.length = 0;
  }

  /** What was said, without what differs from run to run; columns keep their width. */
  text(): string {
    return this.#said
      .join('\n')
      .replaceAll(this.folder, '/somewhere')
      .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/g, 'YYYY-MM-DDThh:mm:ssZ')
      .replaceAll(/\b(just now|\d+ (s|min|h|d) ago)\b/g, 'N min ago')
      .replaceAll(/sha256:[0-9a-f]{64}/g, 'sha256:…')
      .replaceAll(/\b[0-9a-f]{40}\b/g, '#'.repeat(40))
      .replaceAll(/\b[0-9a-f]{10}\b/g, '#'.repeat(10))
      .replaceAll(/[A-Za-z0-9+/]{43}=/g, 'KEY')
      .replaceAll(/127\.0\.0\.1:\d+/g, '127.0.0.1:PORT');
  }

  /** `slipway run`, until it serves; ended with the session. */
  async serve(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<RunningCommand> {
    const pace = ['--listen', '127.0.0.1:0', '--poll', '200ms', '--tick', '200ms'];
    const child = spawn(process.execPath, [MAIN, 'run', ...pace, ...args], {
      cwd: this.folder,
      env: this.#environment(env),
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const ended = once(child, 'close');
    let log = '';
    const url = await new Promise<string>((resolve, reject) => {
      child.stderr.on('data', (chunk: Buffer) => {
        log += chunk.toString('utf8');
        const found = /"url":"([^"]+)"/.exec(log)?.[1];
        if (found !== undefined) resolve(found);
      });
      child.on('close', () => reject(new Error(`the service ended: ${log}`)));
    });
    const running = {
      url,
      log: () => log,
      async [Symbol.asyncDispose]() {
        child.kill('SIGTERM');
        await ended;
      },
    };
    this.#open.push(running);
    return running;
  }

  /** Devices that have enrolled and were never heard since. */
  async enrol(ids: readonly string[], labels: Readonly<Record<string, string>>, home = '.slipway'): Promise<void> {
    const clock = new SystemClock();
    await using store = openSqliteFleetStore({ file: this.path(home, 'slipway.db'), clock });
    const tokens = await store.createEnrolmentTokens({ count: ids.length, expiresAtMs: clock.now() + 60_000 });
    for (const [index, device] of ids.entries()) {
      const publicKey = generateKeyPair().publicPem;
      await store.enrol({ token: tokens[index] ?? '', device, publicKey, labels, nowMs: clock.now() });
    }
  }

  keep(open: AsyncDisposable): void {
    this.#open.push(open);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const one of this.#open.reverse()) await one[Symbol.asyncDispose]();
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Asks again and again until it holds. */
export async function until(holds: () => Promise<boolean>, limitMs = 150_000): Promise<void> {
  const clock = new SystemClock();
  const end = clock.monotonicMs() + limitMs;
  while (!(await holds())) {
    if (clock.monotonicMs() > end) throw new Error('it did not come about in time');
    await clock.sleep(100);
  }
}
