// Proves that a revert reaches a chat room and a mailbox once, and Alertmanager as one group, though receivers are away and the service is killed.

import { writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { SMTPServer } from 'smtp-server';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { SystemClock } from '../../src/base/clock.ts';
import { ServiceProcess } from '../../src/cli/demo/service-process.ts';
import { RUNBOOKS } from '../../src/wording/runbook-of.ts';
import { type Behaviour, openReceiver, type Receiver } from '../notify/receiver.ts';
import { findAlertmanager, freePort, requireService } from '../support/prometheus.ts';
import { AlertmanagerServer } from './grouping-alertmanager.ts';
import { ROLLOUT, World } from './world.ts';

const binary = findAlertmanager();
requireService(binary, 'Alertmanager', 'ALERTMANAGER_BIN');

const RUNBOOK = `${RUNBOOKS}/error-rate.md`;
const PAGE = `https://slipway.example.com/rollouts/${ROLLOUT}`;
const ILL: readonly Behaviour[] = ['fail', 'hang', 'reset'];

interface Group {
  readonly status: 'firing' | 'resolved';
  readonly groupKey: string;
  readonly alerts: {
    status: string;
    labels: Record<string, string>;
    annotations: Record<string, string>;
    fingerprint: string;
  }[];
}

let owned: AsyncDisposableStack;
let world: World;
let room: Receiver;
let isAway: boolean;
let mails: string[];
let mailPort: number;
let groups: Group[];
let alertmanager: AlertmanagerServer | undefined;

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

/** The first caller waits for longer than it may, before it could say anything. */
async function openMailbox(): Promise<void> {
  let calls = 0;
  const server = new SMTPServer({
    ...{ authOptional: true, disabledCommands: ['STARTTLS'], logger: false },
    onConnect: (_session, callback) => (calls++ === 0 ? undefined : callback()),
    onData(stream, _session, callback) {
      const chunks: Buffer[] = [];
      stream.on('data', (bytes: Buffer) => chunks.push(bytes));
      stream.on('end', () => {
        mails.push(Buffer.concat(chunks).toString('utf8').replaceAll('=\r\n', '').replaceAll('=3D', '='));
        callback();
      });
    },
  });
  server.on('error', () => undefined);
  await new Promise<void>((resolve) => server.listen(mailPort, '127.0.0.1', resolve));
  owned.defer(() => new Promise<void>((resolve) => server.close(() => resolve())));
}

beforeEach(async () => {
  [owned, isAway, mails, groups] = [new AsyncDisposableStack(), true, [], []];
  room = owned.use(await openReceiver(200));
  room.behave = (nth) => (isAway ? (ILL[nth % ILL.length] ?? 'fail') : 'take');
  mailPort = await freePort();
  const sink = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (bytes: Buffer) => chunks.push(bytes));
    request.on('end', () => {
      groups.push(JSON.parse(Buffer.concat(chunks).toString('utf8')));
      response.end();
    });
  });
  const sinkPort = await listen(sink);
  owned.defer(() => void sink.close());
  world = owned.use(
    await World.open({
      devices: 3,
      services: async (set) => {
        const { folder } = set.home;
        if (binary !== undefined) {
          const data = path.join(set.folder, 'alertmanager');
          alertmanager = owned.use(await AlertmanagerServer.create(binary, data, `http://127.0.0.1:${sinkPort}/`));
        }
        await writeFile(path.join(folder, 'room.url'), `${room.url}/services/T0/B0/secret`);
        const standing =
          alertmanager === undefined ? '' : `  alertmanager: [{ name: am, url: "${alertmanager.url}" }]\n`;
        // Long enough for answers of a busy machine: what is answered too late is sent again, and told twice.
        await writeFile(
          set.home.notify,
          `apiVersion: slipway.dev/v1alpha1
kind: Notifications
spec:
  slack: [{ name: room, urlFile: room.url, timeout: 5s }]
  smtp: [{ name: mail, host: 127.0.0.1, port: ${mailPort}, tls: none, from: slipway@example.com, to: [oncall@example.com], timeout: 5s }]
${standing}`,
        );
        const flags = ['--poll', '1s', '--tick', '100ms', '--public-url', 'https://slipway.example.com'];
        return [await ServiceProcess.create({ set, clock: new SystemClock(), reportInterval: '300ms', flags })];
      },
    }),
  );
});

afterEach(() => owned.disposeAsync());

const reverts = (texts: readonly string[], title: string): string[] =>
  texts.filter((text) => text.includes(`${title}: ${ROLLOUT}: reverted`));
const inRoom = (title: string): string[] =>
  reverts(
    room.taken.map(({ body }) => body),
    title,
  );
const inMail = (title: string): string[] => reverts(mails, title);

test('a revert is told once to each, with rule, numbers, commit and runbook, and its end as well', {
  timeout: 400_000,
}, async () => {
  await world.release('sound', '2026.01.10');
  await world.untilStable('2026.01.10');
  await world.release('failing', '2026.02.01');
  await world.until(
    'the failing version is taken back',
    async () => ((await world.statusAtHead())?.rejected.length ?? 0) > 0,
  );
  const commit = (await world.host('rev-parse', 'main')).trim();
  // Killed with the notices in its queues, or before they are there: the receivers are all away.
  await world.service.end('SIGKILL');
  await world.service.start();
  await world.until('the room was asked in vain', async () => room.received.length > 3);
  await alertmanager?.start();
  await openMailbox();
  isAway = false;

  await world.until('both have it', async () => inRoom('Alert').length > 0 && inMail('Alert').length > 0);
  const [said = '', mail = ''] = [...inRoom('Alert'), ...inMail('Alert')];
  for (const text of [said, mail]) {
    for (const part of ['error_rate < 6%', commit, RUNBOOK, PAGE]) expect(text).toContain(part);
    expect(text).toMatch(/failed in canary, measured \d[\d.]*% \(/);
  }
  expect(mail).toMatch(/Message-ID: <[0-9a-f-]{36}@example.com>/);

  if (alertmanager !== undefined) await world.until('a group fires', async () => firing().length > 0);
  await world.release('better', '2026.03.01');
  await world.untilStable('2026.03.01');
  await world.until('both hear of the end', async () => inRoom('Over').length > 0 && inMail('Over').length > 0);
  if (alertmanager !== undefined) {
    await world.until('the group is resolved', async () => groups.some(({ status }) => status === 'resolved'));
    const all = groups.flatMap((group) => group.alerts.filter(({ labels }) => labels.alertname === 'SlipwayReverted'));
    expect(new Set(firing().map(({ groupKey }) => groupKey)).size).toBe(1);
    expect(new Set(all.map(({ fingerprint }) => fingerprint)).size).toBe(1);
    expect(all[0]?.annotations).toMatchObject({ commit, runbook_url: RUNBOOK, rule: 'error_rate < 6%' });
  }
  expect([inRoom('Alert'), inMail('Alert'), inRoom('Over'), inMail('Over')].map((one) => one.length)).toEqual([
    1, 1, 1, 1,
  ]);
});

function firing(): Group[] {
  return groups.filter(
    ({ status, alerts }) => status === 'firing' && alerts.some((one) => one.labels.alertname === 'SlipwayReverted'),
  );
}
