// The proof that somebody without a checkout gets there: a script types what the tutorial and the how-tos say, from the package alone, against a Git host over HTTPS and a bucket.
import { execFile, execFileSync } from 'node:child_process';
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findMissingLine } from '../../.ci/page-commands.ts';
import { runPages } from '../../.ci/run-pages.ts';
import { type GitHttpServer, startGitHttpServer } from '../../src/cli/demo/git-http-server.ts';
import { TestAuthority } from '../support/certificates.ts';
import { again, filledIn, inWords, page } from '../support/pages.ts';
import { PrivateBucket } from '../support/private-bucket.ts';

const run = promisify(execFile);
const ROOT = path.join(import.meta.dirname, '../..');
const TOKEN = 'token-of-the-git-host';
const LIMIT_MS = 14 * 60_000;

const folder = mkdtempSync(path.join(tmpdir(), 'slipway-from-nothing-'));
const inFolder = (name: string): string => path.join(folder, name);
let git: GitHttpServer;
let gitHost: https.Server;
let bucket: PrivateBucket;
let log = '';

beforeAll(async () => {
  mkdirSync(inFolder('hosted'));
  execFileSync('git', ['init', '--quiet', '--bare', '--initial-branch', 'main', inFolder('hosted/models.git')]);
  git = await startGitHttpServer({
    root: inFolder('hosted'),
    credentials: { username: 'slipway', password: TOKEN },
    environment: process.env,
  });
  const authority = new TestAuthority();
  gitHost = await startTls(git.url, authority.issue());
  const known = process.env.NODE_EXTRA_CA_CERTS;
  writeFileSync(
    inFolder('ca.pem'),
    (known !== undefined && existsSync(known) ? `${readFileSync(known, 'utf8')}\n` : '') +
      readFileSync(authority.caFile, 'utf8'),
  );
  rmSync(authority.folder, { recursive: true });
  bucket = await PrivateBucket.open(inFolder('bucket'));
});

