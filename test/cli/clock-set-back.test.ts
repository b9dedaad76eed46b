// Proves that nothing with an end is made by a clock that stands before what was signed last: it would have ended already.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeNextRoot, publishNextRoot } from '../../src/distribution/next-root.ts';
import { readOnlineKeys, readRoleKey } from '../../src/distribution/tuf-keys.ts';
import { DEFAULT_LIFETIMES, makeOnline } from '../../src/distribution/tuf-metadata.ts';
import { newestRoot } from '../../src/distribution/tuf-roots.ts';
import { CliSession } from './cli-session.ts';

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
const PUBLICATION = '.slipway/publication';
let session: CliSession;

beforeAll(async () => {
  session = new CliSession();
  await session.run(['init', 'models']);
});
afterAll(() => session[Symbol.asyncDispose]());

/** As a service leaves its pointer, by a clock that is so far ahead of this one. */
async function pointAhead(aheadMs: number): Promise<void> {
  const keys = await readOnlineKeys(session.path('.slipway/tuf'));
  const order = { version: 1, targets: [], keys, nowMs: Date.now() + aheadMs, lifetimes: DEFAULT_LIFETIMES };
  const { timestamp } = makeOnline(order);
  writeFileSync(session.path(PUBLICATION, 'metadata/timestamp.json'), timestamp);
}

async function signRootAhead(aheadMs: number): Promise<void> {
  const publication = session.path(PUBLICATION);
  const key = await readRoleKey(session.path('.slipway-keys/root.key'));
  const both = makeNextRoot((await newestRoot(publication)).bytes, {}, Date.now() + aheadMs);
  both.next.sign((data) => key.sign(data));
  await publishNextRoot(publication, both, Date.now());
}

const SIGN = ['trust', 'sign', '.slipway/trust-policy.yaml', '--publication', PUBLICATION];
const ORDERS = [
  ['rotate', 'online'],
  ['rotate', 'root'],
  ['rotate', 'root', '--to', 'next.json'],
  ['rotate', 'trust', '--new-key', 'trust-2.key'],
  ['rotate', 'finish', 'handed.json'],
  ['rotate', 'ci', '--ends', '30d', '--new-key', 'ci-2.key', '--repo', 'models'],
  ['rotate', 'reconciler', '--finish'],
  [...SIGN, '--key', '.slipway-keys/trust.key', '--out', 'signed-late'],
  ['trust', 'publish', 'signed'],
];

describe('with a clock that was set back', { timeout: 60_000 }, () => {
  test.each([
    ['root', () => signRootAhead(400 * DAY_MS), /root 2 .* was signed at/],
    ['pointer', () => pointAhead(500 * DAY_MS), /the pointer .* was signed at/],
  ])('behind the newest %s no command signs', async (what, ahead, message) => {
    if (what === 'root') {
      await session.run(['rotate', 'root', '--to', 'handed.json']);
      await session.run([...SIGN, '--key', '.slipway-keys/trust.key', '--out', 'signed']);
      await session.run(['rotate', 'reconciler']);
    }
    await ahead();
    const all = () => readdirSync(session.folder, { recursive: true }).sort();
    const before = all();
    const policy = readFileSync(session.path('.slipway/trust-policy.yaml'), 'utf8');
    for (const order of ORDERS) {
      const { code, stderr } = await session.run(order);
      expect([order, code, stderr]).toEqual([order, 2, expect.stringContaining('CLOCK_BEHIND')]);
      expect(stderr).toMatch(message);
      expect(stderr).toMatch(/Set the clock/);
    }
    expect(all()).toEqual(before);
    expect(readFileSync(session.path('.slipway/trust-policy.yaml'), 'utf8')).toBe(policy);
  });

  test('a person who knows that the clock is right goes on', async () => {
    const { code, stdout } = await session.run(['rotate', 'online', '--clock-is-right']);
    expect([code, stdout]).toEqual([0, expect.stringContaining('is in force')]);
  });
});

test('clocks of two machines may differ by minutes', async () => {
  await session.run(['init', 'other', '--home', 'home']);
  const keys = await readOnlineKeys(session.path('home/tuf'));
  const order = { version: 1, targets: [], keys, nowMs: Date.now() + 3 * MINUTE_MS, lifetimes: DEFAULT_LIFETIMES };
  writeFileSync(session.path('home/publication/metadata/timestamp.json'), makeOnline(order).timestamp);
  expect(await session.run(['rotate', 'online', '--home', 'home'])).toMatchObject({ code: 0, stderr: '' });
});
