// Owns the proof that what a device counted reaches the service exactly once, however often line, service and device fail.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { mergeBodies, type ReportBody } from '../../../fleet-agent/src/report/report-body.ts';
import { ReportQueue } from '../../../fleet-agent/src/report/report-queue.ts';
import { silentLogger } from '../../../src/base/logger.ts';
import { parseReport } from '../../../src/contract/parse-report.ts';
import type { DeviceReport, ModelInterval } from '../../../src/contract/report.ts';
import { addToSketch, emptySketch, sketchToJson } from '../../../src/contract/sketch.ts';
import { makeKey } from '../../support/trust.ts';
import { clock, DeviceWorld, linkTo, MODEL, oneRow, openHost, outcomesOf, until, untilRuns } from '../device-world.ts';

const host = openHost();
afterAll(() => host.close());

/** Epochs are of the size that the service gives. */
const sender = { device: 'device-1', key: makeKey().key, epoch: 1_796_027_342 };

function interval(inferences: number, over: Partial<ModelInterval> = {}): ModelInterval {
  const latency = emptySketch();
  if (inferences > 0) addToSketch(latency, 5, inferences);
  return {
    ...{
      model: 'm',
      rollout: 'r',
      revision: 1,
      arm: 'stable',
      digest: `sha256:${'1'.repeat(64)}`,
      version: '1',
      inferences,
    },
    ...{
      errors: {},
      unknown: 0,
      latencyMs: sketchToJson(latency),
      confidence: Array.from({ length: 20 }, () => 0),
      classes: { a: inferences },
    },
    ...over,
  };
}

function body(intervals: ModelInterval[], over: Partial<ReportBody> = {}): ReportBody {
  return {
    ...{
      kind: 'DeviceReport',
      device: 'device-1',
      bootId: 'b',
      startedAt: '2026-01-01T00:00:00.000Z',
      durationMs: 1000,
      uptimeMs: 5000,
    },
    ...{ labels: {}, properties: {}, intervals, states: [], outcomes: [], ...over },
  };
}

