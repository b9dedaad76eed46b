// Owns the way between devices and service in virtual time: downloads that share a cell, and reports that come late, twice or not yet.
import { type RandomStream, seededRandom } from '../base/random.ts';
import type { DeviceReport } from '../contract/report.ts';
import { LINK_SPEEDS, type Traits } from './population.ts';
import type { NetworkFaults } from './scenario.ts';

/** How one try of a download ends. */
export interface DownloadTry {
  readonly endsAtMs: number;
  readonly isComplete: boolean;
}

interface Delivery {
  readonly report: DeviceReport;
  readonly atMs: number;
}

/** As the agent waits before it asks for a directive that it was told of. */
const WAKE_SPREAD_MS = 1000;
const ROUND_TRIP_MS = 200;

export class VirtualNetwork {
  readonly #faults: NetworkFaults;
  readonly #startMs: number;
  readonly #random: RandomStream;
  readonly #deliver: (report: DeviceReport, atMs: number) => void;
  #late: Delivery[] = [];
  /** When the downloads under way in a region's cells end. */
  readonly #cells = new Map<string, number[]>();

  constructor(
    faults: NetworkFaults,
    facts: { readonly seed: string | number; readonly startMs: number },
    deliver: (report: DeviceReport, atMs: number) => void,
  ) {
    this.#faults = faults;
    this.#startMs = facts.startMs;
    this.#random = seededRandom(facts.seed, 'network');
    this.#deliver = deliver;
  }

  isOnline(device: Traits, atMs: number): boolean {
    return this.#faults.isOnline?.(device, (atMs - this.#startMs) / 60_000) ?? true;
  }

  clockErrorMs(device: Traits): number {
    return this.#faults.clockErrorMs?.(device) ?? 0;
  }

  /** When a device hears of what was published. */
  hearsAtMs(publishedAtMs: number, random: RandomStream): number {
    return publishedAtMs + ROUND_TRIP_MS + WAKE_SPREAD_MS * random.next();
  }

  download(device: Traits, bytes: number, atMs: number): DownloadTry {
    const durationMs = ROUND_TRIP_MS + (1000 * bytes) / this.#speed(device, atMs);
    const timeoutMs = device.link === 'cellular' ? this.#faults.downloadTimeoutMs : null;
    const isComplete = timeoutMs === null || durationMs <= timeoutMs;
    const endsAtMs = atMs + (isComplete ? durationMs : timeoutMs);
    if (device.link === 'cellular') this.#cellOf(device, atMs).push(endsAtMs);
    return { endsAtMs, isComplete };
  }

  #cellOf(device: Traits, atMs: number): number[] {
    const region = device.facts.labels.region ?? '';
    const busy = (this.#cells.get(region) ?? []).filter((endsAtMs) => endsAtMs > atMs);
    this.#cells.set(region, busy);
    return busy;
  }

  #speed(device: Traits, atMs: number): number {
    const alone = LINK_SPEEDS[device.link] ?? 1_000_000;
    if (device.link !== 'cellular') return alone;
    return Math.min(alone, this.#faults.cellBytesPerSecond / (this.#cellOf(device, atMs).length + 1));
  }

  /** Takes a report to the service: at once, or late and perhaps twice. */
  send(report: DeviceReport, atMs: number): void {
    const { repeats, mostDelayMs } = this.#faults;
    const copies = repeats > 0 && this.#random.next() < repeats ? 2 : 1;
    for (let i = 0; i < copies; i++) {
      if (mostDelayMs === 0) this.#deliver(report, Math.floor(atMs));
      else this.#late.push({ report, atMs: Math.floor(atMs + mostDelayMs * this.#random.next()) });
    }
  }

  /** Delivers what arrives until then. */
  deliverUntil(untilMs: number): void {
    if (this.#late.length === 0) return;
    const due = this.#late.filter((one) => one.atMs <= untilMs);
    this.#late = this.#late.filter((one) => one.atMs > untilMs);
    for (const { report, atMs } of due.sort((a, b) => a.atMs - b.atMs)) this.#deliver(report, atMs);
  }
}
