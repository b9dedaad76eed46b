// Proves that a trust policy is signed under no root that somebody made up, as far as the machine of the key knows the fleet's.
import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { makeRoleKey, readOnlineKeys, readRoleKey } from '../../src/distribution/tuf-keys.ts';
import { makeRoot } from '../../src/distribution/tuf-metadata.ts';
import { CliSession } from './cli-session.ts';

const YEAR_MS = 365 * 86_400_000;
let session: CliSession;

beforeAll(async () => {
  session = new CliSession();
  await session.run(['init', 'models']);
  const rotated = await session.run(['rotate', 'root']);
  expect([rotated.code, rotated.stderr]).toEqual([0, '']);
});
afterAll(() => session[Symbol.asyncDispose]());
beforeEach(() => {
  for (const folder of ['copy', 'signed']) rmSync(session.path(folder), { recursive: true, force: true });
  cpSync(session.path('.slipway/publication/metadata'), session.path('copy/metadata'), { recursive: true });
});

const copied = (version: number): string => session.path(`copy/metadata/${version}.root.json`);
const sign = (...more: string[]) =>
  session.run([
    ...['trust', 'sign', '.slipway/trust-policy.yaml', '--publication', 'copy'],
    ...['--key', '.slipway-keys/trust.key', '--out', 'signed', ...more],
  ]);

/** A root of a thief's own, which names the fleet's key for trust policies. */
async function makeUp(version: number): Promise<Buffer> {
  const thief = makeRoleKey().roleKey;
  const { targets, snapshot, timestamp } = await readOnlineKeys(session.path('.slipway/tuf'));
  const one = (key: typeof thief) => ({ keys: [key], threshold: 1 });
  const trust = one(await readRoleKey(session.path('.slipway-keys/trust.key')));
  const online = { targets: one(targets), snapshot: one(snapshot), timestamp: one(timestamp) };
  const roles = { root: one(thief), trust, ...online };
  return makeRoot({ version, roles, signers: [thief], nowMs: Date.now(), lifetimeMs: YEAR_MS });
}

async function assertRefused(...more: string[]): Promise<string> {
  const refused = await sign(...more);
  expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('TRUST_ROOT_FOREIGN')]);
  expect(existsSync(session.path('signed'))).toBe(false);
  return refused.stderr;
}

test('what follows from the root in the home is signed, and the root is shown', async () => {
  const { root } = JSON.parse((await sign('--json')).stdout);
  expect(root).toMatchObject({ version: 2, knownBy: [expect.any(String), expect.any(String)] });
  const { stdout } = await sign();
  expect(stdout).toMatch(/Root 2, sha256:[0-9a-f]{64}/);
  expect(stdout).toMatch(/sign roots: 1 of [0-9a-f]{10}\n.*sign trust policies: 1 of [0-9a-f]{10}/);
  expect(stdout).toMatch(/It follows from .*root\.json/);
  expect((await session.run(['trust', 'show'])).stdout).toContain(`Root 2, ${root.digest}`);
  await session.run(['trust', 'publish', 'signed']);
  expect((await session.run(['trust', 'show'])).stdout).toContain(`Root 2, ${root.digest}`);
});

test.each([1, 2, 3])('with root %i made up nothing is signed', async (version) => {
  writeFileSync(copied(version), await makeUp(version));
  await assertRefused();
  if (version === 1) return;
  // The roots before it are enough to see it.
  await assertRefused('--home', 'nowhere');
});

test('under a root that is older than the one in force nothing is signed: it would count no more', async () => {
  rmSync(copied(2));
  expect(await assertRefused()).toContain('lacks root 2');
});

test('where nothing is at hand to compare with, the person is told; --root is what devices were given', async () => {
  const made = await makeUp(1);
  rmSync(copied(2));
  writeFileSync(copied(1), made);
  const alone = await sign('--home', 'nowhere');
  expect([alone.code, alone.stdout]).toEqual([0, expect.stringContaining('Nothing here vouches for this root')]);
  rmSync(session.path('signed'), { recursive: true });
  await assertRefused('--root', '.slipway/tuf/root.json', '--home', 'nowhere');
  writeFileSync(session.path('theirs.json'), made);
  expect(await sign('--root', 'theirs.json')).toMatchObject({ code: 0 });
  writeFileSync(session.path('theirs.json'), readFileSync(session.path('.slipway/trust-policy.yaml')));
  rmSync(session.path('signed'), { recursive: true });
  await assertRefused('--root', 'theirs.json');
  expect((await sign('--root', 'missing.json')).stderr).toContain('FILE_UNREADABLE');
});
