// Owns delivery: each queue of a target in its order, one notice at a time, tried again until it is taken. Alerts have a queue of their own.
import { type BackOff, backOffMs } from '../base/back-off.ts';
import type { Clock } from '../base/clock.ts';
import { toCodedError } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import type { Metrics } from '../base/metrics.ts';
import type { RandomStream } from '../base/random.ts';
import type { JsonValue } from '../contract/digest.ts';
import { MessagePace } from './message-pace.ts';
import { type Notice, readNotice } from './notice.ts';
import type { Delivery, NoticeTarget } from './notice-target.ts';

interface QueuedNotice {
  readonly number: number;
  readonly id: string;
  readonly notice: JsonValue;
}

const LANES = ['alerts', 'others'] as const;
type Lane = (typeof LANES)[number];

/** The queues, as the store keeps them. */
export interface NoticeQueues {
  readNotices(target: string, lane: Lane, most: number): Promise<readonly QueuedNotice[]>;
  dropNotice(number: number): Promise<void>;
  loseNotice(number: number, nowMs: number): Promise<void>;
  dropNoticesOf(target: string): Promise<number>;
  countNotices(): Promise<ReadonlyMap<string, number>>;
}

export interface DeliveryWorkerParts {
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
/** A receiver that refuses a notice as malformed so often is believed, soon: others wait behind it. */
const MOST_REFUSALS = 3;
const REFUSED_BACK_OFF: BackOff = { firstMs: 500, capMs: 2_000 };
/** Another process of the service may have queued something. */
const POLL_MS = 2_000;
const BATCH = 50;
const MOST_IN_DIGEST = 200;
/** A target that is away for a night must not fill the log. */
const LOG_EVERY_ATTEMPTS = 20;

export class DeliveryWorker {
  readonly #parts: DeliveryWorkerParts;
  #targets: ReadonlyMap<string, NoticeTarget>;
  /** Names that left the list. Remembered, since a process that doesn't know yet may still queue notices for them. */
  readonly #removed = new Set<string>();
  /** The queues that are being delivered, by target and lane. */
  readonly #serving = new Map<string, Promise<void>>();
  readonly #pace = new MessagePace();
  #wake = new AbortController();
  /** Aborted when other targets are in force: a pause before the next attempt ends, and the new target is tried at once. */
  #changed = new AbortController();
  readonly #count: (target: string, outcome: string) => void;
  readonly #setWaiting: (target: string, notices: number) => void;

  constructor(parts: DeliveryWorkerParts) {
    this.#parts = parts;
    this.#targets = byName(parts.targets);
    const outcomes = parts.metrics?.counter(
      'slipway_notices_total',
      'Attempts to deliver a notice, by target and outcome: taken, later, refused or unreadable.',
    );
    const waiting = parts.metrics?.gauge('slipway_notices_waiting', 'Notices that wait for their target.');
    this.#count = (target, outcome) => outcomes?.add({ target, outcome });
    this.#setWaiting = (target, notices) => waiting?.set(notices, { target });
    for (const { name } of parts.targets) this.#setWaiting(name, 0);
  }

  /** Something was queued. */
  wake(): void {
    this.#wake.abort();
    this.#wake = new AbortController();
  }

