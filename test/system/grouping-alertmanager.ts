// Owns a real Alertmanager that groups by rollout, can be started late, and tells a webhook of the test.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { alertmanagerCommand } from '../support/alertmanager.ts';
import { freePort } from '../support/prometheus.ts';
import { until } from '../support/until.ts';

export class AlertmanagerServer implements AsyncDisposable {
  readonly url: string;
  readonly #binary: string;
  readonly #folder: string;
  #process: ChildProcess | undefined;
  #said = '';

  private constructor(binary: string, folder: string, port: number) {
    this.#binary = binary;
    this.#folder = folder;
    this.url = `http://127.0.0.1:${port}`;
  }

  /** Not started yet. It tells `webhook` of each group. */
  static async create(binary: string, folder: string, webhook: string): Promise<AlertmanagerServer> {
    await mkdir(folder, { recursive: true });
    const config = `route: { receiver: test, group_by: [rollout], group_wait: 200ms, group_interval: 300ms, repeat_interval: 1h }
receivers: [{ name: test, webhook_configs: [{ url: "${webhook}", send_resolved: true }] }]
`;
    await writeFile(path.join(folder, 'alertmanager.yml'), config);
    return new AlertmanagerServer(binary, folder, await freePort());
  }

  async start(): Promise<void> {
    const [command, flags] = alertmanagerCommand(this.#binary, [
      `--config.file=${path.join(this.#folder, 'alertmanager.yml')}`,
      `--storage.path=${path.join(this.#folder, 'data')}`,
      `--web.listen-address=${new URL(this.url).host}`,
      '--cluster.listen-address=',
    ]);
    const started = spawn(command, flags, { stdio: ['ignore', 'ignore', 'pipe'] });
    started.stderr?.on('data', (bytes) => {
      this.#said = `${this.#said}${bytes}`.slice(-4000);
    });
    this.#process = started;
    const isReady = async (): Promise<boolean> => {
      if (started.exitCode !== null) throw new Error(`Alertmanager ended: ${this.#said}`);
      return fetch(`${this.url}/-/ready`).then(
        (response) => response.ok,
        () => false,
      );
    };
    await until(isReady, () => this.#said, 60_000);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const running = this.#process;
    if (running === undefined || running.exitCode !== null) return;
    const ended = once(running, 'exit');
    running.kill('SIGTERM');
    await ended;
  }
}
