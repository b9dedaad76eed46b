// What the service promises about reports and enrolment over HTTP.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SystemClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/logger.ts';
import type { ReportAnswer } from '../../src/contract/fleet-messages.ts';
import { signDsse } from '../../src/contract/trust/dsse.ts';
import { RefusedReports } from '../../src/fleet-api/refused-reports.ts';
import { FleetWords } from '../../src/measurement/fleet-words.ts';
import { wordsOfObserved } from '../../src/measurement/known-fleet.ts';
import { refusedWhy } from '../../src/wording/alerts-in-words.ts';
import { interval, NOW, openPublished, report, spec } from '../store/reports.ts';
import { enrolDevice, newKey, post, send, signReport, startService } from './service.ts';

describe('reports over HTTP', () => {
  it('far beyond the last number, or far below it, are answered with the number that counts, and mute no device', async () => {
    await using service = await startService();
    const device = await enrolDevice(service, 'd1');
    const answersTo = async (...sequences: number[]): Promise<unknown> =>
      (
        await send(
          service,
          sequences.map((sequence) => device.sign({ sequence, intervals: [] })),
        )
      ).body;
    expect(await answersTo(10 ** 15, 100)).toEqual([
      { kind: 'rejected', sequence: 10 ** 15, reason: 'sequence-jump', countsFrom: 101 },
      { kind: 'accepted', sequence: 100 },
    ]);
    expect(await answersTo(1)).toEqual([{ kind: 'too-late', sequence: 1, countsFrom: 101 }]);
    expect(await answersTo(101)).toEqual([{ kind: 'accepted', sequence: 101 }]);
  });

  it('are counted once, under parallel posting of the same', async () => {
    await using service = await startService();
    const device = await enrolDevice(service, 'd1');
    await openPublished(service.store, spec(), NOW);
    const envelopes = Array.from({ length: 20 }, (_, i) => device.sign({ sequence: i + 1 }));
    const posts = Array.from({ length: 12 }, (_, i) => send(service, i % 2 === 0 ? envelopes : envelopes.toReversed()));
    const answers = (await Promise.all(posts)).flatMap(({ body }) => body as ReportAnswer[]);
    expect(answers.filter(({ kind }) => kind === 'accepted')).toHaveLength(20);
    expect(answers.filter(({ kind }) => kind === 'duplicate')).toHaveLength(11 * 20);
    const window = await service.store.readWindow('invoice-ocr-eu', 5);
    expect(window?.tallies.candidate.summary.inferences).toBe(200);
  });

  it('are rejected when forged, altered, of another device, of another type, of an ended epoch, or denied', async () => {
    await using service = await startService();
    const one = await enrolDevice(service, 'd1');
    const two = await enrolDevice(service, 'd2');
    await openPublished(service.store, spec(), NOW);
    const honest = one.sign();
    const altered = {
      ...honest,
      payload: Buffer.from(JSON.stringify(report({ epoch: one.epoch, sequence: 9 }))).toString('base64'),
    };
    const bytes = Buffer.from(JSON.stringify(report({ device: 'd1', epoch: one.epoch })));
    const { body } = await send(service, [
      signReport(report({ device: 'd1', epoch: one.epoch }), 'd1', newKey().key),
      altered,
      signReport(report({ device: 'd1', epoch: one.epoch }), 'd1', two.key),
      signReport(report({ device: 'd1', epoch: one.epoch }), 'd2', two.key),
      signDsse('application/vnd.in-toto+json', bytes, { keyid: 'd1', key: one.key }),
      one.sign({ epoch: one.epoch - 1 }),
      signReport(report({ device: 'd9' }), 'd9', one.key),
      null,
      { signatures: [{}] },
      one.sign({ intervals: [interval({ inferences: 1 })] }),
      honest,
    ]);
    expect(body).toEqual([
      { sequence: null, kind: 'rejected', reason: 'bad-signature' },
      { sequence: null, kind: 'rejected', reason: 'bad-signature' },
      { sequence: null, kind: 'rejected', reason: 'bad-signature' },
      { sequence: null, kind: 'rejected', reason: 'other-device' },
      { sequence: null, kind: 'rejected', reason: 'bad-signature' },
      { sequence: 1, kind: 'rejected', reason: 'other-epoch' },
      { sequence: null, kind: 'rejected', reason: 'unknown-device' },
      { sequence: null, kind: 'rejected', reason: 'bad-envelope' },
      { sequence: null, kind: 'rejected', reason: 'bad-envelope' },
      { sequence: null, kind: 'rejected', reason: 'REPORT_NUMBERS' },
      { sequence: 1, kind: 'accepted' },
    ]);
    service.denied.add('d2');
    expect((await send(service, [two.sign()])).body).toEqual([{ sequence: null, kind: 'rejected', reason: 'denied' }]);
    const window = await service.store.readWindow('invoice-ocr-eu', 5);
    expect(window?.tallies.candidate.names).toEqual(['d1']);
  });

  it('never make the service fail, whatever stands in their place', async () => {
    await using service = await startService();
    const device = await enrolDevice(service, 'd1');
    const fields = Object.keys(report());
    const statuses = new Set<number>();
    const hostile = fc.oneof(
      fc.json({ maxDepth: 4 }),
      fc.string(),
      // A signed report with one member replaced by anything.
      fc.tuple(fc.constantFrom(...fields, 'x'), fc.jsonValue({ maxDepth: 4 })).map(([field, value]) => {
        const forged = { ...report({ epoch: device.epoch }), [field]: value };
        return JSON.stringify([signReport(forged, 'd1', device.key)]);
      }),
      fc.tuple(fc.constantFrom(...Object.keys(interval())), fc.jsonValue({ maxDepth: 4 })).map(([field, value]) => {
        const forged = report({ epoch: device.epoch, intervals: [{ ...interval(), [field]: value }] });
        return JSON.stringify([signReport(forged, 'd1', device.key)]);
      }),
      fc.constant('['.repeat(500_000)),
      fc.constant(`[${'{"signatures":'.repeat(50_000)}`),
    );
    await fc.assert(
      fc.asyncProperty(hostile, fc.constantFrom('reports', 'enrol'), async (body, where) => {
        statuses.add((await post(`${service.url}/v1/${where}`, body)).status);
      }),
      { numRuns: 400 },
    );
    expect([...statuses].filter((status) => status >= 500)).toEqual([]);
    expect(service.errors).toEqual([]);
    expect((await fetch(`${service.url}/healthz`)).status).toBe(200);
  });

  it('are limited per device by what it signed itself, so that no stranger uses up its share', async () => {
    await using service = await startService({ perDevice: { perSecond: 0.001, burst: 3 } });
    const device = await enrolDevice(service, 'd1');
    for (let i = 0; i < 10; i++) {
      const forged = signReport(report({ device: 'd1', epoch: device.epoch }), 'd1', newKey().key);
      expect((await send(service, [forged])).status).toBe(200);
    }
    expect(
      (
        await send(
          service,
          [1, 2, 3].map((sequence) => device.sign({ sequence })),
        )
      ).status,
    ).toBe(200);
    const answer = await post(`${service.url}/v1/reports`, [device.sign({ sequence: 4 })]);
    expect(answer.status).toBe(429);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
  });
});

