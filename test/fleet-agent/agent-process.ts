// Owns the shipped agent as a process of its own: the built files, started as the unit starts them, with its memory watched from outside.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { type DeviceWorld, until } from './device-world.ts';

const FLEET_AGENT = path.join(import.meta.dirname, '../../fleet-agent');

/** Flags that the unit gives to Node, and its limit of memory in bytes. */
export function unitLimits(): { readonly flags: readonly string[]; readonly memoryMost: number } {
  const unit = readFileSync(path.join(FLEET_AGENT, 'slipway-agent.service'), 'utf8');
  const flags = /^ExecStart=\S+ (.*) \S+\.cjs /m.exec(unit)?.[1]?.split(' ') ?? [];
  const gibibytes = Number(/^MemoryMax=(\d+)G$/m.exec(unit)?.[1]);
  if (!flags.some((flag) => flag.startsWith('--max-old-space-size=')) || !(gibibytes > 0))
    throw new Error('the unit has other limits than this reads');
  return { flags, memoryMost: gibibytes * 2 ** 30 };
}

/** The agent's built files, in a folder that goes with it. */
export class BuiltAgent implements Disposable {
  readonly folder = mkdtempSync(path.join(os.tmpdir(), 'slipway-dist-'));

  static async build(): Promise<BuiltAgent> {
    const built = new BuiltAgent();
    await promisify(execFile)(process.execPath, [path.join(FLEET_AGENT, 'build.ts'), built.folder]);
    return built;
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export class AgentProcess implements AsyncDisposable {
  readonly id = 'shipped-1';
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  #log = '';

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#ended = new Promise((resolve) => child.on('exit', resolve));
    child.stderr?.on('data', (chunk) => {
      this.#log += chunk;
    });
  }

  static async start(world: DeviceWorld, built: BuiltAgent): Promise<AgentProcess> {
    const write = (name: string, text: string | Buffer): string => {
      writeFileSync(path.join(world.folder, name), text);
      return path.join(world.folder, name);
    };
    write('ci.pub', world.ci.publicPem);
    write('root.json', world.factoryRoot);
    write(
      'trust.yaml',
      'apiVersion: slipway.dev/v1alpha1\nkind: TrustPolicy\nspec:\n  signers:\n    - { name: ci, key: ci.pub, models: ["*"] }\n',
    );
    const settings = {
      ...{ server: world.serverUrl, distribution: world.mirrorUrl, data: 'shipped', id: 'shipped-1' },
      ...{ token: await world.token(), trust: 'trust.yaml', root: 'root.json', interval: '200ms', endpointPort: 0 },
    };
    const config = write('agent.yaml', JSON.stringify(settings));
    const { flags } = unitLimits();
    const args = [...flags, path.join(built.folder, 'slipway-agent.cjs'), 'run', '--config', config];
    return new AgentProcess(spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'], env: {} }));
  }

  get log(): string {
    return this.#log;
  }

  get isAlive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** The address of its endpoint, once it listens. */
  async url(): Promise<string> {
    const port = await until(() => {
      if (!this.isAlive) throw new Error(`the agent ended:\n${this.#log}`);
      return /"endpointPort":(\d+)/.exec(this.#log)?.[1];
    }, 'the agent to listen');
    return `http://127.0.0.1:${port}`;
  }

  /** Resident memory in bytes, now (`VmRSS`) or at most so far (`VmHWM`). */
  resident(what: 'VmRSS' | 'VmHWM' = 'VmHWM'): number {
    const status = readFileSync(`/proc/${this.#child.pid}/status`, 'utf8');
    return Number(new RegExp(`${what}:\\s+(\\d+)`).exec(status)?.[1]) * 1024;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.isAlive) this.#child.kill('SIGTERM');
    await this.#ended;
  }
}
