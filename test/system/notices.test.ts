// Proves that every step and alert is told at least once, in order and under one id, whatever the receiver does and whenever the service is killed.
import { createHmac } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SystemClock } from '../../src/base/clock.ts';
import { seededRandom } from '../../src/base/random.ts';
import { ServiceProcess } from '../../src/cli/demo/service-process.ts';
import type { NoticeContent } from '../../src/notify/notice.ts';
import { type Behaviour, openReceiver, type Receiver } from '../notify/receiver.ts';
import { rolloutText } from '../support/document-texts.ts';
import { ROLLOUT, ROLLOUT_FILE, World } from './world.ts';

const SEED = process.env.SLIPWAY_TEST_SEED ?? 'notices 1';
const SOUND = '2026.01.10';
const FAILING = '2026.02.01';
const SECRET = 'a secret of the test';
const PACE = ['--poll', '1s', '--tick', '100ms'];

interface Told {
  readonly id: string;
  readonly type: string;
  readonly notice: NoticeContent;
}

let receiver: Receiver;
let world: World;

function told(): Told[] {
  return receiver.taken.map(({ body }) => {
    const { id, type, data } = JSON.parse(body);
    return { id, type, notice: data.customData };
  });
}

/** The first time that each was told, in that order. */
function firstTold(): Told[] {
  return [
    ...new Map(
      told()
        .map((one) => [one.id, one] as const)
        .reverse(),
    ).values(),
  ].reverse();
}

const alertsTold = (kind: string): string[] =>
  firstTold().flatMap(({ notice }) => (notice.kind === 'alert' && notice.alertKind === kind ? [notice.is] : []));

async function metrics(): Promise<string> {
  return (await fetch(`${world.service.url}/metrics`, { signal: AbortSignal.timeout(5_000) })).text();
}

async function logLines(message: string): Promise<Record<string, unknown>[]> {
  const lines = (await readFile(world.service.log, 'utf8')).split('\n').filter((line) => line.startsWith('{'));
  return lines.map((line) => JSON.parse(line)).filter((line) => line.message === message);
}

/** As by a power cut, at some moment. */
async function kill(): Promise<void> {
  await world.service.end('SIGKILL');
  await world.service.start();
}

beforeAll(async () => {
  receiver = await openReceiver();
  const random = seededRandom(SEED, 'receiver');
  const ill: readonly Behaviour[] = ['fail', 'hang', 'reset', 'redirect'];
  receiver.behave = () => (random.next() < 0.4 ? (ill[Math.floor(random.next() * ill.length)] ?? 'fail') : 'take');
  world = await World.open({
    services: async (set) => {
      const target = `{ name: ops, url: "${receiver.url}", secretFile: ops.secret, timeout: 300ms }`;
      const runbooks = '{ stalled: "https://wiki.example.com/stalled" }';
      const spec = `  runbooks: ${runbooks}\n  webhooks: [${target}]\n`;
      await writeFile(path.join(set.home.folder, 'ops.secret'), SECRET);
      await writeFile(set.home.notify, `apiVersion: slipway.dev/v1alpha1\nkind: Notifications\nspec:\n${spec}`);
      return [await ServiceProcess.create({ set, clock: new SystemClock(), reportInterval: '300ms', flags: PACE })];
    },
  });
}, 120_000);

afterAll(async () => {
  await world?.[Symbol.asyncDispose]();
  await receiver?.[Symbol.asyncDispose]();
});

describe('what is told', () => {
  test('is every step on the branch, in order, once or more, over kills of the service', {
    timeout: 400_000,
  }, async () => {
    const random = seededRandom(SEED, 'kills');
    const stop = new AbortController();
    const kills = (async () => {
      for (let i = 0; i < 6 && !stop.signal.aborted; i++) {
        await world.clock.sleep(500 + 3_000 * random.next(), stop.signal);
        if (!stop.signal.aborted) await kill();
      }
    })();
    await world.release('sound', SOUND);
    await world.untilStable(SOUND);
    await world.release('failing', FAILING);
    await world.until('the failing version is taken back', async () => {
      const status = await world.statusAtHead();
      return status?.state === 'idle' && status.rejected.length > 0;
    });
    stop.abort();
    await kills;
    const transitions = await world.transitions();
    await world.until('every step is told', async () => {
      return firstTold().filter(({ notice }) => notice.kind === 'step').length >= transitions.length;
    });
    const steps = firstTold().flatMap(({ notice }) => (notice.kind === 'step' ? [notice] : []));
    expect(steps.map(({ revision, from, to }) => `${revision} ${from}→${to}`)).toEqual(transitions);
    expect(firstTold().map((one) => one.type)).toEqual(
      expect.arrayContaining(['dev.cdevents.service.deployed.0.3.0', 'dev.cdevents.service.rolledback.0.3.0']),
    );
    const bodies = Map.groupBy(receiver.received, ({ body }) => JSON.parse(body).id as string);
    for (const [id, tries] of bodies) expect(new Set(tries.map(({ body }) => body)).size, id).toBe(1);
    for (const { body, headers } of receiver.received) {
      const signature = createHmac('sha256', SECRET).update(body).digest('hex');
      expect(headers['x-slipway-signature-256']).toBe(`sha256=${signature}`);
    }
  });

  test('is an alert when a rollout stalls: once, also over a restart, until it goes on', {
    timeout: 240_000,
  }, async () => {
    const stuck = rolloutText('document-stuck', 'no-such-model', '1.0.0');
    await world.edit('a rollout of nothing', async () => ({ 'rollouts/document-stuck.yaml': stuck }));
    await world.until('it is told', async () => alertsTold('stalled').length === 1);
    expect(await metrics()).toContain('slipway_alert{kind="stalled",rollout="document-stuck"} 1');
    expect((await world.view())?.service.alerts).toMatchObject([
      { kind: 'stalled', rollout: 'document-stuck', runbook: 'https://wiki.example.com/stalled' },
    ]);
    await kill();
    await world.until('it is looked at again', async () => (await world.view())?.service.alerts.length === 1);
    await world.until('the gauge is back', async () =>
      (await metrics()).includes('kind="stalled",rollout="document-stuck"} 1'),
    );
    const lines = (await logLines('alert')).filter((line) => line.kind === 'stalled');
    expect(lines).toMatchObject([
      { level: 'warn', rollout: 'document-stuck', runbook: 'https://wiki.example.com/stalled' },
    ]);
    await world.edit('away with it', async () => ({ 'rollouts/document-stuck.yaml': null }));
    await world.until('its end is told', async () => alertsTold('stalled').length === 2);
    expect(alertsTold('stalled')).toEqual(['raised', 'ended']);
    await world.until('the gauge is down', async () =>
      (await metrics()).includes('kind="stalled",rollout="document-stuck"} 0'),
    );
    expect((await world.view())?.service.alerts).toEqual([]);
  });

  test('is an alert when a status is forged, which stays to be seen after it was put back', {
    timeout: 240_000,
  }, async () => {
    await world.edit('forge', async (read) => ({
      [ROLLOUT_FILE]: (await read(ROLLOUT_FILE)).replace(/^( {2}revision: )\d+$/m, '$1900'),
    }));
    await world.until('it is told', async () => alertsTold('status-forged').length === 1);
    await world.until('it is put back', async () => (await world.statusAtHead())?.revision !== 900);
    expect((await world.view())?.service.alerts).toMatchObject([{ kind: 'status-forged', rollout: ROLLOUT }]);
    expect(await metrics()).toContain(`slipway_alerts_total{kind="status-forged",rollout="${ROLLOUT}"} 1`);
  });
});
