// Owns a device as a process of its own: the bundled agent, asked over its Open Inference Protocol endpoint.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, readFile } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import type { AgentStatus } from '../../../fleet-agent/src/status.ts';
import type { Clock } from '../../base/clock.ts';
import type { StageSet } from './stage-set.ts';

export const AGENT_BUNDLE = fileURLToPath(new URL('../../../fleet-agent/dist/slipway-agent.cjs', import.meta.url));

export interface DeviceProcessOptions {
  readonly id: string;
  readonly token: string | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly set: StageSet;
  readonly clock: Clock;
  readonly serverUrl: string;
  readonly reportMs: number;
  /** The agent's file; the one built here unless given. */
  readonly bundle?: string;
}

export class DeviceProcess {
  readonly id: string;
  readonly #options: DeviceProcessOptions;
  #bundle: string;
  #child: ChildProcess | undefined;
  #endpoint: string | undefined;

  constructor(options: DeviceProcessOptions) {
    this.id = options.id;
    this.#options = options;
    this.#bundle = options.bundle ?? AGENT_BUNDLE;
  }

  get #folder(): string {
    return path.join(this.#options.set.folder, 'devices', this.id);
  }

  start(): void {
    const { set, token, labels, serverUrl, reportMs } = this.#options;
    const args = [
      'run',
      '--id',
      this.id,
      '--server',
      serverUrl,
      '--data',
      this.#folder,
      '--endpoint-port',
      '0',
      '--json',
    ];
    const trust = [
      '--trust',
      set.home.trustPolicy,
      '--root',
      path.join(set.home.tuf, 'root.json'),
      '--interval',
      `${reportMs}ms`,
    ];
    const named = Object.entries(labels).flatMap(([name, value]) => ['--label', `${name}=${value}`]);
    const once = token === null ? [] : ['--token', token];
    this.#child = spawn(process.execPath, [this.#bundle, ...args, ...trust, ...named, ...once], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const log = `${this.#folder}.log`;
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.#noteEndpoint(chunk.toString('utf8'));
        void appendFile(log, chunk).catch(() => undefined);
      });
    }
  }

  #noteEndpoint(text: string): void {
    const port = /"endpointPort":\s*(\d+)/.exec(text)?.[1];
    if (port !== undefined) this.#endpoint = `http://127.0.0.1:${port}`;
  }

  /** One inference over HTTP. Does nothing while nothing serves; throws what the model answers with an error. */
  async infer(model: string, features: readonly number[]): Promise<void> {
    if (this.#endpoint === undefined) return;
    const body = JSON.stringify({
      inputs: [{ name: 'x', datatype: 'FP32', shape: [1, features.length], data: features }],
    });
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`${this.#endpoint}/v2/models/${model}/infer`, {
      method: 'POST',
      body,
      headers,
      signal: AbortSignal.timeout(5000),
    });
    await response.arrayBuffer();
    if (response.status >= 500) throw new Error(`the model answered ${response.status}`);
  }

  /** What `slipway-agent status` says, from the device's folder. */
  async status(): Promise<AgentStatus | undefined> {
    const child = spawn(process.execPath, [this.#bundle, 'status', '--data', this.#folder, '--json'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    await once(child, 'close');
    try {
      return JSON.parse(Buffer.concat(chunks).toString('utf8')) as AgentStatus;
    } catch {
      return undefined;
    }
  }

  /** Goes on with another agent on the same folder, as after an upgrade. */
  async exchange(bundle: string): Promise<void> {
    await this.end();
    this.#bundle = bundle;
    this.#endpoint = undefined;
    this.start();
  }

  async log(): Promise<string> {
    return readFile(`${this.#folder}.log`, 'utf8');
  }

  async end(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    const done = new AbortController();
    const late = this.#options.clock.sleep(5_000, done.signal).then(() => child.kill('SIGKILL'));
    await exited;
    done.abort();
    await late;
  }
}
