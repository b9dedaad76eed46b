// Owns the stores that keep every law of this room: each implementation, and a place where several processes share one.
import type { FleetStore } from '../../src/store/fleet-store.ts';
import { openMemoryFleetStore } from '../../src/store/memory/open-memory-fleet-store.ts';
import { folder, openStore } from './reports.ts';

interface StoreSettings {
  readonly heartbeatMs?: number;
  readonly reportMs?: number;
}

export interface StorePlace extends Disposable {
  /** Opens what lies there, as a process does: the first time an empty store, later the same one. */
  open(settings?: StoreSettings): FleetStore;
}

function sqlitePlace(): StorePlace {
  const place = folder();
  return { open: (settings) => openStore(place.file, settings), [Symbol.dispose]: () => place[Symbol.dispose]() };
}

function memoryPlace(): StorePlace {
  let store: FleetStore | undefined;
  return {
    open: (settings) => {
      store ??= openMemoryFleetStore(settings);
      return store;
    },
    [Symbol.dispose]: () => {},
  };
}

export const STORES: readonly { readonly name: string; readonly makePlace: () => StorePlace }[] = [
  { name: 'SQLite', makePlace: sqlitePlace },
  { name: 'memory', makePlace: memoryPlace },
];
