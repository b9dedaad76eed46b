// Owns the load of devices that report: signed envelopes of a real size, from keys that a store has enrolled.
import { createPrivateKey } from 'node:crypto';
import { type Digest, digestOf } from '../src/contract/digest.ts';
import { BUCKETS } from '../src/contract/membership.ts';
import { type DeviceReport, type ModelInterval, REPORT_PAYLOAD_TYPE } from '../src/contract/report.ts';
import { signDsse } from '../src/contract/trust/dsse.ts';
import { generateKeyPair } from '../src/signing/keys.ts';
import type { FleetStore } from '../src/store/fleet-store.ts';
import type { WindowSpec } from '../src/telemetry/window.ts';

export const ROLLOUT = 'invoice-ocr-eu';
const CANDIDATE: Digest = digestOf('candidate');
const STABLE: Digest = digestOf('stable');
const DAY_MS = 86_400_000;

/** Keys are made once for so many devices: making them is not what is measured. */
const MOST_KEYS = 500;

export interface EnrolledDevice {
  readonly id: string;
  readonly epoch: number;
  readonly privatePem: string;
}

export function windowSpec(devices: number): WindowSpec {
  const rows = devices > 4096 ? 'group' : 'device';
  return {
    ...{ rollout: ROLLOUT, openedRevision: 5, candidateDigest: CANDIDATE, candidateAttempt: 1, stableDigest: STABLE },
    ...{
      edges: [244],
      baselineEdges: [],
      classes: [],
      histograms: [],
      groups: [],
      openedAtMs: Date.now(),
      intervalMs: 60_000,
    },
    rows: { candidate: rows, stable: rows },
  };
}

const deviceId = (n: number): string => `kiosk-${String(n).padStart(7, '0')}`;

export function labelsOf(n: number): Record<string, string> {
  return {
    region: ['eu-west', 'eu-east', 'us-west', 'us-east'][n % 4] ?? '',
    hw: `rev${n % 3}`,
    site: `site-${n % 500}`,
  };
}

/** Enrols devices in the store itself, as the enrolment desk does. */
export async function enrolDevices(store: FleetStore, count: number): Promise<EnrolledDevice[]> {
  const nowMs = Date.now();
  const [token = ''] = await store.createEnrolmentTokens({ expiresAtMs: nowMs + DAY_MS, uses: Math.max(1, count) });
  const pairs = Array.from({ length: Math.min(count, MOST_KEYS) }, () => generateKeyPair());
  const devices: EnrolledDevice[] = [];
  for (let n = 0; n < count; n++) {
    const pair = pairs[n % pairs.length];
    if (pair === undefined) throw new Error('no key');
    const device = deviceId(n);
    const answer = await store.enrol({ token, device, publicKey: pair.publicPem, labels: labelsOf(n), nowMs });
    if (answer.kind !== 'enrolled') throw new Error(answer.reason);
    devices.push({ id: device, epoch: answer.epoch, privatePem: pair.privatePem });
  }
  return devices;
}

/** Opens the window for devices that are enrolled; each may be in either arm, as under a revision and its emergency rollback. */
export async function openForAll(store: FleetStore, spec: WindowSpec, nowMs: number): Promise<void> {
  const { rollout, openedRevision, candidateDigest, candidateAttempt, stableDigest } = spec;
  const version = { version: '1', parameters: {} };
  const entry = {
    ...{
      rollout,
      revision: openedRevision,
      model: 'invoice-ocr',
      target: '*',
      stage: 'canary',
      salt: 's',
      spreadMs: 0,
    },
    cohort: { cut: BUCKETS, select: null, devices: [] },
    candidate: candidateDigest && { ...version, digest: candidateDigest, attempt: candidateAttempt },
    stable: stableDigest && { ...version, digest: stableDigest, target: '*' },
  };
  await store.keepEntries([false, true].map((emergency) => ({ ...entry, emergency })));
  await store.openWindow(spec, nowMs);
}

/** Sketch buckets, confidences and classes as a minute on a kiosk leaves them. */
function intervalOf(n: number): ModelInterval {
  const isCandidate = n % 4 === 0;
  const buckets = Array.from({ length: 12 }, (_, i): [number, number] => [200 + i * 3 + (n % 3), 5]);
  return {
    ...{ model: 'invoice-ocr', rollout: ROLLOUT, revision: 5, arm: isCandidate ? 'candidate' : 'stable' },
    ...{ digest: isCandidate ? CANDIDATE : STABLE, version: isCandidate ? '2.0.0' : '1.0.0' },
    ...{ inferences: 61, errors: { runtime: 1 }, unknown: 2, latencyMs: { zero: 0, buckets } },
    confidence: [...new Array<number>(17).fill(0), 10, 20, 30],
    classes: { invoice: 30, receipt: 20, letter: 8, form: 2 },
  };
}

export function reportOf(device: EnrolledDevice, n: number, sequence: number): DeviceReport {
  const { arm, digest, version } = intervalOf(n);
  return {
    ...{ kind: 'DeviceReport', device: device.id, epoch: device.epoch, sequence, bootId: `boot-${n}` },
    ...{ startedAt: '2026-11-20T10:00:00Z', durationMs: 60_000, uptimeMs: 60_000 * sequence, labels: labelsOf(n) },
    properties: { platform: 'linux/amd64', agent: '0.1.0', firmware: '3.1' },
    intervals: [intervalOf(n)],
    states: [
      {
        ...{ model: 'invoice-ocr', rollout: ROLLOUT, revision: 5, state: 'committed', subject: null },
        running: { digest, version, slot: arm === 'candidate' ? 'B' : 'A' },
      },
    ],
    outcomes: [],
  };
}

export interface LoadOrder {
  readonly devices: readonly EnrolledDevice[];
  readonly requests: number;
  readonly batch: number;
  /** The first sequence number that was not used before. */
  readonly fromSequence: number;
}

/** Bodies of `POST /v1/reports`, signed; devices take turns. */
export function signBodies({ devices, requests, batch, fromSequence }: LoadOrder): string[] {
  const keys = new Map(devices.map(({ privatePem }) => [privatePem, createPrivateKey(privatePem)]));
  const bodies: string[] = [];
  for (let i = 0; i < requests; i++) {
    const n = i % devices.length;
    const device = devices[n];
    const key = keys.get(device?.privatePem ?? '');
    if (device === undefined || key === undefined) throw new Error('no device');
    const first = fromSequence + Math.floor(i / devices.length) * batch;
    const envelopes = Array.from({ length: batch }, (_, k) =>
      signDsse(REPORT_PAYLOAD_TYPE, Buffer.from(JSON.stringify(reportOf(device, n, first + k))), {
        keyid: device.id,
        key,
      }),
    );
    bodies.push(JSON.stringify(envelopes));
  }
  return bodies;
}