describe('who asks for too much', () => {
  it('is nobody because the clock of the service was set back', async () => {
    let wallMs = Date.now();
    const clock = new SystemClock();
    const steps = { now: () => wallMs, monotonicMs: () => clock.monotonicMs(), sleep: clock.sleep.bind(clock) };
    await using service = await startService({ clock: steps, perDevice: { perSecond: 1_000, burst: 2 } });
    const device = await enrolDevice(service, 'd1');
    for (let sequence = 1; sequence <= 8; sequence++) {
      wallMs -= 60_000;
      expect((await send(service, [device.sign({ sequence })])).status).toBe(200);
    }
  });

  it('is told so, and is not silent meanwhile', async () => {
    await using service = await startService({ perDevice: { perSecond: 0.001, burst: 2 } });
    const second = await enrolDevice(service, 'd2');
    await send(service, [second.sign({ sequence: 1 })]);
    await service.store.recordListening(NOW);
    const { listenedMs } = await service.store.recordListening(NOW + 1000);
    expect((await send(service, [second.sign({ sequence: 2 }), second.sign({ sequence: 3 })])).status).toBe(429);
    expect((await service.store.findDevice('d2'))?.lastSeenListenedMs).toBe(listenedMs);
  });

  it.each(['perAddress', 'forgedPerAddress'] as const)(
    'from its address (%s) makes no device silent that is heard from there',
    async (limit) => {
      const refused = new RefusedReports(new SystemClock(), silentLogger);
      await using service = await startService({ refused, [limit]: { perSecond: 0.001, burst: 3 } });
      const device = await enrolDevice(service, 'd1');
      await send(service, [device.sign({ sequence: 1 })]);
      await enrolDevice(service, 'd2');
      await service.store.recordListening(NOW);
      const { listenedMs } = await service.store.recordListening(NOW + 1000);
      const forged = signReport(report({ device: 'd1' }), 'd1', newKey().key);
      if (limit === 'forgedPerAddress') await send(service, [forged, forged, forged]);
      expect((await send(service, [device.sign({ sequence: 2 })])).status).toBe(429);
      const heardOf = async (id: string) => (await service.store.findDevice(id))?.lastSeenListenedMs;
      await expect.poll(() => heardOf('d1')).toBe(listenedMs);
      expect(await heardOf('d2')).toBe(0);
      expect(refused.current().first).toContainEqual({ device: 'd1', why: 'address-limited' });
    },
  );

  it('or sends what is refused, is not silent if its own key vouches for it', async () => {
    await using service = await startService();
    const one = await enrolDevice(service, 'd1');
    await enrolDevice(service, 'd2');
    await service.store.recordListening(NOW);
    const { listenedMs } = await service.store.recordListening(NOW + 1000);
    const stranger = newKey().key;
    await send(service, [one.sign({ intervals: [interval({ inferences: 1 })] }), signReport(report(), 'd2', stranger)]);
    const heardOf = async (id: string) => (await service.store.findDevice(id))?.lastSeenListenedMs;
    expect([await heardOf('d1'), await heardOf('d2')]).toEqual([listenedMs, 0]);
  });

  it('is not verified any more: wrong signatures are charged to their address', async () => {
    await using service = await startService();
    const device = await enrolDevice(service, 'd1');
    const forged = signReport(report({ device: 'd1', epoch: device.epoch }), 'd1', newKey().key);
    const many = Array.from({ length: 64 }, () => forged);
    const statuses: number[] = [];
    for (let i = 0; i < 5; i++) statuses.push((await send(service, many)).status);
    expect(statuses).toEqual([200, 200, 200, 200, 429]);
    expect((await send(service, [forged])).body).toMatchObject({ error: { code: 'REPORTS_FORGED' } });
  });

  it('under made-up names is charged for them, and one that is neither listed nor enrolled is just unknown', async () => {
    const refused = new RefusedReports(new SystemClock(), silentLogger);
    const forgedPerAddress = { perSecond: 0.001, burst: 8 };
    await using service = await startService({ refused, isDenied: () => true, forgedPerAddress });
    const madeUp = (i: number) =>
      Array.from({ length: 64 }, (_, k) => ({ signatures: [{ keyid: `made-up-${i}-${k}` }] }));
    const statuses: number[] = [];
    for (let i = 0; i < 3; i++) statuses.push((await post(`${service.url}/v1/reports`, madeUp(i))).status);
    expect(statuses).toEqual([200, 200, 429]);
    expect(refused.current().first.map(({ why }) => why)).not.toContain('denied');
    refused.note('own', 'bad-signature');
    expect(refused.current().first[0]).toEqual({ device: 'own', why: 'bad-signature' });
  });

  it('is charged by bytes before a body is read', async () => {
    await using service = await startService({ bytesPerAddress: { perSecond: 1, burst: 3_000 } });
    const body = `["${'x'.repeat(1_990)}"]`;
    expect((await post(`${service.url}/v1/reports`, body)).status).toBe(200);
    const second = await post(`${service.url}/v1/reports`, body);
    expect([second.status, ((await second.json()) as { error: { code: string } }).error.code]).toEqual([
      429,
      'HTTP_TOO_MANY_BYTES',
    ]);
  });

  it('by depth is refused before its brackets are parsed', async () => {
    await using service = await startService();
    const deep = `${'['.repeat(17)}${']'.repeat(17)}`;
    const answer = await post(`${service.url}/v1/reports`, deep);
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ error: { code: 'HTTP_BODY_DEPTH' } });
    expect((await post(`${service.url}/v1/reports`, `["${'['.repeat(64)}"]`)).status).toBe(200);
  });

  it('of another protocol are refused by a code, which stands beside the device; of the first they need not say so', async () => {
    const refused = new RefusedReports(new SystemClock(), silentLogger);
    await using service = await startService({ refused });
    const one = await enrolDevice(service, 'd1');
    const { body } = await send(service, [one.sign({ protocol: 2 }), one.sign({ protocol: 0 })]);
    expect(body).toEqual([
      { kind: 'rejected', sequence: null, reason: 'REPORT_TOO_NEW' },
      { kind: 'rejected', sequence: null, reason: 'REPORT_TOO_OLD' },
    ]);
    expect(refused.whyOf('d1')).toBe('REPORT_TOO_NEW');
    expect(refusedWhy('REPORT_TOO_NEW')).toContain('upgrade the service');
    expect((await send(service, [one.sign({ sequence: 1 })])).body).toEqual([{ kind: 'accepted', sequence: 1 }]);
    expect(refused.whyOf('d1')).toBeUndefined();
  });

  it('devices whose reports are refused are noted once each, until a report of theirs counts', async () => {
    const logged: unknown[] = [];
    const logger = { ...silentLogger, warn: (_: string, fields = {}) => logged.push(fields) };
    const refused = new RefusedReports(new SystemClock(), logger);
    await using service = await startService({ refused });
    const one = await enrolDevice(service, 'd1');
    const two = await enrolDevice(service, 'd2');
    service.denied.add('d2');
    for (let i = 0; i < 3; i++) {
      await send(service, [
        one.sign({ epoch: one.epoch - 1 }),
        two.sign(),
        signReport(report({ device: 'd1' }), 'd1', two.key),
      ]);
    }
    const byEpoch = { device: 'd1', why: 'other-epoch' };
    const others = [
      { device: 'd2', why: 'denied' },
      { device: 'd1', why: 'bad-signature' },
    ];
    expect(logged).toEqual([byEpoch, ...others]);
    expect(refused.current()).toEqual({ count: 2, first: [byEpoch, ...others] });
    await send(service, [one.sign({ sequence: 1 })]);
    expect(refused.current().first).toEqual(others);
  });
});

