// Owns devices in memory: their enrolment, and reports that are each counted once, in the device's record and its windows' sums alike.

import { toCodedError } from '../../base/errors.ts';
import { isSameLabels, type Labels } from '../../contract/bound-labels.ts';
import { sha256Hex } from '../../contract/digest.ts';
import type { EnrolmentAnswer, StoredAnswer, VerifiedReport } from '../../contract/fleet-messages.ts';
import type { Readmission } from '../../contract/readmission.ts';
import type { DeviceReport } from '../../contract/report.ts';
import { admitReport, type Heard, type Outcomes, outcomesOfNewEpoch, rememberReport } from '../device-memory.ts';
import type { DeviceRecord, DeviceRegister, EnrolmentOrder } from '../device-register.ts';
import { judgeEnrolment, type KnownToken, makeTokens, mayReadmit } from '../enrolment.ts';
import { GroupCommit } from '../group-commit.ts';
import type { EntryBook } from '../published-entries.ts';
import { addToRecent, appendStep, type RecentStep, recentStepOf } from '../recent-reports.ts';
import { NO_SEQUENCES, type SequencesSeen } from '../report-sequence.ts';
import { DEVICE_KEPT_LISTENED_MS, TOKEN_KEPT_MS } from '../retention.ts';
import { type ExposureChange, exposureChange } from '../shown-versions.ts';
import { labelsAfter, type Vetted, vetReport } from '../vet-report.ts';
import type { MemoryExposure } from './exposure.ts';
import type { MemoryWindows, PlacedInMemory } from './window-store.ts';

interface Device extends DeviceRecord {
  readonly seen: SequencesSeen;
  readonly outcomes: Outcomes;
  /** The part of `bound` that came by its token. */
  readonly tokenLabels: Labels;
  readonly recent: RecentStep;
}

/** What is kept of devices beside their records. */
export interface Besides {
  readonly exposure: MemoryExposure;
  /** By device: points of its recent past. */
  readonly recent: Map<string, Uint8Array>;
}

export interface MemoryRegister {
  readonly role: DeviceRegister;
  /** The step that is under way; undefined when the device is not enrolled. */
  recentStep(device: string): RecentStep | undefined;
  /** Called with each device that enrols. */
  onEnrolled(call: (device: string, atMs: number) => void): void;
}

/** Numbers what changes, as the transactions of a database. */
export interface Changes {
  count: number;
}

interface Token {
  known: KnownToken;
  /** By device: the epoch that this token gave it. */
  readonly epochs: Map<string, number>;
}

