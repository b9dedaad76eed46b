// Owns what the device says of its directives that no model's updater says: entries ignored, conflicts, versions without room and an agent that is too old, each once.
import type { Logger } from '../../src/base/logger.ts';
import type { Directive } from '../../src/contract/directive.ts';
import { compareVersions } from '../../src/contract/model-version.ts';
import { AGENT_OUTDATED, type Outcome } from '../../src/contract/report.ts';
import { AGENT_VERSION } from './agent-options.ts';
import type { Goal } from './record/model-record.ts';
import { type Conflict, conflictOutcome, type DesiredVersions, noRoomOutcome } from './update/desired-version.ts';

export class DirectiveNotes {
  readonly #logger: Logger;
  readonly #onOutcome: () => void;
  #conflicts = new Map<string, string>();
  #ignored: ReadonlyMap<string, string> = new Map();
  #outcomes: Outcome[] = [];
  /** The declared version of the agent, where this one is older. */
  #outdatedBy: string | null = null;

  /** `onOutcome`: there is something to report. */
  constructor(logger: Logger, onOutcome: () => void) {
    this.#logger = logger;
    this.#onOutcome = onOutcome;
  }

  /** The outcomes since the last call. */
  takeOutcomes(): Outcome[] {
    return this.#outcomes.splice(0);
  }

  /** What reports say. */
  get properties(): Readonly<Record<string, string>> {
    return this.#outdatedBy === null ? {} : { [AGENT_OUTDATED]: this.#outdatedBy };
  }

  /** Said, and no more: packages are updated by whoever installed them. */
  noteAgent({ agentVersion: declared }: Directive): void {
    const outdatedBy = declared !== undefined && compareVersions(AGENT_VERSION, declared) < 0 ? declared : null;
    if (outdatedBy === this.#outdatedBy) return;
    this.#outdatedBy = outdatedBy;
    this.#onOutcome();
    if (outdatedBy === null) return;
    this.#logger.warn('this agent is older than the fleet declares', { version: AGENT_VERSION, declared: outdatedBy });
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
