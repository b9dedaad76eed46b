// Owns what a fleet store is as a whole: all that the service remembers of the fleet, whatever database is below.
import type { ApiTokens } from './api-tokens.ts';
import type { BrowserSessions } from './browser-sessions.ts';
import type { DeviceRegister, EntryKeeping } from './device-register.ts';
import type { ExposureLog } from './exposure.ts';
import type { Leases } from './leases.ts';
import type { NoticeQueue } from './notice-queue.ts';
import type { PlainRegister } from './plain-reports.ts';
import type { ReconcilerState } from './reconciler-state.ts';
import type { TimeSeries } from './time-series.ts';
import type { WindowStore } from './window-store.ts';

/**
 * The durable memory of the service. Callers take the role that they need; only whoever opens a store sees the whole.
 * Several processes may call every method on one store. A method that writes is one transaction: it counts fully or not at all.
 * Errors are `CodedError`s `STORE_…`: kind `retry-later` when the database is busy, full, damaged, unwritable or gone, `bug` otherwise.
 */
export interface FleetStore
  extends DeviceRegister,
    EntryKeeping,
    WindowStore,
    Leases,
    NoticeQueue,
    ReconcilerState,
    ApiTokens,
    BrowserSessions,
    ExposureLog,
    PlainRegister,
    TimeSeries,
    AsyncDisposable {
  /** Throws when the store can't commit a write now, or could not take reports a moment ago. */
  probe(): Promise<void>;
  /** Gives disk space back; call it now and then. */
  shrink(): Promise<void>;
  /** Commits the reports that wait, then closes. */
  close(): Promise<void>;
}
