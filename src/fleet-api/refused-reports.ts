// Owns the note of devices whose reports are refused: by reason, in bounded memory, for as long as it goes on.
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';

/** Devices whose reports are refused now. */
export interface RefusedDevices {
  readonly count: number;
  /** The first few; `why` is the reason in the answers to their reports. */
  readonly first: readonly { readonly device: string; readonly why: string }[];
}

/** Devices remembered for one reason. Strangers make up ids, so more say nothing more. */
const MOST_DEVICES = 1_000;
const MOST_FIRST = 20;
/** What was not seen for so long is over. */
const FORGET_MS = 15 * 60_000;

export class RefusedReports {
  readonly #clock: Clock;
  readonly #logger: Logger;
  /** By reason and device: when it was seen last, on the monotonic clock; the last at the end. */
  readonly #seen = new Map<string, Map<string, number>>();

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock;
    this.#logger = logger;
  }

  /** Logged once, until it is over. Ids that nobody enrolled are a stranger's to choose: of them only the first is logged. */
  note(device: string, why: string): void {
    this.#forget();
    const devices = this.#seen.get(why) ?? new Map<string, number>();
    const isNew = why === 'unknown-device' ? devices.size === 0 : !devices.has(device);
    if (!devices.has(device) && devices.size >= MOST_DEVICES) return;
    devices.delete(device);
    devices.set(device, this.#clock.monotonicMs());
    this.#seen.set(why, devices);
    if (isNew) this.#logger.warn('the reports of a device are refused', { device, why });
  }

  /** A report of the device counted. A wrong signature may be someone else's under its name, so that stays noted. */
  accepted(device: string): void {
    for (const [why, devices] of this.#seen) if (why !== 'bad-signature') devices.delete(device);
  }

  current(): RefusedDevices {
    this.#forget();
    // Strangers make up ids: they hide no device of this fleet.
    const reasons = [...this.#seen].sort(([a], [b]) => Number(a === 'unknown-device') - Number(b === 'unknown-device'));
    const all = reasons.flatMap(([why, devices]) => [...devices.keys()].map((device) => ({ device, why })));
    return { count: new Set(all.map(({ device }) => device)).size, first: all.slice(0, MOST_FIRST) };
  }

  /** Of one device; undefined where its reports are taken. */
  whyOf(device: string): string | undefined {
    this.#forget();
    for (const [why, devices] of this.#seen) if (devices.has(device)) return why;
    return undefined;
  }

  #forget(): void {
    const beforeMs = this.#clock.monotonicMs() - FORGET_MS;
    for (const devices of this.#seen.values())
      for (const [device, lastMs] of devices) {
        if (lastMs >= beforeMs) break;
        devices.delete(device);
      }
  }
}