  /**
   * Delivers to these targets from now on. A queue goes by the name of its target: it goes on to the new target of that name, and is
   * dropped when there is none. A delivery that is under way ends first, so that nothing is lost or sent twice.
   */
  useTargets(targets: readonly NoticeTarget[]): void {
    const before = this.#targets;
    this.#targets = byName(targets);
    for (const name of before.keys()) this.#removed.add(name);
    for (const name of this.#targets.keys()) {
      this.#removed.delete(name);
      if (!before.has(name)) this.#setWaiting(name, 0);
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
      for (const queue of [...this.#targets.keys()].flatMap(queuesOf)) {
        if (this.#serving.has(queue.key)) continue;
        const served = this.#serve(queue, signal).finally(() => this.#serving.delete(queue.key));
        this.#serving.set(queue.key, served);
      }
      await this.#dropRemoved().catch((thrown: unknown) =>
        logger.warn('the notices of a removed target could not be dropped', { error: toCodedError(thrown) }),
      );
      await clock.sleep(POLL_MS, AbortSignal.any([signal, changed]));
    }
    await Promise.all(this.#serving.values());
  }

  /** Nothing is dropped here: a wrong list at the start must not cost the notices that wait for the targets of the right one. */
  async #warnOfUnlisted(): Promise<void> {
    const { queues, logger } = this.#parts;
    const waiting = await queues.countNotices().catch(() => new Map<string, number>());
    for (const [target, notices] of waiting) {
      if (!this.#targets.has(target)) logger.warn('notices wait for a target that is not listed', { target, notices });
    }
  }

  /** Logged: whoever removes a target by mistake sees what it cost. */
  async #dropRemoved(): Promise<void> {
    const { queues, mayDeliver, logger } = this.#parts;
    const removed = [...this.#removed].filter((name) => !queuesOf(name).some(({ key }) => this.#serving.has(key)));
    if (removed.length === 0 || !(await mayDeliver())) return;
    const waiting = await queues.countNotices();
    for (const target of removed) {
      if (!this.#removed.has(target)) continue;
      this.#setWaiting(target, 0);
      if (!waiting.has(target)) continue;
      const notices = await queues.dropNoticesOf(target);
      logger.warn('a target is no longer listed: its waiting notices are dropped', { target, notices });
    }
  }

  async #serve(queue: Queue, signal: AbortSignal): Promise<void> {
    const { name } = queue;
    const { clock, logger, queues } = this.#parts;
    while (!signal.aborted && this.#targets.has(name)) {
      const wakes = [signal, this.#wake.signal, this.#changed.signal];
      try {
        await this.#deliverAll(queue, signal);
        this.#setWaiting(name, (await queues.countNotices()).get(name) ?? 0);
      } catch (thrown) {
        logger.warn('notices could not be read', { target: name, error: toCodedError(thrown) });
      }
      await clock.sleep(POLL_MS, AbortSignal.any(wakes));
    }
  }

  /** Until the queue is empty. */
  async #deliverAll({ name, lane }: Queue, signal: AbortSignal): Promise<void> {
    const { queues, mayDeliver } = this.#parts;
    for (;;) {
      if (signal.aborted || !(await mayDeliver())) return;
      const batch = await queues.readNotices(name, lane, BATCH);
      for (const group of await this.#paced(name, lane, batch, signal)) {
        if ((await this.#deliverGroup(name, group, signal)) === 'later') return;
      }
      if (batch.length === 0) return;
    }
  }

  /** In halves when a message of many is refused: what the receiver refuses of it is not to cost the rest. */
  async #deliverGroup(name: string, group: readonly QueuedNotice[], signal: AbortSignal): Promise<'done' | 'later'> {
    const { queues, clock } = this.#parts;
    const outcome = await this.#deliver(name, group, signal);
    if (outcome === 'later') return 'later';
    if (outcome === 'lost' && group.length > 1) {
      const half = group.length >> 1;
      const first = await this.#deliverGroup(name, group.slice(0, half), signal);
      return first === 'later' ? 'later' : this.#deliverGroup(name, group.slice(half), signal);
    }
    for (const { number } of group) {
      if (outcome === 'lost') await queues.loseNotice(number, clock.now());
      else await queues.dropNotice(number);
    }
    return 'done';
  }

  /** The notices one by one; of a target that had too many messages already, after a while and all that came meanwhile in one. */
  async #paced(
    name: string,
    lane: Lane,
    batch: readonly QueuedNotice[],
    signal: AbortSignal,
  ): Promise<readonly (readonly QueuedNotice[])[]> {
    const { clock, queues } = this.#parts;
    const target = this.#targets.get(name);
    if (batch.length === 0 || target?.perMinute === undefined) return batch.map((one) => [one]);
    const waitMs = this.#pace.take(name, target.perMinute, clock.monotonicMs());
    if (waitMs === 0) return batch.slice(0, 1).map((one) => [one]);
    await clock.sleep(waitMs, AbortSignal.any([signal, this.#changed.signal]));
    const all = await queues.readNotices(name, lane, MOST_IN_DIGEST);
    if (all.length === 0) return [];
    return target.deliverMany === undefined ? all.slice(0, 1).map((one) => [one]) : [all];
  }

  /** Later notices wait for this one: a receiver must not hear of a rollback before its start. */
  async #deliver(
    name: string,
    group: readonly QueuedNotice[],
    signal: AbortSignal,
  ): Promise<'taken' | 'lost' | 'later'> {
    const { clock, random, logger, mayDeliver } = this.#parts;
    const id = group[0]?.id ?? '';
    const notices = group.flatMap(({ notice }) => readNotice(notice) ?? []);
    if (notices.length === 0) {
      this.#count(name, 'unreadable');
      logger.error("a notice can't be read and is dropped", { target: name, id });
      return 'lost';
    }
    let tried: NoticeTarget | undefined;
    let refusals = 0;
    for (let attempt = 0; ; attempt++) {
      if (!(await mayDeliver())) return 'later';
      const changed = this.#changed.signal;
      const target = this.#targets.get(name);
      if (target === undefined) return 'later';
      if (target !== tried) [tried, attempt, refusals] = [target, 0, 0];
      const delivery = await deliverTo(target, notices, signal);
      if (signal.aborted && delivery.kind !== 'taken') return 'later';
      this.#count(name, delivery.kind);
      if (delivery.kind === 'taken') return 'taken';
      const { reason } = delivery;
      if (delivery.kind === 'refused' && ++refusals >= MOST_REFUSALS) {
        if (group.length > 1)
          logger.warn('a message of several notices is refused; smaller ones follow', { target: name, id, reason });
        else logger.error('a notice is refused and dropped', { target: name, id, reason });
        return 'lost';
      }
      if (attempt % LOG_EVERY_ATTEMPTS === 0)
        logger.warn('a notice was not taken; it is tried again', { target: name, id, attempt, reason });
      const askedMs = delivery.kind === 'later' ? (delivery.afterMs ?? 0) : 0;
      const backOff = delivery.kind === 'refused' ? REFUSED_BACK_OFF : BACK_OFF;
      const pauseMs = Math.max(backOffMs(attempt, backOff, random), askedMs);
      await clock.sleep(pauseMs, AbortSignal.any([signal, changed]));
      if (signal.aborted) return 'later';
    }
  }
}

function deliverTo(target: NoticeTarget, notices: readonly Notice[], signal: AbortSignal): Promise<Delivery> {
  const [first] = notices;
  if (first !== undefined && (notices.length === 1 || target.deliverMany === undefined))
    return target.deliver(first, signal);
  return target.deliverMany?.(notices, signal) ?? Promise.resolve({ kind: 'taken' });
}

interface Queue {
  readonly name: string;
  readonly lane: Lane;
  readonly key: string;
}

function queuesOf(name: string): readonly Queue[] {
  return LANES.map((lane) => ({ name, lane, key: `${lane} ${name}` }));
}

function byName(targets: readonly NoticeTarget[]): ReadonlyMap<string, NoticeTarget> {
  return new Map(targets.map((target) => [target.name, target]));
}
