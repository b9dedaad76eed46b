// Owns emergency rollbacks: a rollback that does not land in time is published before its commit, as the one exception to "publish after
// push". It is for all devices, also where only some groups go back.
import type { Directive } from '../contract/directive.ts';
import type { Plan } from '../rollout/decide.ts';
import { type Transition, takesBack } from '../rollout/transition.ts';
import type { EmergencyRollback, ReconcilerState } from '../store/reconciler-state.ts';

export interface UnlandedSteps {
  /** Steps of the plan that are not on the branch, for whatever reason: lost, unknown, unwritten, or only proposed to someone. */
  readonly steps: readonly Transition[];
  readonly outlooks: Plan['outlooks'];
  readonly published: Directive | null;
  readonly nowMs: number;
}

/** What of the store emergency rollbacks need. Their time is kept there, so that a restart does not begin it anew. */
export type EmergencyStore = Pick<
  ReconcilerState,
  'setEmergencyRollback' | 'clearEmergencyRollback' | 'readEmergencyRollbacks'
>;

/** What waits for so many times the patience, and was not decided here, is left from a process that is gone. */
const STALE_AFTER = 10;

export class EmergencyRollbacks {
  readonly #store: EmergencyStore;
  readonly #afterMs: () => number;
  /** Rollbacks that this process decided: only it knows when they are not decided any more. */
  readonly #decided = new Set<string>();

  constructor(store: EmergencyStore, afterMs: () => number) {
    this.#store = store;
    this.#afterMs = afterMs;
  }

  /** Takes note of the rollbacks that are decided and not on the branch; those that wait too long are in force from now on. */
  async note({ steps, outlooks, published, nowMs }: UnlandedSteps): Promise<void> {
    const known = await this.#store.readEmergencyRollbacks();
    const waiting = new Map(steps.filter(takesBack).map((step) => [step.rollout, step]));
    const revisions = new Map(outlooks.map((one) => [one.rollout, one.revision]));
    for (const { rollout, revision, waitsSinceMs, inForceSinceMs } of known.values()) {
      if (inForceSinceMs !== null || waiting.has(rollout)) continue;
      // Another process may be ahead, or know answers of outside signals that this one never asked for.
      const isOwn = this.#decided.delete(rollout) && (revisions.get(rollout) ?? revision) >= revision;
      const isStale = nowMs - waitsSinceMs > STALE_AFTER * this.#afterMs();
      if (isOwn || isStale) await this.#store.clearEmergencyRollback(rollout);
    }
    for (const [rollout, step] of waiting) {
      this.#decided.add(rollout);
      const before = known.get(rollout);
      if (before !== undefined && before.inForceSinceMs !== null) continue;
      const entry = published?.entries.find((one) => one.rollout === rollout);
      const waitsSinceMs = Math.min(before?.waitsSinceMs ?? nowMs, nowMs);
      const isDue = entry !== undefined && nowMs - waitsSinceMs >= this.#afterMs();
      if (before?.waitsSinceMs === waitsSinceMs && !isDue) continue;
      const revision = isDue ? entry.revision : step.next.revision - 1;
      const inForceSinceMs = isDue ? nowMs : null;
      await this.#store.setEmergencyRollback({ rollout, revision, reason: step.reason, waitsSinceMs, inForceSinceMs });
    }
  }

  /** Those that devices got without a commit. */
  async inForce(): Promise<readonly EmergencyRollback[]> {
    return [...(await this.#store.readEmergencyRollbacks()).values()].filter((one) => one.inForceSinceMs !== null);
  }

  /** The directive with the emergency rollbacks in force; one ends when a higher revision is on the branch. */
  async apply(directive: Directive): Promise<Directive> {
    const inForce = new Map((await this.inForce()).map((one) => [one.rollout, one.revision]));
    if (inForce.size === 0) return directive;
    const revisions = new Map(directive.entries.map((entry) => [entry.rollout, entry.revision]));
    for (const [rollout, revision] of inForce) {
      if ((revisions.get(rollout) ?? Number.POSITIVE_INFINITY) <= revision) continue;
      await this.#store.clearEmergencyRollback(rollout);
      inForce.delete(rollout);
    }
    const entries = directive.entries.map((entry) => ({ ...entry, emergency: inForce.has(entry.rollout) }));
    return { ...directive, entries };
  }
}
