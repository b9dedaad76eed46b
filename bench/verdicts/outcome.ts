// Owns what is remembered of one judge over one rollout: when it failed it, and whether it would have let it pass.
import type { RuleVerdict } from '../../src/gates/rule-verdict.ts';

/** No pass is looked at before: soak (STATISTICS §2.5 F). */
const SOAK_MINUTES = 10;

export interface Outcome {
  /** First minute with a fail; null when there was none within the hour. */
  readonly failed: number | null;
  /** First minute of a pass after ten minutes' soak and before any fail; null without one. */
  readonly passed: number | null;
  /** Never failed, and passing when the hour is over: promoted after an hour's soak. */
  readonly isPromoted: boolean;
}

/** Follows one judge; looking goes on after a pass, as in a stage whose soak is the whole hour. */
export class Watch {
  #failed: number | null = null;
  #passed: number | null = null;
  #last: RuleVerdict['verdict'] = 'undecided';

  see(minute: number, verdict: RuleVerdict['verdict']): void {
    if (this.#failed !== null) return;
    this.#last = verdict;
    if (verdict === 'fail') this.#failed = minute;
    if (verdict === 'pass' && minute >= SOAK_MINUTES) this.#passed ??= minute;
  }

  get isOver(): boolean {
    return this.#failed !== null;
  }

  get outcome(): Outcome {
    return { failed: this.#failed, passed: this.#passed, isPromoted: this.#last === 'pass' };
  }
}

/** What all judges said of one simulated rollout. */
export interface RunOutcome {
  /** Do the stage's own devices break a limit in the long run, whatever the fleet's mean? */
  readonly isTrulyOver: boolean;
  readonly judges: Readonly<Record<string, Outcome>>;
  /** Rules that failed the stage; the single rule names none. */
  readonly because: readonly string[];
}
