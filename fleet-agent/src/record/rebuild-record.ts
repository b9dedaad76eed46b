// Owns rebuilding a model's record from its slots, when the journal is torn or gone.
import { parseManifest } from '../../../src/contract/manifest/parse-manifest.ts';
import type { Journal, JournalReading } from './journal.ts';
import { emptyRecord, higher, type ModelRecord, type SlotContent, type SlotName } from './model-record.ts';
import type { Slots } from './slots.ts';

/** The journal's record, or one rebuilt from the slots where it is torn, gone or unreadable; what it still says is not forgotten. */
export async function readRecord(
  model: string,
  journal: Journal,
  slots: Slots,
): Promise<{ readonly record: ModelRecord; readonly found: JournalReading['kind'] }> {
  const reading = await journal.read(model);
  const found = reading.kind;
  if (found === 'whole') return { record: reading.record, found };
  const record = await rebuildRecord(model, slots);
  if (found !== 'corrupt') return { record, found };
  const { failures, height } = reading.salvage;
  return {
    record: { ...record, failures, height: height === null ? record.height : higher(record.height, height) },
    found,
  };
}

/** The slot that `current` points at runs and is trusted; the other is a copy to test again. */
async function rebuildRecord(model: string, slots: Slots): Promise<ModelRecord> {
  const pointed = await slots.pointed();
  const contentOf = async (slot: SlotName): Promise<SlotContent | null> => {
    const intact = await slots.readIntact(slot);
    if (intact === undefined) return null;
    const { digest, version, rollout, arm } = intact.seal;
    const { sequence = 0 } = parseManifest(intact.manifest, slots.path(slot, 'manifest.yaml')).metadata;
    return { digest, version, rollout, arm, isProven: slot === pointed, sequence };
  };
  const contents = { A: await contentOf('A'), B: await contentOf('B') };
  const active = pointed !== undefined && contents[pointed] !== null ? pointed : null;
  const running = active === null ? null : contents[active];
  const height = running && higher(null, running);
  return { ...emptyRecord(model), active, slots: contents, phase: { kind: running ? 'committed' : 'idle' }, height };
}
