// Owns watching a trial: adds up time and counts over restarts, and says when it is decided.
import type { Clock } from '../../../src/base/clock.ts';
import { failedForGood, type Phase, type TrialProgress } from '../record/model-record.ts';
import type { LoadedSlots } from '../serve/loaded-slots.ts';
import type { ModelServer } from '../serve/model-server.ts';
import { judgeTrial, type TrialLimits, trialLimitsOf } from './trial.ts';
import type { UpdateEvent } from './update-step.ts';

/** Progress is written to disk this often. */
const PERSIST_EVERY_MS = 30_000;

export class TrialWatch {
  readonly #clock: Clock;
  readonly #server: ModelServer;
  #beganMs = 0;
  #persistedMs = 0;
  /** Progress in the record when this process took over the trial; null until then. */
  #base: TrialProgress | null = null;
  #tickMs = 1000;

  constructor({ clock, server }: { readonly clock: Clock; readonly server: ModelServer }) {
    this.#clock = clock;
    this.#server = server;
  }

  /** How long to wait before looking again. */
  get tickMs(): number {
    return this.#tickMs;
  }

  /** A version begins to serve. */
  begin(): void {
    this.#base = null;
    this.#beganMs = this.#clock.monotonicMs();
    this.#persistedMs = this.#beganMs;
  }

  look(phase: Extract<Phase, { kind: 'trial' }>, loaded: LoadedSlots): UpdateEvent | undefined {
    this.#base ??= phase.progress;
    const limits = trialLimitsOf(loaded.manifestOf(phase.slot)?.spec.health);
    const progress = this.#progress(this.#base);
    this.#tickMs = tickOf(limits, progress);
    const verdict = judgeTrial(limits, progress, this.#server.counts);
    if (verdict.kind === 'passed') return { kind: 'trialPassed', message: verdict.message };
    if (verdict.kind === 'failed') return failedForGood(verdict.reason, verdict.message);
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#persistedMs < PERSIST_EVERY_MS) return undefined;
    this.#persistedMs = nowMs;
    return { kind: 'trialProgressed', progress };
  }

  #progress(base: TrialProgress): TrialProgress {
    const { inferences, errors, unknown } = this.#server.counts;
    return {
      elapsedMs: base.elapsedMs + (this.#clock.monotonicMs() - this.#beganMs),
      inferences: base.inferences + inferences,
      errors: base.errors + errors,
      unknown: base.unknown + unknown,
      starts: base.starts,
    };
  }
}

/** Short trials are looked at more often, so that they end when they say. */
function tickOf(limits: TrialLimits, progress: TrialProgress): number {
  return Math.min(1000, Math.max(20, (limits.durationMs - progress.elapsedMs) / 10));
}
