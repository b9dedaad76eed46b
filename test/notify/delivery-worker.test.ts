// Proves that every notice arrives, in order and under its own id, whatever the receiver does and whenever the service ends.
import { createHmac } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Clock, SystemClock } from '../../src/base/clock.ts';
import { createLogger } from '../../src/base/logger.ts';
import { Metrics } from '../../src/base/metrics.ts';
import { seededRandom } from '../../src/base/random.ts';
import type { JsonValue } from '../../src/contract/digest.ts';
import { DeliveryWorker } from '../../src/notify/delivery-worker.ts';
import type { Notice, NoticeContent } from '../../src/notify/notice.ts';
import type { NoticeTarget } from '../../src/notify/notice-target.ts';
import { readNotifications } from '../../src/notify/read-notifications.ts';
import type { FleetStore } from '../../src/store/fleet-store.ts';
import { MOST_QUEUED_NOTICES } from '../../src/store/notice-queue.ts';
import { openSqliteFleetStore } from '../../src/store/sqlite/open-sqlite-fleet-store.ts';
import { until } from '../support/until.ts';
import { type Behaviour, openReceiver, type Receiver } from './receiver.ts';

const clock = new SystemClock();
let folder: string;
let store: FleetStore;
let receiver: Receiver;
let lease: number;

/** Back-offs in milliseconds instead of minutes. */
const hurried = {
  ...clock,
  now: () => clock.now(),
  monotonicMs: () => clock.monotonicMs(),
  sleep: (ms: number, signal?: AbortSignal) => clock.sleep(Math.min(ms, 20), signal),
};

beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'slipway-notify-'));
  store = openSqliteFleetStore({ file: path.join(folder, 'store.db'), clock });
  receiver = await openReceiver();
  lease = (await store.acquireLease({ name: 'notices', holder: 'test', ttlMs: 600_000, nowMs: clock.now() })) ?? 0;
});

afterEach(async () => {
  await receiver[Symbol.asyncDispose]();
  await store.close();
  await rm(folder, { recursive: true, force: true });
});

function step(n: number, rollout = 'eu'): Notice {
  const version = { version: String(n), digest: `sha256:${'a'.repeat(64)}` };
  return {
    ...{ format: 1, id: `${rollout}-${n}`, atMs: 1_700_000_000_000 + n },
    content: {
      ...{ kind: 'step', rollout, model: 'ocr', revision: n, step: 'advance', from: 'a', to: 'b', reason: 'so' },
      ...{ subject: version, stable: null, previous: null, evidence: `evidence/${rollout}/${n}-a-b.json` },
    },
  };
}

function alert(n: number): Notice {
  return {
    ...{ format: 1, id: `alert-${n}`, atMs: n },
    content: {
      ...{ kind: 'alert', is: 'raised', alert: `a${n}`, alertKind: 'paused', rollout: `r${n}`, reason: 'Paused' },
      ...{ message: 'a rule failed', sinceMs: 0, numbers: {}, runbook: null },
    },
  };
}

async function queue(notices: readonly Notice[], target = 'ops'): Promise<void> {
  const values = notices.map((notice) => {
    const lane = notice.content.kind === 'alert' ? ('alerts' as const) : ('others' as const);
    return { target, lane, id: notice.id, notice: JSON.parse(JSON.stringify(notice)) as JsonValue };
  });
  expect(await store.commitNotices({ lease: 'notices', token: lease, nowMs: 0, notices: values })).toBe('recorded');
}

async function targetsOf(spec: string): Promise<readonly NoticeTarget[]> {
  const file = path.join(folder, 'notify.yaml');
  await writeFile(file, `apiVersion: slipway.dev/v1alpha1\nkind: Notifications\nspec:\n${spec}`);
  return (await readNotifications({ file, isOptional: false }, clock)).targets;
}

interface Running {
  readonly worker: DeliveryWorker;
  readonly lines: string[];
  readonly metrics: Metrics;
  stop(): Promise<void>;
}

