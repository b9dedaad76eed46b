// Owns the service's memory in virtual time: devices, windows and listening time, kept by the functions that the real stores use.
import type { JsonValue } from '../contract/digest.ts';
import type { StoredAnswer } from '../contract/fleet-messages.ts';
import type { DeviceReport } from '../contract/report.ts';
import type { DeviceFacts } from '../contract/selector.ts';
import type { WindowReadings } from '../measurement/window-measurement.ts';
import type { PreparedStore } from '../reconcile/prepare-windows.ts';
import type { KnownDevice } from '../rollout/count-cohort.ts';
import { type Outcomes, rememberOutcomes, rememberTaken, type Taken } from '../store/device-memory.ts';
import { admitSequence, NO_SEQUENCES, type SequencesSeen } from '../store/report-sequence.ts';
import type { WindowReading } from '../store/window-store.ts';
import { foldReport } from '../telemetry/fold-report.ts';
import type { WindowSpec } from '../telemetry/window.ts';
import { applyFold, emptyWindowTallies, type WindowTallies } from '../telemetry/window-tallies.ts';

/** Changed in place: a day of a fleet has millions of reports. */
interface Device extends KnownDevice {
  labels: KnownDevice['labels'];
  properties: KnownDevice['properties'];
  lastSeenListenedMs: number;
  models: KnownDevice['models'];
  seen: SequencesSeen;
  outcomes: Outcomes;
  tookCandidate: Taken;
}

interface Window {
  readonly spec: WindowSpec;
  readonly tallies: WindowTallies;
  readonly openedAtMs: number;
  closedAtMs: number | null;
  listenedMs: number;
  readyMs: number;
  isReady: boolean;
}

/** A store that is always listening. The order of reports and their repetition are treated as the real stores do. */
export class VirtualStore implements WindowReadings, PreparedStore {
  readonly #devices = new Map<string, Device>();
  readonly #all: readonly Device[];
  /** By rollout, oldest first; the last may be open. */
  readonly #windows = new Map<string, Window[]>();
  readonly #holdings = new Map<string, JsonValue>();
  readonly #startMs: number;
  #heardUntilMs: number;

  constructor(devices: readonly DeviceFacts[], startMs: number) {
    this.#startMs = startMs;
    this.#heardUntilMs = startMs;
    for (const facts of devices) {
      const nothing = { models: new Map(), outcomes: new Map(), tookCandidate: new Map() };
      this.#devices.set(facts.id, { ...facts, ...nothing, lastSeenListenedMs: 0, seen: NO_SEQUENCES });
    }
    this.#all = [...this.#devices.values()];
  }

  get listenedMs(): number {
    return this.#heardUntilMs - this.#startMs;
  }

  devices(): readonly KnownDevice[] {
    return this.#all;
  }

  /** Records that the store was listening until now. */
  recordListening(nowMs: number): void {
    const addedMs = nowMs - this.#heardUntilMs;
    this.#heardUntilMs = nowMs;
    for (const windows of this.#windows.values()) {
      const open = windows.at(-1);
      if (open === undefined || open.closedAtMs !== null) continue;
      open.listenedMs += addedMs;
      if (open.isReady) open.readyMs += addedMs;
    }
  }

  /** Counts a report once. */
  ingest(report: DeviceReport, receivedAtMs: number): StoredAnswer {
    const device = this.#devices.get(report.device);
    if (device === undefined) return 'unknown-device';
    const admission = admitSequence(device.seen, report.sequence);
    if (admission.kind !== 'new') return admission.kind;
    device.seen = admission.seen;
    if (report.sequence === device.seen.newest) {
      device.labels = report.labels;
      device.properties = report.properties;
      device.models = modelsOf(device, report);
    }
    device.lastSeenListenedMs = Math.max(device.lastSeenListenedMs, receivedAtMs - this.#startMs);
    device.outcomes = rememberOutcomes(device.outcomes, report, receivedAtMs);
    device.tookCandidate = rememberTaken(device.tookCandidate, report, receivedAtMs);
    this.#fold(report, receivedAtMs);
    return 'accepted';
  }

  #fold(report: DeviceReport, receivedAtMs: number): void {
    for (const windows of this.#windows.values()) {
      const open = windows.at(-1);
      if (open === undefined || open.closedAtMs !== null) continue;
      for (const folded of foldReport(open.spec, report, receivedAtMs)) applyFold(open.tallies, folded);
    }
  }

  async openWindow(spec: WindowSpec, nowMs: number): Promise<void> {
    const windows = this.#windows.get(spec.rollout) ?? [];
    const last = windows.at(-1);
    if (last !== undefined && last.spec.openedRevision >= spec.openedRevision) return;
    if (last !== undefined) last.closedAtMs ??= nowMs;
    const opened = { openedAtMs: spec.openedAtMs, closedAtMs: null, listenedMs: 0, readyMs: 0, isReady: false };
    windows.push({ spec, tallies: emptyWindowTallies(spec), ...opened });
    this.#windows.set(spec.rollout, windows);
  }

  async closeWindow(rollout: string, nowMs: number): Promise<void> {
    const last = this.#windows.get(rollout)?.at(-1);
    if (last !== undefined) last.closedAtMs ??= nowMs;
  }

  async readWindow(rollout: string, openedRevision: number): Promise<WindowReading | undefined> {
    const window = this.#windows.get(rollout)?.find((one) => one.spec.openedRevision === openedRevision);
    return window === undefined ? undefined : { ...window, late: { count: 0, last: [] } };
  }

  /** Rehearsals end before a rest begins anew. */
  async readAside(): Promise<undefined> {
    return undefined;
  }

  async markReady(rollout: string, ready: boolean): Promise<void> {
    const open = this.#windows.get(rollout)?.at(-1);
    if (open !== undefined && open.closedAtMs === null) open.isReady = ready;
  }

  async putValue(name: string, value: JsonValue): Promise<void> {
    this.#holdings.set(name, value);
  }

  async readValue(name: string): Promise<JsonValue | undefined> {
    return this.#holdings.get(name);
  }
}

/** The same map for as long as the device says the same. */
function modelsOf(device: Device, { states }: DeviceReport): Device['models'] {
  const isSame = states.length === device.models.size && states.every((one) => device.models.get(one.model) === one);
  return isSame ? device.models : new Map(states.map((state) => [state.model, state]));
}
