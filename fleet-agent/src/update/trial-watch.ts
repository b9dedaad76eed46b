// Owns watching a trial: adds up time and counts over restarts, and says when it is decided.
import type { Clock } from '../../../src/base/clock.ts';
import type { Sketch } from '../../../src/contract/sketch.ts';
import { failedForGood, type Phase, type TrialProgress } from '../record/model-record.ts';
import type { LoadedSlots } from '../serve/loaded-slots.ts';
import type { ModelServer } from '../serve/model-server.ts';
import { SustainedWatch } from './sustained-watch.ts';
import { judgeTrial, latencyP95Of, type TrialLimits, trialLimitsOf } from './trial.ts';
import type { UpdateEvent } from './update-step.ts';

/** Progress is written to disk this often. */
const PERSIST_EVERY_MS = 30_000;

export interface TrialWatchTools {
  readonly clock: Clock;
  readonly server: ModelServer;
  /** The device's newest gauges, by name. */
  readonly readings: () => ReadonlyMap<string, number>;
}

export class TrialWatch {
  readonly #clock: Clock;
  readonly #server: ModelServer;
  #beganMs = 0;
  #persistedMs = 0;
  /** Progress in the record when this process took over the trial; null until then. */
  #base: TrialProgress | null = null;
  #tickMs = 1000;
  #latencyP95BeforeMs: number | null = null;
  readonly #sustained = new SustainedWatch();
  readonly #readings: () => ReadonlyMap<string, number>;

  constructor({ clock, server, readings }: TrialWatchTools) {
    this.#clock = clock;
    this.#server = server;
    this.#readings = readings;
  }

  /** How long to wait before looking again. */
  get tickMs(): number {
    return this.#tickMs;
  }

  /** A version begins to serve; `before` is the latency of the one that it takes over from. */
  begin(before: Sketch): void {
    this.#latencyP95BeforeMs = latencyP95Of(before);
    this.#sustained.begin();
    this.#base = null;
    this.#beganMs = this.#clock.monotonicMs();
    this.#persistedMs = this.#beganMs;
  }

  look(phase: Extract<Phase, { kind: 'trial' }>, loaded: LoadedSlots): UpdateEvent | undefined {
    this.#base ??= phase.progress;
    const health = loaded.manifestOf(phase.slot)?.spec.health ?? {};
    const limits = trialLimitsOf(health);
    const progress = this.#progress(this.#base);
    this.#tickMs = tickOf(limits, progress);
    const verdict = judgeTrial(limits, progress, this.#server.counts);
    const nowMs = this.#clock.monotonicMs();
    const sustained = this.#sustained.look(health, this.#readings(), nowMs);
    if (verdict.kind === 'failed') return failedForGood(verdict.reason, verdict.message);
    if (sustained.kind === 'broken') return failedForGood('trial', sustained.message);
    // A device that is beyond a limit at the end goes on with its trial until it is clear whether it stays so.
    if (verdict.kind === 'passed' && sustained.kind === 'within')
      return { kind: 'trialPassed', message: verdict.message };
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
      latencyP95BeforeMs: base.latencyP95BeforeMs ?? this.#latencyP95BeforeMs,
      starts: base.starts,
    };
  }
}

/** Short trials are looked at more often, so that they end when they say; one that goes on after its time is in no hurry. */
function tickOf(limits: TrialLimits, progress: TrialProgress): number {
  const leftMs = limits.durationMs - progress.elapsedMs;
  return leftMs <= 0 ? 1000 : Math.min(1000, Math.max(20, leftMs / 10));
}
