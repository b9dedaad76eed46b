// Laws of the settings of S3: the usual variables count, secrets may come from files, and nothing goes out in clear text by mistake.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { silentLogger } from '../../src/base/logger.ts';
import { openLocations } from '../../src/cli/artifact-locations.ts';
import { s3AccessOfEnvironment } from '../../src/cli/s3-settings.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'slipway-s3-settings-'));
  for (const name of Object.keys(process.env).filter((one) => one.startsWith('AWS_'))) vi.stubEnv(name, undefined);
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'id');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

test('the usual variables count, and a secret may stand in a file', () => {
  const keys = { accessKeyId: 'id', secretAccessKey: 'secret' };
  expect(s3AccessOfEnvironment(false)).toEqual({ endpoint: null, region: 'us-east-1', ...keys });
  writeFileSync(path.join(folder, 'secret'), 'from a file\n');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', '');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY_FILE', path.join(folder, 'secret'));
  vi.stubEnv('AWS_SESSION_TOKEN', 'token');
  vi.stubEnv('AWS_DEFAULT_REGION', 'eu-west-1');
  vi.stubEnv('AWS_ENDPOINT_URL', 'https://any.example');
  vi.stubEnv('AWS_ENDPOINT_URL_S3', 'https://s3.example');
  expect(s3AccessOfEnvironment(false)).toEqual({
    ...{ endpoint: 'https://s3.example', region: 'eu-west-1' },
    ...{ accessKeyId: 'id', secretAccessKey: 'from a file', sessionToken: 'token' },
  });
});

test('a key that is missing is named, and so is an endpoint that is none or would be asked in clear text', () => {
  for (const [variable, value, code] of [
    ['AWS_ACCESS_KEY_ID', '', 'S3_CREDENTIALS'],
    ['AWS_SECRET_ACCESS_KEY', '', 'S3_CREDENTIALS'],
    ['AWS_ENDPOINT_URL', 's3.example', 'S3_ENDPOINT'],
    ['AWS_ENDPOINT_URL', 'file:///etc/passwd', 'S3_ENDPOINT'],
    ['AWS_ENDPOINT_URL', 'https://me:hush@s3.example', 'S3_ENDPOINT'],
    ['AWS_ENDPOINT_URL', 'http://s3.example', 'S3_ENDPOINT'],
  ] as const) {
    vi.stubEnv(variable, value);
    expect(() => s3AccessOfEnvironment(false), variable + value).toThrow(
      expect.objectContaining({ code, message: expect.not.stringContaining('hush') }),
    );
    vi.stubEnv('AWS_ENDPOINT_URL', '');
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'id');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
  }
  vi.stubEnv('AWS_ENDPOINT_URL', 'http://s3.example');
  expect(s3AccessOfEnvironment(true).endpoint).toBe('http://s3.example');
  vi.stubEnv('AWS_ENDPOINT_URL', 'http://127.0.0.1:9000');
  expect(s3AccessOfEnvironment(false).endpoint).toBe('http://127.0.0.1:9000');
});

test('a service that is to sign for a place starts only where it can, and without a place it needs nothing', async () => {
  const options = { insecureHttp: false, publicationFolder: folder, logger: silentLogger };
  expect(() => openLocations({ ...options, place: 'https://ours.example' })).toThrow(
    expect.objectContaining({ code: 'S3_ADDRESS' }),
  );
  const { presign } = openLocations({ ...options, place: 's3://ours/prod' });
  expect((await presign?.('s3://ours/prod/0a', Date.now()))?.url).toContain(
    'https://ours.s3.us-east-1.amazonaws.com/prod/0a?',
  );
  expect(await presign?.('s3://theirs/prod/0a', Date.now())).toBeNull();
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', '');
  expect(() => openLocations({ ...options, place: 's3://ours/prod' })).toThrow(
    expect.objectContaining({ code: 'S3_CREDENTIALS' }),
  );
  // Gone while it runs: the device is told to come again, and no more.
  const failure = { code: 'LOCATION_CREDENTIALS', kind: 'retry-later', message: expect.not.stringContaining('AWS') };
  await expect(presign?.('s3://ours/prod/0a', Date.now())).rejects.toMatchObject(failure);
  expect(openLocations({ ...options, place: null }).presign).toBeNull();
});
