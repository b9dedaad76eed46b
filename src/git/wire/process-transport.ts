// Owns Git over a child process: local folders by the git command, ssh:// remotes by the ssh command.
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import type { Readable, Writable } from 'node:stream';
import type { Clock } from '../../base/clock.ts';
import { CodedError } from '../../base/errors.ts';
import {
  answerCorrupt,
  answerTooLarge,
  credentialsRefused,
  hostFailed,
  repositoryNotFound,
  unreachable,
} from '../git-errors.ts';
import { withDeadline } from './deadline.ts';
import { advertisementEnd, FLUSH, WireError } from './pkt-line.ts';
import type { RemoteAddress } from './remote-address.ts';
import type { GitService, SmartSession, SmartTransport, TransportLimits } from './smart-transport.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface ProcessTransportOptions {
  readonly address: Extract<RemoteAddress, { kind: 'local' | 'ssh' }>;
  readonly clock: Clock;
  readonly limits: TransportLimits;
  readonly environment: Environment;
}

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/homebrew/bin';
const STDERR_BYTES = 4_000;

/** The environment for a git child: without GIT_* (we may run inside a hook), never asking at a terminal. */
export function gitEnvironment(given: Environment, config: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const kept = Object.entries(given).filter(([name]) => !name.startsWith('GIT_') || name.startsWith('GIT_SSH'));
  const settings = Object.entries(config).flatMap(([key, value], index) => [
    [`GIT_CONFIG_KEY_${index}`, key],
    [`GIT_CONFIG_VALUE_${index}`, value],
  ]);
  return {
    PATH: DEFAULT_PATH,
    ...Object.fromEntries(kept),
    GIT_TERMINAL_PROMPT: '0',
    GIT_CONFIG_COUNT: String(settings.length / 2),
    ...Object.fromEntries(settings),
    LC_ALL: 'C',
  };
}

interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

function commandFor(options: ProcessTransportOptions, service: GitService): Command {
  const { address, environment } = options;
  if (address.kind === 'local') {
    const env = gitEnvironment(environment, { 'safe.directory': address.path });
    return { file: 'git', args: [service.slice('git-'.length), address.path], env };
  }
  const port = address.port === null ? [] : ['-p', String(address.port)];
  const quoted = `'${address.path.replaceAll("'", "'\\''")}'`;
  const args = ['-o', 'BatchMode=yes', '-o', 'ConnectTimeout=15', ...port, '--', address.host, `${service} ${quoted}`];
  return { file: 'ssh', args, env: gitEnvironment(environment) };
}

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

/** The child's output, read on demand and bounded. */
class ChildOutput {
  #chunks: Buffer[] = [];
  #bytes = 0;
  #ended = false;
  #wake: () => void = () => {};
  stderr = '';

  constructor(child: Child) {
    child.stdout.on('data', (chunk: Buffer) => {
      this.#chunks.push(chunk);
      this.#bytes += chunk.length;
      this.#wake();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      if (this.stderr.length < STDERR_BYTES) this.stderr += chunk.toString('utf8');
    });
    child.on('close', () => {
      this.#ended = true;
      this.#wake();
    });
  }

