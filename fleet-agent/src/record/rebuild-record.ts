// Owns rebuilding a model's record from its slots, when the journal is torn or gone.
import { parseManifest } from '../../../src/contract/manifest/parse-manifest.ts';
import type { Journal } from './journal.ts';
import { emptyRecord, higher, type ModelRecord, type SlotContent, type SlotName } from './model-record.ts';
import type { Slots } from './slots.ts';

/** The journal's record, or one rebuilt from the slots where it is torn or gone; what failed here is not forgotten either way. */
export async function readRecord(
  model: string,
  journal: Journal,
  slots: Slots,
): Promise<{ readonly record: ModelRecord; readonly found: 'whole' | 'absent' | 'corrupt' }> {
  const read = await journal.read(model);
  if (typeof read !== 'string') return { record: read, found: 'whole' };
  const record = await rebuildRecord(model, slots);
  if (read === 'absent') return { record, found: read };
  return { record: { ...record, failures: await journal.salvage(model) }, found: read };
}

/** The slot that `current` points at runs and is trusted; the other is a copy to test again. */
async function rebuildRecord(model: string, slots: Slots): Promise<ModelRecord> {
  const pointed = await slots.pointed();
  const contentOf = async (slot: SlotName): Promise<SlotContent | null> => {
    const intact = await slots.readIntact(slot);
    if (intact === undefined) return null;
    const { digest, version, rollout } = intact.seal;
    const { sequence = 0 } = parseManifest(intact.manifest, slots.path(slot, 'manifest.yaml')).metadata;
    return { digest, version, rollout, isProven: slot === pointed, sequence };
  };
  const contents = { A: await contentOf('A'), B: await contentOf('B') };
  const active = pointed !== undefined && contents[pointed] !== null ? pointed : null;
  const running = active === null ? null : contents[active];
  const height = running && higher(null, running);
  return { ...emptyRecord(model), active, slots: contents, phase: { kind: running ? 'committed' : 'idle' }, height };
}
