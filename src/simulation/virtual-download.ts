// Owns how a virtual device downloads a version: the agent's own waits between tries, each of which goes on where the one before was cut.
import type { DownloadPart, Goal } from '../../fleet-agent/src/record/model-record.ts';
import { SupplyPause } from '../../fleet-agent/src/update/supply-pause.ts';
import type { Clock } from '../base/clock.ts';
import type { RandomStream } from '../base/random.ts';
import type { Traits } from './population.ts';
import type { Transfer } from './shared-link.ts';
import type { VirtualNetwork } from './virtual-network.ts';

export interface DownloadWorld {
  readonly network: VirtualNetwork;
  readonly modelBytes: number;
}

/** How a try ended; `hadNetwork` is false where there was nobody to ask. */
export type TriedDownload =
  | { readonly kind: 'done' }
  | { readonly kind: 'cut'; readonly part: DownloadPart; readonly hadNetwork: boolean };

export class VirtualDownload {
  readonly #traits: Traits;
  readonly #world: DownloadWorld;
  readonly #pause: SupplyPause;
  #nowMs = 0;
  #fetching: { readonly digest: Goal['digest']; readonly offset: number } | null = null;
  #beginsAtMs = Number.POSITIVE_INFINITY;
  #transfer: Transfer | null = null;

  constructor(traits: Traits, world: DownloadWorld, random: RandomStream) {
    this.#traits = traits;
    this.#world = world;
    const clock: Clock = { now: () => this.#nowMs, monotonicMs: () => this.#nowMs, sleep: async () => {} };
    this.#pause = new SupplyPause({ clock, random });
  }

  /** When it is to be looked at next. */
  get nextAtMs(): number {
    return this.#transfer === null ? this.#beginsAtMs : (this.#transfer.endedAtMs ?? Number.POSITIVE_INFINITY);
  }

  get isUnderWay(): boolean {
    return this.#fetching !== null;
  }

  spread(digest: Goal['digest'], waitMs: number, atMs: number): void {
    this.#nowMs = atMs;
    this.#pause.spread(digest, waitMs);
  }

  /** Fetches, once the waits are over. */
  begin(digest: Goal['digest'], part: DownloadPart | null, atMs: number): void {
    this.#nowMs = atMs;
    this.#fetching = { digest, offset: part?.offset ?? 0 };
    this.#beginsAtMs = atMs + this.#pause.leftMs(digest, part !== null);
  }

  stop(): void {
    if (this.#transfer !== null) this.#world.network.hangUp(this.#traits, this.#transfer);
    this.#fetching = null;
    this.#transfer = null;
    this.#beginsAtMs = Number.POSITIVE_INFINITY;
  }

  /** What came of a try that ended by now; null while none did. */
  look(atMs: number): TriedDownload | null {
    const { network, modelBytes } = this.#world;
    this.#nowMs = atMs;
    if (this.#fetching === null || this.nextAtMs > atMs) return null;
    const { digest, offset } = this.#fetching;
    if (this.#transfer === null && network.isOnline(this.#traits, atMs)) {
      this.#transfer = network.download(this.#traits, modelBytes - offset, atMs);
      return null;
    }
    const leftBytes = this.#transfer?.leftBytes ?? modelBytes - offset;
    const hadNetwork = this.#transfer !== null;
    this.stop();
    if (leftBytes === 0) {
      this.#pause.clear(digest);
      return { kind: 'done' };
    }
    const reached = modelBytes - leftBytes;
    this.#pause.note(digest, { kind: 'later', reason: 'network', message: '', afterMs: null }, reached > offset);
    return { kind: 'cut', part: { name: 'model', url: '', offset: reached, etag: null }, hadNetwork };
  }
}
