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

  async enrol() {
    return { kind: 'enrolled', enrolment: { device: 'device-1', epoch: 1, labels: {} } } as const;
  }

  async send(reports: readonly DsseEnvelope[]) {
    expect(Buffer.byteLength(JSON.stringify(reports))).toBeLessThanOrEqual(MOST_BATCH_BYTES);
    this.batches.push(reports.length);
    return { kind: 'answered', answers: reports.map((): ReportAnswer => ({ kind: 'accepted', sequence: 1 })) } as const;
  }

  async locate() {
    return { kind: 'failed', error: new CodedError({ code: 'NONE', message: 'None.' }), retryAfterMs: null } as const;
  }

  async waitForChange() {
    return { kind: 'unchanged' } as const;
  }
}

async function sendAll(sizes: readonly number[]): Promise<readonly number[]> {
  const root = mkdtempSync(path.join(os.tmpdir(), 'slipway-batches-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  const folder = new DeviceFolder(root);
  mkdirSync(folder.reportFolder);
  const queue = await ReportQueue.open(folder.reportFolder, silentLogger);
  for (const size of sizes) await queue.addDraft(bodyOf(size));
  const link = new SizedLink();
  const identity = await Identity.open('device-1', folder);
  const sender = new ReportSender({
    ...{ link, token: 'one-time', labels: {}, identity, queue, logger: silentLogger },
    ...{ clock: new SystemClock(), random: seededRandom('batches', 'jitter') },
  });
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
