// Owns reports, window specs and stores for the tests of this room.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { SystemClock } from '../../src/base/clock.ts';
import { type Digest, digestOf } from '../../src/contract/digest.ts';
import type { DirectiveEntry } from '../../src/contract/directive.ts';
import { BUCKETS, type Cohort } from '../../src/contract/membership.ts';
import type { DeviceReport, ModelInterval } from '../../src/contract/report.ts';
import type { FleetStore } from '../../src/store/fleet-store.ts';
import { openSqliteFleetStore } from '../../src/store/sqlite/open-sqlite-fleet-store.ts';
import type { WindowSpec } from '../../src/telemetry/window.ts';

export const CANDIDATE: Digest = digestOf('candidate');
export const STABLE: Digest = digestOf('stable');
export const NOW = Date.parse('2026-11-20T10:00:00Z');

export function spec(over: Partial<WindowSpec> = {}): WindowSpec {
  return {
    rollout: 'invoice-ocr-eu',
    openedRevision: 5,
    candidateDigest: CANDIDATE,
    candidateAttempt: 1,
    stableDigest: STABLE,
    edges: [244],
    baselineEdges: [],
    classes: [],
    histograms: [],
    groups: [],
    openedAtMs: NOW,
    intervalMs: 60_000,
    rows: { candidate: 'device', stable: 'device' },
    ...over,
  };
}

export function interval(over: Partial<ModelInterval> = {}): ModelInterval {
  return {
    model: 'invoice-ocr',
    rollout: 'invoice-ocr-eu',
    revision: 5,
    arm: 'candidate',
    digest: CANDIDATE,
    version: '2.0.0',
    inferences: 10,
    errors: { runtime: 1 },
    unknown: 2,
    latencyMs: {
      zero: 0,
      buckets: [
        [100, 4],
        [260, 5],
      ],
    },
    confidence: [...new Array<number>(19).fill(0), 9],
    classes: { invoice: 9 },
    ...over,
  };
}

export function report(over: Partial<DeviceReport> = {}): DeviceReport {
  return {
    kind: 'DeviceReport',
    device: 'd1',
    epoch: 1,
    sequence: 1,
    bootId: 'boot-1',
    startedAt: '2026-11-20T10:00:00Z',
    durationMs: 60_000,
    uptimeMs: 60_000,
    labels: LABELS,
    properties: { platform: 'linux/amd64' },
    intervals: [interval()],
    states: [
      {
        model: 'invoice-ocr',
        rollout: 'invoice-ocr-eu',
        revision: 5,
        running: { digest: CANDIDATE, version: '2.0.0', slot: 'B' },
        state: 'committed',
        subject: null,
      },
    ],
    outcomes: [],
    ...over,
  };
}

export interface Folder extends Disposable {
  readonly path: string;
  readonly file: string;
}

export function folder(): Folder {
  const made = mkdtempSync(path.join(tmpdir(), 'slipway-store-'));
  return {
    path: made,
    file: path.join(made, 'fleet.db'),
    [Symbol.dispose]: () => rmSync(made, { recursive: true, force: true }),
  };
}

export function openStore(file: string, over: { readonly heartbeatMs?: number } = {}): FleetStore {
  return openSqliteFleetStore({ file, clock: new SystemClock(), ...over });
}

const ALL: Cohort = { cut: BUCKETS, select: null, devices: [] };
const REVISIONS_AFTER = 4;

/** Entries under which every device may be in either arm: the candidate is for all, and was taken back by an emergency rollback. */
export function eitherArm(spec: WindowSpec, target = '*'): DirectiveEntry[] {
  const { rollout, openedRevision, candidateDigest, candidateAttempt, stableDigest } = spec;
  const version = { version: '1', parameters: {} };
  const entry = {
    ...{ rollout, model: 'invoice-ocr', target, stage: 'canary', cohort: ALL, salt: 's', spreadMs: 0 },
    candidate: candidateDigest && { ...version, digest: candidateDigest, attempt: candidateAttempt },
    stable: stableDigest && { ...version, digest: stableDigest, target },
  };
  return Array.from({ length: REVISIONS_AFTER }, (_, i) => openedRevision + i).flatMap((revision) =>
    [false, true].map((emergency) => ({ ...entry, revision, emergency })),
  );
}

/** Opens a window as the reconciler does: what its devices are told is known before. */
export async function openPublished(store: FleetStore, spec: WindowSpec, nowMs = NOW): Promise<void> {
  await store.keepEntries(eitherArm(spec));
  await store.openWindow(spec, nowMs);
}

export const LABELS = { region: 'eu-west' };

/** Enrols the device and gives its epoch. */
export async function enrolled(
  store: FleetStore,
  device: string,
  publicKey = 'key',
  labels: Readonly<Record<string, string>> = LABELS,
): Promise<number> {
  const [token = ''] = await store.createEnrolmentTokens({ expiresAtMs: NOW + 1000 });
  const answer = await store.enrol({ token, device, publicKey, labels, nowMs: NOW });
  if (answer.kind !== 'enrolled') throw new Error(answer.reason);
  return answer.epoch;
}
