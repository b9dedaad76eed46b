// Owns reading the fleet for lists, devices and exposure: the one value behind pages, JSON and commands.
import { CodedError } from '../../base/errors.ts';
import type { Directive } from '../../contract/directive.ts';
import type { WordsOfFleet } from '../../measurement/fleet-words.ts';
import type { FleetStore } from '../../store/fleet-store.ts';
import { SILENT_INTERVALS } from '../../telemetry/window.ts';
import { deviceRow } from './device-rows.ts';
import { deviceView } from './device-view.ts';
import { type DeviceFilter, DeviceFinder, pageAfter } from './find-devices.ts';
import { FleetIndex, type FleetList } from './fleet-index.ts';
import type { AsOf, Devices, DeviceView } from './types.generated.ts';

export interface FleetReaderParts {
  readonly store: Pick<
    FleetStore,
    'readFleet' | 'readPlainFleet' | 'readListening' | 'readPublication' | 'readRecent' | 'readExposure'
  >;
  /** What the fleet documents say; undefined before any commit was read. */
  readonly words: () => WordsOfFleet | undefined;
  readonly asOf: () => AsOf;
  /** Why the service refuses the reports of a device; undefined where it takes them. */
  readonly refusedWhy: (device: string) => string | undefined;
  /** How often devices report. */
  readonly reportMs: number;
  /** Lets other work of the process go on. */
  readonly rest: () => Promise<void>;
  readonly sleep: (ms: number) => Promise<void>;
  readonly monotonicMs: () => number;
}

export interface DevicesQuestion extends DeviceFilter {
  /** `next` of the page before. */
  readonly cursor?: string;
  /** At most `MOST_DEVICES`; 100 unless given. */
  readonly limit?: number;
}

export const MOST_DEVICES = 500;
const USUAL_DEVICES = 100;
const MOST_CHANGES = 200;
/** Views of the fleet are this old at most: whoever asks within that time shares one. */
const FRESH_MS = 1_000;
/** So long a caller waits for a new view while there is an older one: after a publication, all devices are looked at. */
const PATIENCE_MS = 1_000;

export class FleetReader {
  readonly #parts: FleetReaderParts;
  readonly #index: FleetIndex;
  readonly #finder = new DeviceFinder();
  #directive: Directive | null = null;
  #publication = -1;
  #list: FleetList | undefined;
  #listedAtMs = Number.NEGATIVE_INFINITY;
  /** By the service's clock. */
  #listedAt = 0;
  #looking: Promise<FleetList> | undefined;

  constructor(parts: FleetReaderParts) {
    this.#parts = parts;
    this.#index = new FleetIndex({ silenceMs: SILENT_INTERVALS * parts.reportMs, rest: parts.rest });
  }

  /** A page of the devices that the filter leaves, with counts and facets of all of them. Throws SELECTOR_SYNTAX, DEVICES_CURSOR. */
  async devices({ cursor, limit = USUAL_DEVICES, ...filter }: DevicesQuestion): Promise<Devices> {
    const list = await this.#look();
    const { asOf: askAsOf, store, words, refusedWhy } = this.#parts;
    const asOf = { ...askAsOf(), atMs: this.#listedAt };
    const found = this.#finder.find(list, filter);
    const after = cursor === undefined ? null : idOfCursor(cursor);
    const { places, next } = pageAfter(list, found, { after, most: Math.min(limit, MOST_DEVICES) });
    const devices = [];
    for (const place of places) {
      const [device, state] = [list.devices[place], list.states[place]];
      if (device === undefined || state === undefined) continue;
      const common = { words: words(), refusedWhy: refusedWhy(device.id), nowMs: asOf.atMs };
      devices.push(deviceRow(device, state, { recent: await store.readRecent(device.id), ...common }));
    }
    const { counts, facets, versions, arms } = found;
    const shown = { counts: [...counts], facets: [...facets], versions: [...versions], arms: [...arms] };
    return { asOf, devices, next: next === null ? null : cursorOf(next), ...shown, total: found.places.length };
  }

  /** Undefined when there is no such device. */
  async device(id: string): Promise<DeviceView | undefined> {
    const { devices, states } = await this.#look();
    const place = placeOf(id, devices);
    const [device, state] = [devices[place], states[place]];
    if (device?.id !== id || state === undefined) return undefined;
    const { store, words, asOf, refusedWhy } = this.#parts;
    const span = { fromMs: 0, untilMs: Number.MAX_SAFE_INTEGER, most: MOST_CHANGES };
    const { rows: changes } = await store.readExposure({ ...span, device: id });
    const recent = await store.readRecent(id);
    const common = {
      directive: this.#directive,
      words: words(),
      asOf: { ...asOf(), atMs: this.#listedAt },
      refusedWhy: refusedWhy(id),
    };
    return deviceView({ device, state, recent, changes, ...common });
  }

  /** All devices, as pages and counts are made of them. */
  list(): Promise<FleetList> {
    return this.#look();
  }

  async #look(): Promise<FleetList> {
    const { monotonicMs, sleep } = this.#parts;
    if (this.#list !== undefined && monotonicMs() - this.#listedAtMs < FRESH_MS) return this.#list;
    this.#looking ??= this.#read().finally(() => {
      this.#looking = undefined;
    });
    if (this.#list === undefined) return this.#looking;
    await Promise.race([this.#looking, sleep(PATIENCE_MS)]);
    return this.#list;
  }

  async #read(): Promise<FleetList> {
    const { store, words, monotonicMs, asOf } = this.#parts;
    const [startedMs, startedAt] = [monotonicMs(), asOf().atMs];
    const { sequence, directive } = await store.readPublication();
    // The same publication is the same object: what is declared is worked out again only when it changed.
    if (sequence !== this.#publication) [this.#publication, this.#directive] = [sequence, directive];
    const [picture, plain] = [await store.readFleet(), await store.readPlainFleet()];
    const { listenedMs } = await store.readListening();
    this.#list = await this.#index.update({ picture, plain, directive: this.#directive, words: words(), listenedMs });
    [this.#listedAtMs, this.#listedAt] = [startedMs, startedAt];
    return this.#list;
  }
}

function placeOf(id: string, devices: readonly { readonly id: string }[]): number {
  let [low, high] = [0, devices.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((devices[middle]?.id ?? '') < id) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The last id of the page, so that devices that come or go meanwhile move nothing. */
function cursorOf(id: string): string {
  return Buffer.from(id).toString('base64url');
}

function idOfCursor(cursor: string): string {
  const id = cursor.length <= 300 && /^[A-Za-z0-9_-]+$/.test(cursor) ? Buffer.from(cursor, 'base64url').toString() : '';
  if (id !== '') return id;
  throw new CodedError({
    code: 'DEVICES_CURSOR',
    message: 'The cursor is none that this service gave.',
    remedy: 'Take `next` of the page before, or leave it out for the first page.',
  });
}
