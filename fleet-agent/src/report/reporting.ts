// Owns reporting: closes an interval, adds states and outcomes, and lets go of outcomes that are in a durable report.
import { randomUUID } from 'node:crypto';
import type { Clock } from '../../../src/base/clock.ts';
import { toCodedError } from '../../../src/base/errors.ts';
import type { Logger } from '../../../src/base/logger.ts';
import type { RandomStream } from '../../../src/base/random.ts';
import type { WakeSignal } from '../../../src/base/wake-signal.ts';
import { MOST_INTERVALS, MOST_MODELS, MOST_OUTCOMES, type Outcome } from '../../../src/contract/report.ts';
import type { DeviceFacts } from '../../../src/contract/selector.ts';
import type { Identity } from '../link/identity.ts';
import type { DeviceGauges } from '../measure/device-gauges.ts';
import type { Measurements } from '../measure/measurements.ts';
import type { ModelUpdater } from '../update/model-updater.ts';
import { mergeBodies, modelStateOf, type ReportBody } from './report-body.ts';
import type { ReportSender } from './report-sender.ts';

export interface ReportingTools {
  readonly sender: ReportSender;
  readonly identity: Identity;
  readonly measurements: Measurements;
  readonly gauges: DeviceGauges;
  /** Wakes it when a report should not wait for the end of its interval. */
  readonly wake: WakeSignal;
  readonly reportMs: number;
  readonly facts: () => DeviceFacts;
  /** What shows the service that it publishes older metadata than this device accepted; undefined otherwise. */
  readonly pointer: () => string | undefined;
  readonly updaters: () => readonly ModelUpdater[];
  readonly takeConflicts: () => Outcome[];
  readonly onEnrolled: (labels: Readonly<Record<string, string>>) => void;
  readonly clock: Clock;
  /** Wall-clock time that never goes back. */
  readonly nowMs: () => number;
  readonly random: RandomStream;
  readonly logger: Logger;
}

/** Bodies that wait for room on the disk. */
const MOST_HELD = 16;
/** Outcomes that come one after the other share a report. */
const GATHER_MS = 100;

export class Reporting {
  readonly #tools: ReportingTools;
  readonly #bootId = randomUUID();
  readonly #bootMs: number;
  readonly #held: ReportBody[] = [];
  #intervalMs: number;
  #startedAtMs: number;

  constructor(tools: ReportingTools) {
    this.#tools = tools;
    this.#bootMs = tools.clock.monotonicMs();
    this.#intervalMs = this.#bootMs;
    this.#startedAtMs = tools.nowMs();
  }

  async run(signal: AbortSignal): Promise<void> {
    const { sender, wake, reportMs, identity, onEnrolled, clock, random, logger } = this.#tools;
    const stop = (): void => wake.wake();
    signal.addEventListener('abort', stop, { once: true });
    await sender.flush(signal);
    let nextMs = clock.monotonicMs() + reportMs * random.next();
    while (!signal.aborted) {
      if (identity.enrolment !== null) onEnrolled(identity.enrolment.labels);
      await wake.wait(clock, Math.max(0, nextMs - clock.monotonicMs()));
      if (signal.aborted) break;
      if (clock.monotonicMs() < nextMs) await clock.sleep(Math.min(GATHER_MS, reportMs), signal);
      else nextMs = clock.monotonicMs() + reportMs;
      try {
        await this.#report(signal);
      } catch (error) {
        logger.error('report not written', { error: toCodedError(error, 'AGENT_REPORT') });
      }
    }
    signal.removeEventListener('abort', stop);
  }

  /** Keeps the counts since the last report for the next start. */
  async keepRest(): Promise<void> {
    await this.#report(AbortSignal.abort());
  }

  async #report(signal: AbortSignal): Promise<void> {
    const conflicts = this.#tools.takeConflicts();
    const outboxes = this.#tools.updaters().map((updater) => ({ updater, outcomes: updater.record.outbox }));
    const outcomes = [...outboxes.flatMap(({ outcomes: some }) => some), ...conflicts];
    this.#hold(this.#bodies(outcomes));
    // A full disk may keep a report from being written: it is held, and written with the next.
    for (let [body] = this.#held; body !== undefined; [body] = this.#held) {
      await this.#tools.sender.take(body, signal);
      this.#held.shift();
    }
    for (const { updater, outcomes: some } of outboxes)
      if (some.length > 0) await updater.apply({ kind: 'reported', outcomes: some });
  }

  #hold(bodies: readonly ReportBody[]): void {
    for (const body of bodies) {
      const last = this.#held.at(-1);
      const merged = last === undefined ? undefined : mergeBodies(last, body);
      if (merged === undefined) this.#held.push(body);
      else this.#held[this.#held.length - 1] = merged;
    }
    if (this.#held.length > MOST_HELD) this.#held.splice(0, this.#held.length - MOST_HELD);
  }

  /** One body, or several where one would be too long. */
  #bodies(outcomes: readonly Outcome[]): ReportBody[] {
    const intervals = this.#tools.measurements.take(this.#tools.clock.monotonicMs());
    const gauges = this.#tools.gauges.take();
    const bodies: ReportBody[] = [];
    const frame = this.#frame();
    do {
      const first = bodies.length;
      bodies.push({
        ...frame,
        ...(first === 0 ? {} : { durationMs: 0 }),
        ...(first === 0 && Object.keys(gauges).length > 0 ? { gauges } : {}),
        intervals: intervals.slice(first * MOST_INTERVALS, (first + 1) * MOST_INTERVALS),
        outcomes: outcomes.slice(first * MOST_OUTCOMES, (first + 1) * MOST_OUTCOMES),
      });
    } while (bodies.length * MOST_INTERVALS < intervals.length || bodies.length * MOST_OUTCOMES < outcomes.length);
    return bodies;
  }

  #frame(): Omit<ReportBody, 'intervals' | 'outcomes'> {
    const nowMs = this.#tools.clock.monotonicMs();
    const [startedAt, durationMs] = [new Date(this.#startedAtMs).toISOString(), nowMs - this.#intervalMs];
    this.#intervalMs = nowMs;
    this.#startedAtMs = this.#tools.nowMs();
    const { id, labels, properties } = this.#tools.facts();
    const updaters = this.#tools.updaters().slice(0, MOST_MODELS);
    const acceptedPointer = this.#tools.pointer();
    return {
      ...{ kind: 'DeviceReport', device: id, bootId: this.#bootId },
      ...{ startedAt, durationMs, uptimeMs: nowMs - this.#bootMs, labels, properties },
      ...(acceptedPointer === undefined ? {} : { acceptedPointer }),
      states: updaters.map(({ record, serving, assigned }) => modelStateOf(record, serving, assigned)),
    };
  }
}
