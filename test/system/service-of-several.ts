// Owns starting, stopping and stalling one of several services on one store, publication and repository.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import type { ServiceAnswer } from '../../src/cli/demo/service-process.ts';
import type { StageSet } from '../../src/cli/demo/stage-set.ts';
import type { ChildOrder } from './service-child.ts';
import { until } from './world.ts';

const CHILD = fileURLToPath(new URL('service-child.ts', import.meta.url));

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}

export class ServiceOfSeveral implements AsyncDisposable {
  readonly #set: StageSet;
  readonly #order: ChildOrder;
  #child: ChildProcess | undefined;
  isStalled = false;

  private constructor(set: StageSet, order: ChildOrder) {
    this.#set = set;
    this.#order = order;
  }

  static async create(set: StageSet, given: { instance: string; repository: string; leaseMs: number }) {
    const { credentials, viewerToken, hookSecret } = set;
    const order = { ...given, credentials, viewerToken, hookSecret, home: set.home.folder, port: await freePort() };
    return new ServiceOfSeveral(set, order);
  }

  get url(): string {
    return `http://127.0.0.1:${this.#order.port}`;
  }

  get log(): string {
    return path.join(this.#set.folder, `service${this.#order.instance}.log`);
  }

  async start(): Promise<void> {
    const child = spawn(process.execPath, [CHILD, JSON.stringify(this.#order)], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#child = child;
    child.stderr.on('data', (chunk: Buffer) => {
      // What it still says after the test has removed its folder is nobody's.
      if (existsSync(this.#set.folder)) appendFileSync(this.log, chunk);
    });
    await until(
      `service${this.#order.instance} answers`,
      async () => {
        if (child.exitCode !== null) throw new Error(await this.said());
        return fetch(`${this.url}/healthz`, { signal: AbortSignal.timeout(1000) }).then(
          (response) => response.ok,
          () => false,
        );
      },
      () => this.said(),
    );
  }

  /** Its log so far. */
  async said(): Promise<string> {
    return readFile(this.log, 'utf8').catch(() => '');
  }

  async view(): Promise<ServiceAnswer | undefined> {
    try {
      const headers = { authorization: `Bearer ${this.#set.viewerToken}` };
      const response = await fetch(`${this.url}/v1/outlooks`, { headers, signal: AbortSignal.timeout(2000) });
      return response.ok ? ((await response.json()) as ServiceAnswer) : undefined;
    } catch {
      return undefined;
    }
  }

  signal(name: NodeJS.Signals): void {
    this.#child?.kill(name);
  }

  /** Stops the process in its tracks, as a suspended machine does, for a while. */
  stall(ms: number): void {
    if (this.isStalled) return;
    this.isStalled = true;
    this.signal('SIGSTOP');
    setTimeout(() => {
      this.isStalled = false;
      this.signal('SIGCONT');
    }, ms);
  }

  async end(name: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGCONT');
    child.kill(name);
    await exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end('SIGKILL');
  }
}
