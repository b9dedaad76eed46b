// Owns delivery: each target's queue in its order, one notice at a time, tried again until it is taken.
import { type BackOff, backOffMs } from '../base/back-off.ts';
import type { Clock } from '../base/clock.ts';
import { toCodedError } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import type { Metrics } from '../base/metrics.ts';
import type { RandomStream } from '../base/random.ts';
import type { JsonValue } from '../contract/digest.ts';
import { readNotice } from './notice.ts';
import type { Delivery, NoticeTarget } from './notice-target.ts';

/** The queues, as the store keeps them. */
export interface NoticeQueues {
  readNotices(
    target: string,
    most: number,
  ): Promise<readonly { readonly number: number; readonly id: string; readonly notice: JsonValue }[]>;
  dropNotice(number: number): Promise<void>;
  dropNoticesOf(target: string): Promise<number>;
  countNotices(): Promise<ReadonlyMap<string, number>>;
}

export interface CourierParts {
  /** Until others are put in force. */
  readonly targets: readonly NoticeTarget[];
  readonly queues: NoticeQueues;
  /** Of several processes only one delivers: two would mix up the order. */
  readonly mayDeliver: () => Promise<boolean>;
  readonly clock: Clock;
  readonly random: RandomStream;
  readonly logger: Logger;
  readonly metrics?: Metrics;
}

const BACK_OFF: BackOff = { firstMs: 500, capMs: 5 * 60_000 };
/** A receiver that says so often that it can't make sense of a notice is believed. */
const MOST_REFUSALS = 10;
/** Another process of the service may have queued something. */
const REST_MS = 2_000;
const BATCH = 50;

type Settled = 'settled' | 'later';

export class Courier {
  readonly #parts: CourierParts;
  #targets: ReadonlyMap<string, NoticeTarget>;
  /** Names that were on the list and are no more. Remembered, since a notice may be queued for them by who had not heard of it. */
  readonly #vanished = new Set<string>();
  /** The queues that are being delivered. */
  readonly #serving = new Map<string, Promise<void>>();
  #wake = new AbortController();
  /** Aborted when other targets are in force: whoever waits to try again tries the new one at once. */
  #changed = new AbortController();
  readonly #count: (target: string, outcome: string) => void;
  readonly #waiting: (target: string, notices: number) => void;

  constructor(parts: CourierParts) {
    this.#parts = parts;
    this.#targets = byName(parts.targets);
    const outcomes = parts.metrics?.counter(
      'slipway_notices_total',
      'Attempts to deliver a notice, by target and by what they came to: taken, later, refused or unreadable.',
    );
    const waiting = parts.metrics?.gauge('slipway_notices_waiting', 'Notices that wait for their target.');
    this.#count = (target, outcome) => outcomes?.add({ target, outcome });
    this.#waiting = (target, notices) => waiting?.set(notices, { target });
    for (const { name } of parts.targets) this.#waiting(name, 0);
  }

  /** Something was queued. */
  wake(): void {
    this.#wake.abort();
    this.#wake = new AbortController();
  }

  /**
   * Delivers to others from now on. A queue goes by the name of its target: it goes on to the new target of that name, and is dropped
   * when there is none. What is on its way to an old target is waited for, so that nothing is lost or sent twice.
   */
  useTargets(targets: readonly NoticeTarget[]): void {
    const before = this.#targets;
    this.#targets = byName(targets);
    for (const name of before.keys()) this.#vanished.add(name);
    for (const name of this.#targets.keys()) {
      this.#vanished.delete(name);
      if (!before.has(name)) this.#waiting(name, 0);
    }
    this.#changed.abort();
    this.#changed = new AbortController();
  }

  /** Delivers until the signal; no failure of a target or of the store ends it. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, logger } = this.#parts;
    await this.#warnOfUnlisted();
    while (!signal.aborted) {
      const changed = this.#changed.signal;
      for (const name of this.#targets.keys()) {
        if (this.#serving.has(name)) continue;
        const served = this.#serve(name, signal).finally(() => this.#serving.delete(name));
        this.#serving.set(name, served);
      }
      try {
        await this.#dropVanished();
      } catch (thrown) {
        logger.warn('notices of a target that is no longer listed could not be dropped', {
          error: toCodedError(thrown),
        });
      }
      await clock.sleep(REST_MS, AbortSignal.any([signal, changed]));
    }
    await Promise.all(this.#serving.values());
  }

  /** Nobody saw them taken from the list: a wrong list at the start must not cost what waits for the targets of the right one. */
  async #warnOfUnlisted(): Promise<void> {
    const { queues, logger } = this.#parts;
    const waiting = await queues.countNotices().catch(() => new Map<string, number>());
    for (const [target, notices] of waiting) {
      if (!this.#targets.has(target)) logger.warn('notices wait for a target that is not listed', { target, notices });
    }
  }

