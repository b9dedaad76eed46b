// Owns what the device says of its directives that no model's updater says: entries ignored, conflicts and versions without room, each once.
import type { Logger } from '../../src/base/logger.ts';
import type { Outcome } from '../../src/contract/report.ts';
import type { Goal } from './record/model-record.ts';
import { type Conflict, conflictOutcome, type DesiredVersions, noRoomOutcome } from './update/desired-version.ts';

export class DirectiveNotes {
  readonly #logger: Logger;
  readonly #onOutcome: () => void;
  #conflicts = new Map<string, string>();
  #ignored: ReadonlyMap<string, string> = new Map();
  #outcomes: Outcome[] = [];

  /** `onOutcome`: there is one to report. */
  constructor(logger: Logger, onOutcome: () => void) {
    this.#logger = logger;
    this.#onOutcome = onOutcome;
  }

  /** The outcomes since the last call. */
  takeOutcomes(): Outcome[] {
    return this.#outcomes.splice(0);
  }

  /** Each reason once: the same directive is taken again at every look. */
  logIgnored(ignored: DesiredVersions['ignored']): void {
    const known = this.#ignored;
    this.#ignored = new Map(ignored.map(({ entry, why }) => [entry.rollout, why]));
    for (const [rollout, why] of this.#ignored)
      if (known.get(rollout) !== why) this.#logger.warn('directive entry ignored', { rollout, why });
  }

  /** Each conflict is reported once, and again when other rollouts take part in it. */
  noteConflicts(conflicts: readonly Conflict[], nowMs: number): void {
    const known = this.#conflicts;
    this.#conflicts = new Map(conflicts.map(({ model, rollouts }) => [model, rollouts.join()]));
    const fresh = conflicts.filter(({ model }) => known.get(model) !== this.#conflicts.get(model));
    for (const outcome of fresh.flatMap((conflict) => conflictOutcome(conflict, nowMs) ?? [])) this.#note(outcome);
  }

  /** The device has as many models as it can report, and no updater for this one. */
  noteNoRoom(model: string, goal: Goal, nowMs: number): void {
    this.#note(noRoomOutcome(model, goal, nowMs));
  }

  #note(outcome: Outcome): void {
    this.#outcomes.push(outcome);
    this.#onOutcome();
  }
}
