// Proves what each target of people is sent, that an answer counts as what it is, and that too much comes as one message.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { SMTPServer } from 'smtp-server';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { SystemClock } from '../../src/base/clock.ts';
import { AlertmanagerTarget } from '../../src/notify/alertmanager-target.ts';
import { MessagePace } from '../../src/notify/message-pace.ts';
import type { AlertNotice, Notice, StepNotice } from '../../src/notify/notice.ts';
import { readNotifications } from '../../src/notify/read-notifications.ts';
import { openReceiver, type Receiver } from './receiver.ts';

const clock = new SystemClock();
const signal = new AbortController().signal;
let folder: string;
let receiver: Receiver;

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'slipway-targets-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));
beforeEach(async () => {
  receiver = await openReceiver();
  return () => receiver[Symbol.asyncDispose]();
});

async function read(spec: string) {
  const file = path.join(folder, 'notify.yaml');
  await writeFile(file, `apiVersion: slipway.dev/v1alpha1\nkind: Notifications\nspec:\n${spec}`);
  await writeFile(path.join(folder, 'room.url'), `${receiver.url}/hook/s3cret`);
  await writeFile(path.join(folder, 'token'), 'tok');
  return readNotifications({ file, isOptional: false }, clock);
}

async function targetIn(spec: string) {
  const [target] = (await read(spec)).targets;
  if (target === undefined) throw new Error('no target');
  return target;
}

const ALERT: AlertNotice = {
  ...{ kind: 'alert', is: 'raised', alert: 'a1', alertKind: 'reverted', subject: '5', rollout: 'eu', model: 'ocr' },
  ...{ reason: 'Reverted', message: '2 was reverted to 1: error_rate < 1% failed', sinceMs: 1_000 },
  ...{ numbers: { rule: 'error_rate < 1%' }, commit: 'c0ffee', runbook: 'https://slipway.dev/r.md' },
};
const notice = (content: Notice['content'], id = 'n1'): Notice => ({ format: 1, id, atMs: 1_000, content });
const step = (over: Partial<StepNotice>): Notice =>
  notice({
    ...{ kind: 'step', rollout: 'eu', model: 'ocr', revision: 5, step: 'roll-back', from: 'canary', to: 'stable' },
    ...{ reason: 'bad', subject: null, stable: null, previous: null, evidence: 'e', asked: 'a'.repeat(40), ...over },
  });

describe.each(['slack', 'teams'])('a %s room', (kind) => {
  const spec = `  ${kind}: [{ name: room, urlFile: room.url, timeout: 300ms }]\n`;

  test('gets rule, commit and runbook, at an address that is kept in a file', async () => {
    const target = await targetIn(spec);
    expect(await target.deliver(notice(ALERT), signal)).toEqual({ kind: 'taken' });
    const [{ body, url, headers } = { body: '', url: '', headers: {} }] = receiver.taken;
    expect(url).toBe('/hook/s3cret');
    expect(headers['x-slipway-notice']).toBe('n1');
    for (const part of ['error_rate', 'c0ffee', 'https://slipway.dev/r.md', 'eu: reverted'])
      expect(body).toContain(part);
  });

  test.each(['fail', 'hang', 'reset', 'redirect'] as const)(
    'that does %s gets it later, and the address stays secret',
    async (how) => {
      receiver.behave = () => how;
      const delivery = await (await targetIn(spec)).deliver(notice(ALERT), signal);
      expect(delivery).toMatchObject({ kind: 'later' });
      expect(JSON.stringify(delivery)).not.toContain('s3cret');
      expect(receiver.taken).toEqual([]);
    },
  );

  test('behind a login page gets it later; an endless answer ends', async () => {
    const pages = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.write('HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n\r\n<!doctype html>');
      const more = setInterval(() => socket.write('x'.repeat(65_536)), 5);
      socket.on('close', () => clearInterval(more));
    });
    await new Promise<void>((resolve) => pages.listen(0, '127.0.0.1', resolve));
    const target = await targetIn(spec);
    await writeFile(path.join(folder, 'room.url'), `http://127.0.0.1:${(pages.address() as AddressInfo).port}/`);
    expect(await target.deliver(notice(ALERT), signal)).toMatchObject({
      kind: 'later',
      reason: expect.stringMatching(/web page/),
    });
    pages.close();
    await writeFile(path.join(folder, 'room.url'), 'http://elsewhere.example/hook');
    expect(await target.deliver(notice(ALERT), signal)).toMatchObject({
      kind: 'later',
      reason: expect.stringContaining('address'),
    });
  });
});

