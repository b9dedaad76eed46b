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
  countNotices(): Promise<ReadonlyMap<string, number>>;
}

export interface CourierParts {
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
  #wake = new AbortController();
  readonly #count: (target: string, outcome: string) => void;
  readonly #waiting: (target: string, notices: number) => void;

  constructor(parts: CourierParts) {
    this.#parts = parts;
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

  /** Delivers until the signal; no failure of a target or of the store ends it. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#parts.targets.map((target) => this.#serve(target, signal)));
  }

  async #serve(target: NoticeTarget, signal: AbortSignal): Promise<void> {
    const { clock, logger } = this.#parts;
    while (!signal.aborted) {
      const wake = this.#wake.signal;
      try {
        await this.#deliverAll(target, signal);
        this.#waiting(target.name, (await this.#parts.queues.countNotices()).get(target.name) ?? 0);
      } catch (thrown) {
        logger.warn('notices could not be read', { target: target.name, error: toCodedError(thrown) });
      }
      await clock.sleep(REST_MS, AbortSignal.any([signal, wake]));
    }
  }

  /** Until the queue is empty. */
  async #deliverAll(target: NoticeTarget, signal: AbortSignal): Promise<void> {
    const { queues, mayDeliver } = this.#parts;
    for (;;) {
      if (signal.aborted || !(await mayDeliver())) return;
      const batch = await queues.readNotices(target.name, BATCH);
      for (const one of batch) {
        if ((await this.#deliver(target, one, signal)) === 'later') return;
        await queues.dropNotice(one.number);
      }
      if (batch.length < BATCH) return;
    }
  }

  /** Whatever comes after it waits: a receiver must not hear of a rollback before its start. */
  async #deliver(
    target: NoticeTarget,
    { id, notice: value }: { readonly id: string; readonly notice: JsonValue },
    signal: AbortSignal,
  ): Promise<Settled> {
    const { clock, random, logger, mayDeliver } = this.#parts;
    const { name } = target;
    const notice = readNotice(value);
    if (notice === undefined) {
      this.#count(name, 'unreadable');
      logger.error('a notice can not be read and is dropped', { target: name, id });
      return 'settled';
    }
    let refusals = 0;
    for (let attempt = 0; ; attempt++) {
      if (!(await mayDeliver())) return 'later';
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
      await clock.sleep(pauseMs, signal);
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

function wishOf(delivery: Delivery): number {
  return delivery.kind === 'later' ? (delivery.afterMs ?? 0) : 0;
}