afterAll(async () => {
  if (process.env.KEEP_LOG !== undefined) appendFileSync(process.env.KEEP_LOG, log);
  gitHost.closeAllConnections();
  gitHost.close();
  await git.close();
  await bucket[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
});

/** The Git host as others see it: HTTPS by a private authority. */
async function startTls(
  to: string,
  certificate: { readonly cert: string; readonly key: string },
): Promise<https.Server> {
  const server = https.createServer(certificate, (request, response) => {
    const { method, headers, url } = request;
    const passed = http.request(`${to}${url}`, { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    passed.on('error', () => response.destroy());
    request.pipe(passed);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  const free = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => resolve(true));
  });
  await new Promise((resolve) => server.close(resolve));
  return free;
}

/** The service's port, and those of the devices above it. */
async function findPorts(): Promise<number> {
  for (let port = 20_000 + (process.pid % 8000); ; port += 3)
    if ((await isFree(port)) && (await isFree(port + 1)) && (await isFree(port + 2))) return port;
}

/** A person who just got an account: a home with the settings that a Git host asks for, Node 24 and npm, and no checkout in the path. */
async function newUser(gitAddress: URL): Promise<Record<string, string>> {
  writeFileSync(inFolder('.git-credentials'), `https://slipway:${TOKEN}@${gitAddress.host}\n`, { mode: 0o600 });
  writeFileSync(
    inFolder('.gitconfig'),
    `[user]\n  name = alice\n  email = alice@example.org\n[credential]\n  helper = store\n[http]\n  sslCAInfo = ${inFolder('ca.pem')}\n`,
  );
  const config = async (name: string): Promise<string> =>
    (await run('npm', ['config', 'get', name], { cwd: ROOT })).stdout.trim();
  const rest = (process.env.PATH ?? '').split(path.delimiter).filter((one) => !one.includes('node_modules'));
  return {
    PATH: [path.dirname(process.execPath), inFolder('.local/bin'), ...rest].join(path.delimiter),
    HOME: folder,
    NODE_EXTRA_CA_CERTS: inFolder('ca.pem'),
    npm_config_prefix: inFolder('.local'),
    npm_config_registry: await config('registry'),
    npm_config_cache: await config('cache'),
    npm_config_prefer_offline: 'true',
    npm_config_update_notifier: 'false',
    ...bucket.environment,
  };
}

test('the package alone gets a model to two devices, a bad version taken back, one undone, the service out of a backup into another home, and its keys and the signer of CI replaced', {
  timeout: LIMIT_MS + 60_000,
  retry: 0,
}, async () => {
  const { stdout } = await run(process.execPath, [path.join(ROOT, 'deploy/npm/pack.ts'), inFolder('dist')]);
  const tarball = path.basename(stdout.trim());
  copyFileSync(stdout.trim(), inFolder(tarball));
  mkdirSync(inFolder('backups'));
  mkdirSync(inFolder('safe'));
  const port = await findPorts();
  const gitAddress = new URL(`https://127.0.0.1:${(gitHost.address() as AddressInfo).port}/models.git`);
  const own = [
    ['https://git.example.com/acme/models.git', gitAddress.href],
    ['your-token', TOKEN],
    [/slipway-\d[\w.-]*\.tgz/.exec(readFileSync(path.join(ROOT, 'docs/tutorial.md'), 'utf8'))?.[0] ?? '', tarball],
    ['slipway release ', 'slipway release --to s3://ours/prod '],
    ['slipway run ', `slipway run --listen 127.0.0.1:${port} --artifacts s3://ours/prod `],
    ['127.0.0.1:8080', `127.0.0.1:${port}`],
    ['910$device', `$((${port} + device))`],
    ['--endpoint-port 9101 --endpoint-port 9102', `--endpoint-port ${port + 1} --endpoint-port ${port + 2}`],
    ['/backups', inFolder('backups')],
    ['/safe', inFolder('safe')],
    ['/media/usb/root.key', '.slipway-keys/root.key'],
  ] as const;
  const tutorial = page('docs/tutorial.md', ['ci', 'git-host']);
  const start = tutorial.filter(({ commands }) => commands.some(({ command }) => command.includes('slipway run ')));
  const blocks = [
    ...tutorial,
    ...page('docs/how-to/back-up-and-restore.md').slice(0, 1),
    inWords('the old service is off', 'kill %1', 'wait %1 || true'),
    ...page('docs/how-to/back-up-and-restore.md').slice(1),
    ...again(filledIn(start, [['slipway run ', 'slipway run --home .slipway-new ']])),
    inWords('from now on the home is the restored one', 'export SLIPWAY_HOME=.slipway-new'),
    ...filledIn(page('docs/how-to/rotate-keys.md'), [['--home .slipway ', '']]),
    ...filledIn(page('docs/how-to/change-the-trust-policy.md'), [
      ['.slipway/', '.slipway-new/'],
      ['--repo models', '--repo my-models'],
      [' models/policies/careful.yaml', ' my-models/policies/quick.yaml'],
    ]),
    inWords(
      'devices follow the restored service',
      "until slipway devices 'trustVersion:>=1' | grep -c '^device-' | grep 2; do sleep 1; done",
      'slipway retry documents > /dev/null',
      "until cat devices/*/status.txt 2> /dev/null | grep '1.2.0 ('; do sleep 1; for device in 1 2; do slipway-agent status --data devices/$device > devices/$device/status.txt; done; done",
    ),
  ];
  const environment = await newUser(gitAddress);
  const result = await runPages({
    blocks: filledIn(blocks, own),
    ...{ folder, environment, timeoutMs: LIMIT_MS },
    print: (text) => {
      log += text;
    },
  });
  const logs = ['slipway.log', 'device-1.log', 'device-2.log', 'ask.log'].map((name) =>
    existsSync(inFolder(name)) ? `${name}\n${readFileSync(inFolder(name), 'utf8').slice(-3000)}` : name,
  );
  expect(result, [log.slice(-6000), ...logs].join('\n')).toMatchObject({ failures: [], skipped: 0 });
  // The picture in the README shows what is printed.
  const picture = readFileSync(path.join(ROOT, 'docs/images/revert.txt'), 'utf8');
  const shown = picture.split('\n').filter((line) => line !== '' && !line.startsWith('$ '));
  expect([findMissingLine(shown, log), log.slice(-6000)]).toEqual([undefined, expect.anything()]);
  // Not one device refused what the service published, before the backup and after it; between two roots it asks again.
  for (const name of ['device-1.log', 'device-2.log'])
    expect(readFileSync(inFolder(name), 'utf8')).not.toMatch(/TUF_(?!SIGNATURE)|"level":"error"(?!.*TUF_SIGNATURE)/);
});