describe('the queue', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'slipway-queue-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  test('a report that was sent once stays as it is, byte for byte, also after a restart', async () => {
    const queue = await ReportQueue.open(folder, silentLogger);
    await queue.addDraft(body([interval(3)]));
    const [sent] = await queue.nextBatch(sender, 16);
    await queue.addDraft(body([interval(4)]));
    const again = await ReportQueue.open(folder, silentLogger);
    const batch = await again.nextBatch(sender, 16);
    expect(batch[0]?.envelope).toEqual(sent?.envelope);
    expect(batch).toHaveLength(2);
  });

  test('sequence numbers rise over restarts, and are never given twice', async () => {
    const seen: number[] = [];
    for (let start = 0; start < 5; start++) {
      const queue = await ReportQueue.open(folder, silentLogger);
      for (let i = 0; i < 3; i++) seen.push((await queue.freeze(body([interval(1)]), sender)).sequence);
      await queue.settle(await queue.nextBatch(sender, 100));
    }
    expect(seen).toEqual([...new Set(seen)].sort((a, b) => a - b));
  });

  test('after the service said which number counts, the next report has it, over a restart too', async () => {
    const queue = await ReportQueue.open(folder, silentLogger);
    writeFileSync(path.join(folder, 'sequence.json'), JSON.stringify({ epoch: sender.epoch, reserved: 10 ** 15 }));
    const astray = await ReportQueue.open(folder, silentLogger);
    await astray.addDraft(body([interval(4)]));
    const [sent] = await astray.nextBatch(sender, 16);
    expect(sent?.sequence).toBe(10 ** 15 + 1);
    await astray.countFrom(sender.epoch, 7, false);
    await astray.thaw(sent === undefined ? [] : [sent]);
    const restarted = await ReportQueue.open(folder, silentLogger);
    const again = await restarted.nextBatch(sender, 16);
    expect(again.map(({ sequence, body: one }) => [sequence, one.intervals[0]?.inferences])).toEqual([[7, 4]]);
    await restarted.countFrom(sender.epoch, 3, true);
    expect((await restarted.freeze(body([interval(1)]), sender)).sequence).toBe(8);
    expect(queue.length).toBe(0);
  });

  test('merges only what was never sent, and loses no count by it', async () => {
    const queue = await ReportQueue.open(folder, silentLogger);
    await queue.addDraft(body([interval(7)]));
    const [frozen] = await queue.nextBatch(sender, 1);
    for (let i = 0; i < 200; i++)
      await queue.addDraft(body([interval(1), interval(2, { revision: 2, arm: 'candidate' })]));
    expect(queue.length).toBeLessThanOrEqual(65);
    const reopened = await ReportQueue.open(folder, silentLogger);
    const all = await reopened.nextBatch(sender, 1000);
    expect(all[0]?.envelope).toEqual(frozen?.envelope);
    const counts = all.flatMap(({ body: one }) => one.intervals).reduce((sum, one) => sum + one.inferences, 0);
    expect(counts).toBe(7 + 200 * 3);
    for (const { envelope } of all) expect(() => parseReport(Buffer.from(envelope.payload, 'base64'))).not.toThrow();
  });

  test('a crash between writing a report and removing what it took over counts nothing twice', async () => {
    const queue = await ReportQueue.open(folder, silentLogger);
    const drafts = (): string[] => readdirSync(folder).filter((name) => name.startsWith('draft'));
    await queue.addDraft(body([interval(5)]));
    const [draft = ''] = drafts();
    const bytes = readFileSync(path.join(folder, draft));
    await queue.nextBatch(sender, 1);
    writeFileSync(path.join(folder, draft), bytes);
    const frozen = await ReportQueue.open(folder, silentLogger);
    expect(frozen.length).toBe(1);
    const sent = readdirSync(folder).filter((name) => name.startsWith('sent'));
    const sentBytes = readFileSync(path.join(folder, sent[0] ?? ''));
    await frozen.thaw(await frozen.nextBatch(sender, 1));
    writeFileSync(path.join(folder, sent[0] ?? ''), sentBytes);
    const thawed = await ReportQueue.open(folder, silentLogger);
    expect(thawed.length).toBe(1);
    expect(drafts()).toHaveLength(1);
  });

  test('a half-written file is dropped, and the rest goes on', async () => {
    const queue = await ReportQueue.open(folder, silentLogger);
    await queue.addDraft(body([interval(1)]));
    await queue.addDraft(body([interval(2)]));
    const [first = ''] = readdirSync(folder).sort();
    writeFileSync(path.join(folder, first), '{"kind":"Dev');
    expect(
      (await (await ReportQueue.open(folder, silentLogger)).nextBatch(sender, 10)).map(
        ({ body: one }) => one.intervals[0]?.inferences,
      ),
    ).toEqual([2]);
  });

  test('merging adds latencies, confidences, classes and errors, and keeps the later state', () => {
    const merged = mergeBodies(
      body([interval(3, { errors: { runtime: 1 } })]),
      body([interval(4, { errors: { runtime: 2, timeout: 1 } })], { uptimeMs: 9000 }),
    );
    expect(merged).toMatchObject({
      uptimeMs: 9000,
      durationMs: 2000,
      intervals: [{ inferences: 7, errors: { runtime: 3, timeout: 1 }, classes: { a: 7 } }],
    });
    const classesOf = (from: number) => Object.fromEntries(Array.from({ length: 64 }, (_, i) => [`c${from + i}`, 1]));
    const classes = mergeBodies(
      body([interval(64, { classes: classesOf(0) })]),
      body([interval(64, { classes: classesOf(60) })]),
    )?.intervals[0]?.classes;
    expect(Object.keys(classes ?? {})).toHaveLength(65);
    expect(classes).toMatchObject({ c63: 2, '(rest)': 60 });
    const many = Array.from({ length: 10 }, (_, i) => interval(1, { revision: i }));
    const others = Array.from({ length: 10 }, (_, i) => interval(1, { revision: 100 + i }));
    expect(mergeBodies(body(many), body(others))).toBeUndefined();
  });
});

