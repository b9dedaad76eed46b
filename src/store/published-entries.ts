// Owns the published entries that a store keeps: reports name them by revision, and count by what they say.
import type { DirectiveEntry } from '../contract/directive.ts';
import type { PublishedEntries } from '../telemetry/attribution.ts';

/** Revisions of a rollout that are kept; reports of older ones count nowhere. */
export const MOST_REVISIONS_KEPT = 256;

/** The published entries in memory, as far as they are kept. */
export class EntryBook implements PublishedEntries {
  /** By rollout, the newest revision first. */
  readonly #entries = new Map<string, readonly DirectiveEntry[]>();

  at(rollout: string, revision: number): readonly DirectiveEntry[] {
    return (this.#entries.get(rollout) ?? []).filter((entry) => entry.revision === revision);
  }

  /** The newest first. */
  all(rollout: string): readonly DirectiveEntry[] {
    return this.#entries.get(rollout) ?? [];
  }

  newest(rollout: string): DirectiveEntry | undefined {
    return this.#entries.get(rollout)?.[0];
  }

  put(entry: DirectiveEntry): void {
    const known = this.#entries.get(entry.rollout) ?? [];
    const others = known.filter((one) => one.revision !== entry.revision || one.emergency !== entry.emergency);
    const kept = [entry, ...others].sort(
      (a, b) => b.revision - a.revision || Number(b.emergency) - Number(a.emergency),
    );
    const least = (kept[0]?.revision ?? 0) - MOST_REVISIONS_KEPT;
    this.#entries.set(
      entry.rollout,
      kept.filter(({ revision }) => revision > least),
    );
  }
}
