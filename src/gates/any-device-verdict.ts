// Owns the guard over single devices: does any one device of the stage breach a rate?
import { pFail } from './e-process.ts';
import type { Verdict } from './rate-verdict.ts';
import { designEffect, LEAST_CLUSTERS } from './tally.ts';
import type { NamedTally, TallyRows } from './tally-rows.ts';

export interface AnyDeviceReading {
  readonly verdict: Verdict;
  readonly isWithin: boolean;
  /** Least p-value over the devices, times their number (Bonferroni). */
  readonly pFail: number;
  readonly worst: NamedTally | null;
}

/** Fails when one device surely breaches the threshold; passes when every device is observed within: proof for each would take too long. */
export function anyDeviceVerdict(
  devices: TallyRows,
  threshold: number,
  options: { readonly alpha?: number } = {},
): AnyDeviceReading {
  const { alpha = 0.05 } = options;
  let worst: NamedTally | null = null;
  let least = 1;
  let isWithin = devices.live > 0;
  for (const device of devices.each()) {
    const isReadable = device.reports >= LEAST_CLUSTERS;
    if (!isReadable || !(device.bad < threshold * device.trials)) isWithin = false;
    if (!isReadable) continue;
    const effect = designEffect(device);
    const p = Math.min(1, devices.live * pFail(device.bad / effect, device.trials / effect, threshold));
    // Of equal ones the first by name, so that it does not matter who reported first.
    if (p > least || (p === least && (worst === null || device.device >= worst.device))) continue;
    least = p;
    worst = device;
  }
  return { verdict: least <= alpha ? 'fail' : isWithin ? 'pass' : 'undecided', isWithin, pFail: least, worst };
}
