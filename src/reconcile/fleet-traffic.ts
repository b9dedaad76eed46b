// Owns the question how much traffic a rollout's devices have, for plans: out of the window that is open now.
import type { FleetStore } from '../store/fleet-store.ts';
import { openedHolding } from './windows.ts';

export interface FleetTraffic {
  /** Known devices of the target. */
  readonly devices: number;
  /** Inferences of one of them in a minute, on the average; null while too little was heard. */
  readonly perMinute: number | null;
}

/** Less listening says nothing of a minute. */
const LEAST_LISTENED_MS = 60_000;

export async function readTraffic(
  store: Pick<FleetStore, 'readHolding' | 'readWindow'>,
  rollout: string,
  devices: number,
): Promise<FleetTraffic> {
  const opened = await store.readHolding(openedHolding(rollout));
  const reading = typeof opened === 'number' ? await store.readWindow(rollout, opened) : undefined;
  if (reading === undefined || reading.listenedMs < LEAST_LISTENED_MS || devices === 0) {
    return { devices, perMinute: null };
  }
  const { candidate, stable } = reading.tallies;
  const inferences = candidate.summary.inferences + stable.summary.inferences;
  return { devices, perMinute: inferences === 0 ? null : inferences / (reading.listenedMs / 60_000) / devices };
}
