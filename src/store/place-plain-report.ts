// Owns what a plain report changes in what is known of its device: each counts once, and the newest that the device states decides what it runs.
import {
  MOST_PLAIN_KEYS,
  MOST_PLAIN_MODELS,
  type PlainAnswer,
  type PlainDevice,
  type ReceivedPlainReport,
} from './plain-reports.ts';
import { addToRecent, type RecentStep, stepNumber } from './recent-reports.ts';
import type { ExposureChange, ShownVersion } from './shown-versions.ts';

export interface KnownPlain {
  readonly device: PlainDevice;
  /** Keys of its last reports, the oldest first. */
  readonly keys: readonly string[];
  readonly recent: RecentStep;
}

export type JudgedPlain =
  | { readonly kind: 'accepted'; readonly known: KnownPlain; readonly endedStep: RecentStep | null }
  | { readonly kind: Exclude<PlainAnswer, 'accepted'> };

/** A device's clock may be ahead, and its next report must count all the same: what it states never lies after now. */
function statedOf({ report, receivedAtMs }: ReceivedPlainReport): number {
  return Math.floor(Math.min(report.statedAtMs ?? receivedAtMs, receivedAtMs));
}

function isNewest(before: PlainDevice | undefined, received: ReceivedPlainReport): boolean {
  return statedOf(received) >= (before?.models.get(received.report.model)?.statedAtMs ?? 0);
}

export function judgePlainReport(
  before: KnownPlain | undefined,
  received: ReceivedPlainReport,
  listenedMs: number,
): JudgedPlain {
  const { report, receivedAtMs, token } = received;
  const { key, model, version, digest, device: id } = report;
  const { device, keys = [], recent = [] } = before ?? {};
  if (key !== null && keys.includes(key)) return { kind: 'duplicate' };
  if (device !== undefined && !device.models.has(model) && device.models.size >= MOST_PLAIN_MODELS)
    return { kind: 'too-many-models' };
  const atMs = Math.floor(receivedAtMs);
  const isNew = isNewest(device, received);
  const models = new Map(device?.models);
  if (isNew) models.set(model, { version, digest, statedAtMs: statedOf(received) });
  const { step, ended } = addToRecent(recent, plainStep(received));
  const known: KnownPlain = {
    device: {
      ...{ id, models, token, figures: isNew ? report.figures : (device?.figures ?? {}) },
      firstSeenAtMs: device?.firstSeenAtMs ?? atMs,
      lastSeenAtMs: Math.max(device?.lastSeenAtMs ?? 0, atMs),
      lastSeenListenedMs: Math.max(device?.lastSeenListenedMs ?? 0, listenedMs),
    },
    keys: key === null ? keys : [...keys, key].slice(-MOST_PLAIN_KEYS),
    recent: step,
  };
  return { kind: 'accepted', known, endedStep: ended };
}

function plainStep({ report, receivedAtMs }: ReceivedPlainReport): RecentStep {
  const { inferences, errors, figures } = report;
  const { inference_latency_ms: latency = null, cpu = null, memory = null, temperature = null } = figures;
  return [stepNumber(receivedAtMs), inferences, errors, 0, latency, cpu, memory, temperature, null];
}

/** The change of what the device ran; null where there is none. */
export function plainExposure(before: PlainDevice | undefined, received: ReceivedPlainReport): ExposureChange | null {
  const { report, receivedAtMs } = received;
  const { model, version, digest, device } = report;
  const known = before?.models.get(model);
  if (known?.version === version && known.digest === digest) return null;
  const one: ShownVersion = { model, version, digest, how: 'plain' };
  const atMs = Math.floor(receivedAtMs);
  const common = { device, atMs, heardMs: Math.min(atMs, before?.lastSeenAtMs ?? atMs) };
  if (!isNewest(before, received)) return { ...common, ended: [], began: [], passed: [one] };
  return { ...common, ended: known === undefined ? [] : [model], began: [one], passed: [] };
}
