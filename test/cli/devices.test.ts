// Laws of `slipway devices`, `device` and `exposure`: the same in the home and at a running service.
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { SystemClock } from '../../src/base/clock.ts';
import { digestOf } from '../../src/contract/digest.ts';
import type { DeviceReport } from '../../src/contract/report.ts';
import { openSqliteFleetStore } from '../../src/store/sqlite/open-sqlite-fleet-store.ts';
import { CliSession } from './cli-session.ts';

const HOUR = 3_600_000;
const VERSIONS = { '1.2.0': digestOf('1.2.0'), '1.3.0': digestOf('1.3.0'), '1.4.0': digestOf('1.4.0') };
type Version = keyof typeof VERSIONS;

const session = new CliSession();
const nowMs = new SystemClock().now();
beforeEach(() => session.forget());
afterAll(() => session[Symbol.asyncDispose]());

/** What each shop's device ran, and how many hours ago it was first seen with it. */
const PAST: Readonly<Record<string, readonly (readonly [Version, number])[]>> = {
  'shop-north-1': [
    ['1.2.0', 400],
    ['1.3.0', 100],
    ['1.4.0', 20],
  ],
  'shop-north-2': [
    ['1.2.0', 400],
    ['1.3.0', 99],
    ['1.4.0', 2],
  ],
  'shop-south-1': [
    ['1.2.0', 400],
    ['1.3.0', 98],
  ],
  'shop-south-2': [['1.2.0', 400]],
};

beforeAll(async () => {
  await session.run(['init', 'models', '--home', '.slipway']);
  await using store = openSqliteFleetStore({ file: session.path('.slipway/slipway.db'), clock: new SystemClock() });
  for (const [device, past] of Object.entries(PAST)) {
    const labels = { region: device.split('-')[1] ?? '' };
    const [token = ''] = await store.createEnrolmentTokens({ expiresAtMs: nowMs, labels });
    const enrolledMs = nowMs - 500 * HOUR;
    const answer = await store.enrol({ token, device, publicKey: `key of ${device}`, labels, nowMs: enrolledMs });
    if (answer.kind !== 'enrolled') throw new Error(answer.reason);
    for (const [index, [version, hours]] of past.entries()) {
      const report: DeviceReport = {
        ...{ kind: 'DeviceReport', device, epoch: answer.epoch, sequence: index + 1, bootId: 'b', labels },
        ...{ startedAt: '2026-11-20T10:00:00Z', durationMs: 60_000, uptimeMs: 60_000, intervals: [], outcomes: [] },
        properties: { platform: 'linux/arm64', agent: '0.1.0' },
        states: [
          {
            ...{ model: 'shelf', rollout: null, revision: null, state: 'committed', subject: null },
            running: { version, digest: VERSIONS[version], slot: index % 2 === 0 ? 'A' : 'B' },
          },
        ],
      };
      await store.ingest([{ report, receivedAtMs: nowMs - hours * HOUR }]);
    }
  }
});

test('who runs what, one device, and who had a version are read in the home', async () => {
  await session.say('devices --model shelf --home .slipway');
  await session.say('devices region:north --version 1.4.0 -o wide --home .slipway');
  await session.say('device shop-north-1 --home .slipway');
  await session.say('exposure --model shelf --version 1.3.0 --from 7d --home .slipway');
  await session.say('device nobody --home .slipway');
  await session.say('devices "region:" --home .slipway');
  await session.say('devices --state fine --home .slipway');
  await session.say('exposure --version 1.3.0 --home .slipway');
  await expect(session.text()).toMatchFileSnapshot('golden/devices.txt');
});

test('a running service answers the same, to whoever may look', async () => {
  await using service = await session.serve(['--repo', 'models', '--home', '.slipway'], {
    SLIPWAY_VIEWER_TOKEN: 'look',
  });
  const { url } = service;
  const viewer = { SLIPWAY_SERVER: url, SLIPWAY_TOKEN: 'look' };
  const both = async (args: readonly string[]): Promise<[unknown, unknown]> => {
    const there = JSON.parse((await session.run([...args, '--json'], viewer)).stdout);
    const here = JSON.parse((await session.run([...args, '--json', '--home', '.slipway'])).stdout);
    return [there, here];
  };
  const [there, here] = await both(['exposure', '--digest', VERSIONS['1.3.0']]);
  expect(there).toEqual(here);
  expect(there).toHaveLength(3);
  const [list] = (await both(['devices', '--version', '1.2.0'])) as [{ total: number }, unknown];
  expect(list.total).toBe(1);
  const [curve] = await both(['exposure', '--model', 'shelf', '--version', '1.3.0', '--patching']);
  expect(curve).toMatchObject({ exposed: 3, left: 2 });
  expect((await session.run(['devices'], { SLIPWAY_SERVER: url })).stderr).toContain('requires a token');
});

test('exposure is written to a file, row by row, whole or not at all', async () => {
  const about = ['exposure', '--model', 'shelf', '--home', '.slipway'];
  const csv = await session.run([...about, '--format', 'csv', '--output', 'had.csv']);
  expect(csv).toMatchObject({ code: 0, stdout: '9 rows in had.csv\n' });
  const [head, first, ...more] = readFileSync(session.path('had.csv'), 'utf8').trimEnd().split('\r\n');
  expect(head).toBe('device,model,version,digest,heard_before,from,until,how');
  expect(first).toMatch(/^shop-north-1,shelf,1\.2\.0,sha256:\w{64},\S+Z,\S+Z,\S+Z,claimed$/);
  expect(more).toHaveLength(8);
  const json = await session.run([...about, '--format', 'json']);
  expect(JSON.parse(json.stdout)).toHaveLength(9);
  expect(await session.run([...about, '--output', 'no/such/folder.csv'])).toMatchObject({ code: 2 });
});
