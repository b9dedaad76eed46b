// Proves that the commands of the page on changing the trust policy do what it says, in its order, and what they refuse.
import { cpSync, existsSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Clock } from '../../src/base/clock.ts';
import { homeChecks } from '../../src/cli/doctor/home-checks.ts';
import { homeAt } from '../../src/cli/home.ts';
import { CliSession, type Ran } from './cli-session.ts';

const PAGE = readFileSync(new URL('../../docs/how-to/change-the-trust-policy.md', import.meta.url), 'utf8');
let session: CliSession;

beforeAll(async () => {
  session = new CliSession();
  await session.run(['init', 'models']);
});
afterAll(() => session[Symbol.asyncDispose]());

/** The lines of the page's code, section by section. */
function linesUnder(title: string): string[] {
  const section = PAGE.split(/^## /m).find((one) => one.startsWith(title)) ?? '';
  return [...section.matchAll(/```sh\n([\s\S]*?)```/g)].flatMap(([, code = '']) => code.trim().split('\n'));
}

/** Runs the page's lines; answers with what its commands said. */
async function follow(title: string): Promise<Ran[]> {
  const said: Ran[] = [];
  const lines = linesUnder(title);
  expect(lines).not.toEqual([]);
  for (const line of lines) {
    const words = line.match(/'[^']*'|\S+/g)?.map((word) => word.replaceAll("'", '')) ?? [];
    if (words[0] === 'slipway') said.push(await session.run(words.slice(1)));
    else session.shell(line);
  }
  for (const { code, stderr } of said) expect([code, stderr]).toEqual([0, '']);
  return said;
}

describe('the page', { timeout: 120_000 }, () => {
  test('replaces the signer of CI, from the next policy to the signatures that need it', async () => {
    const trustPolicy = readFileSync(session.path('.slipway/trust-policy.yaml'), 'utf8');
    const [rotated] = await follow('1.');
    expect(rotated?.stdout).toMatch(/"ci-2" may sign what "ci" may/);
    expect(rotated?.stdout).toMatch(/policies\/careful\.yaml/);
    expect(readFileSync(session.path('.slipway/trust-policy.yaml'), 'utf8')).toBe(trustPolicy);
    const [signed] = await follow('2.');
    expect(signed?.stdout).toMatch(/version 1, until .* signed by 1 of 1 key, 1 must/);
    const [planned, published, shown] = await follow('3.');
    expect(planned?.stdout).toMatch(/^Would publish version 1/);
    expect(published?.stdout).toMatch(/^Published version 1/);
    expect(shown?.stdout).toMatch(/^Version 1, .*\nSIGNER.*\nci .*\nci-2 .*no end$/m);
    expect(readFileSync(session.path('.slipway/trust-policy.yaml'), 'utf8')).toMatch(/# Who may sign what[\s\S]*ci-2/);
    await follow('4.');
    const trust = ['--repo', 'models', '--trust', '.slipway/trust-policy.yaml'];
    expect((await session.run(['validate', ...trust])).stdout).toMatch(/no errors/);
    const online = ['rotate', 'trust', '--new-key', '.slipway/tuf/targets.key'];
    expect((await session.run(online)).stderr).toMatch(/ROTATION_REPLACE[\s\S]*that the service holds/);
    await follow('Two of three keys');
    const again = (key: string) =>
      session.run([
        ...['trust', 'sign', 'carried/trust-policy.yaml', '--publication', '.slipway/publication'],
        ...['--key', key, '--out', 'signed-trust'],
      ]);
    expect((await again('trust-1.key')).stdout).toMatch(/version 2, .* signed by 1 of 3 keys, 2 must/);
    const lacking = await session.run(['trust', 'publish', 'signed-trust']);
    expect(lacking.stderr).toMatch(/TRUST_REFUSED[\s\S]*1 of the 2 signatures/);
    expect((await again('trust-3.key')).stdout).toMatch(/version 2, .* signed by 2 of 3 keys/);
    expect(await session.run(['trust', 'publish', 'signed-trust'])).toMatchObject({ code: 0 });
  });
});

test('repeated, a rotation finds its key and its signer again', async () => {
  const rotate = ['rotate', 'ci', '--signer', 'ci', '--ends', '20d', '--new-key', 'ci-2.key', '--repo', 'models'];
  const first = JSON.parse((await session.run([...rotate, '--json'])).stdout);
  expect(first).toMatchObject({ newSigner: 'ci-2', made: null });
  expect(first.needed).not.toContain('policies/careful.yaml');
  expect(first.needed).toContain('policies/quick.yaml');
  const text = readFileSync(session.path('.slipway/trust-policy.next.yaml'), 'utf8');
  expect(text.match(/name: ci-2/g)).toHaveLength(1);
});

test.each([
  ['a time that is over', ['--ends', '2020-01-01T00:00:00Z', '--new-key', 'x.key'], 'SETTING_VALUE'],
  ['no new signer', ['--ends', '30d'], 'SETTING_VALUE'],
  [
    'the policy in force in its place',
    ['--ends', '30d', '--new-key', 'x.key', '--out', '.slipway/trust-policy.yaml'],
    'SETTING_VALUE',
  ],
  [
    'a file of others in its place',
    ['--ends', '30d', '--new-key', 'x.key', '--out', 'models/slipway.yaml'],
    'SETTING_VALUE',
  ],
  ['the key that ends', ['--ends', '30d', '--signer', 'ci', '--new-key', '.slipway-keys/ci.key'], 'ROTATE_SIGNER'],
  ['a signer that is not there', ['--ends', '30d', '--signer', 'nobody', '--new-key', 'x.key'], 'ROTATE_SIGNER'],
])('a rotation with %s makes nothing', async (_, options, code) => {
  const refused = await session.run(['rotate', 'ci', '--repo', 'models', '--out', 'refused.yaml', ...options]);
  expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining(code)]);
  expect([existsSync(session.path('refused.yaml')), existsSync(session.path('x.key'))]).toEqual([false, false]);
});

