// Owns the fleet store in memory, for simulations and tests: what it promises is what every store promises, except that it ends with the process.
import { DEFAULT_REPORT_MS } from '../device-memory.ts';
import type { FleetStore } from '../fleet-store.ts';
import { EntryBook } from '../published-entries.ts';
import { apiTokensInMemory } from './api-tokens.ts';
import { browserSessionsInMemory } from './browser-sessions.ts';
import { deviceRegisterInMemory } from './device-register.ts';
import { exposureInMemory } from './exposure.ts';
import { leasesInMemory } from './leases.ts';
import { noticeQueueInMemory } from './notice-queue.ts';
import { plainRegisterInMemory } from './plain-register.ts';
import { reconcilerStateInMemory } from './reconciler-state.ts';
import { timeSeriesInMemory } from './time-series.ts';
import { windowsInMemory } from './window-store.ts';

export interface MemoryFleetStoreOptions {
  /** How often `recordListening` is called; 2 s unless given. */
  readonly heartbeatMs?: number;
  /** How often devices report; a minute unless given. */
  readonly reportMs?: number;
}

/** Closing changes nothing: callers of one process that stand for several processes share the store. */
export function openMemoryFleetStore(options: MemoryFleetStoreOptions = {}): FleetStore {
  const { heartbeatMs = 2_000, reportMs = DEFAULT_REPORT_MS } = options;
  const changes = { count: 0 };
  const windows = windowsInMemory(heartbeatMs, changes);
  const entries = new EntryBook();
  const leases = leasesInMemory();
  const exposure = exposureInMemory();
  const recent = new Map<string, Uint8Array>();
  const register = deviceRegisterInMemory(windows, entries, { changes, reportMs, exposure, recent });
  const plain = plainRegisterInMemory({ register, windows, exposure, recent });
  const close = async (): Promise<void> => {};
  return {
    ...register.role,
    ...plain,
    ...exposure.role,
    keepEntries: async (published) => {
      for (const entry of published) entries.put(entry);
    },
    ...windows.role,
    ...leases.role,
    ...noticeQueueInMemory(leases),
    ...reconcilerStateInMemory(leases),
    ...apiTokensInMemory(),
    ...browserSessionsInMemory(),
    ...timeSeriesInMemory(),
    probe: async () => {},
    shrink: async () => {},
    close,
    [Symbol.asyncDispose]: close,
  };
}
