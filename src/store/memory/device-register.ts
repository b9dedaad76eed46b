// Owns devices in memory: their enrolment, and reports that are each counted once, in the device's record and its windows' sums alike.

import { toCodedError } from '../../base/errors.ts';
import { sha256Hex } from '../../contract/digest.ts';
import type { EnrolmentAnswer, StoredAnswer, VerifiedReport } from '../../contract/fleet-messages.ts';
import type { DeviceReport } from '../../contract/report.ts';
import { admitReport, type Heard, type Outcomes, outcomesOfNewEpoch, rememberReport } from '../device-memory.ts';
import type { DeviceRecord, DeviceRegister, EnrolmentOrder } from '../device-register.ts';
import { judgeEnrolment, type KnownToken, makeTokens } from '../enrolment.ts';
import { GroupCommit } from '../group-commit.ts';
import { NO_SEQUENCES, type SequencesSeen } from '../report-sequence.ts';
import type { MemoryWindows, PlacedInMemory } from './window-store.ts';

interface Device extends DeviceRecord {
  readonly seen: SequencesSeen;
  readonly outcomes: Outcomes;
}

interface Token {
  known: KnownToken;
  /** By device: the epoch that this token gave it. */
  readonly epochs: Map<string, number>;
}

export function deviceRegisterInMemory(windows: MemoryWindows): DeviceRegister {
  const devices = new Map<string, Device>();
  const tokens = new Map<string, Token>();
  let version = 0;

  /** What may throw comes first: a group is counted fully or not at all. */
  const commit = (reports: readonly VerifiedReport[]): readonly StoredAnswer[] => {
    const changed = new Map<string, Device>();
    const placed: PlacedInMemory[] = [];
    const { listenedMs } = windows.listening();
    const answers = reports.map((one): StoredAnswer => {
      const { report, receivedAtMs } = one;
      const before = changed.get(report.device) ?? devices.get(report.device);
      const admitted = admitReport(before, report);
      if (admitted.kind !== 'new') return admitted.kind;
      if (before === undefined) return 'unknown-device';
      changed.set(report.device, deviceAfter(before, { report, receivedAtMs, listenedMs, seen: admitted.seen }));
      placed.push(windows.place(one));
      return 'accepted';
    });
    for (const one of placed) windows.count(one);
    for (const [id, device] of changed) devices.set(id, device);
    if (changed.size > 0) version++;
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
    const { device: id, publicKey, nowMs } = request;
    const token = tokens.get(sha256Hex(request.token));
    const known = devices.get(id);
    const facts = { token: token?.known, usedEpoch: token?.epochs.get(id), known };
    const { answer, isNew } = judgeEnrolment(request, facts);
    if (token === undefined || answer.kind === 'refused' || !isNew) return answer;
    token.known = { ...token.known, usesLeft: token.known.usesLeft - 1 };
    token.epochs.set(id, answer.epoch);
    devices.set(id, {
      ...{ properties: {}, models: new Map(), tookCandidate: new Map() },
      ...known,
      ...{ id, epoch: answer.epoch, publicKey, labels: answer.labels },
      lastSeenAtMs: Math.floor(nowMs),
      lastSeenListenedMs: windows.listening().listenedMs,
      seen: NO_SEQUENCES,
      outcomes: outcomesOfNewEpoch(known?.outcomes ?? new Map()),
    });
    version++;
    return answer;
  };

  return {
    createEnrolmentTokens: async (order) => {
      const made = makeTokens(order);
      for (const token of made.tokens) tokens.set(sha256Hex(token), { known: made.known, epochs: new Map() });
      return made.tokens;
    },
    enrol: async (request) => enrol(request),
    findDevice: async (id) => devices.get(id),
    ingest: (batch) => intake.submit(batch),
    readFleet: async () => ({ version, devices }),
  };
}

function deviceAfter(before: Device, heard: Heard): Device {
  const { report, seen } = heard;
  const { lastSeenAtMs, lastSeenListenedMs, outcomes, tookCandidate } = rememberReport(before, heard);
  // What a report says of *now* counts only when no later one was heard before.
  const isNewest = report.sequence === seen.newest;
  return {
    id: before.id,
    epoch: before.epoch,
    publicKey: before.publicKey,
    labels: isNewest ? report.labels : before.labels,
    properties: isNewest ? report.properties : before.properties,
    lastSeenAtMs,
    lastSeenListenedMs,
    models: isNewest ? modelsAfter(before.models, report) : before.models,
    outcomes,
    tookCandidate,
    seen,
  };
}

/** The same map for as long as the device says the same. */
function modelsAfter(before: Device['models'], { states }: DeviceReport): Device['models'] {
  const isSame = states.length === before.size && states.every((one) => before.get(one.model) === one);
  return isSame ? before : new Map(states.map((state) => [state.model, state]));
}
