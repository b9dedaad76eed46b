// Laws of the settings: secrets are read when they are used, and durations that would stop or flood the service are refused.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { accessTo } from '../../src/cli/ask-service.ts';
import { gitCredentials, secretOf, serviceSettings } from '../../src/cli/settings.ts';
import { addressLimits } from '../../src/fleet-api/rate-limit.ts';

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

test('a pipe in the place of a secret is refused at once, for a service would wait for its writer for ever', () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'slipway-token-'));
  const pipe = path.join(folder, 'token');
  execFileSync('mkfifo', [pipe]);
  vi.stubEnv('SLIPWAY_TOKEN', undefined);
  vi.stubEnv('SLIPWAY_TOKEN_FILE', pipe);
  expect(() => secretOf('SLIPWAY_TOKEN')).toThrow(expect.objectContaining({ code: 'SETTING_SECRET' }));
  rmSync(folder, { recursive: true });
});

test.each(['poll', 'tick', 'reportInterval', 'emergencyAfter'] as const)('--%s of no time is refused', (name) => {
  const given = { repo: '.', [name]: '0s' };
  expect(() => serviceSettings(given)).toThrow(expect.objectContaining({ code: 'SETTING_VALUE' }));
});

test('what one address may send grows with --address-factor, and a factor of nothing is refused', () => {
  const factorOf = (addressFactor?: string) =>
    serviceSettings({ repo: '.', ...(addressFactor === undefined ? {} : { addressFactor }) }).addressFactor;
  expect([factorOf(), factorOf('12.5')]).toEqual([1, 12.5]);
  expect(() => factorOf('0')).toThrow(expect.objectContaining({ code: 'SETTING_VALUE' }));
  expect(addressLimits(12.5).perAddress).toEqual({ perSecond: 12.5 * 500, burst: 12.5 * 2_000 });
});

test('a quota of artifacts is a size with its unit, and one of nothing or without a unit is refused', () => {
  const quotaOf = (artifactQuota?: string) =>
    serviceSettings({ repo: '.', ...(artifactQuota === undefined ? {} : { artifactQuota }) }).artifactQuotaBytes;
  expect([quotaOf(), quotaOf('500MB'), quotaOf('1.5 GiB'), quotaOf('2TB')]).toEqual([1e11, 5e8, 1.5 * 2 ** 30, 2e12]);
  for (const text of ['', '0GB', '100', '-1GB', '1e3GB', 'GB', '10 gigabytes', '10Gb', '999999999TB'])
    expect(() => quotaOf(text)).toThrow(expect.objectContaining({ code: 'SETTING_VALUE' }));
});

test('an admin token of the environment that could be guessed, or that fits no header, is refused', () => {
  const tokenOf = (text: string | undefined) => {
    vi.stubEnv('SLIPWAY_ADMIN_TOKEN', text);
    return serviceSettings({ repo: '.' }).adminToken;
  };
  expect([tokenOf(undefined), tokenOf('0123456789abcdef')]).toEqual([null, '0123456789abcdef']);
  for (const wrong of ['admin', '0123456789 abcdef', 'x'.repeat(513), 'geheimnisgeheimniß'])
    expect(() => tokenOf(wrong)).toThrow(expect.objectContaining({ code: 'SETTING_SECRET' }));
});

test("a command sends the token for it, and a service's viewer token only without one", () => {
  const tokenOf = (token: string | undefined, viewer: string | undefined) => {
    vi.stubEnv('SLIPWAY_TOKEN', token);
    vi.stubEnv('SLIPWAY_VIEWER_TOKEN', viewer);
    return accessTo('https://slipway.example.com').token;
  };
  expect([tokenOf('own', 'look'), tokenOf(undefined, 'look'), tokenOf(undefined, undefined)]).toEqual([
    'own',
    'look',
    null,
  ]);
});

test('an identity provider needs all that a login needs, and its secret is none of the settings that show', () => {
  const given = { repo: '.', oidcIssuer: 'https://id.example.com', oidcClient: 'slipway', oidcView: 'shops, ops' };
  const url = { publicUrl: 'https://slipway.example.com' };
  vi.stubEnv('SLIPWAY_OIDC_CLIENT_SECRET', 'hidden');
  const { oidc } = serviceSettings({ ...given, ...url });
  expect(oidc).toMatchObject({ groupsClaim: 'groups', viewGroups: ['shops', 'ops'], operateGroups: [] });
  expect(oidc?.clientSecret()).toBe('hidden');
  expect(serviceSettings({ repo: '.' }).oidc).toBeNull();
  const bad = [
    given,
    { ...given, ...url, oidcView: ' ,' },
    { ...given, ...url, oidcIssuer: 'http://id.example.com' },
    { ...given, ...url, oidcIssuer: 'id' },
    { repo: '.', oidcIssuer: given.oidcIssuer, oidcView: '*', ...url },
    ...['slipway.example.com', 'https://slipway.example.com/x', 'ftp://a'].map((publicUrl) => ({
      repo: '.',
      publicUrl,
    })),
  ];
  for (const one of bad)
    expect(() => serviceSettings(one), JSON.stringify(one)).toThrow(expect.objectContaining({ code: 'SETTING_VALUE' }));
});
