// Owns the service as a process of its own: the same `slipway run` that people start, so that it can be killed like theirs.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import type { Clock } from '../../base/clock.ts';
import { CodedError } from '../../base/errors.ts';
import type { ServiceView } from '../../reconcile/service-view.ts';
import type { Outlook } from '../../rollout/outlook.ts';
import type { StageSet } from './stage-set.ts';

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url));
const START_LIMIT_MS = 30_000;

export interface ServiceAnswer {
  readonly service: Omit<ServiceView, 'outlooks'>;
  readonly rollouts: readonly Outlook[];
}

/** A port that is free now; the service keeps it over restarts. */
async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

export interface ServiceProcessOptions {
  readonly set: StageSet;
  readonly clock: Clock;
  readonly reportInterval: string;
  /** Tells several services on one stage set apart. */
  readonly name?: string;
  /** Flags of `slipway run` beyond those of the demo; a flag given twice counts as given last. */
  readonly flags?: readonly string[];
  /** Another command line than this one. */
  readonly program?: string;
}

export class ServiceProcess {
  readonly url: string;
  readonly #options: ServiceProcessOptions;
  readonly #port: number;
  #child: ChildProcess | undefined;

  private constructor(options: ServiceProcessOptions, port: number) {
    this.#options = options;
    this.#port = port;
    this.url = `http://127.0.0.1:${port}`;
  }

  static async create(options: ServiceProcessOptions): Promise<ServiceProcess> {
    return new ServiceProcess(options, await freePort());
  }

  get log(): string {
    return path.join(this.#options.set.folder, `service${this.#options.name ?? ''}.log`);
  }

  /** Starts it and waits until it answers. Throws DEMO_SERVICE_START with the log's place. */
  async start(): Promise<void> {
    const { set, clock, reportInterval, flags = [], program = MAIN } = this.#options;
    const args = [
      'run',
      '--home',
      set.home.folder,
      '--repo',
      set.repositoryUrl,
      '--listen',
      `127.0.0.1:${this.#port}`,
      '--insecure-http',
    ];
    const pace = [
      '--poll',
      '1s',
      '--tick',
      '250ms',
      '--report-interval',
      reportInterval,
      '--git-user',
      set.credentials.username,
    ];
    const child = spawn(process.execPath, [program, ...args, ...pace, ...flags], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: {
        ...process.env,
        SLIPWAY_GIT_TOKEN: set.credentials.password,
        SLIPWAY_HOOK_SECRET: set.hookSecret,
        SLIPWAY_VIEWER_TOKEN: set.viewerToken,
      },
    });
    this.#child = child;
    child.stderr?.on('data', (chunk: Buffer) => void appendFile(this.log, chunk).catch(() => undefined));
    const end = clock.monotonicMs() + START_LIMIT_MS;
    while (!(await this.#isAlive())) {
      if (child.exitCode !== null || clock.monotonicMs() > end) {
        throw new CodedError({
          code: 'DEMO_SERVICE_START',
          kind: 'bug',
          message: `The service did not start; its log is ${this.log}.`,
        });
      }
      await clock.sleep(50);
    }
  }

  async #isAlive(): Promise<boolean> {
    try {
      return (await fetch(`${this.url}/healthz`, { signal: AbortSignal.timeout(1000) })).ok;
    } catch {
      return false;
    }
  }

  /** What viewers see; undefined while it is not there. */
  async view(): Promise<ServiceAnswer | undefined> {
    try {
      const headers = { authorization: `Bearer ${this.#options.set.viewerToken}` };
      const response = await fetch(`${this.url}/v1/outlooks`, { headers, signal: AbortSignal.timeout(2000) });
      return response.ok ? ((await response.json()) as ServiceAnswer) : undefined;
    } catch {
      return undefined;
    }
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  signal(name: NodeJS.Signals): void {
    this.#child?.kill(name);
  }

  /** Ends it and waits for its end: by SIGTERM as in peace, or by SIGKILL as by a power cut. */
  async end(name: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill(name);
    if (name === 'SIGTERM') {
      const done = new AbortController();
      const late = this.#options.clock.sleep(10_000, done.signal).then(() => child.kill('SIGKILL'));
      await exited;
      done.abort();
      await late;
    } else await exited;
    this.#child = undefined;
  }
}
