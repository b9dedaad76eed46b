// Laws of the settings: secrets are read when they are used, and durations that would stop or flood the service are refused.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { gitCredentials, serviceSettings } from '../../src/cli/settings.ts';

afterEach(() => vi.unstubAllEnvs());

test('a Git token in a file is read for each session, so that it can be replaced while the service runs', async () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'slipway-token-'));
  const file = path.join(folder, 'token');
  vi.stubEnv('SLIPWAY_GIT_TOKEN', undefined);
  vi.stubEnv('SLIPWAY_GIT_TOKEN_FILE', file);
  writeFileSync(file, 'first\n');
  const credentials = gitCredentials('slipway');
  expect(await credentials?.()).toEqual({ kind: 'basic', username: 'slipway', password: 'first' });
  writeFileSync(file, 'second\n');
  expect(await credentials?.()).toMatchObject({ password: 'second' });
  rmSync(folder, { recursive: true });
  expect(() => credentials?.()).toThrow(expect.objectContaining({ code: 'SETTING_SECRET' }));
});

test.each(['poll', 'tick', 'reportInterval', 'emergencyAfter'] as const)('--%s of no time is refused', (name) => {
  const given = { repo: '.', [name]: '0s' };
  expect(() => serviceSettings(given)).toThrow(expect.objectContaining({ code: 'SETTING_VALUE' }));
});
