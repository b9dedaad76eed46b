// Owns telling the service what happened: closes an interval, adds states and outcomes, and lets go of what is durable.
import { randomUUID } from 'node:crypto';
import { toCodedError } from '../../../src/base/errors.ts';
import type { Bell } from '../../../src/base/wake-signal.ts';
import type { ModelState, Outcome } from '../../../src/contract/report.ts';
import type { DeviceFacts } from '../../../src/contract/selector.ts';
import type { AgentOptions } from '../agent-options.ts';
import type { Identity } from '../link/identity.ts';
import type { DeviceGauges } from '../measure/device-gauges.ts';
import type { Measurements } from '../measure/measurements.ts';
import { activeContent } from '../record/model-record.ts';
import { subjectOf } from '../status.ts';
import type { ModelUpdater } from '../update/model-updater.ts';
import { MOST_INTERVALS, MOST_OUTCOMES, mergeBodies, type ReportBody } from './report-body.ts';
import type { ReportQueue } from './report-queue.ts';
import { ReportSender } from './report-sender.ts';

export interface ReportingTools {
  readonly identity: Identity;
  readonly queue: ReportQueue;
  readonly measurements: Measurements;
  readonly gauges: DeviceGauges;
  /** Rung when something should be told before the interval ends. */
  readonly bell: Bell;
  readonly reportMs: number;
  readonly facts: () => DeviceFacts;
  readonly updaters: () => readonly ModelUpdater[];
  readonly takeConflicts: () => Outcome[];
  readonly nowMs: () => number;
  readonly onEnrolled: (labels: Readonly<Record<string, string>>) => void;
}

/** As the service bounds them. */
const MOST_STATES = 64;
/** Bodies that wait for room on the disk. */
const MOST_HELD = 16;
/** Outcomes that come one after the other share a report. */
const GATHER_MS = 100;

export class Reporting {
  readonly #options: AgentOptions;
  readonly #tools: ReportingTools;
  readonly #sender: ReportSender | null;
  readonly #bootId = randomUUID();
  readonly #bootMs: number;
  readonly #held: ReportBody[] = [];
  #intervalMs: number;
  #startedAtMs: number;

  constructor(options: AgentOptions, tools: ReportingTools) {
    this.#options = options;
    this.#tools = tools;
    const { serverUrl, token = null, labels, clock, random, logger } = options;
    const { identity, queue } = tools;
    this.#sender =
      serverUrl === null
        ? null
        : new ReportSender({ serverUrl, token, labels, identity, queue, clock, random, logger });
    this.#bootMs = clock.monotonicMs();
    this.#intervalMs = this.#bootMs;
    this.#startedAtMs = tools.nowMs();
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, random, logger } = this.#options;
    const { bell, reportMs, identity } = this.#tools;
    if (this.#sender === null) return;
    const wake = (): void => bell.ring();
    signal.addEventListener('abort', wake, { once: true });
    await this.#sender.flush(signal);
    let nextMs = clock.monotonicMs() + reportMs * random.next();
    while (!signal.aborted) {
      if (identity.enrolment !== null) this.#tools.onEnrolled(identity.enrolment.labels);
      await bell.wait(clock, Math.max(0, nextMs - clock.monotonicMs()));
      if (signal.aborted) break;
      if (clock.monotonicMs() < nextMs) await clock.sleep(Math.min(GATHER_MS, reportMs), signal);
      else nextMs = clock.monotonicMs() + reportMs;
      try {
        await this.#tell(signal);
      } catch (error) {
        logger.error('a report could not be kept', { error: toCodedError(error, 'AGENT_REPORT') });
      }
    }
    signal.removeEventListener('abort', wake);
  }

  /** What was counted since the last report, kept for the next start. */
  async keepRest(): Promise<void> {
    if (this.#sender !== null) await this.#tell(AbortSignal.abort());
  }

  async #tell(signal: AbortSignal): Promise<void> {
    const conflicts = this.#tools.takeConflicts();
    const outboxes = this.#tools.updaters().map((updater) => ({ updater, outcomes: updater.record.outbox }));
    const outcomes = [...outboxes.flatMap(({ outcomes: some }) => some), ...conflicts];
    this.#hold(this.#bodies(outcomes));
    // A full disk may keep a report from being written: it is held, and written with the next.
    for (let [body] = this.#held; body !== undefined; [body] = this.#held) {
      await this.#sender?.tell(body, signal);
      this.#held.shift();
    }
    for (const { updater, outcomes: some } of outboxes)
      if (some.length > 0) await updater.apply({ kind: 'told', outcomes: some });
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
    const intervals = this.#tools.measurements.take(this.#options.clock.monotonicMs());
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
    const { clock } = this.#options;
    const nowMs = clock.monotonicMs();
    const [startedAt, durationMs] = [new Date(this.#startedAtMs).toISOString(), nowMs - this.#intervalMs];
    this.#intervalMs = nowMs;
    this.#startedAtMs = this.#tools.nowMs();
    const { id, labels, properties } = this.#tools.facts();
    return {
      ...{
        kind: 'DeviceReport',
        device: id,
        bootId: this.#bootId,
        startedAt,
        durationMs,
        uptimeMs: nowMs - this.#bootMs,
      },
      ...{ labels, properties },
      states: this.#tools.updaters().slice(0, MOST_STATES).map(stateOf),
    };
  }
}

function stateOf(updater: ModelUpdater): ModelState {
  const { record, serving } = updater;
  const running = activeContent(record);
  const { rollout, revision } = updater.assigned;
  const subject = subjectOf(record);
  const isServing = running !== null && serving !== null && serving === record.active;
  return {
    ...{ model: record.model, rollout, revision },
    running: isServing ? { digest: running.digest, version: running.version, slot: serving } : null,
    state: record.phase.kind,
    subject: subject === null ? null : { digest: subject.digest as `sha256:${string}`, attempt: subject.attempt },
  };
}
