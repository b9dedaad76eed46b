// Owns the brake: a rollback that can't be pushed in time is published before its commit, as the one exception to "publish after push". It is
// for all devices, also where only some groups go back.
import type { Directive } from '../contract/directive.ts';
import { type Transition, takesBack } from '../rollout/transition.ts';
import type { Brake, FleetStore } from '../store/fleet-store.ts';

export class Brakes {
  readonly #store: FleetStore;
  readonly #afterMs: number;
  /** Since when a rollback of a rollout waits for its push. */
  readonly #waitingSince = new Map<string, number>();

  constructor(store: FleetStore, afterMs: number) {
    this.#store = store;
    this.#afterMs = afterMs;
  }

  /** Takes note of the rollbacks that were decided and are not on the branch; sets a brake for those that wait too long. */
  async noteUnpushed(steps: readonly Transition[], published: Directive | null, nowMs: number): Promise<boolean> {
    const unpushed = new Map(steps.filter(takesBack).map((step) => [step.rollout, step]));
    for (const rollout of this.#waitingSince.keys()) if (!unpushed.has(rollout)) this.#waitingSince.delete(rollout);
    let isNew = false;
    for (const [rollout, step] of unpushed) {
      const since = this.#waitingSince.get(rollout) ?? nowMs;
      this.#waitingSince.set(rollout, since);
      const entry = published?.entries.find((one) => one.rollout === rollout);
      if (nowMs - since < this.#afterMs || entry === undefined || entry.brake) continue;
      await this.#store.setBrake({
        rollout,
        revision: entry.revision,
        reason: JSON.stringify(step.reason),
        sinceMs: nowMs,
      });
      isNew = true;
    }
    return isNew;
  }

  /** The directive with the brakes that hold; a brake ends when a higher revision is on the branch. */
  async apply(directive: Directive): Promise<Directive> {
    const brakes = await this.#store.readBrakes();
    if (brakes.size === 0) return directive;
    const revisions = new Map(directive.entries.map((entry) => [entry.rollout, entry.revision]));
    for (const brake of brakes.values()) {
      if ((revisions.get(brake.rollout) ?? Number.POSITIVE_INFINITY) > brake.revision)
        await this.#store.clearBrake(brake.rollout);
    }
    const holds = (rollout: string, revision: number): boolean => isHeld(brakes.get(rollout), revision);
    const entries = directive.entries.map((entry) => ({ ...entry, brake: holds(entry.rollout, entry.revision) }));
    return { kind: 'Directive', entries };
  }
}

function isHeld(brake: Brake | undefined, revision: number): boolean {
  return brake !== undefined && revision <= brake.revision;
}