function deliver(targets: readonly NoticeTarget[], mayDeliver = async () => true, clock: Clock = hurried): Running {
  const lines: string[] = [];
  const metrics = new Metrics();
  const logger = createLogger({ least: 'info', pretty: false, now: () => 0, write: (line) => void lines.push(line) });
  const random = seededRandom('deliveries', 'back-off');
  const worker = new DeliveryWorker({ targets, queues: store, mayDeliver, clock, random, logger, metrics });
  const end = new AbortController();
  const done = worker.run(end.signal);
  return {
    ...{ worker, lines, metrics },
    stop: async () => {
      end.abort();
      await done;
    },
  };
}

/** Each once: a busy machine may answer too late, and then it is sent again. */
const idsOf = (taken: Receiver['taken']): string[] => [
  ...new Set(taken.map((one) => JSON.parse(one.body).id as string)),
];
const waiting = async (target = 'ops'): Promise<number> => (await store.countNotices()).get(target) ?? 0;
const untilNoneWaits = () =>
  until(
    async () => (await waiting()) === 0,
    () => JSON.stringify(idsOf(receiver.taken)),
  );
const untilSaid = (messages: number) =>
  until(
    async () => receiver.taken.length >= messages && (await waiting()) === 0,
    () => receiver.taken.length,
  );
const webhook = (more = '', timeout = '10s') =>
  `  webhooks: [{ name: ops, url: "${receiver.url}/in", timeout: ${timeout}${more} }]\n`;

test('of many in one message the receiver loses none but the one that it refuses', async () => {
  const taken: string[] = [];
  const target: NoticeTarget = {
    ...{ name: 'ops', perMinute: 1, wants: () => true },
    deliver: async ({ id }) => {
      if (id === 'alert-7') return { kind: 'refused', reason: 'HTTP 400' };
      taken.push(id);
      return { kind: 'taken' };
    },
    deliverMany: async (notices) => {
      if (notices.some(({ id }) => id === 'alert-7')) return { kind: 'refused', reason: 'HTTP 400' };
      taken.push(...notices.map(({ id }) => id));
      return { kind: 'taken' };
    },
  };
  await queue(Array.from({ length: 20 }, (_, n) => alert(n)));
  const running = deliver([target]);
  await untilNoneWaits();
  await running.stop();
  expect(taken).toEqual(Array.from({ length: 20 }, (_, n) => `alert-${n}`).filter((id) => id !== 'alert-7'));
  expect((await store.readLostNotices()).get('ops')?.count).toBe(1);
});

