// Owns rule A: is the rate of bad events below a threshold?
import { pFail, pPass } from './e-process.ts';
import { designEffect, LEAST_CLUSTERS, minusTally, type Tally } from './tally.ts';
import type { NamedTally, TallyRows } from './tally-rows.ts';

export type Verdict = 'pass' | 'fail' | 'undecided';

export interface RateOptions {
  /** Error level of a fail, 0..1. */
  readonly alpha?: number;
  /** Error level of a pass, 0..1. */
  readonly beta?: number;
  /** `stage`: these devices and no others, clusters are reports. `fleet`: the devices are a sample, clusters are devices. */
  readonly scope?: 'stage' | 'fleet';
  /** A fail must survive leaving out the device of largest excess (stage scope, three devices or more). */
  readonly dropWorst?: boolean;
  /** false: the device of largest excess is looked for only where leaving it out can matter, so that a reading may not name it. */
  readonly nameWorst?: boolean;
  /** Least design effect for a pass, from the fleet's history: bursts that the stage has not shown yet. */
  readonly leastDesignEffect?: number;
}

/** What the tallies of a stage say about one limit. */
export interface RateReading {
  readonly verdict: Verdict;
  /** Observed rate; null without data. For relative rules the ratio of both rates; null without bad events in the baseline. */
  readonly estimate: number | null;
  readonly trials: number;
  /** Devices with data. */
  readonly devices: number;
  readonly designEffect: number;
  /** Is the observed value within the limit, decided or not? */
  readonly isWithin: boolean;
  readonly pFail: number;
  readonly pPass: number;
  /** pFail of all devices, before the worst is left out. */
  readonly pFailAll: number;
  /** The device of largest excess, where one was left out. */
  readonly worst: NamedTally | null;
  /** Why undecided; null when there is nothing to add. */
  readonly reason: OpenReason | null;
}

/** Why counts don't decide; `one-device`: without the device of largest excess the others don't prove a breach. */
export type OpenReason =
  | 'no-data'
  | 'too-few-reports'
  | 'too-few-devices'
  | 'no-baseline'
  /** No bad events in either arm. */
  | 'no-events'
  | 'one-device';

export const LEAST_DEVICES_TO_DROP = 3;

/** Evidence at the effective counts S/d, N/d. */
function weigh(side: typeof pFail, tally: Tally, threshold: number, effect: number): number {
  return side(tally.bad / effect, tally.trials / effect, threshold);
}

export function mayDropWorst(devices: TallyRows, pFailAll: number, options: RateOptions): boolean {
  const { scope = 'stage', dropWorst = true, nameWorst = true } = options;
  return scope === 'stage' && dropWorst && (nameWorst || pFailAll < 1) && devices.live >= LEAST_DEVICES_TO_DROP;
}

/** The verdict of two p-values, with the reason when only the worst device stands between it and a fail. */
export function verdictOf(
  p: { readonly pFail: number; readonly pPass: number; readonly pFailAll: number },
  options: RateOptions,
): { readonly verdict: Verdict; readonly reason: OpenReason | null } {
  const { alpha = 0.05, beta = 0.05 } = options;
  if (p.pFail <= alpha) return { verdict: 'fail', reason: null };
  if (p.pPass <= beta) return { verdict: 'pass', reason: null };
  return { verdict: 'undecided', reason: p.pFailAll <= alpha ? 'one-device' : null };
}

/** A reading that decides nothing. */
export function openReading(devices: TallyRows, all = devices.all): RateReading {
  return {
    verdict: 'undecided',
    estimate: all.trials > 0 ? all.bad / all.trials : null,
    trials: all.trials,
    devices: devices.live,
    designEffect: designEffect(all),
    isWithin: false,
    ...{ pFail: 1, pPass: 1, pFailAll: 1 },
    worst: null,
    reason: null,
  };
}

/** Is the rate below `threshold` (0..1, both ends excluded; best at most ½: count the rarer outcome)? */
export function rateVerdict(devices: TallyRows, threshold: number, options: RateOptions = {}): RateReading {
  const { scope = 'stage', leastDesignEffect = 1 } = options;
  const all = scope === 'fleet' ? devices.byDevice() : devices.all;
  const base = { ...openReading(devices, all), isWithin: all.bad < threshold * all.trials };
  const { designEffect: effect } = base;
  if (devices.live === 0) return { ...base, reason: 'no-data' };
  if (all.reports < LEAST_CLUSTERS) {
    return { ...base, reason: scope === 'fleet' ? 'too-few-devices' : 'too-few-reports' };
  }
  const pFailAll = weigh(pFail, all, threshold, effect);
  const worst = mayDropWorst(devices, pFailAll, options) ? devices.largestExcess(threshold) : undefined;
  const p = {
    pPass: weigh(pPass, all, threshold, Math.max(leastDesignEffect, effect)),
    pFailAll,
    pFail: worst === undefined ? pFailAll : Math.max(pFailAll, pFailWithout(all, worst, threshold)),
  };
  return { ...base, ...p, worst: worst ?? null, ...verdictOf(p, options) };
}

function pFailWithout(all: Tally, worst: Tally, threshold: number): number {
  const rest = minusTally(all, worst);
  return rest.reports < LEAST_CLUSTERS ? 1 : weigh(pFail, rest, threshold, designEffect(rest));
}
