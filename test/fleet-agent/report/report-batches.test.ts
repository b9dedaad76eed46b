// Laws of batches: each request holds what the service takes, and no report stands in the way of those behind it.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { Identity } from '../../../fleet-agent/src/link/identity.ts';
import type { ServiceLink } from '../../../fleet-agent/src/link/service-link.ts';
import { DeviceFolder } from '../../../fleet-agent/src/record/device-folder.ts';
import type { ReportBody } from '../../../fleet-agent/src/report/report-body.ts';
import { ReportQueue } from '../../../fleet-agent/src/report/report-queue.ts';
import { ReportSender } from '../../../fleet-agent/src/report/report-sender.ts';
import { SystemClock } from '../../../src/base/clock.ts';
import { CodedError } from '../../../src/base/errors.ts';
import { silentLogger } from '../../../src/base/logger.ts';
import { seededRandom } from '../../../src/base/random.ts';
import { MOST_BATCH_BYTES, type ReportAnswer } from '../../../src/contract/fleet-messages.ts';
import type { DsseEnvelope } from '../../../src/contract/trust/dsse.ts';

function bodyOf(characters: number): ReportBody {
  return {
    ...{ kind: 'DeviceReport', device: 'device-1', bootId: 'b', startedAt: '2026-01-01T00:00:00.000Z' },
    ...{ durationMs: 1000, uptimeMs: 5000, labels: {}, intervals: [], states: [], outcomes: [] },
    properties: { filler: 'x'.repeat(characters) },
  };
}

/** A service that takes what the real one takes, and notes how many reports each request held. */
class SizedLink implements ServiceLink {
  readonly batches: number[] = [];
  /** Why it reads no report; null: it takes them. */
  unread: string | null = null;
  readonly taken: unknown[] = [];

  async enrol() {
    return { kind: 'enrolled', enrolment: { device: 'device-1', epoch: 1, labels: {} } } as const;
  }

  async send(reports: readonly DsseEnvelope[]) {
    expect(Buffer.byteLength(JSON.stringify(reports))).toBeLessThanOrEqual(MOST_BATCH_BYTES);
    this.batches.push(reports.length);
    const reason = this.unread;
    if (reason !== null) return rejected(reports, reason);
    for (const { payload } of reports) this.taken.push(JSON.parse(Buffer.from(payload, 'base64').toString()));
    return { kind: 'answered', answers: reports.map((): ReportAnswer => ({ kind: 'accepted', sequence: 1 })) } as const;
  }

  async locate() {
    return { kind: 'failed', error: new CodedError({ code: 'NONE', message: 'None.' }), retryAfterMs: null } as const;
  }

  async waitForChange() {
    return { kind: 'unchanged' } as const;
  }
}

/** Back-off is over at every look. */
class LeapingClock extends SystemClock {
  #leapMs = 0;

  override monotonicMs(): number {
    this.#leapMs += 400_000;
    return super.monotonicMs() + this.#leapMs;
  }
}

function rejected(reports: readonly DsseEnvelope[], reason: string) {
  const answers = reports.map((): ReportAnswer => ({ kind: 'rejected', sequence: null, reason }));
  return { kind: 'answered', answers } as const;
}

async function senderOf(link: SizedLink, sizes: readonly number[], onProtocol: (error: CodedError | null) => void) {
  const root = mkdtempSync(path.join(os.tmpdir(), 'slipway-batches-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  const folder = new DeviceFolder(root);
  mkdirSync(folder.reportFolder);
  const queue = await ReportQueue.open(folder.reportFolder, silentLogger);
  for (const size of sizes) await queue.addDraft(bodyOf(size));
  const identity = await Identity.open('device-1', folder);
  const sender = new ReportSender({
    ...{ link, token: 'one-time', labels: {}, identity, queue, onProtocol, logger: silentLogger },
    ...{ clock: new LeapingClock(), random: seededRandom('batches', 'jitter') },
  });
  return { sender, queue };
}

async function sendAll(sizes: readonly number[]): Promise<readonly number[]> {
  const link = new SizedLink();
  const { sender, queue } = await senderOf(link, sizes, () => undefined);
  await sender.flush(new AbortController().signal);
  expect(queue.length).toBe(0);
  return link.batches;
}

test('large reports that waited travel in as many requests as they need', async () => {
  expect(await sendAll(Array.from({ length: 9 }, () => 200_000))).toEqual([3, 3, 3]);
});

test('a report that no request can hold is dropped, and those behind it arrive', async () => {
  expect(await sendAll([100, 900_000, 100])).toEqual([1, 1]);
});

test.each([
  ['REPORT_TOO_NEW', 'Upgrade the service.'],
  ['REPORT_TOO_OLD', 'Upgrade the agent.'],
])(
  'reports that the service can not read (%s) wait, the agent says what to upgrade, and they arrive once',
  async (why, remedy) => {
    const link = new SizedLink();
    const said: (CodedError | null)[] = [];
    const { sender, queue } = await senderOf(link, [1, 2, 3], (error) => said.push(error));
    const { signal } = new AbortController();
    link.unread = why;
    for (let i = 0; i < 3; i++) await sender.flush(signal);
    expect(queue.length).toBe(3);
    expect(said.at(-1)).toMatchObject({ code: 'AGENT_PROTOCOL', remedy, message: expect.stringContaining(why) });
    link.unread = null;
    await sender.flush(signal);
    expect(queue.length).toBe(0);
    expect(said.at(-1)).toBeNull();
    const lengths = link.taken.map((one) => (one as ReportBody).properties.filler?.toString().length);
    expect(lengths).toEqual([1, 2, 3]);
    expect(link.taken).toEqual(lengths.map(() => expect.objectContaining({ protocol: 1, epoch: 1 })));
  },
);
