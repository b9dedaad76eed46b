// Owns following the branch: when the remote is asked, what it answered, and which head is known meanwhile.
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import type { RandomStream } from '../base/random.ts';
import type { FetchOutcome, ManifestsRepository } from '../git/manifests-repository.ts';
import type { SourceState } from './service-view.ts';

export interface SourceFollowerParts {
  readonly repository: Pick<ManifestsRepository, 'fetch' | 'knownHead'>;
  readonly clock: Clock;
  readonly random: RandomStream;
  readonly logger: Logger;
}

export class SourceFollower {
  readonly #parts: SourceFollowerParts;
  readonly #pollMs: () => number;
  #state: SourceState = { kind: 'starting' };
  #head: string | null = null;
  #askAt = 0;
  #asking: { readonly sinceMs: number; readonly answer: Promise<void> } | undefined;

  constructor(parts: SourceFollowerParts, pollMs: () => number) {
    this.#parts = parts;
    this.#pollMs = pollMs;
  }

  get state(): SourceState {
    return this.#state;
  }

  /** The newest head that is known; null before the first. */
  get head(): string | null {
    return this.#head;
  }

  /** The remote was asked and has not answered: nothing is pushed meanwhile. */
  get isAsking(): boolean {
    return this.#asking !== undefined;
  }

  /** Starts from the head that an earlier process knew: a restart while the remote is away still measures, renews, and publishes an emergency rollback. */
  recall(): void {
    this.#head ??= this.#parts.repository.knownHead();
  }

  /** The remote is asked next time, whenever it was asked last. */
  askSoon(): void {
    this.#askAt = 0;
  }

  /** The branch is where this process has just pushed it. */
  moveTo(commit: string): void {
    this.#head = commit;
  }

  /**
   * Asks the remote when it is time to. One that says nothing is waited for until it was asked `patienceMs` ago: measuring does not stand
   * still behind a host that hangs; its answer, or the time-out, is taken whenever it comes.
   */
  async follow(signal: AbortSignal, patienceMs: number): Promise<void> {
    const { clock, random } = this.#parts;
    const nowMs = clock.monotonicMs();
    if (this.#asking === undefined) {
      if (nowMs < this.#askAt) return;
      this.#askAt = nowMs + this.#pollMs() * (0.75 + random.next() / 2);
      this.#asking = { sinceMs: nowMs, answer: this.#ask(signal) };
    }
    const { answer, sinceMs } = this.#asking;
    if (patienceMs === Number.POSITIVE_INFINITY) return answer;
    const answered = new AbortController();
    const patience = clock.sleep(Math.max(0, sinceMs + patienceMs - nowMs), AbortSignal.any([signal, answered.signal]));
    await Promise.race([answer, patience]);
    answered.abort();
    if (this.#asking?.sinceMs === sinceMs && !signal.aborted) this.#noteSilence(patienceMs);
  }

  /** Ends with the answer to the question that is under way, if one is. */
  async settled(): Promise<void> {
    await this.#asking?.answer;
  }

  #noteSilence(patienceMs: number): void {
    if (this.#state.kind === 'away') return;
    const reason = `the host has not answered for ${Math.round(patienceMs / 1000)} s`;
    this.#parts.logger.warn("the repository can't be read", { reason });
    const sinceMs = this.#parts.clock.now();
    this.#state = { kind: 'away', problem: 'timeout', reason, remedy: 'See whether the Git host works.', sinceMs };
  }

  async #ask(signal: AbortSignal): Promise<void> {
    try {
      this.#state = this.#stateOf(await this.#parts.repository.fetch(signal));
    } finally {
      this.#asking = undefined;
    }
  }

  #stateOf(outcome: FetchOutcome): SourceState {
    const { logger, clock } = this.#parts;
    const before = this.#state;
    switch (outcome.kind) {
      case 'head':
        this.#head = outcome.commit;
        return { kind: 'followed', commit: outcome.commit, atMs: clock.now() };
      case 'empty':
        if (before.kind !== 'empty') logger.warn('the repository is empty');
        return { kind: 'empty' };
      case 'branch-missing':
        if (before.kind !== 'branch-missing') logger.warn('the branch is missing', { branch: outcome.branch });
        return { kind: 'branch-missing', branch: outcome.branch, others: outcome.others };
      case 'failed': {
        if (before.kind !== 'away') logger.warn("the repository can't be read", { error: outcome.error });
        return {
          kind: 'away',
          problem: outcome.problem,
          reason: outcome.error.message,
          remedy: outcome.error.remedy ?? null,
          sinceMs: before.kind === 'away' ? before.sinceMs : clock.now(),
        };
      }
    }
  }
}
