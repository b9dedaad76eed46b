// Owns the device's gauges: periodic readings and those of applications, summed up until the next report.
import type { Clock } from '../../../src/base/clock.ts';
import {
  addToSummaries,
  GAUGES,
  gaugeBounds,
  MOST_GAUGES,
  type Summary,
  summaryOf,
} from '../../../src/contract/gauges.ts';

/** One reading of the device; gauges that it lacks are left out. */
export type TakeReadings = () => Promise<ReadonlyMap<string, number>>;

export class DeviceGauges {
  readonly #summaries = new Map<string, Summary>();
  /** Gauges that the agent reads on this device itself. */
  readonly #ownNames = new Set<string>();
  #newest: ReadonlyMap<string, number> = new Map();

  /** What the agent read last. */
  get newest(): ReadonlyMap<string, number> {
    return this.#newest;
  }

  /** False for a reading that can't be one, and when there is no room for another name: the agent's own always have theirs. */
  add(name: string, reading: number): boolean {
    const { least, most } = gaugeBounds(name);
    if (!(reading >= least && reading <= most)) return false;
    if (!this.#summaries.has(name) && !Object.hasOwn(GAUGES, name) && !this.#hasRoom()) return false;
    addToSummaries(this.#summaries, name, summaryOf(reading), MOST_GAUGES);
    return true;
  }

  /** Does the agent read this one itself, on this device? Then it takes no readings of applications. */
  isOwn(name: string): boolean {
    return this.#ownNames.has(name);
  }

  /** Takes a reading of the agent itself; an application's earlier readings of the same gauge are dropped. */
  #addOwn(name: string, reading: number): void {
    const names = name === 'battery' ? [name, 'battery_drain'] : [name];
    for (const one of names.filter((each) => !this.#ownNames.has(each))) {
      this.#ownNames.add(one);
      this.#summaries.delete(one);
    }
    this.add(name, reading);
  }

  /** The summaries since the last call. */
  take(): Readonly<Record<string, Summary>> {
    const taken = Object.fromEntries(this.#summaries);
    this.#summaries.clear();
    return taken;
  }

  /** Reads until stopped, also on devices that can't be read. */
  async run(
    readings: TakeReadings,
    { clock, everyMs, signal }: { clock: Clock; everyMs: number; signal: AbortSignal },
  ) {
    while (!signal.aborted) {
      const taken = await readings().catch(() => new Map<string, number>());
      this.#newest = taken;
      for (const [name, reading] of taken) this.#addOwn(name, reading);
      await clock.sleep(everyMs, signal);
    }
  }

  #hasRoom(): boolean {
    const own = [...this.#summaries.keys()].filter((name) => !Object.hasOwn(GAUGES, name)).length;
    return own < MOST_GAUGES - Object.keys(GAUGES).length;
  }
}
