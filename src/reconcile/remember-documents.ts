// Owns which version of the settings and of each fleet document was read last: after a restart, one that is broken now still says what it said.

import { toCodedError } from '../base/errors.ts';
import { SETTINGS_FILE } from '../documents/repository-layout.ts';
import type { FleetDocuments, FleetWords, WordsOfFleet } from '../measurement/fleet-words.ts';
import {
  type BrokenDocument,
  brokenBy,
  type GroupDocument,
  type Snapshot,
  type SnapshotReader,
} from '../snapshot/snapshot.ts';
import type { NamedValues } from '../store/reconciler-state.ts';

const NAME = 'fleet-documents';
/** As much as a named value may have; documents beyond are not remembered. */
const MOST_BYTES = 60_000;

export async function rememberDocuments(
  store: Pick<NamedValues, 'putValue'>,
  { readFrom }: Pick<WordsOfFleet, 'readFrom'>,
): Promise<void> {
  const kept: [path: string, oid: string][] = [];
  let bytes = 0;
  for (const one of Object.entries(readFrom)) {
    bytes += Buffer.byteLength(JSON.stringify(one));
    if (bytes > MOST_BYTES) break;
    kept.push(one);
  }
  await store.putValue(NAME, Object.fromEntries(kept));
}

/** Before the first commit is read: should its `slipway.yaml` be broken, it says what it said before, if the mirror still has that. */
export async function recallSettings(
  store: Pick<NamedValues, 'readValue'>,
  reader: Pick<SnapshotReader, 'recallSettings'>,
): Promise<void> {
  const { [SETTINGS_FILE]: oid } = ((await store.readValue(NAME)) ?? {}) as WordsOfFleet['readFrom'];
  // The mirror may have been made anew: then nobody new is admitted until the settings are mended, and their own error is shown.
  if (oid !== undefined) await reader.recallSettings(oid).catch(() => undefined);
}

/** The fleet documents that were read last, for a commit of which nothing can be read; broken where the mirror does not have them any more. */
export async function recallGroups(
  store: Pick<NamedValues, 'readValue'>,
  reader: Pick<SnapshotReader, 'readGroup'>,
): Promise<Snapshot['groups']> {
  const { [SETTINGS_FILE]: _, ...readFrom } = ((await store.readValue(NAME)) ?? {}) as WordsOfFleet['readFrom'];
  const groups = new Map<string, GroupDocument | BrokenDocument>();
  for (const [path, oid] of Object.entries(readFrom)) {
    const read = reader.readGroup(path, oid).catch((thrown: unknown) => brokenBy(path, toCodedError(thrown)));
    groups.set(path, await read);
  }
  return groups;
}

/** Tells `words` what the documents that are broken, or not in their place, said when they were last read, if the repository still has that. */
export async function recallDocuments(
  store: Pick<NamedValues, 'readValue'>,
  reader: Pick<SnapshotReader, 'readGroup'>,
  { groups }: Pick<FleetDocuments, 'groups'>,
  words: FleetWords,
): Promise<void> {
  const { [SETTINGS_FILE]: _, ...readFrom } = ((await store.readValue(NAME)) ?? {}) as WordsOfFleet['readFrom'];
  for (const [path, oid] of Object.entries(readFrom)) {
    if (groups.get(path)?.kind === 'group') continue;
    // What a new mirror lacks can't be recalled; the document itself is shown as broken.
    const read = await reader.readGroup(path, oid).catch(() => undefined);
    if (read?.kind === 'group') words.recall(path, read);
  }
}