describe('a device', () => {
  /** Stands between device and service: drops requests, or answers that the service gave. */
  async function startGate(target: string) {
    const state = { mode: 'through' as 'through' | 'drop' | 'lose-answers' };
    const server = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      if (state.mode === 'drop') return response.destroy();
      const init = {
        method: request.method ?? 'GET',
        headers: { 'content-type': 'application/json' },
        ...(chunks.length === 0 ? {} : { body: Buffer.concat(chunks) }),
      };
      const answer = await fetch(`${target}${request.url}`, init).catch(() => undefined);
      if (answer === undefined || (state.mode === 'lose-answers' && request.url === '/v1/reports'))
        return response.destroy();
      const text = Buffer.from(await answer.arrayBuffer());
      return response.writeHead(answer.status, { 'content-type': 'application/json' }).end(text);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return { state, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => server.close() };
  }

  /** Everything that the store accepted, in order. */
  function record(world: DeviceWorld): DeviceReport[] {
    const accepted: DeviceReport[] = [];
    const ingest = world.store.ingest.bind(world.store);
    world.store.ingest = async (batch) => {
      const answers = await ingest(batch);
      for (const [i, { report }] of batch.entries()) if (answers[i] === 'accepted') accepted.push(report);
      return answers;
    };
    return accepted;
  }

  const total = (reports: readonly DeviceReport[]): number =>
    reports.flatMap((report) => report.intervals).reduce((sum, one) => sum + one.inferences, 0);

  test.each(['drop', 'lose-answers'] as const)(
    'tells each inference once when the line does this: %s',
    { timeout: 240_000 },
    async (mode) => {
      await using world = await DeviceWorld.open();
      const accepted = record(world);
      const gate = await startGate(world.serverUrl);
      const stable = await world.publishModel({ version: '1.0.0' });
      await world.direct(world.entry({ stable }));
      const { agent } = await world.startAgent(host, { link: linkTo(gate.url), random: { next: () => 0.9 } });
      await untilRuns(agent, '1.0.0');
      for (let round = 0; round < 6; round++) {
        gate.state.mode = round % 2 === 0 ? mode : 'through';
        for (let i = 0; i < 10; i++) await agent.infer(MODEL, oneRow);
        await clock.sleep(500);
      }
      gate.state.mode = 'through';
      await until(() => total(accepted) >= 60, 'all to arrive', 60_000);
      await clock.sleep(600);
      expect(total(accepted)).toBe(60);
      gate.close();
    },
  );

  test('tells after a restart what it counted before, also when the service was away all the time', {
    timeout: 240_000,
  }, async () => {
    await using world = await DeviceWorld.open();
    const accepted = record(world);
    const stable = await world.publishModel({ version: '1.0.0' });
    await world.direct(world.entry({ stable }));
    const away = await world.startAgent(host, { link: linkTo('http://127.0.0.1:9') });
    await untilRuns(away.agent, '1.0.0');
    for (let i = 0; i < 12; i++) await away.agent.infer(MODEL, oneRow);
    await away.stop();
    await world.startAgent(host);
    await until(() => total(accepted) === 12, 'the counts of the first run');
    expect(outcomesOf(await world.store.findDevice('device-1'), stable.digest)).toEqual(['committed']);
  });

  test('whose number jumped far ahead repeats its reports under the one that counts', {
    timeout: 240_000,
  }, async () => {
    await using world = await DeviceWorld.open();
    const accepted = record(world);
    const stable = await world.publishModel({ version: '1.0.0' });
    await world.direct(world.entry({ stable }));
    const first = await world.startAgent(host);
    await untilRuns(first.agent, '1.0.0');
    await until(() => accepted.length > 0, 'a first report');
    await first.stop();
    const file = path.join(world.folder, 'devices', 'device-1', 'reports', 'sequence.json');
    const kept = JSON.parse(readFileSync(file, 'utf8')) as { readonly epoch: number };
    writeFileSync(file, JSON.stringify({ ...kept, reserved: 10 ** 15 }));
    const gate = await startGate(world.serverUrl);
    gate.state.mode = 'drop';
    const { agent } = await world.startAgent(host, { link: linkTo(gate.url) });
    for (let i = 0; i < 3; i++) await agent.infer(MODEL, oneRow);
    const numbered = () => readdirSync(path.dirname(file)).some((name) => name.includes(`-${10 ** 15 + 2}`));
    await until(numbered, 'a second report under such a number');
    gate.state.mode = 'through';
    await until(() => total(accepted) === 3, 'the counts under other numbers');
    gate.close();
    expect((await world.store.findDevice('device-1'))?.newestSequence).toBeLessThan(1000);
  });

  test('enrols once, with one key, however often the answer is lost; a wrong token stops nothing else', {
    timeout: 180_000,
  }, async () => {
    await using world = await DeviceWorld.open();
    const stable = await world.publishModel({ version: '1.0.0' });
    await world.direct(world.entry({ stable }));
    const wrong = await world.startAgent(host, { token: 'not-a-token' });
    await untilRuns(wrong.agent, '1.0.0');
    expect(await world.store.findDevice('device-1')).toBeUndefined();
    await wrong.stop();
    const right = await world.startAgent(host);
    // A report says that the answer to its enrolment has arrived.
    const device = await until(async () => {
      const found = await world.store.findDevice('device-1');
      return found !== undefined && found.newestSequence > 0 ? found : undefined;
    }, 'the enrolment');
    await right.stop();
    const later = await world.startAgent(host, { token: null });
    await until(
      async () => ((await world.store.findDevice('device-1'))?.lastSeenAtMs ?? 0) > device.lastSeenAtMs,
      'a report under the same epoch',
    );
    expect((await world.store.findDevice('device-1'))?.publicKey).toBe(device.publicKey);
    await later.stop();
  });
});