describe('a notice', () => {
  test('arrives in order and once when the receiver takes it', async () => {
    await queue(Array.from({ length: 120 }, (_, i) => step(i)));
    const running = deliver(await targetsOf(webhook()));
    await untilNoneWaits();
    await running.stop();
    expect(idsOf(receiver.taken)).toEqual(Array.from({ length: 120 }, (_, i) => `eu-${i}`));
    expect(running.metrics.write()).toContain('slipway_notices_total{target="ops",outcome="taken"} 120');
  });

  test('of many for a room comes as one message once it had as many as it may, and none is dropped', async () => {
    await writeFile(path.join(folder, 'room.url'), receiver.url);
    await queue(Array.from({ length: 20 }, (_, i) => alert(i)));
    receiver.behave = (nth) => (nth === 3 ? 'fail' : 'take');
    const running = deliver(await targetsOf('  slack: [{ name: ops, urlFile: room.url, perMinute: 3 }]\n'));
    await untilSaid(4);
    await running.stop();
    expect(await waiting()).toBe(0);
    const titles = receiver.taken.map(({ body }) => JSON.parse(body).text as string);
    expect(titles.slice(0, 3)).toEqual([0, 1, 2].map((n) => `Alert: r${n}: paused`));
    expect(titles.slice(3)).toEqual(['17 more alerts']);
    const { body = '' } = receiver.taken.at(-1) ?? {};
    for (let n = 3; n < 20; n++) expect(body).toContain(`Alert: r${n}: paused`);
    expect(receiver.received.at(-2)?.headers['x-slipway-notice']).toBe(
      receiver.taken.at(-1)?.headers['x-slipway-notice'],
    );
  });

  test('arrives in order under its own id when the receiver fails, hangs, resets and redirects', async () => {
    const ill: readonly Behaviour[] = ['fail', 'take', 'hang', 'reset', 'take', 'redirect', 'refuse', 'take', 'reset'];
    receiver.behave = (nth) => ill[nth % ill.length] ?? 'take';
    await queue(Array.from({ length: 15 }, (_, i) => step(i)));
    const running = deliver(await targetsOf(webhook('', '200ms')));
    await untilNoneWaits();
    await running.stop();
    expect(idsOf(receiver.taken)).toEqual(Array.from({ length: 15 }, (_, i) => `eu-${i}`));
    const tries = new Map<string, Set<string>>();
    for (const { body } of receiver.received) {
      const { id } = JSON.parse(body);
      tries.set(id, (tries.get(id) ?? new Set()).add(body));
    }
    for (const bodies of tries.values()) expect(bodies.size).toBe(1);
    expect(running.lines.join('')).toContain('a notice was not taken; it is tried again');
    expect(running.lines.join('')).not.toContain(receiver.url);
  });

  test('is dropped, aloud, only when the receiver says again and again that it makes no sense', async () => {
    receiver.behave = (nth) => (nth < 3 ? 'refuse' : 'take');
    await queue([step(1), step(2)]);
    const running = deliver(await targetsOf(webhook()));
    await untilNoneWaits();
    await running.stop();
    expect(idsOf(receiver.taken)).toEqual(['eu-2']);
    expect(running.lines.join('')).toContain('a notice is refused and dropped');
    expect((await store.readLostNotices()).get('ops')?.count).toBe(1);
  });

  test('that is an alert does not wait behind another one that is not taken', async () => {
    const taken: string[] = [];
    const stubborn: NoticeTarget = {
      ...{ name: 'ops', wants: () => true },
      deliver: async ({ id, content }) => {
        if (content.kind !== 'alert') return { kind: 'later', reason: 'HTTP 500', afterMs: 3_600_000 };
        taken.push(id);
        return { kind: 'taken' };
      },
    };
    await queue([step(1), { ...step(2), content: { kind: 'alert' } as NoticeContent }]);
    const running = deliver([stubborn], async () => true, clock);
    await until(
      () => taken.length > 0,
      () => '',
    );
    await running.stop();
    expect(taken).toEqual(['eu-2']);
    expect(await waiting()).toBe(1);
  });

  test('waits in the store over an end of the service, and no other process delivers meanwhile', async () => {
    receiver.behave = () => 'fail';
    await queue([step(1), step(2)]);
    const targets = await targetsOf(webhook());
    const first = deliver(targets);
    await until(
      async () => receiver.received.length > 2,
      () => '',
    );
    await first.stop();
    await store.close();
    store = openSqliteFleetStore({ file: path.join(folder, 'store.db'), clock });
    // A request that was on its way at the end still arrives.
    await clock.sleep(150);
    receiver.behave = () => 'take';
    const idle = deliver(targets, async () => false);
    await clock.sleep(150);
    await idle.stop();
    expect(receiver.taken).toEqual([]);
    const second = deliver(targets);
    await untilNoneWaits();
    await second.stop();
    expect(idsOf(receiver.taken)).toEqual(['eu-1', 'eu-2']);
  });

  test('that a newer version wrote is dropped, aloud', async () => {
    const notices = [{ target: 'ops', lane: 'others' as const, id: 'x', notice: { format: 9 } }];
    await store.commitNotices({ lease: 'notices', token: lease, nowMs: 0, notices });
    await queue([step(1)]);
    const running = deliver(await targetsOf(webhook()));
    await untilNoneWaits();
    await running.stop();
    expect(idsOf(receiver.taken)).toEqual(['eu-1']);
    expect(running.lines.join('')).toContain("a notice can't be read and is dropped");
  });
});

