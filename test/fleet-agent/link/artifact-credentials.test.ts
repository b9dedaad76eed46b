// Laws of the device's own credentials: each secret goes to its own addresses and nowhere else, and comes from files that are their owner's alone.
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { ArtifactCredentials } from '../../../fleet-agent/src/link/artifact-credentials.ts';
import type { CodedError } from '../../../src/base/errors.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'slipway-credentials-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const file = path.join(folder, 'credentials.yaml');

function write(name: string, text: string, mode = 0o600): string {
  const full = path.join(folder, name);
  rmSync(full, { force: true });
  writeFileSync(full, text, { mode });
  chmodSync(full, mode);
  return full;
}

function credentialsOf(text: string, environment: Record<string, string> = {}): ArtifactCredentials {
  write('credentials.yaml', text);
  return new ArtifactCredentials({ file, environment });
}

async function errorOf(credentials: ArtifactCredentials): Promise<CodedError> {
  return credentials.check().then(
    () => {
      throw new Error('it was taken');
    },
    (error: CodedError) => error,
  );
}

const THREE = `credentials:
  - prefix: https://models.example.com/private/
    bearer: { env: MODELS }
  - prefix: https://models.example.com/private/eu/
    basic: { user: device, password: { file: password } }
  - prefix: https://gitlab.example.com/
    header: { name: PRIVATE-TOKEN, value: { env: GITLAB } }
`;

describe('a secret goes to the addresses below its prefix', () => {
  const environment = { MODELS: 'm0dels', GITLAB: 'gl-token' };

  test('as the entry says, and of several prefixes the longest counts', async () => {
    write('password', 'päss:word\n');
    const { headersFor } = credentialsOf(THREE, environment);
    expect(await headersFor('https://models.example.com/private/a.onnx?v=1')).toEqual({
      authorization: 'Bearer m0dels',
    });
    const basic = `Basic ${Buffer.from('device:päss:word').toString('base64')}`;
    expect(await headersFor('https://models.example.com/private/eu/a.onnx')).toEqual({ authorization: basic });
    expect(await headersFor('https://gitlab.example.com/a')).toEqual({ 'private-token': 'gl-token' });
  });

  test.each([
    'https://models.example.com/public/a.onnx',
    'https://models.example.com/private',
    'https://models.example.com/private-too/a.onnx',
    'https://models.example.com:8443/private/a.onnx',
    'http://models.example.com/private/a.onnx',
    'https://models.example.com.evil.com/private/a.onnx',
    'https://example.com/private/a.onnx',
    'https://models.example.com/private/../public/a.onnx',
    'https://models.example.com/private/%2e%2e/public/a.onnx',
    'https://models.example.com/private/..%2fpublic/a.onnx',
    'https://models.example.com/private/..%5Cpublic/a.onnx',
    'https://models.example.com/private/%ff/a.onnx',
  ])('%s gets none', async (url) => {
    write('password', 'secret');
    expect(await credentialsOf(THREE, environment).headersFor(url)).toEqual({});
  });
});

test('file and secrets are read for each request, so that both can be rotated', async () => {
  write('token', 'first');
  const { headersFor } = credentialsOf('credentials: [{ prefix: https://a.example/, bearer: { file: token } }]');
  expect(await headersFor('https://a.example/x')).toEqual({ authorization: 'Bearer first' });
  write('token', 'second');
  expect(await headersFor('https://a.example/x')).toEqual({ authorization: 'Bearer second' });
  write('credentials.yaml', 'credentials: [{ prefix: https://b.example/, bearer: { file: token } }]');
  expect(await headersFor('https://a.example/x')).toEqual({});
});