export function deviceRegisterInMemory(
  windows: MemoryWindows,
  published: EntryBook,
  { changes, reportMs, exposure, recent }: Besides & { readonly changes: Changes; readonly reportMs: number },
): MemoryRegister {
  const devices = new Map<string, Device>();
  const tokens = new Map<string, Token>();
  let documented: ReadonlyMap<string, Labels> = new Map();
  let enrolled: (device: string, atMs: number) => void = () => {};

  /** What may throw comes first: a group is counted fully or not at all. */
  const commit = (reports: readonly VerifiedReport[]): readonly StoredAnswer[] => {
    const changed = new Map<string, Device>();
    const placed: PlacedInMemory[] = [];
    const shown: ExposureChange[] = [];
    const steps: { readonly device: string; readonly step: RecentStep }[] = [];
    const { listenedMs } = windows.listening();
    const answers = reports.map((one): StoredAnswer => {
      const { report, receivedAtMs } = one;
      const before = changed.get(report.device) ?? devices.get(report.device);
      const admitted = admitReport(before, report);
      if (admitted.kind !== 'new') return admitted.kind;
      if (before === undefined) return 'unknown-device';
      // What a report says of *now* counts only when no later one was heard before.
      const isNewest = report.sequence === admitted.seen.newest;
      const vetted = vetReport(before, { report, isNewest, change: changes.count + 1 }, published);
      const heard = { report: vetted.report, receivedAtMs, listenedMs, reportMs, seen: admitted.seen };
      const { step, ended } = addToRecent(before.recent, recentStepOf(report, receivedAtMs));
      if (ended !== null) steps.push({ device: report.device, step: ended });
      const exposed = exposureChange(before, { ...one, isNewest }, published);
      if (exposed !== null) shown.push(exposed);
      changed.set(report.device, { ...deviceAfter(before, heard, { ...vetted, isNewest }), recent: step });
      placed.push(windows.place({ report: vetted.report, receivedAtMs, device: { ...before, ...vetted.labelFacts } }));
      return 'accepted';
    });
    for (const one of placed) windows.count(one);
    for (const one of shown) exposure.write(one);
    for (const { device, step } of steps) recent.set(device, appendStep(recent.get(device) ?? new Uint8Array(0), step));
    for (const [id, device] of changed) devices.set(id, device);
    if (changed.size > 0) changes.count++;
    return answers;
  };
  const intake = new GroupCommit<VerifiedReport, StoredAnswer>({
    commit: async (reports) => {
      try {
        return commit(reports);
      } catch (thrown) {
        throw toCodedError(thrown, 'STORE_FAILED');
      }
    },
  });

  const enrol = (request: EnrolmentOrder): EnrolmentAnswer => {
    const { device: id } = request;
    const token = tokens.get(sha256Hex(request.token));
    const known = devices.get(id);
    const facts = { token: token?.known, usedEpoch: token?.epochs.get(id), known };
    const { answer, isNew } = judgeEnrolment(request, facts);
    if (token === undefined || answer.kind === 'refused' || !isNew) return answer;
    token.known = { ...token.known, usesLeft: token.known.usesLeft - 1 };
    token.epochs.set(id, answer.epoch);
    takeIn({ ...request, epoch: answer.epoch }, token.known.labels);
    return answer;
  };

  const readmit = (order: Readmission): void => {
    const known = devices.get(order.device);
    if (mayReadmit(known, order)) takeIn(order, known?.tokenLabels ?? {});
  };

  /** The device under its new epoch. */
  const takeIn = (order: Readmission, tokenLabels: Labels): void => {
    const { device: id, publicKey, epoch, labels: stated, nowMs } = order;
    const known = devices.get(id);
    const change = ++changes.count;
    const bound = { ...tokenLabels, ...documented.get(id) };
    const labels = { ...stated, ...bound };
    devices.set(id, {
      ...{ properties: {}, models: new Map(), tookCandidate: new Map(), heard: new Map() },
      ...{ silences: [], answers: new Map(), claim: null, recent: [] },
      ...known,
      ...{ id, epoch, publicKey, bound, tokenLabels },
      ...(known === undefined
        ? { labels, stated: labels, relabelled: 0 }
        : labelsAfter({ ...known, bound }, labels, published, change)),
      joined: known?.joined ?? change,
      lastSeenAtMs: Math.floor(nowMs),
      lastSeenListenedMs: windows.listening().listenedMs,
      seen: NO_SEQUENCES,
      newestSequence: 0,
      outcomes: outcomesOfNewEpoch(known?.outcomes ?? new Map()),
    });
    enrolled(id, Math.floor(nowMs));
  };

  const bindLabels = (labels: ReadonlyMap<string, Labels>): void => {
    const before = documented;
    documented = new Map(labels);
    const ids = new Set([...before.keys(), ...labels.keys()]);
    const changed = [...ids].filter((id) => !isSameLabels(before.get(id) ?? {}, labels.get(id) ?? {}));
    if (changed.length === 0) return;
    const change = ++changes.count;
    for (const id of changed) {
      const device = devices.get(id);
      if (device === undefined) continue;
      const bound = { ...device.tokenLabels, ...labels.get(id) };
      const after = labelsAfter({ ...device, bound }, device.stated, published, change);
      devices.set(id, { ...device, bound, ...after });
    }
  };

  const role: DeviceRegister = {
    createEnrolmentTokens: async (order) => {
      const made = makeTokens(order);
      for (const token of made.tokens) tokens.set(sha256Hex(token), { known: made.known, epochs: new Map() });
      return made.tokens;
    },
    enrol: async (request) => enrol(request),
    readmit: async (order) => readmit(order),
    bindLabels: async (labels) => bindLabels(labels),
    findDevice: async (id) => devices.get(id),
    ingest: (batch) => intake.submit(batch),
    noteTurnedAway: async (ids) => {
      const { listenedMs: lastSeenListenedMs } = windows.listening();
      for (const id of ids) {
        const device = devices.get(id);
        if (device !== undefined) devices.set(id, { ...device, lastSeenListenedMs });
      }
      changes.count++;
    },
    forgetOld: async (nowMs) => {
      const heardMs = windows.listening().listenedMs - DEVICE_KEPT_LISTENED_MS;
      const gone = [...devices.values()].filter((device) => device.lastSeenListenedMs < heardMs);
      for (const { id, lastSeenAtMs } of gone) {
        devices.delete(id);
        recent.delete(id);
        exposure.end(id, lastSeenAtMs);
      }
      const old = [...tokens].filter(([, { known }]) => known.expiresAtMs < nowMs - TOKEN_KEPT_MS);
      for (const [hash] of old) tokens.delete(hash);
      changes.count++;
      return { devices: gone.length, tokens: old.length };
    },
    readFleet: async () => ({ version: changes.count, devices }),
  };
  return {
    role,
    recentStep: (id) => devices.get(id)?.recent,
    onEnrolled: (call) => {
      enrolled = call;
    },
  };
}

function deviceAfter(
  before: Device,
  heard: Heard,
  { claim, labelFacts, isNewest }: Vetted & { readonly isNewest: boolean },
): Device {
  const { report, seen } = heard;
  return {
    ...before,
    ...rememberReport(before, heard),
    ...{ labels: labelFacts.labels, stated: labelFacts.stated, relabelled: labelFacts.relabelled },
    properties: isNewest ? report.properties : before.properties,
    models: isNewest ? modelsAfter(before.models, report) : before.models,
    newestSequence: seen.newest,
    claim: isNewest ? claim : before.claim,
  };
}

/** The same map for as long as the device says the same. */
function modelsAfter(before: Device['models'], { states }: DeviceReport): Device['models'] {
  const isSame = states.length === before.size && states.every((one) => before.get(one.model) === one);
  return isSame ? before : new Map(states.map((state) => [state.model, state]));
}