describe('a queue', () => {
  test('is bounded: the oldest go first, and each target has its own', async () => {
    for (let i = 0; i < 3; i++) await queue(Array.from({ length: 4_000 }, (_, n) => step(i * 4_000 + n)));
    await queue([step(7)], 'other');
    expect(await waiting()).toBe(MOST_QUEUED_NOTICES);
    expect(await waiting('other')).toBe(1);
    expect((await store.readNotices('ops', 'others', 1))[0]?.id).toBe(`eu-${12_000 - MOST_QUEUED_NOTICES}`);
  });

  test('takes nothing from who lost the lease', async () => {
    await store.releaseLease('notices', lease);
    const other = await store.acquireLease({ name: 'notices', holder: 'b', ttlMs: 1_000, nowMs: clock.now() });
    expect(other).not.toBeNull();
    const notices = [{ target: 'ops', lane: 'others' as const, id: 'x', notice: {} }];
    const order = { lease: 'notices', token: lease, nowMs: 0, notices };
    expect(await store.commitNotices(order)).toBe('lost');
    expect(await waiting()).toBe(0);
  });
});

/** Whoever waits to try again waits for ever, unless it is called. */
const patient: Clock = {
  ...hurried,
  sleep: (ms, signal) =>
    ms === 2_000
      ? hurried.sleep(ms, signal)
      : new Promise((resolve) => signal?.addEventListener('abort', () => resolve(), { once: true })),
};

describe('when another list is in force,', () => {
  const webhookAt = ({ url }: Receiver, name = 'ops') => `{ name: ${name}, url: "${url}/in" }`;
  const listOf = (...webhooks: string[]) => targetsOf(`  webhooks: [${webhooks.join(', ')}]\n`);
  const ids = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => `eu-${from + i}`);
  const linesOf = ({ lines }: Running, what: string) =>
    lines.filter((line) => line.includes(what)).map((line) => JSON.parse(line) as Record<string, unknown>);

  test('a target that was given a new address gets there at once what waits: in order, nothing lost, nothing twice', async () => {
    await using moved = await openReceiver();
    receiver.behave = (nth) => (nth < 3 ? 'take' : 'fail');
    await queue(Array.from({ length: 9 }, (_, i) => step(i)));
    const running = deliver(await listOf(webhookAt(receiver)), async () => true, patient);
    await until(
      () => receiver.received.length === 4,
      () => receiver.received.length,
    );
    await until(
      () => running.lines.join('').includes('it is tried again'),
      () => running.lines,
    );
    running.worker.useTargets(await listOf(webhookAt(moved)));
    await untilNoneWaits();
    await running.stop();
    expect(receiver.taken.map(({ body }) => JSON.parse(body).id)).toEqual(ids(0, 3));
    expect(moved.taken.map(({ body }) => JSON.parse(body).id)).toEqual(ids(3, 9));
  });

  test('what is on its way is neither cut off nor sent again', async () => {
    const sent: string[] = [];
    let answer = (): void => undefined;
    const target = (which: string, isSlow: boolean): NoticeTarget => ({
      name: 'ops',
      wants: () => true,
      deliver: async ({ id }, signal) => {
        sent.push(`${which} ${id}`);
        if (isSlow) await new Promise<void>((resolve) => (answer = resolve));
        expect(signal.aborted).toBe(false);
        return { kind: 'taken' };
      },
    });
    await queue([step(1), step(2)]);
    const running = deliver([target('old', true)]);
    await until(
      () => sent.length === 1,
      () => sent,
    );
    running.worker.useTargets([target('new', false)]);
    await clock.sleep(100);
    expect(sent).toEqual(['old eu-1']);
    answer();
    await untilNoneWaits();
    await running.stop();
    expect(sent).toEqual(['old eu-1', 'new eu-2']);
  });

  test('what the target before refused is not held against the new one', async () => {
    const refusing = (times: number, then: () => void): NoticeTarget => {
      let tries = 0;
      const deliver: NoticeTarget['deliver'] = async () => {
        if (++tries > times) return { kind: 'taken' };
        if (tries === times) then();
        return { kind: 'refused', reason: 'HTTP 422' };
      };
      return { name: 'ops', wants: () => true, deliver };
    };
    await queue([step(1)]);
    const next = refusing(2, () => undefined);
    const running = deliver([refusing(2, () => running.worker.useTargets([next]))]);
    await untilNoneWaits();
    await running.stop();
    expect(running.metrics.write()).toContain('slipway_notices_total{target="ops",outcome="taken"} 1');
  });

  test('a target that vanished loses its queue aloud, also what comes late, and the others go on', async () => {
    await using other = await openReceiver();
    receiver.behave = () => 'fail';
    await queue([step(1), step(2), step(3)]);
    const running = deliver(await listOf(webhookAt(receiver), webhookAt(other, 'other')));
    await until(
      () => receiver.received.length > 0,
      () => running.lines,
    );
    running.worker.useTargets(await listOf(webhookAt(other, 'other')));
    await untilNoneWaits();
    await queue([step(4)]);
    await untilNoneWaits();
    await queue([step(5)], 'other');
    await until(
      async () => (await waiting('other')) === 0,
      () => running.lines,
    );
    expect(linesOf(running, 'no longer listed')).toMatchObject([
      { level: 'warn', target: 'ops', notices: 3 },
      { level: 'warn', target: 'ops', notices: 1 },
    ]);
    expect(running.metrics.write()).toContain('slipway_notices_waiting{target="ops"} 0');
    receiver.behave = () => 'take';
    running.worker.useTargets(await listOf(webhookAt(receiver), webhookAt(other, 'other')));
    await queue([step(6)]);
    await untilNoneWaits();
    await running.stop();
    expect(idsOf(receiver.taken)).toEqual(['eu-6']);
    expect(idsOf(other.taken)).toEqual(['eu-5']);
  });

  test('a process that may not deliver drops nothing', async () => {
    await queue([step(1)]);
    const running = deliver(await listOf(webhookAt(receiver)), async () => false);
    running.worker.useTargets([]);
    await clock.sleep(150);
    await running.stop();
    expect(await waiting()).toBe(1);
  });

  test('what waits for a target that was never listed is kept, and said', async () => {
    await queue([step(1)], 'gone');
    const running = deliver(await listOf(webhookAt(receiver)));
    running.worker.useTargets(await listOf(webhookAt(receiver)));
    await clock.sleep(150);
    await running.stop();
    expect(await waiting('gone')).toBe(1);
    expect(linesOf(running, 'not listed')).toMatchObject([{ level: 'warn', target: 'gone', notices: 1 }]);
  });
});