describe('mail', () => {
  interface Mail {
    readonly to: string[];
    readonly text: string;
  }
  async function openMailbox(over: object = {}) {
    const mails: Mail[] = [];
    const server = new SMTPServer({
      ...{ authOptional: true, disabledCommands: ['STARTTLS'], logger: false },
      onData(stream, session, callback) {
        let text = '';
        stream.on('data', (bytes: Buffer) => {
          text += bytes;
        });
        stream.on('end', () => {
          mails.push({ to: session.envelope.rcptTo.map(({ address }) => address), text });
          callback();
        });
      },
      ...over,
    });
    server.on('error', () => undefined);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.server.address() as AddressInfo;
    const close = () => new Promise<void>((resolve) => server.close(() => resolve()));
    return { mails, port, [Symbol.asyncDispose]: close };
  }
  const spec = (port: number, more = 'tls: none') =>
    `  smtp: [{ name: mail, host: 127.0.0.1, port: ${port}, ${more}, from: "Slipway <slipway@example.com>", to: [a@example.com, b@example.com], timeout: 2s }]\n`;

  test('has the id of the notice, text and HTML, and every receiver', async () => {
    await using box = await openMailbox();
    const target = await targetIn(spec(box.port));
    expect(await target.deliver(notice({ ...ALERT, rollout: 'eu\r\nBcc: x@evil.example' }), signal)).toEqual({
      kind: 'taken',
    });
    const [{ to, text } = { to: [], text: '' }] = box.mails;
    expect(to).toEqual(['a@example.com', 'b@example.com']);
    expect(text).toContain('Message-ID: <n1@example.com>');
    expect(text).not.toMatch(/^Bcc:/m);
    expect(text).toContain('multipart/alternative');
    expect(text.replaceAll('=\r\n', '')).toContain('https://slipway.dev/r.md');
  });

  test('goes nowhere without the encryption that is asked for, and no word of the server is told', async () => {
    await using box = await openMailbox();
    const target = await targetIn(spec(box.port, 'tls: starttls'));
    const delivery = await target.deliver(notice(ALERT), signal);
    expect(delivery).toMatchObject({ kind: 'later' });
    expect(box.mails).toEqual([]);
    await using rude = await openMailbox({
      onAuth: (_: unknown, __: unknown, callback: (error: Error) => void) => callback(new Error('no, tok is wrong')),
    });
    const withUser = await targetIn(spec(rude.port, 'tls: none, user: me, passwordFile: token'));
    expect(JSON.stringify(await withUser.deliver(notice(ALERT), signal))).not.toMatch(/tok|wrong/);
  });

  test('to a server that is silent comes later', async () => {
    const mute = createServer(() => undefined);
    await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
    const { port } = mute.address() as AddressInfo;
    const target = await targetIn(spec(port).replace('2s', '200ms'));
    expect(await target.deliver(notice(ALERT), signal)).toMatchObject({ kind: 'later' });
    mute.close();
  });

  test('needs both user and password, and encryption for them', async () => {
    await expect(read(spec(25, 'tls: none, user: me'))).rejects.toThrow(/go together/);
    const open =
      '  smtp: [{ name: m, host: mail.example.com, tls: none, user: me, passwordFile: token, from: a@b.c, to: [a@b.c] }]\n';
    await expect(read(open)).rejects.toThrow(/open connection/);
    await expect(read(open.replace('a@b.c,', '"a@b.c\\nBcc: x@y.z",'))).rejects.toThrow();
  });
});

