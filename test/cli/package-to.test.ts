// Laws of `slipway package --to`: a runner with nothing but credentials brings files to the place it names, or leaves nothing there.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { encodeOnnx } from '../../examples/invoices/onnx-writer.ts';
import { digestOf, hexOf } from '../../src/contract/digest.ts';
import { parseManifest } from '../../src/contract/manifest/parse-manifest.ts';
import { PutServer } from '../support/put-server.ts';
import { S3Server } from '../support/s3-server.ts';
import { CliSession } from './cli-session.ts';

// Each command is a process of its own.
vi.setConfig({ testTimeout: 240_000 });

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const ONNX = encodeOnnx({
  name: 'g',
  inputs: [{ name: 'x', shape: ['batch', 3] }],
  outputs: [{ name: 'y', shape: ['batch', 1] }],
  tensors: [],
  nodes: [{ operator: 'Identity', inputs: ['x'], outputs: ['y'] }],
});
const HEX = hexOf(digestOf(ONNX));
const MANIFEST = 'models/sorter/1.yaml';

let session: CliSession;
let s3: S3Server;
beforeEach(async () => {
  session = new CliSession();
  writeFileSync(session.path('model.onnx'), ONNX);
  s3 = await S3Server.start();
});
afterEach(async () => {
  await s3[Symbol.asyncDispose]();
  await session[Symbol.asyncDispose]();
});

function environment(): Record<string, string> {
  const { endpoint, region, accessKeyId, secretAccessKey } = s3.access;
  const keys = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
  return { ...keys, AWS_REGION: region, AWS_ENDPOINT_URL_S3: endpoint ?? '' };
}

const pack = (args: readonly string[], env = environment()) =>
  session.run(['package', 'model.onnx', '--kind', 'y=scalar', ...args], env);
const urlIn = (file: string): string | undefined =>
  parseManifest(readFileSync(session.path(file)), file).spec.variants[0]?.files[0]?.url;

test('a bucket: without a home, once, and a dry run says where and whether it is there', async () => {
  const to = ['--manifest', MANIFEST, '--to', 's3://ours/models'];
  const dry = await pack([...to, '--dry-run']);
  expect(dry).toMatchObject({ code: 0, stderr: 'model.onnx would go to s3://ours/models\n' });
  expect([s3.objects.size, existsSync(session.path(MANIFEST))]).toEqual([0, false]);
  expect(await pack(to)).toMatchObject({
    ...{ code: 0, stderr: '' },
    stdout: expect.stringMatching(/^wrote [\s\S]*\nstored in s3:\/\/ours\/models: 1 file\n$/),
  });
  expect(s3.objects.get(`models/${HEX}`)?.bytes.equals(ONNX)).toBe(true);
  expect(urlIn(MANIFEST)).toBe(`s3://ours/models/${HEX}`);
  const again = await pack([...to, '--json']);
  expect(JSON.parse(again.stdout).artifacts).toEqual([
    {
      file: 'model.onnx',
      digest: `sha256:${HEX}`,
      sizeBytes: ONNX.length,
      url: `s3://ours/models/${HEX}`,
      isNew: false,
    },
  ]);
  expect((await pack([...to, '--dry-run'])).stderr).toBe('model.onnx is in s3://ours/models already\n');
});

test('any host that takes PUT, with a public address of its own, and a folder', async () => {
  await using host = await PutServer.start();
  const env = { SLIPWAY_UPLOAD_TOKEN: 'a-token' };
  const [prefix, cdn] = [`${host.url}/up`, 'https://cdn.example/models'];
  expect(await pack(['--manifest', MANIFEST, '--to', prefix, '--public-url', cdn], env)).toMatchObject({ code: 0 });
  expect(host.files.get(`/up/${HEX}`)?.equals(ONNX)).toBe(true);
  expect(urlIn(MANIFEST)).toBe(`${cdn}/${HEX}`);
  expect([...host.authorizations]).toEqual(['Bearer a-token']);
  expect(await pack(['--manifest', 'models/sorter/2.yaml', '--to', 'site'], env)).toMatchObject({ code: 0 });
  expect(readdirSync(session.path('site/artifacts'))).toEqual([HEX]);
  expect(urlIn('models/sorter/2.yaml')).toBe(`artifacts/${HEX}`);
});

