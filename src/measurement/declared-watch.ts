// Owns comparing the fleet with the published directive, at a pace that a large fleet allows.
import type { Directive } from '../contract/directive.ts';
import { countOffDeclared, type OffDeclared, type OffSince } from '../rollout/off-declared.ts';
import type { WindowReader } from '../store/window-store.ts';
import type { KnownFleet } from './known-fleet.ts';

export interface DeclaredWatchSettings {
  /** How often devices report. */
  readonly intervalMs: number;
  /** How long a device may run something else than declared; null leaves it to the default. */
  readonly afterMs: number | null;
}

const DEFAULT_AFTER_MS = 10 * 60_000;

/** What a device that missed so many reports runs is not known any more. */
const MOST_MISSED_REPORTS = 5;

export class DeclaredWatch {
  readonly #store: WindowReader;
  readonly #intervalMs: number;
  #afterMs = DEFAULT_AFTER_MS;
  #since: OffSince = new Map();
  #counted: readonly OffDeclared[] = [];
  #countedAtMs = Number.NEGATIVE_INFINITY;

  constructor(store: WindowReader, settings: DeclaredWatchSettings) {
    this.#store = store;
    this.#intervalMs = settings.intervalMs;
    this.allow(settings.afterMs);
  }

  /** Allows it for so long from now on; null leaves it to the default. */
  allow(afterMs: number | null): void {
    this.#afterMs = afterMs ?? Math.max(DEFAULT_AFTER_MS, 3 * this.#intervalMs);
  }

  /** Devices that run something else than declared, by rollout; counted anew at most once in half a report interval. */
  async look(directive: Directive | null, fleet: KnownFleet): Promise<readonly OffDeclared[]> {
    const intervalMs = this.#intervalMs;
    const { listenedMs } = await this.#store.readListening();
    if (directive === null || listenedMs - this.#countedAtMs < intervalMs / 2) return this.#counted;
    const silenceMs = MOST_MISSED_REPORTS * intervalMs;
    const facts = { directive, devices: fleet.devices, listenedMs, silenceMs, afterMs: this.#afterMs };
    const { rollouts, since } = countOffDeclared(facts, this.#since);
    this.#since = since;
    this.#counted = rollouts;
    this.#countedAtMs = listenedMs;
    return rollouts;
  }
}
