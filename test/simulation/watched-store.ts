// Owns rehearsals whose memory store is watched: what it heard, what it answered, and which windows were opened in between.
import { expect, vi } from 'vitest';
import type { DirectiveEntry } from '../../src/contract/directive.ts';
import type { StoredAnswer, VerifiedReport } from '../../src/contract/fleet-messages.ts';
import type { Rehearsal, RehearsalOrder } from '../../src/simulation/rehearsal-order.ts';
import type { FleetStore } from '../../src/store/fleet-store.ts';
import * as memory from '../../src/store/memory/open-memory-fleet-store.ts';
import type { WindowSpec } from '../../src/telemetry/window.ts';
import { rehearsed } from './rehearsed.ts';

export type Happened =
  | { readonly opened: WindowSpec; readonly atMs: number }
  | { readonly kept: readonly DirectiveEntry[] }
  | (VerifiedReport & { readonly answer: StoredAnswer });

export interface WatchedRehearsal {
  readonly rehearsal: Rehearsal;
  readonly store: FleetStore;
  readonly happened: readonly Happened[];
  readonly heard: readonly Extract<Happened, VerifiedReport>[];
}

/** A rehearsal, with all that its store was told, in order. The test file mocks the module that opens the store, as a spy. */
export async function watchedRehearsal(scenario: string, more: Partial<RehearsalOrder>): Promise<WatchedRehearsal> {
  const happened: Happened[] = [];
  const spied = vi.mocked(memory.openMemoryFleetStore);
  const open = spied.getMockImplementation() ?? memory.openMemoryFleetStore;
  let watched: FleetStore | undefined;
  spied.mockImplementationOnce((settings) => {
    const store = open(settings);
    watched = {
      ...store,
      ingest: async (batch) => {
        const answers = await store.ingest(batch);
        batch.forEach((one, i) => {
          happened.push({ ...one, answer: answers[i] ?? 'unknown-device' });
        });
        return answers;
      },
      keepEntries: async (kept) => {
        happened.push({ kept });
        await store.keepEntries(kept);
      },
      openWindow: async (opened, atMs) => {
        happened.push({ opened, atMs });
        await store.openWindow(opened, atMs);
      },
    };
    return watched;
  });
  const rehearsal = await rehearsed(scenario, more);
  expect(rehearsal.breaches).toEqual([]);
  if (watched === undefined) throw new Error('no store was opened');
  return { rehearsal, store: watched, happened, heard: happened.filter((one) => 'report' in one) };
}