test('the running service: with a token for publishing, which is asked for before anything is sent', async () => {
  await session.run(['init', 'repository']);
  const token = 'a-token-of-the-administrator';
  const { url } = await session.serve(['--repo', 'repository'], { SLIPWAY_ADMIN_TOKEN: token });
  const to = ['--manifest', MANIFEST, '--to', 'service', '--home', 'nowhere'];
  const env = { SLIPWAY_SERVER: url, SLIPWAY_TOKEN: token };
  expect(await pack([...to, '--dry-run'], env)).toMatchObject({ code: 0, stderr: `model.onnx would go to ${url}\n` });
  expect(await pack(to, env)).toMatchObject({ code: 0, stdout: expect.stringContaining(`stored in ${url}: 1 file`) });
  expect(urlIn(MANIFEST)).toBe(`artifacts/${HEX}`);
  expect(readFileSync(session.path('.slipway/publication/artifacts', HEX)).equals(ONNX)).toBe(true);
  expect(await pack([...to, '--dry-run'], env)).toMatchObject({ stderr: `model.onnx is in ${url} already\n` });
  for (const [wrong, problem] of [
    [{ SLIPWAY_TOKEN: token }, 'SETTING_VALUE[^]*--server'],
    [{ SLIPWAY_SERVER: '', SLIPWAY_TOKEN: token }, 'SETTING_VALUE[^]*--server'],
    [{ SLIPWAY_SERVER: url }, 'SETTING_VALUE[^]*SLIPWAY_TOKEN'],
    [{ SLIPWAY_SERVER: url, SLIPWAY_TOKEN: `${token}\n` }, 'SETTING_VALUE[^]*no token has'],
    [{ SLIPWAY_SERVER: 'http://service.example', SLIPWAY_TOKEN: token }, 'SERVER_ADDRESS[^]*plain HTTP'],
    [{ SLIPWAY_SERVER: url, SLIPWAY_TOKEN: 'a-wrong-token-of-somebody' }, 'UPLOAD_REFUSED'],
  ] as const) {
    const { code, stderr } = await pack(to, wrong);
    expect([code, stderr]).toEqual([2, expect.stringMatching(problem)]);
  }
});

test('a place that refuses leaves no manifest', async () => {
  const wrong = { ...environment(), AWS_SECRET_ACCESS_KEY: 'a-wrong-secret' };
  const refused = await pack(['--manifest', MANIFEST, '--to', 's3://ours/models'], wrong);
  expect(refused).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/^UPLOAD_REFUSED[\s\S]*SignatureDoesNotMatch/),
  });
  expect(refused.stderr).not.toContain('a-wrong-secret');
  expect(existsSync(session.path(MANIFEST))).toBe(false);
});

test('settings that would go wrong, or show a secret, are refused before anything is read', async () => {
  for (const [args, env, problem] of [
    [['--to', 's3://Ours'], {}, 'S3_ADDRESS'],
    [['--to', 's3://ours'], {}, 'S3_CREDENTIALS[^]*AWS_ACCESS_KEY_ID'],
    [['--to', 'gs://ours'], {}, 'SETTING_VALUE[^]*no kind of place'],
    [['--to', 'http://host.example/x/'], {}, 'SETTING_VALUE[^]*plain HTTP'],
    [['--to', 'https://me:hush@host.example/x/'], {}, 'SETTING_VALUE[^]*SLIPWAY_UPLOAD_TOKEN'],
    [['--to', 'https://host.example/x?token=hush'], {}, 'SETTING_VALUE'],
    [['--to', 'https://host.example/', '--public-url', 'http://cdn.example/'], {}, 'SETTING_VALUE[^]*--public-url'],
    [['--to', 'folder', '--public-url', 'https://cdn.example/'], {}, 'SETTING_VALUE[^]*only'],
    [['--to', 'https://host.example/'], { SLIPWAY_UPLOAD_TOKEN_FILE: 'gone' }, 'SETTING_SECRET'],
    [['--to', 'https://host.example/'], { SLIPWAY_UPLOAD_TOKEN: 'me:hu\nsh' }, 'SETTING_VALUE[^]*line break'],
  ] as const) {
    const { code, stderr } = await pack([...args], env);
    expect([args, code, stderr]).toEqual([args, 2, expect.stringMatching(problem)]);
    expect(stderr).not.toContain('hush');
  }
});

test('a pipe in the place of a model is refused, not waited for', async () => {
  spawnSync('mkfifo', [session.path('pipe.onnx')]);
  for (const more of [[], ['--manifest', MANIFEST]]) {
    const { code, stderr } = await session.run(['package', 'pipe.onnx', '--to', 'site', ...more]);
    expect([code, stderr]).toEqual([2, expect.stringContaining('pipe.onnx')]);
  }
});

test('a runner that is stopped in the middle of an upload leaves no part of it', async () => {
  writeFileSync(session.path('large.bin'), '');
  truncateSync(session.path('large.bin'), 100 * 1024 * 1024);
  const child = spawn(process.execPath, [MAIN, 'package', 'large.bin', '--to', 's3://ours/models'], {
    ...{ cwd: session.folder, env: { PATH: process.env.PATH, ...environment() } },
  });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  s3.misbehave = ({ query }) => {
    if (query.get('partNumber') === '3') child.kill('SIGTERM');
    return false;
  };
  const [code] = await once(child, 'close');
  expect([code, stderr]).toEqual([3, expect.stringMatching(/^UPLOAD_STOPPED/)]);
  expect([s3.objects.size, s3.uploads.size]).toEqual([0, 0]);
});