  /** Aloud: whoever takes a target from the list by mistake is to see what it cost. */
  async #dropVanished(): Promise<void> {
    const { queues, mayDeliver, logger } = this.#parts;
    const gone = [...this.#vanished].filter((name) => !this.#serving.has(name));
    if (gone.length === 0 || !(await mayDeliver())) return;
    const waiting = await queues.countNotices();
    for (const target of gone) {
      if (!this.#vanished.has(target)) continue;
      this.#waiting(target, 0);
      if (!waiting.has(target)) continue;
      const notices = await queues.dropNoticesOf(target);
      logger.warn('a target is no longer listed: the notices that waited for it are dropped', { target, notices });
    }
  }

  async #serve(name: string, signal: AbortSignal): Promise<void> {
    const { clock, logger } = this.#parts;
    while (!signal.aborted && this.#targets.has(name)) {
      const wakes = [signal, this.#wake.signal, this.#changed.signal];
      try {
        await this.#deliverAll(name, signal);
        this.#waiting(name, (await this.#parts.queues.countNotices()).get(name) ?? 0);
      } catch (thrown) {
        logger.warn('notices could not be read', { target: name, error: toCodedError(thrown) });
      }
      await clock.sleep(REST_MS, AbortSignal.any(wakes));
    }
  }

  /** Until the queue is empty. */
  async #deliverAll(name: string, signal: AbortSignal): Promise<void> {
    const { queues, mayDeliver } = this.#parts;
    for (;;) {
      if (signal.aborted || !(await mayDeliver())) return;
      const batch = await queues.readNotices(name, BATCH);
      for (const one of batch) {
        if ((await this.#deliver(name, one, signal)) === 'later') return;
        await queues.dropNotice(one.number);
      }
      if (batch.length < BATCH) return;
    }
  }

  /** Whatever comes after it waits: a receiver must not hear of a rollback before its start. */
  async #deliver(
    name: string,
    { id, notice: value }: { readonly id: string; readonly notice: JsonValue },
    signal: AbortSignal,
  ): Promise<Settled> {
    const { clock, random, logger, mayDeliver } = this.#parts;
    const notice = readNotice(value);
    if (notice === undefined) {
      this.#count(name, 'unreadable');
      logger.error('a notice can not be read and is dropped', { target: name, id });
      return 'settled';
    }
    let tried: NoticeTarget | undefined;
    let refusals = 0;
    for (let attempt = 0; ; attempt++) {
      if (!(await mayDeliver())) return 'later';
      const changed = this.#changed.signal;
      const target = this.#targets.get(name);
      if (target === undefined) return 'later';
      if (target !== tried) [tried, attempt, refusals] = [target, 0, 0];
      const delivery = await target.deliver(notice, signal);
      if (signal.aborted && delivery.kind !== 'taken') return 'later';
      this.#count(name, delivery.kind);
      if (delivery.kind === 'taken') return 'settled';
      if (delivery.kind === 'refused') refusals++;
      if (refusals >= MOST_REFUSALS) {
        logger.error('a notice is refused and dropped', { target: name, id, reason: delivery.reason });
        return 'settled';
      }
      this.#tellFailure(name, id, attempt, delivery);
      const pauseMs = Math.max(backOffMs(attempt, BACK_OFF, random), wishOf(delivery));
      await clock.sleep(pauseMs, AbortSignal.any([signal, changed]));
      if (signal.aborted) return 'later';
    }
  }

  /** Once, and then now and again: a target that is away for a night must not fill the log. */
  #tellFailure(target: string, id: string, attempt: number, delivery: Delivery): void {
    if (delivery.kind === 'taken' || (attempt > 0 && attempt % 20 !== 0)) return;
    this.#parts.logger.warn('a notice was not taken; it is tried again', {
      target,
      id,
      attempt,
      reason: delivery.reason,
    });
  }
}

function byName(targets: readonly NoticeTarget[]): ReadonlyMap<string, NoticeTarget> {
  return new Map(targets.map((target) => [target.name, target]));
}

function wishOf(delivery: Delivery): number {
  return delivery.kind === 'later' ? (delivery.afterMs ?? 0) : 0;
}