it('a device whose reports are not refused any more is forgotten after a quarter of an hour, others are not', () => {
  let nowMs = 0;
  const clock = { now: () => 0, monotonicMs: () => nowMs, sleep: async () => undefined };
  const refused = new RefusedReports(clock, silentLogger);
  for (const device of ['goes on', 'over']) refused.note(device, 'denied');
  for (const at of [0, 10, 20]) {
    nowMs = at * 60_000;
    refused.note('goes on', 'denied');
  }
  expect(refused.current()).toEqual({ count: 1, first: [{ device: 'goes on', why: 'denied' }] });
});

describe('enrolment over HTTP', () => {
  it('answers what went wrong and what to do', async () => {
    await using service = await startService();
    const { pem } = newKey();
    const ask = { token: 'guessed', device: 'd1', publicKey: pem, labels: {} };
    const codes: [number, string][] = [];
    for (const body of [
      ask,
      { ...ask, device: '../d1' },
      { ...ask, publicKey: 'no key' },
      { ...ask, labels: { a: 1 } },
      null,
      [],
    ]) {
      const answer = await post(`${service.url}/v1/enrol`, body);
      codes.push([answer.status, ((await answer.json()) as { error: { code: string } }).error.code]);
    }
    expect(codes).toEqual([
      [403, 'ENROLMENT_UNKNOWN_TOKEN'],
      [400, 'ENROLMENT_SHAPE'],
      [400, 'TRUST_KEY_UNREADABLE'],
      [400, 'REPORT_SHAPE'],
      [400, 'ENROLMENT_SHAPE'],
      [400, 'ENROLMENT_SHAPE'],
    ]);
    const [token = ''] = await service.store.createEnrolmentTokens({ expiresAtMs: Date.now() + 60_000 });
    service.denied.add('d1');
    expect((await post(`${service.url}/v1/enrol`, { ...ask, token })).status).toBe(403);
    service.denied.clear();
    const first = await post(`${service.url}/v1/enrol`, { ...ask, token });
    expect(first.status).toBe(200);
    const again = await post(`${service.url}/v1/enrol`, { ...ask, token, publicKey: `\n${pem}\n` });
    expect(await again.json()).toEqual(await first.json());
  });
});

it('nobody new is let in before the fleet documents were read: the device is told to come again', async () => {
  let fleet: Parameters<typeof wordsOfObserved>[0];
  await using service = await startService({ mayEnrol: (device) => wordsOfObserved(fleet).mayEnrol(device) });
  const [token = ''] = await service.store.createEnrolmentTokens({ expiresAtMs: Date.now() + 60_000 });
  const request = { token, device: 'd1', publicKey: newKey().pem, labels: {} };
  const answer = await post(`${service.url}/v1/enrol`, request);
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '5']);
  expect(await answer.json()).toMatchObject({ error: { code: 'FLEET_NOT_READ' } });
  fleet = { words: new FleetWords().of({ groups: new Map(), admitsListedOnly: false, settingsFrom: null }) };
  expect((await post(`${service.url}/v1/enrol`, request)).status).toBe(200);
});