describe('a commit status', () => {
  const spec = (host: string) =>
    `  commitStatus: [{ name: status, host: ${host}, repository: acme/models, tokenFile: token, url: "${receiver.url}/api" }]\n`;

  test('is set on the commit that asked for the version, at GitHub and GitLab', async () => {
    expect(await (await targetIn(spec('github'))).deliver(step({}), signal)).toEqual({ kind: 'taken' });
    expect(await (await targetIn(spec('gitlab'))).deliver(step({ step: 'complete' }), signal)).toEqual({
      kind: 'taken',
    });
    expect(receiver.taken.map(({ url }) => url)).toEqual([
      `/api/repos/acme/models/statuses/${'a'.repeat(40)}`,
      `/api/projects/acme%2Fmodels/statuses/${'a'.repeat(40)}`,
    ]);
    expect(receiver.taken.map(({ body }) => JSON.parse(body))).toMatchObject([
      { state: 'failure', context: 'slipway/eu', description: 'stable: bad' },
      { state: 'success' },
    ]);
  });

  test('is wanted of steps of a known commit alone', async () => {
    const target = await targetIn(spec('github'));
    expect(target.wants(step({}).content)).toBe(true);
    expect(target.wants(step({ asked: null }).content)).toBe(false);
    expect(target.wants(step({ asked: '../x' }).content)).toBe(false);
    expect(target.wants(step({ step: 'restore' }).content)).toBe(false);
  });
});

describe('an Alertmanager', () => {
  const made = (): AlertmanagerTarget =>
    new AlertmanagerTarget(
      {
        name: 'am',
        url: receiver.url,
        source: '/s',
        bearerTokenFile: null,
        labels: { team: 'x' },
        rollouts: ['*'],
        timeoutMs: 300,
      },
      clock,
    );
  const told = () => receiver.taken.map(({ body }) => JSON.parse(body));

  test('is told the same labels again and again, and that an alert is over once it is', async () => {
    const target = made();
    await target.tell([ALERT], signal);
    await target.tell([{ ...ALERT, message: 'other numbers' }], signal);
    await target.tell([], signal);
    await target.tell([], signal);
    const [[first], [second], [over], ...more] = told();
    expect(more).toEqual([]);
    expect(first.labels).toEqual({
      ...{
        alertname: 'SlipwayReverted',
        service: '/s',
        severity: 'critical',
        rollout: 'eu',
        model: 'ocr',
        subject: '5',
        team: 'x',
      },
    });
    expect([second.labels, over.labels]).toEqual([first.labels, first.labels]);
    expect(first.annotations).toMatchObject({
      runbook_url: 'https://slipway.dev/r.md',
      commit: 'c0ffee',
      rule: 'error_rate < 1%',
    });
    expect(Date.parse(first.endsAt)).toBeGreaterThan(clock.now() + 200_000);
    expect(Date.parse(over.endsAt)).toBeLessThanOrEqual(clock.now());
  });

  test('that was away when an alert ended is told so afterwards', async () => {
    const target = made();
    await target.tell([ALERT], signal);
    receiver.behave = () => 'fail';
    expect(await target.tell([], signal)).toMatchObject({ kind: 'later' });
    receiver.behave = () => 'take';
    await target.tell([], signal);
    expect(Date.parse(told()[1][0].endsAt)).toBeLessThanOrEqual(clock.now());
  });
});

test('a target gets so many messages at once, and the next ones spread', () => {
  const pace = new MessagePace();
  const waits = Array.from({ length: 12 }, () => pace.take('a', 10, 0));
  expect(waits.slice(0, 10)).toEqual(Array.from({ length: 10 }, () => 0));
  expect(waits.slice(10)).toEqual([6_000, 12_000]);
  expect(pace.take('b', 10, 0)).toBe(0);
  expect(pace.take('a', 10, 3_600_000)).toBe(0);
});
