// Owns nginx and Caddy for tests: real programs on the files of deploy/proxy, with the port, name and certificate of the test put in.
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { until } from './until.ts';

export type ProxyName = 'nginx' | 'caddy';

interface Place {
  readonly port: number;
  readonly upstreamPort: number;
  readonly cert: string;
  readonly key: string;
}

/** NGINX_BIN or CADDY_BIN, or the program on the path; undefined when there is none. */
export function findProxy(name: ProxyName): string | undefined {
  const binary = process.env[`${name.toUpperCase()}_BIN`] ?? name;
  const { status } = spawnSync(binary, [name === 'nginx' ? '-v' : 'version'], { stdio: 'ignore', timeout: 20_000 });
  return status === 0 ? binary : undefined;
}

function fileOf(name: string): string {
  return readFileSync(path.join(import.meta.dirname, '../../deploy/proxy', name), 'utf8');
}

function put(text: string, changes: readonly (readonly [string, string])[]): string {
  return changes.reduce((all, [from, to]) => {
    if (!all.includes(from)) throw new Error(`deploy/proxy no longer has ${from}`);
    return all.replaceAll(from, to);
  }, text);
}

/** As a distribution would include it; what only root may write goes into the folder of the test. */
function nginxArguments(folder: string, { port, upstreamPort, cert, key }: Place): string[] {
  const site = put(fileOf('nginx.conf'), [
    ['127.0.0.1:8080', `127.0.0.1:${upstreamPort}`],
    ['listen 443 ssl', `listen 127.0.0.1:${port} ssl`],
    ['server_name slipway.example.com', 'server_name localhost'],
    ['/etc/nginx/tls/fullchain.pem', cert],
    ['/etc/nginx/tls/privkey.pem', key],
  ]);
  writeFileSync(path.join(folder, 'slipway.conf'), site);
  const kinds = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((one) => `${one}_temp_path ${folder}/${one};`);
  const user = process.getuid?.() === 0 ? 'user root;' : '';
  const frame = `${user} daemon off; pid ${folder}/pid; error_log stderr warn; events { worker_connections 512; }
http { access_log off; ${kinds.join(' ')} include ${folder}/slipway.conf; }`;
  writeFileSync(path.join(folder, 'nginx.conf'), frame);
  return ['-p', folder, '-c', path.join(folder, 'nginx.conf')];
}

function caddyArguments(folder: string, { port, upstreamPort, cert, key }: Place): string[] {
  const site = put(fileOf('Caddyfile'), [
    ['127.0.0.1:8080', `127.0.0.1:${upstreamPort}`],
    ['\tgrace_period 10s', '\tgrace_period 10s\n\tadmin off\n\tauto_https off\n\t#'],
    ['slipway.example.com {', `https://localhost:${port} {\n\ttls ${cert} ${key}`],
  ]);
  writeFileSync(path.join(folder, 'Caddyfile'), site);
  return ['--config', path.join(folder, 'Caddyfile'), '--adapter', 'caddyfile'];
}

/** A running proxy; its own check of the file has passed. */
export class WebProxy implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly #name: ProxyName;
  #said = '';

  private constructor(name: ProxyName, child: ChildProcess, folder: string) {
    this.#name = name;
    this.#child = child;
    this.#folder = folder;
    child.stderr?.on('data', (chunk: Buffer) => {
      this.#said += chunk.toString('utf8');
    });
  }

  static async start(name: ProxyName, binary: string, place: Place): Promise<WebProxy> {
    const folder = mkdtempSync(path.join(os.tmpdir(), `slipway-${name}-`));
    mkdirSync(path.join(folder, 'logs'));
    const isNginx = name === 'nginx';
    const given = isNginx ? nginxArguments(folder, place) : caddyArguments(folder, place);
    const env = { ...process.env, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder };
    execFileSync(binary, isNginx ? ['-t', ...given] : ['validate', ...given], {
      env,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const child = spawn(binary, isNginx ? given : ['run', ...given], { env, stdio: ['ignore', 'ignore', 'pipe'] });
    const proxy = new WebProxy(name, child, folder);
    await until(
      () =>
        fetch(`https://127.0.0.1:${place.port}/`).then(
          Boolean,
          (error: unknown) => !/ECONNREFUSED/.test(String((error as Error).cause)),
        ),
      () => proxy.#said,
    );
    return proxy;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#child, 'exit');
    // nginx ends its workers itself; Caddy would wait for streams.
    this.#child.kill(this.#name === 'nginx' ? 'SIGTERM' : 'SIGKILL');
    if (this.#child.exitCode === null) await ended;
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
