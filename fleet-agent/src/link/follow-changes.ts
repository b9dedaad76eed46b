// Owns hearing of new directives: woken by the service's long poll, and asking by itself when nobody wakes it.
import { backOffMs } from '../../../src/base/back-off.ts';
import { toCodedError } from '../../../src/base/errors.ts';
import type { Directive } from '../../../src/contract/directive.ts';
import type { AgentIntervals, AgentOptions, DirectiveAnswer, DirectiveSource } from '../agent-options.ts';
import type { DiskReserve } from '../record/disk-reserve.ts';
import { ask, joinUrl, retryAfterMs } from './http.ts';

export interface FollowOptions extends Pick<AgentOptions, 'serverUrl' | 'clock' | 'random' | 'logger'> {
  readonly directives: DirectiveSource;
  readonly intervals: AgentIntervals;
  /** Seen to before each look, so that there is room for what comes. */
  readonly reserve: DiskReserve;
  readonly take: (directive: Directive) => Promise<void>;
  /** Hears every answer, also those that change nothing. */
  readonly note: (answer: DirectiveAnswer) => Promise<void>;
  readonly signal: AbortSignal;
}

const WAIT_SECONDS = 25;

/** Follows until stopped. The directive that is in force is taken up again now and then: what kept the device from it may be gone. */
export async function followChanges(options: FollowOptions): Promise<void> {
  const follower = new Follower(options);
  while (!options.signal.aborted) {
    await follower.waitForChange();
    if (!options.signal.aborted) await follower.refresh();
  }
}

type Heard =
  | { readonly kind: 'changed' }
  | { readonly kind: 'same' }
  /** The service did not wait with us: leave it alone for a while. */
  | { readonly kind: 'silent'; readonly waitMs: number };

class Follower {
  readonly #options: FollowOptions;
  #etag = '';
  #tries = 0;
  #isFirst = true;
  #current: Directive | undefined;

  constructor(options: FollowOptions) {
    this.#options = options;
  }

  async refresh(): Promise<void> {
    const { directives, reserve, take, note, logger, signal } = this.#options;
    try {
      await reserve.adjust();
      const answer = await directives.refresh(signal);
      if (answer.kind === 'refused') logger.error('directive refused', { code: answer.code, reason: answer.reason });
      if (answer.kind === 'unreachable') logger.warn('directive unreachable', { reason: answer.reason });
      const isGood = answer.kind === 'directive' || answer.kind === 'unchanged';
      this.#tries = isGood ? 0 : this.#tries + 1;
      if (answer.kind === 'directive') this.#current = answer.directive;
      if (isGood) this.#current ??= directives.lastAccepted();
      if (isGood && this.#current !== undefined) await take(this.#current);
      await note(answer);
    } catch (error) {
      if (signal.aborted) return;
      this.#tries += 1;
      logger.error('directive could not be taken', {
        error: toCodedError(error, 'AGENT_DIRECTIVE'),
        stack: (error as Error).stack,
      });
    }
  }

  /** Returns when the service has something new, or when it is time to ask anyway. */
  async waitForChange(): Promise<void> {
    const { clock, random, intervals, signal, serverUrl } = this.#options;
    const isFirst = this.#isFirst;
    this.#isFirst = false;
    if (this.#tries > 0) {
      await clock.sleep(backOffMs(this.#tries - 1, { firstMs: 1000, capMs: intervals.pollMs }, random), signal);
      return;
    }
    const untilMs = clock.monotonicMs() + intervals.pollMs * (0.5 + random.next());
    while (!signal.aborted && clock.monotonicMs() < untilMs) {
      if (serverUrl === null) {
        if (!isFirst) await clock.sleep(untilMs - clock.monotonicMs(), signal);
        return;
      }
      const heard = await this.#longPoll(serverUrl, Math.floor((untilMs - clock.monotonicMs()) / 1000));
      if (heard.kind === 'changed') {
        if (!isFirst) await clock.sleep(random.next() * intervals.wakeSpreadMs, signal);
        return;
      }
      if (isFirst) return;
      if (heard.kind === 'silent')
        await clock.sleep(Math.min(heard.waitMs, Math.max(0, untilMs - clock.monotonicMs())), signal);
    }
  }

  async #longPoll(serverUrl: string, leftSeconds: number): Promise<Heard> {
    const { clock, signal, random, intervals } = this.#options;
    const waitSeconds = Math.max(0, Math.min(WAIT_SECONDS, leftSeconds));
    const url = `${joinUrl(serverUrl, 'v1/changes')}?etag=${encodeURIComponent(this.#etag)}&wait=${waitSeconds}`;
    const startMs = clock.monotonicMs();
    try {
      const answer = await ask({ url, timeoutMs: (waitSeconds + 15) * 1000, mostBytes: 4096, signal }, clock);
      if (answer.status === 200) {
        const { etag } = JSON.parse(answer.body.toString('utf8')) as { etag?: unknown };
        if (typeof etag === 'string' && etag !== this.#etag) {
          this.#etag = etag;
          return { kind: 'changed' };
        }
      }
      const isQuick = clock.monotonicMs() - startMs < 1000;
      if (answer.status === 304 && !isQuick) return { kind: 'same' };
      return {
        kind: 'silent',
        waitMs: Math.max(retryAfterMs(answer.headers, clock.now()) ?? 0, 5000 * (0.5 + random.next())),
      };
    } catch {
      return { kind: 'silent', waitMs: Math.min(intervals.pollMs, 30_000) * (0.5 + random.next()) };
    }
  }
}