const DRIFT: NoticeContent = {
  ...{ kind: 'retraining', rollout: 'eu', model: 'ocr', version: '1', digest: `sha256:${'b'.repeat(64)}` },
  ...{ rule: 'confidence_drift < 0.25', message: 'it moved', numbers: { estimate: 0.4, limit: 0.25 }, alert: 'a1' },
};

describe('what arrives', () => {
  test('at a webhook is a CDEvent in a CloudEvent, signed by the secret and shown by the token', async () => {
    await writeFile(path.join(folder, 's'), 'topsecret\n');
    await writeFile(path.join(folder, 't'), 'token-1\n');
    const running = deliver(
      await targetsOf(`  source: https://slipway.example/eu\n${webhook(', secretFile: s, bearerTokenFile: t')}`),
    );
    await queue([step(4)]);
    await untilNoneWaits();
    await running.stop();
    const [one] = receiver.taken;
    expect(one?.url).toBe('/in');
    expect(one?.headers['content-type']).toContain('application/cloudevents+json');
    expect(one?.headers.authorization).toBe('Bearer token-1');
    const signature = createHmac('sha256', 'topsecret')
      .update(one?.body ?? '')
      .digest('hex');
    expect(one?.headers['x-slipway-signature-256']).toBe(`sha256=${signature}`);
    expect(JSON.parse(one?.body ?? '')).toMatchObject({
      ...{ specversion: '1.0', id: 'eu-4', source: 'https://slipway.example/eu', subject: 'eu' },
      ...{ type: 'dev.cdeventsx.slipway-rollout.advanced.0.1.0', datacontenttype: 'application/cdevents+json' },
      data: {
        context: { specversion: '0.5.1', id: 'eu-4' },
        subject: { id: 'eu', content: { environment: { id: 'eu' } } },
      },
    });
  });

  test('at GitHub is a repository_dispatch with what drifted, and nothing but requests for retraining goes there', async () => {
    await using github = await openReceiver(204);
    await writeFile(path.join(folder, 'g'), 'ghp_1');
    const spec = `  github: [{ name: train, repository: acme/ocr, tokenFile: g, url: "${github.url}/api/v3", rollouts: ["e*"] }]\n`;
    const targets = await targetsOf(spec);
    expect(targets.map((target) => [target.wants(DRIFT), target.wants(step(1).content)])).toEqual([[true, false]]);
    expect(targets[0]?.wants({ ...DRIFT, rollout: 'us' })).toBe(false);
    await queue([{ format: 1, id: 'r1', atMs: 0, content: DRIFT }], 'train');
    const running = deliver(targets);
    await until(
      async () => (await waiting('train')) === 0,
      () => '',
    );
    await running.stop();
    const [one] = github.taken;
    expect(one?.url).toBe('/api/v3/repos/acme/ocr/dispatches');
    expect(one?.headers).toMatchObject({ authorization: 'Bearer ghp_1', accept: 'application/vnd.github+json' });
    const { event_type, client_payload } = JSON.parse(one?.body ?? '');
    expect(event_type).toBe('slipway-retraining');
    expect(client_payload).toMatchObject({ id: 'r1', rollout: 'eu', version: '1', rule: 'confidence_drift < 0.25' });
    expect(Object.keys(client_payload).length).toBeLessThanOrEqual(10);
  });

  test('a secret that can not be read holds the notice back rather than sending it unsigned', async () => {
    const running = deliver(await targetsOf(webhook(', secretFile: missing')));
    await queue([step(1)]);
    await until(
      async () => running.lines.join('').includes("its secret can't be read"),
      () => '',
    );
    expect(receiver.received).toEqual([]);
    await writeFile(path.join(folder, 'missing'), 'now');
    await untilNoneWaits();
    await running.stop();
    expect(receiver.taken).toHaveLength(1);
  });
});

