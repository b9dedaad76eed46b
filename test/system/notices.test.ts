// Proves that every step and alert is notified at least once, in order and under one id, whatever the receiver does and whenever the service is killed.
import { createHmac } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SystemClock } from '../../src/base/clock.ts';
import { seededRandom } from '../../src/base/random.ts';
import { DEMO_MODEL } from '../../src/cli/demo/example-model.ts';
import { ServiceProcess } from '../../src/cli/demo/service-process.ts';
import { signedFiles } from '../../src/cli/signed-files.ts';
import { type Digest, digestOf } from '../../src/contract/digest.ts';
import type { NoticeContent } from '../../src/notify/notice.ts';
import { openSqliteFleetStore } from '../../src/store/sqlite/open-sqlite-fleet-store.ts';
import { type Behaviour, openReceiver, type Receiver } from '../notify/receiver.ts';
import { report } from '../store/reports.ts';
import { rolloutText } from '../support/document-texts.ts';
import { quickPolicy, ROLLOUT, ROLLOUT_FILE, World } from './world.ts';

const SEED = process.env.SLIPWAY_TEST_SEED ?? 'notices 1';
const SOUND = '2026.01.10';
const FAILING = '2026.02.01';
const SECRET = 'a secret of the test';
const PACE = ['--poll', '1s', '--tick', '100ms'];

interface Notified {
  readonly id: string;
  readonly type: string;
  readonly notice: NoticeContent;
}

let receiver: Receiver;
let training: Receiver;
let world: World;

function notified(): Notified[] {
  return receiver.taken.map(({ body }) => {
    const { id, type, data } = JSON.parse(body);
    return { id, type, notice: data.customData };
  });
}

/** The first time that each was notified, in that order. */
function firstNotified(): Notified[] {
  return [
    ...new Map(
      notified()
        .map((one) => [one.id, one] as const)
        .reverse(),
    ).values(),
  ].reverse();
}

const alertsNotified = (kind: string): string[] =>
  firstNotified().flatMap(({ notice }) => (notice.kind === 'alert' && notice.alertKind === kind ? [notice.is] : []));

/** Other kinds stand beside: the revert of a while ago, and devices that are slow on a busy machine. */
async function standing(kind: string) {
  return ((await world.view())?.service.alerts ?? []).filter((one) => one.kind === kind);
}

async function metrics(): Promise<string> {
  const headers = { authorization: `Bearer ${world.set.viewerToken}` };
  return (await fetch(`${world.service.url}/metrics`, { headers, signal: AbortSignal.timeout(5_000) })).text();
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
  training = await openReceiver(204);
  const random = seededRandom(SEED, 'receiver');
  const ill: readonly Behaviour[] = ['fail', 'hang', 'reset', 'redirect'];
  receiver.behave = () => (random.next() < 0.4 ? (ill[Math.floor(random.next() * ill.length)] ?? 'fail') : 'take');
  world = await World.open({
    services: async (set) => {
      const target = `{ name: ops, url: "${receiver.url}", secretFile: ops.secret, timeout: 300ms }`;
      const github = `{ name: train, repository: acme/training, tokenFile: github.token, url: "${training.url}/api/v3" }`;
      await writeFile(path.join(set.home.folder, 'github.token'), 'ghp_test');
      const runbooks = '{ stalled: "https://wiki.example.com/stalled" }';
      const spec = `  offDeclaredAfter: 1s\n  runbooks: ${runbooks}\n  webhooks: [${target}]\n  github: [${github}]\n`;
      await writeFile(path.join(set.home.folder, 'ops.secret'), SECRET);
      await writeFile(set.home.notify, `apiVersion: slipway.dev/v1alpha1\nkind: Notifications\nspec:\n${spec}`);
      return [await ServiceProcess.create({ set, clock: new SystemClock(), reportInterval: '300ms', flags: PACE })];
    },
  });
}, 120_000);

afterAll(async () => {
  await world?.[Symbol.asyncDispose]();
  await receiver?.[Symbol.asyncDispose]();
  await training?.[Symbol.asyncDispose]();
});

