// Owns windows and listening time in memory: reports are folded into the sums that readers see.

import type { WindowSpec } from '../../telemetry/window.ts';
import { applyFold, emptyWindowTallies } from '../../telemetry/window-tallies.ts';
import { listenedAfter } from '../listening.ts';
import {
  MOST_LATE_REPORTS,
  type Opened,
  openedAfter,
  type PlacedReport,
  placeReport,
  type Received,
} from '../place-report.ts';
import { WINDOW_KEPT_MS } from '../retention.ts';
import {
  type AsideName,
  type LateReport,
  type Listening,
  MOST_CLOSED_WINDOWS,
  type WindowReading,
  type WindowStore,
} from '../window-store.ts';

export type PlacedInMemory = PlacedReport<MemoryWindow>;

class MemoryWindow {
  readonly spec: WindowSpec;
  readonly tallies: WindowReading['tallies'];
  closedAtMs: number | null = null;
  listenedMs = 0;
  readyMs = 0;
  isReady = false;
  lateCount = 0;
  /** The newest first. */
  readonly late: LateReport[] = [];
  readonly openedChange: number;
  readonly attemptChange: number;

  constructor(spec: WindowSpec, { openedChange, attemptChange }: Opened) {
    this.spec = spec;
    this.openedChange = openedChange;
    this.attemptChange = attemptChange;
    this.tallies = emptyWindowTallies(spec);
  }

  get isOpen(): boolean {
    return this.closedAtMs === null;
  }

  get openedAtMs(): number {
    return Math.floor(this.spec.openedAtMs);
  }

  close(nowMs: number): void {
    this.closedAtMs ??= Math.floor(nowMs);
  }

  listen(addedMs: number): void {
    this.listenedMs += addedMs;
    if (this.isReady) this.readyMs += addedMs;
  }

  keepLate(report: LateReport): void {
    this.lateCount++;
    this.late.unshift(report);
    this.late.splice(MOST_LATE_REPORTS);
  }

  read(): WindowReading {
    const { spec, tallies, openedAtMs, openedChange, attemptChange, closedAtMs, listenedMs, readyMs } = this;
    const late = { count: this.lateCount, last: [...this.late] };
    return { spec, tallies, openedAtMs, openedChange, attemptChange, closedAtMs, listenedMs, readyMs, late };
  }
}

/** The role, and what the intake needs: where a report will be counted is found before anything is changed. */
export interface MemoryWindows {
  readonly role: WindowStore;
  place(received: Received): PlacedInMemory;
  count(placed: PlacedInMemory): void;
  listening(): Listening;
}

const NO_WINDOWS: readonly MemoryWindow[] = [];

export function windowsInMemory(heartbeatMs: number, changes: { readonly count: number }): MemoryWindows {
  /** By rollout, newest first. */
  const windows = new Map<string, MemoryWindow[]>();
  const aside = new Map<string, MemoryWindow>();
  let listening: Listening = { listenedMs: 0, heartbeatAtMs: null };
  const windowsOf = (rollout: string): readonly MemoryWindow[] => windows.get(rollout) ?? NO_WINDOWS;
  const openOf = (rollout: string) => windowsOf(rollout).find((window) => window.isOpen);

  const role: WindowStore = {
    openWindow: async (spec, nowMs, isUnderWay = false) => {
      const [newest, ...older] = windowsOf(spec.rollout);
      // The rollout was gone for a while and came back as it was: its measurements go on.
      if (newest?.spec.openedRevision === spec.openedRevision) newest.closedAtMs = null;
      // Known already, or asked for by a leader that was overtaken.
      if (newest !== undefined && newest.spec.openedRevision >= spec.openedRevision) return;
      newest?.close(nowMs);
      const opened = openedAfter(newest, spec, { change: changes.count, isUnderWay });
      const closed = newest === undefined ? [] : [newest, ...older];
      windows.set(spec.rollout, [new MemoryWindow(spec, opened), ...closed.slice(0, MOST_CLOSED_WINDOWS)]);
    },

    closeWindow: async (rollout, nowMs) => openOf(rollout)?.close(nowMs),

    forgetWindows: async (present, nowMs) => {
      const isOld = ({ spec, closedAtMs }: MemoryWindow): boolean =>
        closedAtMs !== null && closedAtMs < Math.floor(nowMs) - WINDOW_KEPT_MS && !present.has(spec.rollout);
      let count = 0;
      for (const [rollout, list] of windows) {
        windows.set(
          rollout,
          list.filter((window) => !isOld(window)),
        );
        count += list.filter(isOld).length;
      }
      const old = [...aside].filter(([, window]) => isOld(window));
      for (const [key] of old) aside.delete(key);
      return count + old.length;
    },

    setAside: async ({ spec, as, nowMs }) => {
      const open = openOf(spec.rollout);
      if (open?.spec.openedRevision !== spec.openedRevision) return;
      if (open.openedAtMs >= Math.floor(spec.openedAtMs)) return;
      open.close(nowMs);
      aside.set(asideKey(spec.rollout, as), open);
      const others = windowsOf(spec.rollout).filter((window) => window !== open);
      windows.set(spec.rollout, [
        new MemoryWindow(spec, openedAfter(undefined, spec, { change: changes.count, isUnderWay: false })),
        ...others,
      ]);
    },

    readWindow: async (rollout, openedRevision) =>
      windowsOf(rollout)
        .find(({ spec }) => spec.openedRevision === openedRevision)
        ?.read(),

    readAside: async (rollout, as) => aside.get(asideKey(rollout, as))?.read(),

    markReady: async (rollout, ready) => {
      const open = openOf(rollout);
      if (open !== undefined) open.isReady = ready;
    },

    recordListening: async (nowMs) => {
      const after = listenedAfter(listening, nowMs, heartbeatMs);
      const addedMs = after.listenedMs - listening.listenedMs;
      listening = after;
      for (const rollout of windows.keys()) openOf(rollout)?.listen(addedMs);
      return after;
    },

    readListening: async () => listening,
  };

  return {
    role,
    place: (received) => placeReport(received, windowsOf),
    count: ({ counted, late }) => {
      for (const { window, folded } of counted) applyFold(window.tallies, folded);
      for (const { window, report } of late) window.keepLate(report);
    },
    listening: () => listening,
  };
}

function asideKey(rollout: string, as: AsideName): string {
  return JSON.stringify([rollout, as]);
}