describe('what others can read or change is refused', () => {
  const text = 'credentials: [{ prefix: https://a.example/, bearer: { file: token } }]';

  test.each([0o644, 0o640, 0o620, 0o602, 0o777])('mode %o of the file, and of a secret', async (mode) => {
    write('token', 'secret');
    const credentials = credentialsOf(text);
    chmodSync(file, mode);
    expect((await errorOf(credentials)).code).toBe('FILE_MODE');
    chmodSync(file, 0o600);
    write('token', 'secret', mode);
    const error = await errorOf(credentials);
    expect(error.code).toBe('FILE_MODE');
    expect(error.remedy).toContain('chmod 600');
    await expect(credentials.headersFor('https://a.example/x')).rejects.toThrow();
  });

  test('a link counts as what it leads to', async () => {
    write('real-token', 'secret');
    rmSync(path.join(folder, 'token'), { force: true });
    symlinkSync('real-token', path.join(folder, 'token'));
    const credentials = credentialsOf(text);
    await credentials.check();
    chmodSync(path.join(folder, 'real-token'), 0o644);
    expect((await errorOf(credentials)).code).toBe('FILE_MODE');
  });

  test('a pipe is not waited for, a file without end not read', async () => {
    rmSync(path.join(folder, 'token'), { force: true });
    execFileSync('mkfifo', ['-m', '600', path.join(folder, 'token')]);
    expect((await errorOf(credentialsOf(text))).code).toBe('FILE_KIND');
    write('token', 'x'.repeat(20_000));
    expect((await errorOf(credentialsOf(text))).code).toBe('FILE_SIZE');
  });
});

test.each([
  ['', 'DOCUMENT_EMPTY'],
  ['credentials: [', 'DOCUMENT_SYNTAX'],
  ['- a', 'CREDENTIALS_SHAPE'],
  ['credentials: {}', 'CREDENTIALS_SHAPE'],
  ['credentials: []\nmore: 1', 'CREDENTIALS_SHAPE'],
  ['credentials: [null]', 'CREDENTIALS_SHAPE'],
  ['credentials: [{ prefix: https://a.example/ }]', 'CREDENTIALS_SHAPE'],
  ['credentials: [{ prefix: https://a.example/, bearer: s3cret-s3cret }]', 'CREDENTIALS_SHAPE'],
  ['credentials: [{ prefix: https://a.example/, bearer: { env: A, file: b } }]', 'CREDENTIALS_SHAPE'],
  ['credentials: [{ prefix: https://a.example/, bearer: { env: A }, basic: {} }]', 'CREDENTIALS_SHAPE'],
  ['credentials: [{ prefix: http://a.example/, bearer: { env: A } }]', 'CREDENTIALS_SHAPE'],
  ['credentials: [{ prefix: https://a.example/private, bearer: { env: A } }]', 'CREDENTIALS_SHAPE'],
  ['credentials: [{ prefix: "https://u:p@a.example/", bearer: { env: A } }]', 'CREDENTIALS_SHAPE'],
  ['credentials: [{ prefix: "https://a.example/?a=", bearer: { env: A } }]', 'CREDENTIALS_SHAPE'],
  ['credentials: [{ prefix: https://a.example/, header: { name: Host, value: { env: A } } }]', 'CREDENTIALS_SHAPE'],
  ['credentials: [{ prefix: https://a.example/, header: { name: "A: b", value: { env: A } } }]', 'CREDENTIALS_SHAPE'],
  ['credentials: [{ prefix: https://a.example/, basic: { user: "a:b", password: { env: A } } }]', 'CREDENTIALS_SHAPE'],
  ['credentials: [{ prefix: https://a.example/, bearer: { env: NOT_SET } }]', 'CREDENTIALS_SECRET'],
  ['credentials: [{ prefix: https://a.example/, bearer: { env: SPLIT } }]', 'CREDENTIALS_SECRET'],
  ['credentials: [{ prefix: https://a.example/, bearer: { file: gone } }]', 'FILE_UNREADABLE'],
])('%j is refused with %s, a remedy, and no secret', async (text, code) => {
  const error = await errorOf(credentialsOf(text, { A: 'top-s3cret', SPLIT: 'top-s3cret\r\nhost: b' }));
  expect(error.code).toBe(code);
  expect(error.remedy).toBeTruthy();
  if (code === 'CREDENTIALS_SHAPE') expect(error.at?.file).toBe(file);
  expect(`${error.message} ${error.remedy}`).not.toContain('s3cret');
});
