// Owns following directives: the service wakes the agent, and the agent asks by itself when nobody wakes it.
import { backOffMs } from '../../../src/base/back-off.ts';
import type { Clock } from '../../../src/base/clock.ts';
import { toCodedError } from '../../../src/base/errors.ts';
import type { Logger } from '../../../src/base/logger.ts';
import type { RandomStream } from '../../../src/base/random.ts';
import type { Directive } from '../../../src/contract/directive.ts';
import type { DiskReserve } from '../record/disk-reserve.ts';
import type { DirectiveAnswer, DirectiveSource } from './directive-source.ts';
import type { ServiceLink } from './service-link.ts';

export interface FollowOptions {
  readonly link: ServiceLink | null;
  readonly directives: DirectiveSource;
  /** Between looks when nothing wakes the agent; jittered by half. */
  readonly pollMs: number;
  /** A wake-up is answered within this, at random. */
  readonly wakeSpreadMs: number;
  /** Adjusted before each look, so that there is room for what arrives. */
  readonly reserve: DiskReserve;
  readonly take: (directive: Directive) => Promise<void>;
  /** Called with every answer, also those that change nothing. */
  readonly note: (answer: DirectiveAnswer) => Promise<void>;
  readonly clock: Clock;
  readonly random: RandomStream;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/** A service that does not wait with the agent is left alone for about this long. */
const SILENCE_MS = 30_000;

/** Follows until stopped. The directive in force is taken again now and then: the obstacle of last time may be gone. */
export async function followChanges(options: FollowOptions): Promise<void> {
  const follower = new Follower(options);
  while (!options.signal.aborted) {
    await follower.waitForChange();
    if (!options.signal.aborted) await follower.refresh();
  }
}

class Follower {
  readonly #options: FollowOptions;
  #publication = '';
  #refused = '';
  #tries = 0;
  #askedMs = 0;
  #isFirst = true;
  #current: Directive | undefined;

  constructor(options: FollowOptions) {
    this.#options = options;
  }

  async refresh(): Promise<void> {
    const { directives, reserve, take, note, logger, signal } = this.#options;
    this.#askedMs = 0;
    try {
      await reserve.adjust();
      const answer = await directives.refresh(signal);
      if (answer.kind === 'refused') this.#logRefusal(answer);
      else if (answer.kind !== 'unreachable') this.#refused = '';
      if (answer.kind === 'unreachable') logger.warn('directive unreachable', { reason: answer.reason });
      const isGood = answer.kind === 'directive' || answer.kind === 'unchanged';
      this.#tries = isGood ? 0 : this.#tries + 1;
      if (answer.kind === 'unreachable') this.#askedMs = answer.retryAfterMs ?? 0;
      if (answer.kind === 'directive') this.#current = answer.directive;
      if (isGood) this.#current ??= directives.lastAccepted();
      if (isGood && this.#current !== undefined) await take(this.#current);
      await note(answer);
    } catch (error) {
      if (signal.aborted) return;
      this.#tries += 1;
      logger.error('directive not applied', {
        error: toCodedError(error, 'AGENT_DIRECTIVE'),
        stack: (error as Error).stack,
      });
    }
  }

  /** Once for each reason: it is asked again every few seconds. */
  #logRefusal({ code, reason }: Extract<DirectiveAnswer, { kind: 'refused' }>): void {
    if (this.#refused === `${code} ${reason}`) return;
    this.#refused = `${code} ${reason}`;
    this.#options.logger.error('directive refused', { code, reason });
  }

  /** Returns when the service has something new, or when it is time to ask anyway. */
  async waitForChange(): Promise<void> {
    const { link, clock, random, pollMs, wakeSpreadMs, signal } = this.#options;
    const isFirst = this.#isFirst;
    this.#isFirst = false;
    if (this.#tries > 0) {
      const waitMs = backOffMs(this.#tries - 1, { firstMs: 1000, capMs: pollMs }, random);
      await clock.sleep(Math.max(waitMs, this.#askedMs), signal);
      return;
    }
    const untilMs = clock.monotonicMs() + pollMs * (0.5 + random.next());
    const leftMs = (): number => Math.max(0, untilMs - clock.monotonicMs());
    while (!signal.aborted && leftMs() > 0) {
      if (link === null) {
        if (!isFirst) await clock.sleep(leftMs(), signal);
        return;
      }
      const startMs = clock.monotonicMs();
      const heard = await link.waitForChange({ known: this.#publication, waitMs: leftMs(), signal });
      if (heard.kind === 'changed') {
        this.#publication = heard.publication;
        if (!isFirst) await clock.sleep(random.next() * wakeSpreadMs, signal);
        return;
      }
      if (isFirst) return;
      const hasWaited = heard.kind === 'unchanged' && clock.monotonicMs() - startMs >= 1000;
      const askedMs = heard.kind === 'failed' ? (heard.retryAfterMs ?? 0) : 0;
      const silenceMs = Math.max(askedMs, Math.min(pollMs, SILENCE_MS) * (0.5 + random.next()));
      if (!hasWaited) await clock.sleep(Math.min(silenceMs, leftMs()), signal);
    }
  }
}
