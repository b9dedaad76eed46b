// Owns getting reports to the service: enrolled first, in batches, backed off while it is away, each exactly once.
import { backOffMs } from '../../../src/base/back-off.ts';
import type { Clock } from '../../../src/base/clock.ts';
import { CodedError, toCodedError } from '../../../src/base/errors.ts';
import type { Logger } from '../../../src/base/logger.ts';
import { Mutex } from '../../../src/base/mutex.ts';
import type { RandomStream } from '../../../src/base/random.ts';
import {
  MOST_BATCH_BYTES,
  needsEnrolment,
  needsNumber,
  type ReportAnswer,
} from '../../../src/contract/fleet-messages.ts';
import { isProtocolRefusal, PROTOCOL } from '../../../src/contract/protocol.ts';
import type { Identity } from '../link/identity.ts';
import type { LinkFailure, ServiceLink } from '../link/service-link.ts';
import type { ReportBody } from './report-body.ts';
import type { ReportQueue, Sender, SentReport } from './report-queue.ts';

const BATCH = 16;
const BACK_OFF = { firstMs: 2000, capMs: 300_000 };

export interface ReportSenderOptions {
  readonly link: ServiceLink;
  /** One-time token for enrolment; null = the device waits until it is started with one. */
  readonly token: string | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly identity: Identity;
  readonly queue: ReportQueue;
  /** Why the service can't read this agent's reports; null once it does. */
  readonly onProtocol: (error: CodedError | null) => void;
  readonly clock: Clock;
  readonly random: RandomStream;
  readonly logger: Logger;
}

type RejectedAnswer = Extract<ReportAnswer, { kind: 'rejected' }>;
type Progress = 'more' | 'done' | LinkFailure;

export class ReportSender {
  readonly #options: ReportSenderOptions;
  readonly #mutex = new Mutex();
  #tries = 0;
  #notBeforeMs = 0;
  #hasWarned = false;

  constructor(options: ReportSenderOptions) {
    this.#options = options;
  }

