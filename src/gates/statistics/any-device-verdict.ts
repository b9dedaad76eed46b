// Owns the guard over single devices: do any of the stage, or more than a share of them, each breach a rate?
import { pFail } from './e-process.ts';
import type { Verdict } from './rate-verdict.ts';
import { designEffect, LEAST_CLUSTERS } from './tally.ts';
import type { NamedTally, TallyRows } from './tally-rows.ts';

export interface AnyDeviceReading {
  readonly verdict: Verdict;
  readonly isWithin: boolean;
  /** Of the device that decides, times the number of devices that it could have been by chance. */
  readonly pFail: number;
  /** The device that stands out most, if any does. */
  readonly worst: NamedTally | null;
  /** Devices that may breach, and those that do, each beyond what chance explains. */
  readonly mayBreach: number;
  readonly breaching: number;
  /** Devices that the share is taken of. */
  readonly total: number;
}

export interface AnyDeviceOptions {
  readonly alpha?: number;
  /** Share of the devices that may breach, 0..1; none unless given. */
  readonly share?: number;
  /** With a share: devices of the stage, those without data as well. A share of those that came so far would follow who comes first. */
  readonly rows?: number;
}

/**
 * Fails when more devices than may surely breach the threshold; passes when all others are observed within: proof for each would take too
 * long. With k devices that may breach, the (k+1)th least p-value decides, times the D − k devices of the stage that could have it by chance: if at most k
 * truly breach, that product is at most alpha in at most alpha of cases, whatever depends on what (Bonferroni for k = 0; Lehmann and Romano
 * 2005, Ann. Stat. 33, for the generalized one).
 */
export function anyDeviceVerdict(
  devices: TallyRows,
  threshold: number,
  { alpha = 0.05, share = 0, rows = 0 }: AnyDeviceOptions = {},
): AnyDeviceReading {
  const total = share > 0 ? Math.max(devices.live, rows) : devices.live;
  const mayBreach = Math.floor(share * total + 1e-9);
  const tried = total - mayBreach;
  const judged: { readonly p: number; readonly device: NamedTally }[] = [];
  let within = 0;
  for (const device of devices.each()) {
    if (device.reports < LEAST_CLUSTERS) continue;
    if (device.bad < threshold * device.trials) within++;
    const effect = designEffect(device);
    const p = Math.min(1, tried * pFail(device.bad / effect, device.trials / effect, threshold));
    judged.push({ p, device });
  }
  // Of equal ones the first by name, so that it does not matter who reported first.
  judged.sort((a, b) => a.p - b.p || (a.device.device < b.device.device ? -1 : 1));
  const p = judged[mayBreach]?.p ?? 1;
  const [first] = judged;
  const isWithin = devices.live > 0 && total - within <= mayBreach;
  return {
    verdict: p <= alpha ? 'fail' : isWithin ? 'pass' : 'undecided',
    isWithin,
    pFail: p,
    worst: first !== undefined && first.p < 1 ? first.device : null,
    mayBreach,
    breaching: judged.filter((one) => one.p <= alpha).length,
    total,
  };
}
