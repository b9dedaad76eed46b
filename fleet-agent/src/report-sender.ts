// Owns getting reports to the service: enrolled first, in batches, backed off while it is away, each exactly once.
import { backOffMs } from '../../src/base/back-off.ts';
import type { Clock } from '../../src/base/clock.ts';
import { toCodedError } from '../../src/base/errors.ts';
import type { Logger } from '../../src/base/logger.ts';
import type { RandomStream } from '../../src/base/random.ts';
import { needsEnrolment, parseReportAnswers, type ReportAnswer } from '../../src/contract/fleet-messages.ts';
import { Turnstile } from './bell.ts';
import { ask, joinUrl, retryAfterMs } from './http.ts';
import type { Identity } from './identity.ts';
import type { ReportBody } from './report-body.ts';
import type { ReportQueue, Sender, SentReport } from './report-queue.ts';

const BATCH = 16;
const BACK_OFF = { firstMs: 2000, capMs: 300_000 };

export interface ReportSenderOptions {
  readonly serverUrl: string;
  readonly token: string | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly identity: Identity;
  readonly queue: ReportQueue;
  readonly clock: Clock;
  readonly random: RandomStream;
  readonly logger: Logger;
}

export class ReportSender {
  readonly #options: ReportSenderOptions;
  readonly #turnstile = new Turnstile();
  #tries = 0;
  #notBeforeMs = 0;
  #hasWarned = false;

  constructor(options: ReportSenderOptions) {
    this.#options = options;
  }

  /** Takes over a report: it is durable when this resolves, and on its way if the service can be reached. */
  async tell(body: ReportBody, signal: AbortSignal): Promise<void> {
    await this.#turnstile.pass(async () => {
      const sender = this.#sender();
      const isReady = sender !== undefined && this.#tries === 0 && this.#options.queue.length === 0;
      if (isReady) await this.#options.queue.freeze(body, sender);
      else await this.#options.queue.addDraft(body);
    });
    await this.flush(signal);
  }

  /** Sends what waits, unless the service is to be left alone for now. Never throws. */
  async flush(signal: AbortSignal): Promise<void> {
    const { clock, logger, random } = this.#options;
    await this.#turnstile.pass(async () => {
      if (clock.monotonicMs() < this.#notBeforeMs) return;
      try {
        await this.#enrolIfNeeded(signal);
        while (!signal.aborted && (await this.#sendBatch(signal)) === 'more');
        this.#tries = 0;
      } catch (error) {
        if (signal.aborted) return;
        const { after = 0, coded } = toFailure(error);
        const waitMs = Math.max(after, backOffMs(this.#tries++, BACK_OFF, random));
        this.#notBeforeMs = clock.monotonicMs() + waitMs;
        logger.warn('reports wait', { waiting: this.#options.queue.length, inMs: Math.round(waitMs), error: coded });
      }
    });
  }

  #sender(): Sender | undefined {
    const { identity } = this.#options;
    const { enrolment } = identity;
    return enrolment === null ? undefined : { device: identity.device, key: identity.key, epoch: enrolment.epoch };
  }

  async #enrolIfNeeded(signal: AbortSignal): Promise<void> {
    const { identity, token, serverUrl, labels, clock, logger } = this.#options;
    if (identity.enrolment !== null) return;
    if (token === null) {
      this.#warnUnenrolled();
      return;
    }
    const { epoch } = await identity.enrol({ serverUrl, token, labels, clock, signal });
    logger.info('enrolled', { device: identity.device, epoch });
  }

  /** Once: what waits is told when it is known to the service. */
  #warnUnenrolled(): void {
    const { identity, logger } = this.#options;
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    logger.warn('not enrolled, and no token to enrol with: the service hears nothing of this device', {
      device: identity.device,
      remedy: `Make a token with \`slipway token --device ${identity.device}\`, and start the agent once with it (--token or SLIPWAY_AGENT_TOKEN).`,
    });
  }

  async #sendBatch(signal: AbortSignal): Promise<'more' | 'done'> {
    const { queue, serverUrl, clock } = this.#options;
    const sender = this.#sender();
    if (sender === undefined) return 'done';
    const batch = await queue.nextBatch(sender, BATCH);
    if (batch.length === 0) return 'done';
    const body = JSON.stringify(batch.map(({ envelope }) => envelope));
    const headers = { 'content-type': 'application/json' };
    const url = joinUrl(serverUrl, 'v1/reports');
    const answer = await ask(
      { url, method: 'POST', headers, body, timeoutMs: 30_000, mostBytes: 262_144, signal },
      clock,
    );
    if (answer.status !== 200) throw new Refused(answer.status, retryAfterMs(answer.headers, clock.now()));
    await this.#settle(batch, parseReportAnswers(JSON.parse(answer.body.toString('utf8')), batch.length));
    return queue.length > 0 ? 'more' : 'done';
  }

  /** Answers come in the order of the envelopes. */
  async #settle(batch: readonly SentReport[], answers: readonly ReportAnswer[]): Promise<void> {
    const { queue, logger, identity } = this.#options;
    const again = batch.filter((_, i) => needsEnrolment(answers[i]));
    const settled = batch.filter((sent) => !again.includes(sent));
    for (const [i, { sequence }] of batch.entries()) {
      const answer = answers[i];
      if (answer?.kind === 'rejected')
        logger.warn('the service rejected a report', { sequence, reason: answer.reason });
    }
    await queue.settle(settled);
    if (again.length === 0) return;
    identity.forget();
    await queue.thaw(again);
    throw new Error('the service does not know this device under its present epoch');
  }
}

class Refused extends Error {
  readonly afterMs: number;

  constructor(status: number, afterMs: number | null) {
    super(`the service answered ${status}`);
    this.afterMs = afterMs ?? 0;
  }
}

function toFailure(error: unknown): { after?: number; coded: unknown } {
  if (error instanceof Refused) return { after: error.afterMs, coded: error.message };
  return { coded: error instanceof Error && error.constructor === Error ? error.message : toCodedError(error) };
}
