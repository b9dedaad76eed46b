// Owns a real Alertmanager for tests, and the receiver that it notifies.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import path from 'node:path';
import { freePort, listen } from './prometheus.ts';
import { until } from './until.ts';

const TEMPLATES = '/usr/share/prometheus/alertmanager';
const WITH_TEMPLATES =
  'mount -t tmpfs none /usr/share && mkdir /usr/share/prometheus && ln -s "$0" /usr/share/prometheus/alertmanager && exec "$@"';

/** Debian's Alertmanager reads its templates at a fixed place: one that is unpacked elsewhere gets a view of the disk in which they are there. */
export function alertmanagerCommand(binary: string, flags: readonly string[]): readonly [string, readonly string[]] {
  const unpacked = path.resolve(path.dirname(binary), '../share/prometheus/alertmanager');
  if (!path.isAbsolute(binary) || existsSync(TEMPLATES) || !existsSync(unpacked)) return [binary, flags];
  return ['unshare', ['--mount', 'sh', '-c', WITH_TEMPLATES, unpacked, binary, ...flags]];
}

export interface ReceivedAlert {
  readonly status: 'firing' | 'resolved';
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

export class AlertmanagerServer implements AsyncDisposable {
  readonly url: string;
  /** What the receiver was told, in order. */
  readonly received: ReceivedAlert[] = [];
  readonly #process: ChildProcess;
  readonly #receiver;
  #said = '';

  private constructor(process: ChildProcess, receiver: ReturnType<typeof createServer>, url: string) {
    this.url = url;
    this.#process = process;
    this.#receiver = receiver;
    process.stderr?.on('data', (bytes) => {
      this.#said = `${this.#said}${bytes}`.slice(-4000);
    });
  }

  static async start(binary: string, folder: string): Promise<AlertmanagerServer> {
    await mkdir(folder, { recursive: true });
    let server: AlertmanagerServer | undefined;
    const receiver = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      server?.received.push(...(JSON.parse(Buffer.concat(chunks).toString()) as { alerts: ReceivedAlert[] }).alerts);
      response.end();
    });
    const receiverPort = await listen(receiver);
    const config = `route: { receiver: pager, group_by: [alertname, rollout], group_wait: 0s, group_interval: 1s, repeat_interval: 1h }
receivers:
  - name: pager
    webhook_configs: [{ url: "http://127.0.0.1:${receiverPort}/", send_resolved: true }]
`;
    const file = path.join(folder, 'alertmanager.yml');
    await writeFile(file, config);
    const url = `http://127.0.0.1:${await freePort()}`;
    const flags = [`--config.file=${file}`, `--storage.path=${path.join(folder, 'data')}`, '--cluster.listen-address='];
    const listening = `--web.listen-address=${new URL(url).host}`;
    const [command, args] = alertmanagerCommand(binary, [...flags, listening]);
    const started = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    server = new AlertmanagerServer(started, receiver, url);
    await server.#untilReady();
    return server;
  }

  async #untilReady(): Promise<void> {
    const isReady = async (): Promise<boolean> => {
      if (this.#process.exitCode !== null) throw new Error(`Alertmanager ended: ${this.#said}`);
      return fetch(`${this.url}/-/ready`).then(
        (response) => response.ok,
        () => false,
      );
    };
    await until(isReady, () => this.#said, 60_000);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#receiver.closeAllConnections();
    this.#receiver.close();
    if (this.#process.exitCode !== null) return;
    const ended = once(this.#process, 'exit');
    this.#process.kill('SIGTERM');
    await ended;
  }
}
