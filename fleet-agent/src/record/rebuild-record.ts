// Owns rebuilding a model's record from its slots, when the journal is torn or gone.
import { emptyRecord, type ModelRecord, type SlotContent, type SlotName } from './model-record.ts';
import type { Slots } from './slots.ts';

/** The slot that `current` points at runs and is trusted; the other is a copy to test again. */
export async function rebuildRecord(model: string, slots: Slots): Promise<ModelRecord> {
  const pointed = await slots.pointed();
  const contentOf = async (slot: SlotName): Promise<SlotContent | null> => {
    const intact = await slots.readIntact(slot);
    if (intact === undefined) return null;
    const { digest, version, rollout } = intact.seal;
    return { digest, version, rollout, isProven: slot === pointed };
  };
  const contents = { A: await contentOf('A'), B: await contentOf('B') };
  const active = pointed !== undefined && contents[pointed] !== null ? pointed : null;
  return { ...emptyRecord(model), active, slots: contents, phase: { kind: active === null ? 'idle' : 'committed' } };
}
