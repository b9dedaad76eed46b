// Owns the rule over files that never came: devices of a stage, counted by whether they had the file in time.
import { type DeviceCounts, type ShareLimit, type ShareReading, shareVerdict } from './share-verdict.ts';

/** When a device heard of the stage and when it had the verified file; null while it did not. */
export interface Delivery {
  readonly heardAtMs: number | null;
  readonly gotAtMs: number | null;
  /** It never heard, and is past the joining deadline. */
  readonly isOut?: boolean;
}

export interface DeliveryReading extends ShareReading {
  /** Bad ones had it late or not at all, pending ones may still have it in time. */
  readonly counts: DeviceCounts;
  readonly out: number;
  /** Places of the devices that are past their time and still without it. */
  readonly missing: readonly number[];
}

export interface DeliveryLimit extends ShareLimit {
  readonly nowMs: number;
  readonly withinMs: number;
}

/** Is the share of devices without the file `withinMs` after they heard of the stage below `limit` (0..1)? Exact. */
export function deliveryVerdict(
  devices: readonly Delivery[],
  { nowMs, withinMs, ...limit }: DeliveryLimit,
): DeliveryReading {
  const counts = { bad: 0, good: 0, pending: 0 };
  const missing: number[] = [];
  let out = 0;
  devices.forEach(({ heardAtMs, gotAtMs, isOut = false }, place) => {
    if (heardAtMs === null && isOut) out++;
    else if (heardAtMs === null) counts.pending++;
    else if (gotAtMs !== null && gotAtMs - heardAtMs <= withinMs) counts.good++;
    else if (nowMs - heardAtMs <= withinMs) counts.pending++;
    else {
      counts.bad++;
      if (gotAtMs === null) missing.push(place);
    }
  });
  return { ...shareVerdict(counts, limit), counts, out, missing };
}