describe('the list of targets', () => {
  test('names what is wrong with it, with its place', async () => {
    const read = (spec: string) => targetsOf(spec).catch((error: { code: string }) => error.code);
    expect(await read('  webhooks: [{ name: a, url: "http://x.example/", bearerTokenFile: t }]\n')).toBe(
      'NOTIFY_ADDRESS',
    );
    expect(await read('  webhooks: [{ name: a, url: "https://u:p@x.example/" }]\n')).toBe('NOTIFY_ADDRESS');
    expect(await read('  webhooks: [{ name: a, url: "https://x.example/", timeout: 1m }]\n')).toBe('NOTIFY_TIME');
    const twice =
      '  webhooks: [{ name: a, url: "https://x.example/" }]\n  github: [{ name: a, repository: o/r, tokenFile: t }]\n';
    expect(await read(twice)).toBe('NOTIFY_NAME');
    expect(await read('  hooks: []\n')).toBe('DOCUMENT_UNKNOWN_FIELD');
    for (const source of ['the eu one', '<eu>', '50%', 'a#b#c', '9:00', '{id}'])
      expect(await read(`  source: "${source}"\n`), source).toBe('DOCUMENT_FIELD_VALUE');
    for (const source of ['/slipway', 'eu', 'https://slipway.example.com:8443/eu?a=%20b#c', 'urn:slipway:eu', './a:b'])
      expect(await read(`  source: "${source}"\n`), source).toEqual([]);
  });

  test('of the examples can be read', async () => {
    const file = path.join(import.meta.dirname, '../../examples/notify.yaml');
    const { targets, alertmanagers, runbooks, offDeclaredAfterMs } = await readNotifications(
      { file, isOptional: false },
      clock,
    );
    const people = ['oncall', 'vision-team', 'mail', 'status'];
    expect(targets.map((one) => one.name)).toEqual(['ops', 'training', 'retrain', ...people]);
    expect(alertmanagers.map((one) => one.name)).toEqual(['alertmanager']);
    expect(runbooks.get('stalled')).toMatch(/stalled$/);
    expect(offDeclaredAfterMs).toBe(900_000);
  });

  test('need not be there, unless it was named', async () => {
    const file = path.join(folder, 'none.yaml');
    expect((await readNotifications({ file, isOptional: true }, clock)).targets).toEqual([]);
    await expect(readNotifications({ file, isOptional: false }, clock)).rejects.toMatchObject({
      code: 'FILE_UNREADABLE',
    });
  });
});