  /** Takes the bytes up to where `endOf` says that they are complete; all of them when the child ends first. */
  async takeUntil(endOf: (bytes: Buffer) => number | undefined, wait: Waiting): Promise<Buffer> {
    for (;;) {
      const { more, ended } = this.#next(wait.limitBytes);
      const all = Buffer.concat(this.#chunks);
      const end = endOf(all) ?? (ended ? all.length : undefined);
      this.#chunks = [all.subarray(end ?? 0)];
      if (end !== undefined) {
        this.#bytes -= end;
        return all.subarray(0, end);
      }
      this.#chunks = [all];
      await wait.wait(more);
    }
  }

  /** Takes everything up to the child's end. */
  async takeRest(wait: Waiting): Promise<Buffer> {
    for (;;) {
      const { more, ended } = this.#next(wait.limitBytes);
      if (ended) return Buffer.concat(this.#chunks);
      await wait.wait(more);
    }
  }

  #next(limitBytes: number): { readonly more: Promise<void>; readonly ended: boolean } {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    if (this.#bytes > limitBytes) throw answerTooLarge('The git command', limitBytes);
    return { more: promise, ended: this.#ended };
  }
}

interface Waiting {
  readonly limitBytes: number;
  wait(more: Promise<void>): Promise<void>;
}

export class ProcessTransport implements SmartTransport {
  readonly shown: string;
  readonly #options: ProcessTransportOptions;

  constructor(options: ProcessTransportOptions) {
    this.shown = options.address.shown;
    this.#options = options;
  }

  /** It shows none itself. */
  quoted(text: string): string {
    return text;
  }

  async open(service: GitService, signal: AbortSignal): Promise<SmartSession> {
    const { address, limits } = this.#options;
    if (address.kind === 'local' && !(await isFolder(address.path)))
      throw repositoryNotFound(this.shown, 'there is no such folder');
    const { file, args, env } = commandFor(this.#options, service);
    const child = spawn(file, args, { env, stdio: ['pipe', 'pipe', 'pipe'] });
    const closed = once(child, 'close').catch((error: unknown) => [error]);
    child.stdin.on('error', () => {});
    const failed = new Promise<never>((_, reject) => child.on('error', (error) => reject(this.#missing(file, error))));
    failed.catch(() => {});
    const output = new ChildOutput(child);
    const close = async (): Promise<void> => {
      child.kill('SIGKILL');
      await closed;
    };
    try {
      const wait = this.#waiting(signal, failed, limits.advertisementBytes);
      const advertisement = await output.takeUntil((bytes) => this.#endOfAdvertisement(bytes, output), wait);
      if (advertisementEnd(advertisement) === undefined) throw this.#refusal(await closed, output.stderr);
      return this.#session(child, output, closed, failed, advertisement, close);
    } catch (error) {
      await close();
      throw error;
    }
  }

  #session(
    child: Child,
    output: ChildOutput,
    closed: Promise<unknown[]>,
    failed: Promise<never>,
    advertisement: Buffer,
    close: () => Promise<void>,
  ): SmartSession {
    return {
      advertisement,
      exchange: async (request, signal) => {
        child.stdin.end(request);
        const answer = await output.takeRest(this.#waiting(signal, failed, this.#options.limits.answerBytes));
        const [code] = await closed;
        if (code !== 0 && answer.length === 0) throw this.#refusal([code], output.stderr);
        return answer;
      },
      [Symbol.asyncDispose]: async () => {
        // A flush says politely that nothing is wanted; git then leaves by itself, else it is ended.
        if (child.exitCode === null && child.stdin.writable) child.stdin.end(FLUSH);
        await close();
      },
    };
  }

  #waiting(signal: AbortSignal, failed: Promise<never>, limitBytes: number): Waiting {
    const { clock, limits } = this.#options;
    const deadline = { clock, limitMs: limits.quietMs, signal, what: this.shown };
    return { limitBytes, wait: (more) => withDeadline(deadline, () => Promise.race([more, failed])) };
  }

  #endOfAdvertisement(bytes: Buffer, output: ChildOutput): number | undefined {
    try {
      return advertisementEnd(bytes);
    } catch (error) {
      if (error instanceof WireError)
        throw answerCorrupt(this.shown, `${error.message} ${output.stderr}`.trim(), error);
      throw error;
    }
  }

  #missing(file: string, error: Error): CodedError {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') return unreachable(this.shown, error.message, error);
    return new CodedError({
      code: 'GIT_COMMAND_MISSING',
      message: `${this.shown} needs the ${file} command, which is not installed or not in PATH.`,
      remedy: `Install ${file === 'git' ? 'git' : 'the OpenSSH client'}, or use an https:// address.`,
      cause: error,
    });
  }

  #refusal([code]: readonly unknown[], stderr: string): CodedError {
    const said = stderr.replace(/\s+/g, ' ').trim().slice(0, 300);
    if (/permission denied|authentication fail|host key verification failed/i.test(said))
      return credentialsRefused(this.shown, said);
    if (/not appear to be a git repository|not found|does not exist/i.test(said))
      return repositoryNotFound(this.shown, said);
    if (this.#options.address.kind === 'ssh' && code === 255) return unreachable(this.shown, said || 'ssh failed');
    return hostFailed(this.shown, said || `git ended with ${String(code)}`);
  }
}

async function isFolder(file: string): Promise<boolean> {
  return stat(file).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
