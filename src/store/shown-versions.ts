// Owns what a report changes in what is known of the versions that a device ran.
import type { Digest } from '../contract/digest.ts';
import { choicesOf, type DirectiveEntry } from '../contract/directive.ts';
import type { DeviceReport, ModelState } from '../contract/report.ts';
import type { ExposureHow } from './exposure.ts';

export interface ShownVersion {
  readonly model: string;
  readonly version: string;
  readonly digest: Digest | null;
  readonly how: ExposureHow;
}

export interface ExposureChange {
  readonly device: string;
  readonly atMs: number;
  /** When the device was heard before. */
  readonly heardMs: number;
  /** Models that ran something until now. */
  readonly ended: readonly string[];
  /** What runs from now on. */
  readonly began: readonly ShownVersion[];
  /** What ran in between, and does not now. */
  readonly passed: readonly ShownVersion[];
}

export interface ShownBefore {
  readonly id: string;
  readonly models: ReadonlyMap<string, Pick<ModelState, 'running'>>;
  readonly lastSeenAtMs: number;
}

/** Entries that are kept of a rollout, the newest first. */
export interface KeptEntries {
  all(rollout: string): readonly DirectiveEntry[];
}

interface Shown {
  readonly report: DeviceReport;
  readonly receivedAtMs: number;
  /** No later report of the device came before. */
  readonly isNewest: boolean;
}

/** Null when nothing changes, as most reports tell. What the device says is taken as it says it: exposure is no verdict. */
export function exposureChange(
  before: ShownBefore,
  { report, receivedAtMs, isNewest }: Shown,
  published: KeptEntries,
): ExposureChange | null {
  const ended: string[] = [];
  const began: ShownVersion[] = [];
  const passed: ShownVersion[] = [];
  const now = new Map(report.states.map((state) => [state.model, state.running]));
  const shown = (model: string, version: string, digest: Digest, rollout: string | null): ShownVersion => {
    const isDeclared = rollout !== null && isPublished(published, { rollout, model, digest });
    return { model, version, digest, how: isDeclared ? 'declared' : 'claimed' };
  };
  if (isNewest) {
    for (const [model, { running }] of before.models) {
      if (running !== null && now.get(model)?.digest !== running.digest) ended.push(model);
    }
    for (const { model, running, rollout } of report.states) {
      if (running !== null && before.models.get(model)?.running?.digest !== running.digest)
        began.push(shown(model, running.version, running.digest, rollout));
    }
  }
  for (const { model, version, digest, rollout } of report.intervals) {
    const isKnown =
      digest === before.models.get(model)?.running?.digest || (isNewest && digest === now.get(model)?.digest);
    if (!isKnown && !passed.some((one) => one.digest === digest)) passed.push(shown(model, version, digest, rollout));
  }
  if (ended.length + began.length + passed.length === 0) return null;
  const atMs = Math.floor(receivedAtMs);
  return { device: before.id, atMs, heardMs: Math.min(atMs, before.lastSeenAtMs), ended, began, passed };
}

/** Did a directive that is kept name the version for this rollout and model? */
function isPublished(
  published: KeptEntries,
  { rollout, model, digest }: { readonly rollout: string; readonly model: string; readonly digest: Digest },
): boolean {
  return published
    .all(rollout)
    .some((entry) => entry.model === model && choicesOf(entry).some((one) => one.digest === digest));
}