test('what devices would refuse is not published, nor what the service could not go on with', async () => {
  const sign = (...more: string[]) =>
    session.run(['trust', 'sign', '.slipway/trust-policy.yaml', '--publication', '.slipway/publication', ...more]);
  const foreign = await sign('--key', '.slipway-keys/root.key', '--out', 'foreign');
  expect(foreign.stderr).toContain('TRUST_KEY_UNNAMED');
  const older = await session.run(['trust', 'publish', 'signed-trust']);
  expect(older).toMatchObject({ code: 0 });
  const key = ['--key', 'trust-1.key', '--key', 'trust-2.key'];
  expect((await sign(...key, '--out', 'newer')).stdout).toMatch(/version 3/);
  await session.run(['trust', 'publish', 'newer']);
  expect((await session.run(['trust', 'publish', 'signed-trust'])).stderr).toMatch(
    /TRUST_REFUSED[\s\S]*version 3 is pub/,
  );
  // A key file of that name is there, and is another key.
  cpSync(session.path('carried'), session.path('other'), { recursive: true });
  await session.run(['keygen', '--out', 'other-ci']);
  cpSync(session.path('other-ci.pub'), session.path('other/keys/ci.pub'));
  const other = ['other/trust-policy.yaml', '--publication', '.slipway/publication', ...key, '--out', 'signed-other'];
  expect((await session.run(['trust', 'sign', ...other])).stdout).toMatch(/version 4/);
  const taken = await session.run(['trust', 'publish', 'signed-other']);
  expect(taken.stderr).toMatch(/TRUST_FILE_TAKEN[\s\S]*keys\/ci\.pub/);
  expect(JSON.parse((await session.run(['trust', 'show', '--json'])).stdout)).toMatchObject({
    published: { version: 3 },
    sameAsHome: true,
  });
  const inDays = async (days: number) => {
    const clock = { now: () => Date.now() + days * 24 * 3_600_000 } as Clock;
    const [check] = homeChecks(homeAt(session.path('.slipway')), clock);
    const { finding, text } = (await check?.run(new AbortController().signal)) ?? {};
    return `${finding} ${text}`;
  };
  expect(await inDays(300)).toBe('ok 2 signers');
  expect(await inDays(350)).toMatch(/^warn what devices get ends in 1\d days/);
  expect(await inDays(366)).toMatch(/^warn what devices get has ended/);
  const own = readFileSync(session.path('.slipway/trust-policy.yaml'), 'utf8');
  session.write('.slipway/trust-policy.yaml', `${own}# changed by hand\n`);
  expect(await inDays(0)).toMatch(/^warn devices get another one/);
});
