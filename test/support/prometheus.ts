// Owns a real Prometheus for tests: on a port of its own, with storage of its own, scraping what the test serves.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import process from 'node:process';
import { until } from './until.ts';

/** PROMETHEUS_BIN, or `prometheus` on the path; undefined when there is none, or when it does not run. */
export function findPrometheus(): string | undefined {
  return findBinary('PROMETHEUS_BIN', 'prometheus');
}

/** PROMTOOL_BIN, or `promtool` on the path. */
export function findPromtool(): string | undefined {
  return findBinary('PROMTOOL_BIN', 'promtool');
}

/** ALERTMANAGER_BIN, or Debian's `prometheus-alertmanager` on the path. */
export function findAlertmanager(): string | undefined {
  return findBinary('ALERTMANAGER_BIN', 'prometheus-alertmanager');
}

/** A missing program is said aloud, and fails where tests must not be skipped. */
export function requireService(binary: string | undefined, name: string, variable: string): void {
  if (binary !== undefined) return;
  const missing = `no ${name} found: install it, or name it with ${variable}`;
  if (process.env.REQUIRE_SERVICES === '1') throw new Error(missing);
  console.warn(`${missing}; its laws are skipped`);
}

function findBinary(variable: string, name: string): string | undefined {
  const binary = process.env[variable] ?? name;
  try {
    execFileSync(binary, ['--version'], { stdio: 'ignore', timeout: 20_000 });
    return binary;
  } catch {
    return undefined;
  }
}

export async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  const port = await listen(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A shop whose checkout counts itself: 200 orders a second for each version, a share of which fails. */
export class Shop implements AsyncDisposable {
  readonly #server = createServer((_, response) => {
    response.setHeader('content-type', 'text/plain; version=0.0.4');
    response.end(this.#text());
  });
  readonly #shares = new Map<string, number>();
  readonly #startedMs = performance.now();
  port = 0;

  static async open(): Promise<Shop> {
    const shop = new Shop();
    shop.port = await listen(shop.#server);
    return shop;
  }

  /** From now on `share` (0..1) of the version's orders fail. Set once for a version. */
  failing(version: string, share: number): void {
    this.#shares.set(version, share);
  }

  #text(): string {
    const orders = ((performance.now() - this.#startedMs) / 1000) * 200;
    const lines = [...this.#shares].flatMap(([version, share]) => [
      `checkout_total{version="${version}"} ${orders}`,
      `checkout_errors_total{version="${version}"} ${orders * share}`,
    ]);
    return `${lines.join('\n')}\n`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

export class PrometheusServer implements AsyncDisposable {
  readonly url: string;
  readonly #binary: string;
  readonly #folder: string;
  #process: ChildProcess | undefined;
  #said = '';

  readonly #flags: readonly string[];

  private constructor(binary: string, folder: string, port: number, flags: readonly string[]) {
    this.#binary = binary;
    this.#folder = folder;
    this.#flags = flags;
    this.url = `http://127.0.0.1:${port}`;
  }

  /** Not started yet. It scrapes a port five times a second, or does what the configuration says. */
  static async create(
    binary: string,
    folder: string,
    given: number | { readonly config: string; readonly resendMs: number },
  ): Promise<PrometheusServer> {
    await mkdir(folder, { recursive: true });
    const ofPort = `global: { scrape_interval: 200ms, scrape_timeout: 200ms }
scrape_configs:
  - { job_name: shop, static_configs: [{ targets: ["127.0.0.1:${given}"] }] }
`;
    await writeFile(path.join(folder, 'prometheus.yml'), typeof given === 'number' ? ofPort : given.config);
    const flags = typeof given === 'number' ? [] : [`--rules.alert.resend-delay=${given.resendMs}ms`];
    return new PrometheusServer(binary, folder, await freePort(), flags);
  }

  async start(): Promise<void> {
    const started = spawn(
      this.#binary,
      [
        `--config.file=${path.join(this.#folder, 'prometheus.yml')}`,
        `--storage.tsdb.path=${path.join(this.#folder, 'data')}`,
        `--web.listen-address=${new URL(this.url).host}`,
        ...this.#flags,
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    started.stderr?.on('data', (bytes) => {
      this.#said = `${this.#said}${bytes}`.slice(-4000);
    });
    this.#process = started;
    const isReady = async (): Promise<boolean> => {
      if (started.exitCode !== null) throw new Error(`Prometheus ended: ${this.#said}`);
      return fetch(`${this.url}/-/ready`).then(
        (response) => response.ok,
        () => false,
      );
    };
    await until(isReady, () => this.#said, 60_000);
  }

  async stop(): Promise<void> {
    const running = this.#process;
    this.#process = undefined;
    if (running === undefined || running.exitCode !== null) return;
    const ended = once(running, 'exit');
    running.kill('SIGTERM');
    await ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}