  /** Takes over a report: it is durable when this resolves, and on its way if the service can be reached. */
  async take(body: ReportBody, signal: AbortSignal): Promise<void> {
    await this.#mutex.run(async () => {
      const sender = this.#sender();
      const isReady = sender !== undefined && this.#tries === 0 && this.#options.queue.length === 0;
      if (isReady) await this.#options.queue.freeze(body, sender);
      else await this.#options.queue.addDraft(body);
    });
    await this.flush(signal);
  }

  /** Sends the queue, unless the service is to be left alone for now. Never throws. */
  async flush(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    await this.#mutex.run(async () => {
      if (clock.monotonicMs() < this.#notBeforeMs) return;
      let progress: Progress;
      try {
        progress = await this.#enrolIfNeeded(signal);
        while (progress === 'more' && !signal.aborted) progress = await this.#sendBatch(signal);
      } catch (error) {
        progress = { kind: 'failed', error: toCodedError(error, 'AGENT_REPORT'), retryAfterMs: null };
      }
      if (typeof progress === 'string') this.#tries = 0;
      else if (!signal.aborted) this.#backOff(progress);
    });
  }

  #backOff({ error, retryAfterMs }: LinkFailure): void {
    const { clock, logger, random, queue } = this.#options;
    const waitMs = Math.max(retryAfterMs ?? 0, backOffMs(this.#tries++, BACK_OFF, random));
    this.#notBeforeMs = clock.monotonicMs() + waitMs;
    logger.warn('reports not sent, will be retried', { waiting: queue.length, inMs: Math.round(waitMs), error });
  }

  #sender(): Sender | undefined {
    const { identity } = this.#options;
    const { enrolment } = identity;
    return enrolment === null ? undefined : { device: identity.device, key: identity.key, epoch: enrolment.epoch };
  }

  async #enrolIfNeeded(signal: AbortSignal): Promise<Progress> {
    const { identity, token, link, labels, logger } = this.#options;
    if (identity.enrolment !== null) return 'more';
    if (token === null) {
      this.#warnNotEnrolled();
      return 'done';
    }
    const result = await identity.enrol(link, { token, labels }, signal);
    if (result.kind === 'failed') return result;
    logger.info('enrolled', { device: identity.device, epoch: result.enrolment.epoch });
    return 'more';
  }

  /** Once: the queue is sent when the device is enrolled. */
  #warnNotEnrolled(): void {
    const { identity, logger } = this.#options;
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    logger.warn('not enrolled, and no token: the service gets no reports from this device', {
      device: identity.device,
      remedy: `Make a token with \`slipway token --device ${identity.device}\`, and start the agent once with it (--token or SLIPWAY_AGENT_TOKEN).`,
    });
  }

  async #sendBatch(signal: AbortSignal): Promise<Progress> {
    const { queue, link, logger } = this.#options;
    const sender = this.#sender();
    if (sender === undefined) return 'done';
    const waiting = await queue.nextBatch(sender, BATCH);
    const [oldest] = waiting;
    if (oldest === undefined) return 'done';
    const batch = fitting(waiting);
    if (batch.length === 0) {
      logger.warn('report dropped, larger than the service takes', { sequence: oldest.sequence });
      await queue.settle([oldest]);
      return 'more';
    }
    const envelopes = batch.map(({ envelope }) => envelope);
    const result = await link.send(envelopes, signal);
    if (result.kind === 'failed') return result;
    return this.#settle(batch, result.answers);
  }

  /** Answers stand in the order of the batch. */
  async #settle(batch: readonly SentReport[], answers: readonly ReportAnswer[]): Promise<Progress> {
    const { queue, logger, identity } = this.#options;
    const again: SentReport[] = [];
    const settled: SentReport[] = [];
    const misnumbered: SentReport[] = [];
    const unread = answers.find(isUnread);
    for (const [i, sent] of batch.entries()) {
      const answer = answers[i];
      if (answer === undefined) continue;
      (needsEnrolment(answer) || isUnread(answer) ? again : needsNumber(answer) ? misnumbered : settled).push(sent);
      if ('countsFrom' in answer && answer.countsFrom !== undefined)
        await queue.countFrom(sent.epoch, answer.countsFrom, answer.kind === 'too-late');
      if (answer.kind === 'rejected')
        logger.warn('the service rejected a report', { sequence: sent.sequence, reason: answer.reason });
    }
    await queue.settle(settled);
    if (misnumbered.length > 0) await queue.thaw(misnumbered);
    const error = unread === undefined ? null : otherProtocol(unread);
    this.#options.onProtocol(error);
    if (again.length === 0) return queue.length > 0 ? 'more' : 'done';
    if (error === null) identity.forget();
    await queue.thaw(again);
    return { kind: 'failed', error: error ?? notEnrolled(identity.device), retryAfterMs: null };
  }
}

/** The reports from the first on that one request may hold. */
function fitting(reports: readonly SentReport[]): readonly SentReport[] {
  let bytes = 2;
  const first = reports.findIndex(({ envelope }) => {
    bytes += Buffer.byteLength(JSON.stringify(envelope)) + 1;
    return bytes > MOST_BATCH_BYTES;
  });
  return first === -1 ? reports : reports.slice(0, first);
}

/** The reports wait until one of the two is upgraded. */
function isUnread(answer: ReportAnswer): answer is RejectedAnswer {
  return answer.kind === 'rejected' && isProtocolRefusal(answer.reason);
}

function otherProtocol({ reason }: RejectedAnswer): CodedError {
  const older = reason === 'REPORT_TOO_NEW' ? 'service' : 'agent';
  return new CodedError({
    code: 'AGENT_PROTOCOL',
    kind: 'retry-later',
    message: `The service can't read protocol version ${PROTOCOL} of this agent's reports (${reason}); they wait.`,
    remedy: `Upgrade the ${older}.`,
  });
}

function notEnrolled(device: string): CodedError {
  return new CodedError({
    code: 'AGENT_NOT_ENROLLED',
    kind: 'retry-later',
    message: `The service does not know "${device}" under its present epoch.`,
    remedy: 'The agent enrols again by itself if it has a valid token.',
  });
}
