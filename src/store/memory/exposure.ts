// Owns exposure in memory.
import {
  type ExposureLog,
  type ExposureQuestion,
  type ExposureRow,
  MOST_OF_DEVICE,
  patchingPoints,
} from '../exposure.ts';
import type { ExposureChange, ShownVersion } from '../shown-versions.ts';

type Kept = { -readonly [K in keyof ExposureRow]: ExposureRow[K] } & { readonly number: number };

export interface MemoryExposure {
  readonly role: ExposureLog;
  write(change: ExposureChange): void;
  /** The device is forgotten: what it ran nobody knows from when it was heard last. */
  end(device: string, atMs: number): void;
}

const isAbout =
  ({ digest, model, version, device }: Partial<ExposureQuestion>) =>
  (row: ExposureRow): boolean =>
    (digest === undefined || row.digest === digest) &&
    (model === undefined || row.model === model) &&
    (version === undefined || row.version === version) &&
    (device === undefined || row.device === device);

export function exposureInMemory(): MemoryExposure {
  /** By device, the oldest first. */
  const rows = new Map<string, Kept[]>();
  let newest = 0;
  const all = (): Kept[] => [...rows.values()].flat().sort((a, b) => a.number - b.number);
  const add = (device: string, one: ShownVersion, times: Pick<Kept, 'afterMs' | 'fromMs' | 'untilMs'>): void => {
    const own = rows.get(device) ?? [];
    own.push({ device, ...one, ...times, number: ++newest });
    rows.set(device, own);
  };
  const close = (row: Kept, atMs: number): void => {
    row.untilMs = Math.max(row.fromMs, atMs);
  };
  return {
    write: ({ device, atMs, heardMs, ended, began, passed }) => {
      const closing = new Set([...ended, ...began.map((one) => one.model)]);
      for (const row of rows.get(device) ?? []) if (row.untilMs === null && closing.has(row.model)) close(row, atMs);
      for (const one of passed) {
        const same = rows.get(device)?.find((row) => isSameVersion(row, one) && (row.untilMs ?? atMs) >= heardMs);
        if (same === undefined) add(device, one, { afterMs: heardMs, fromMs: atMs, untilMs: atMs });
        else if (same.untilMs !== null) same.untilMs = Math.max(same.untilMs, atMs);
      }
      for (const one of began) add(device, one, { afterMs: heardMs, fromMs: atMs, untilMs: null });
      const own = rows.get(device) ?? [];
      const over = own.filter((row) => row.untilMs !== null).slice(0, -MOST_OF_DEVICE);
      if (over.length > 0)
        rows.set(
          device,
          own.filter((row) => !over.includes(row)),
        );
    },
    end: (device, atMs) => {
      for (const row of rows.get(device) ?? []) if (row.untilMs === null) close(row, atMs);
    },
    role: {
      readExposure: async ({ fromMs, untilMs, cursor = '0', most, ...about }) => {
        const touched = all()
          .filter(isAbout(about))
          .filter((row) => row.afterMs < untilMs && (row.untilMs === null || row.untilMs >= fromMs));
        if (about.device !== undefined) return { rows: touched.reverse().slice(0, most).map(toRow), next: null };
        const after = touched.filter((row) => row.number > Number(cursor));
        const page = after.slice(0, most);
        return { rows: page.map(toRow), next: after.length > most ? String(page.at(-1)?.number) : null };
      },
      readPatching: async (about, atMs) => {
        const byDevice = Map.groupBy(all().filter(isAbout(about)), (row) => row.device);
        const devices = [...byDevice.values()].map((own) => ({
          fromMs: Math.min(...own.map((row) => row.fromMs)),
          untilMs: own.some((row) => row.untilMs === null) ? null : Math.max(...own.map((row) => row.untilMs ?? 0)),
        }));
        return patchingPoints(devices, atMs);
      },
      forgetExposure: async (beforeMs) => {
        let gone = 0;
        for (const [device, own] of rows) {
          const kept = own.filter((row) => row.untilMs === null || row.untilMs >= beforeMs);
          gone += own.length - kept.length;
          if (kept.length === 0) rows.delete(device);
          else rows.set(device, kept);
        }
        return gone;
      },
    },
  };
}

function isSameVersion(row: ExposureRow, { model, version, digest }: ShownVersion): boolean {
  return row.model === model && row.version === version && row.digest === digest;
}

function toRow({ number: _, ...row }: Kept): ExposureRow {
  return { ...row };
}
