// Owns the way between devices and service in virtual time: downloads over links that devices share, and reports that come late, twice or not yet.
import { type RandomStream, seededRandom } from '../base/random.ts';
import type { DeviceReport } from '../contract/report.ts';
import { LINK_SPEEDS, type Traits } from './population.ts';
import type { NetworkFaults } from './scenario.ts';
import { SharedLink, type Transfer } from './shared-link.ts';

interface Delivery {
  readonly report: DeviceReport;
  readonly atMs: number;
}

/** As the agent waits before it asks for a directive that it was told of. */
const WAKE_SPREAD_MS = 1000;
const ROUND_TRIP_MS = 200;
/** Devices in a row, of which those of one region and on cellular links share a cell. */
const CELL_DEVICES = 100;

export class VirtualNetwork {
  readonly #faults: NetworkFaults;
  readonly #startMs: number;
  readonly #random: RandomStream;
  readonly #deliver: (report: DeviceReport, atMs: number) => void;
  #late: Delivery[] = [];
  readonly #cells = new Map<string, SharedLink>();
  #nowMs: number;

  constructor(
    faults: NetworkFaults,
    facts: { readonly seed: string | number; readonly startMs: number },
    deliver: (report: DeviceReport, atMs: number) => void,
  ) {
    this.#faults = faults;
    this.#startMs = facts.startMs;
    this.#nowMs = facts.startMs;
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

  /** Begins a try; the network sets when it ended, in `flowUntil` where devices share the link. */
  download(device: Traits, bytes: number, atMs: number): Transfer {
    const sinceMs = atMs + ROUND_TRIP_MS;
    const isRefused = this.#faults.refusesFiles?.(device) === true;
    const cutAtMs = isRefused ? sinceMs : sinceMs + this.#cutAfterMs(device);
    const transfer: Transfer = { sinceMs, leftBytes: bytes, cutAtMs, endedAtMs: isRefused ? sinceMs : null };
    if (isRefused) return transfer;
    if (device.link === 'cellular') this.#cellOf(device).add(transfer);
    else Object.assign(transfer, { leftBytes: 0, endedAtMs: sinceMs + (1000 * bytes) / speedOf(device) });
    return transfer;
  }

  /** The device hangs up. */
  hangUp(device: Traits, transfer: Transfer): void {
    if (device.link === 'cellular') this.#cellOf(device).remove(transfer);
  }

  #cutAfterMs({ link }: Traits): number {
    return link === 'cellular' ? (this.#faults.cutAfterMs ?? Number.POSITIVE_INFINITY) : Number.POSITIVE_INFINITY;
  }

  #cellOf(device: Traits): SharedLink {
    const name = `${device.facts.labels.region} ${Math.floor(device.index / CELL_DEVICES)}`;
    const known = this.#cells.get(name);
    if (known !== undefined) return known;
    const cell = new SharedLink(this.#faults.cellBytesPerSecond, speedOf(device), this.#nowMs);
    this.#cells.set(name, cell);
    return cell;
  }

  /** Downloads over shared links go on until then. */
  flowUntil(untilMs: number): void {
    for (const cell of this.#cells.values()) cell.flowUntil(untilMs);
    this.#nowMs = untilMs;
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

/** Bytes a second of a device that is alone on its link. */
function speedOf({ link }: Traits): number {
  return LINK_SPEEDS[link] ?? 1_000_000;
}