describe('a notification', () => {
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
    await world.until('every step is notified', async () => {
      return firstNotified().filter(({ notice }) => notice.kind === 'step').length >= transitions.length;
    });
    const steps = firstNotified().flatMap(({ notice }) => (notice.kind === 'step' ? [notice] : []));
    expect(steps.map(({ revision, from, to }) => `${revision} ${from}→${to}`)).toEqual(transitions);
    expect(firstNotified().map((one) => one.type)).toEqual(
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
    await world.until('it is notified', async () => alertsNotified('stalled').length === 1);
    expect(await metrics()).toContain('slipway_alert{kind="stalled",rollout="document-stuck"} 1');
    expect(await standing('stalled')).toMatchObject([
      { kind: 'stalled', rollout: 'document-stuck', runbook: 'https://wiki.example.com/stalled' },
    ]);
    await kill();
    await world.until('it is looked at again', async () => (await standing('stalled')).length === 1);
    await world.until('the gauge is back', async () =>
      (await metrics()).includes('kind="stalled",rollout="document-stuck"} 1'),
    );
    const lines = (await logLines('alert')).filter((line) => line.kind === 'stalled');
    expect(lines).toMatchObject([
      { level: 'warn', rollout: 'document-stuck', runbook: 'https://wiki.example.com/stalled' },
    ]);
    await world.edit('away with it', async () => ({ 'rollouts/document-stuck.yaml': null }));
    await world.until('its end is notified', async () => alertsNotified('stalled').length === 2);
    expect(alertsNotified('stalled')).toEqual(['raised', 'ended']);
    await world.until('the gauge is down', async () =>
      (await metrics()).includes('kind="stalled",rollout="document-stuck"} 0'),
    );
    expect(await standing('stalled')).toEqual([]);
  });

  test('is an alert when a status is forged, which stays to be seen after it was put back', {
    timeout: 240_000,
  }, async () => {
    await world.edit('forge', async (read) => ({
      [ROLLOUT_FILE]: (await read(ROLLOUT_FILE)).replace(/^( {2}revision: )\d+$/m, '$1900'),
    }));
    await world.until('it is notified', async () => alertsNotified('status-forged').length === 1);
    await world.until('it is put back', async () => (await world.statusAtHead())?.revision !== 900);
    expect(await standing('status-forged')).toMatchObject([{ rollout: ROLLOUT }]);
    expect(await metrics()).toContain(`slipway_alerts_total{kind="status-forged",rollout="${ROLLOUT}"} 1`);
  });

  test('is a request for retraining when the stable version violates a watch rule: once, and nothing is rolled back', {
    timeout: 240_000,
  }, async () => {
    const watched = (rules: string) =>
      quickPolicy().replace('  stages:', `  watch: { rules: [${rules}], window: 1h }\n  stages:`);
    const policy = await signedFiles(
      world.set,
      'policies/quick.yaml',
      watched('"class_share[invoice] > 90%", error_rate < 50%'),
    );
    const before = await world.transitions();
    await world.edit('watch it', async () => Object.fromEntries(policy));
    await world.until('it is notified', async () => alertsNotified('stable-drift').length === 1);
    await world.until('training is asked for', async () => training.taken.length > 0);
    await kill();
    await world.until('it is looked at again', async () =>
      (await world.view())?.service.alerts.some((one) => one.kind === 'stable-drift'),
    );
    await world.clock.sleep(3_000);
    const dispatched = training.taken.map(({ body }) => JSON.parse(body).client_payload);
    expect(new Set(dispatched.map((one) => one.id)).size).toBe(1);
    expect(dispatched[0]).toMatchObject({ rollout: ROLLOUT, version: SOUND, rule: 'class_share[invoice] > 90%' });
    expect(dispatched[0].numbers.estimate).toBeLessThan(0.9);
    expect(training.taken[0]?.url).toBe('/api/v3/repos/acme/training/dispatches');
    expect(alertsNotified('stable-drift')).toEqual(['raised']);
    expect(firstNotified().filter((one) => one.type.includes('slipway-retraining'))).toHaveLength(1);
    expect(await world.transitions()).toEqual(before);
    const calm = await signedFiles(world.set, 'policies/quick.yaml', watched('error_rate < 50%'));
    await world.edit('watch something else', async () => Object.fromEntries(calm));
    await world.until('its end is notified', async () => alertsNotified('stable-drift').length === 2);
  });

  test('is an alert when a device keeps running something else than declared', { timeout: 240_000 }, async () => {
    await using store = openSqliteFleetStore({ file: world.set.home.store, clock: world.clock });
    const status = await world.statusAtHead();
    const [token = ''] = await store.createEnrolmentTokens({ expiresAtMs: world.clock.now() + 60_000 });
    const labels = { region: 'eu-west' };
    const enrolled = await store.enrol({ token, device: 'stray', publicKey: 'none', labels, nowMs: world.clock.now() });
    if (enrolled.kind !== 'enrolled') throw new Error(enrolled.reason);
    let sequence = 0;
    const say = async (digest: Digest): Promise<void> => {
      const running = { digest, version: digest === status?.stable?.digest ? SOUND : 'stray', slot: 'A' as const };
      const state = {
        model: DEMO_MODEL,
        rollout: ROLLOUT,
        revision: 1,
        running,
        state: 'committed' as const,
        subject: null,
      };
      const told = report({
        device: 'stray',
        epoch: enrolled.epoch,
        sequence: ++sequence,
        labels,
        intervals: [],
        states: [state],
      });
      await store.ingest([{ report: told, receivedAtMs: world.clock.now() }]);
    };
    await world.until('it is notified', async () => {
      await say(digestOf('stray'));
      await world.clock.sleep(200);
      // A busy machine may have notified, and taken back, that a device lagged behind.
      return alertsNotified('devices-off-declared').at(-1) === 'raised';
    });
    expect(await metrics()).toContain(`slipway_devices_off_declared{rollout="${ROLLOUT}"} 1`);
    const [off] = (await world.view())?.service.offDeclared ?? [];
    expect(off).toMatchObject({ rollout: ROLLOUT, count: 1, staying: 1, first: [{ device: 'stray' }] });
    expect(off?.first[0]).toMatchObject({ running: 'stray', declared: SOUND });
    await world.until('its end is notified', async () => {
      await say(status?.stable?.digest as Digest);
      await world.clock.sleep(200);
      return alertsNotified('devices-off-declared').at(-1) === 'ended';
    });
    expect(await metrics()).toContain(`slipway_devices_off_declared{rollout="${ROLLOUT}"} 0`);
  });

  test('goes to whom the list names as it lies there; a broken list changes nothing, and the status says so', {
    timeout: 240_000,
  }, async () => {
    await using moved = await openReceiver();
    const file = world.set.home.notify;
    const list = await readFile(file, 'utf8');
    const problems = async () => (await world.view())?.service.problems.join('\n') ?? '';
    const before = alertsNotified('stalled').length;
    await writeFile(file, list.replace('webhooks:', 'webhoks:'));
    await world.until('the status says so', async () =>
      /notify\.yaml:\d+:\d+\n.*list of notification targets was changed and can't be used; the previous one stays in force/.test(
        await problems(),
      ),
    );
    const stuck = rolloutText('document-stuck', 'no-such-model', '1.0.0');
    await world.edit('a rollout of nothing', async () => ({ 'rollouts/document-stuck.yaml': stuck }));
    await world.until('it is notified as before', async () => alertsNotified('stalled').length === before + 1);
    await writeFile(file, list.replace(receiver.url, moved.url));
    await world.until('the list is mended', async () => (await problems()) === '');
    await world.edit('away with it', async () => ({ 'rollouts/document-stuck.yaml': null }));
    await world.until('its end is notified at the new address', async () =>
      moved.taken.some(({ body }) => JSON.parse(body).type === 'dev.cdevents.incident.resolved.0.3.0'),
    );
    expect(alertsNotified('stalled')).toHaveLength(before + 1);
  });
});
