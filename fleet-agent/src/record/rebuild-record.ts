// Owns rebuilding a model's record from its slots, when the journal is torn or gone.
import { emptyRecord, type ModelRecord, type SlotContent, type SlotName } from './model-record.ts';
import type { Slots } from './slots.ts';

/** What `current` points at runs and is trusted; the other is a copy to test again. */
export async function rebuildRecord(model: string, slots: Slots): Promise<ModelRecord> {
  const pointed = await slots.pointed();
  const found = await slots.survey();
  const empty = emptyRecord(model);
  const active = found.find(({ slot }) => slot === pointed)?.slot ?? null;
  const contents = Object.fromEntries(
    found.map(({ slot, seal }): [SlotName, SlotContent] => {
      const { digest, version, rollout } = seal;
      return [slot, { digest, version, rollout, isProven: slot === active }];
    }),
  );
  return {
    ...empty,
    active,
    slots: { ...empty.slots, ...contents },
    phase: { kind: active === null ? 'idle' : 'committed' },
  };
}
