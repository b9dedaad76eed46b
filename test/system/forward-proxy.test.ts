// Owns the laws of the way out: service, agent and commands that may reach nothing but a forward proxy, and trust a private authority, do all that they do.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { TestAuthority } from '../support/certificates.ts';
import { rolloutText } from '../support/document-texts.ts';
import { type Stoppable, startForwardProxy, startTlsFront } from '../support/forward-proxy.ts';
import { Installation } from '../support/installation.ts';
import { freePort } from '../support/prometheus.ts';
import { until } from '../support/until.ts';

/** A name of the certificate that no resolver knows: whoever reaches it went through the proxy. */
const NAME = 'service.test';
const adminToken = 'an-admin-token-of-this-test';
const at = (file: string): string => fileURLToPath(new URL(`../../${file}`, import.meta.url));
const authority = new TestAuthority();
const certificate = authority.issue();
const children: ChildProcess[] = [];
const fronts: Stoppable[] = [];
let home: Installation;
let proxy: Awaited<ReturnType<typeof startForwardProxy>>;
let said = '';

function environment(more: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const { PATH, HOME, NODE_COMPILE_CACHE } = process.env;
  return {
    ...{ PATH, HOME, NODE_COMPILE_CACHE, NODE_EXTRA_CA_CERTS: authority.caFile, NODE_USE_ENV_PROXY: '1' },
    ...{ HTTPS_PROXY: `http://slipway:secret@127.0.0.1:${proxy.port}`, NO_PROXY: '127.0.0.1,localhost' },
    ...more,
  };
}

function start(args: readonly string[], more: Readonly<Record<string, string>>): void {
  const child = spawn(process.execPath, args, { env: environment(more), stdio: ['ignore', 'pipe', 'pipe'] });
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      said = `${said}${chunk.toString('utf8')}`.slice(-20_000);
    });
  children.push(child);
}

function run(args: readonly string[], more: Readonly<Record<string, string>> = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, args, { env: environment(more), timeout: 60_000 }, (error, stdout, stderr) =>
      error === null ? resolve(stdout) : reject(new Error(`${stderr}\n${said}`)),
    );
  });
}

async function front(port: number): Promise<string> {
  const opened = await startTlsFront(port, certificate);
  fronts.push(opened);
  return `https://${NAME}:${opened.port}`;
}

beforeEach(async () => {
  home = await Installation.open();
  await home.pushStart();
  proxy = await startForwardProxy(NAME, 'slipway:secret');
});

afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  for (const one of fronts.splice(0)) one.stop();
  proxy.stop();
  await home[Symbol.asyncDispose]();
});

test('Git, enrolment, uploads, downloads, long polls and reports go through the proxy, over TLS of a private authority', async () => {
  const { set } = home;
  const main = at('src/cli/main.ts');
  const git = new URL(set.repositoryUrl);
  const repo = `${await front(Number(git.port))}${git.pathname}`;
  const port = await freePort();
  const server = await front(port);
  const credentials = { SLIPWAY_GIT_TOKEN: set.credentials.password, SLIPWAY_GIT_USER: set.credentials.username };
  const ours = ['--home', set.home.folder];
  start(
    [main, 'run', ...ours, '--repo', repo, '--listen', `127.0.0.1:${port}`, '--poll', '1s', '--report-interval', '1s'],
    {
      ...{ ...credentials, SLIPWAY_ADMIN_TOKEN: adminToken },
    },
  );
  await until(
    () =>
      fetch(`http://127.0.0.1:${port}/readyz`).then(
        (one) => one.ok,
        () => false,
      ),
    () => said,
  );

  // An upload of some megabytes by a command, through the proxy, to the service.
  const file = path.join(set.folder, 'weights.bin');
  writeFileSync(file, randomBytes(3 * 1024 * 1024));
  const { text } = await home.manifest({ model: 'sorter', version: '1.0.0' });
  const from = path.join(set.folder, 'from.yaml');
  writeFileSync(from, text);
  const manifest = path.join(set.folder, 'repo/models/bulk/1.0.0.yaml');
  await run([main, 'package', file, '--manifest', manifest, '--from', from, '--to', 'service', '--server', server], {
    SLIPWAY_TOKEN: adminToken,
  });

  const { files } = await home.release('sorter', '1.0.1', 1);
  await home.push('a version', [...files, ['rollouts/sorter.yaml', rolloutText('sorter', 'sorter', '1.0.1')]]);
  const token = (await run([main, 'token', ...ours, '--device', 'behind'])).trim();
  const root = path.join(set.home.tuf, 'root.json');
  const data = path.join(set.folder, 'behind');
  const agent = [
    'run',
    '--id',
    'behind',
    '--data',
    data,
    '--server',
    server,
    '--trust',
    set.home.trustPolicy,
    '--root',
    root,
  ];
  start([at('fleet-agent/src/main.ts'), ...agent, '--interval', '1s'], { SLIPWAY_AGENT_TOKEN: token });
  const headers = { authorization: `Bearer ${adminToken}` };
  const device = async () => {
    const answer = await fetch(`http://127.0.0.1:${port}/v1/devices/behind`, { headers });
    return JSON.stringify(await answer.json());
  };
  await until(
    async () => /"version":"1\.0\.1"/.test(await device()),
    async () => `${await device()}\n${said}`,
  );

  const hosts = new Set(proxy.asked.map((one) => one.split(':')[0]));
  expect([...hosts]).toEqual([NAME]);
  expect(new Set(proxy.asked).size).toBe(2);
}, 180_000);
