// Owns the forecast of drift: the look at which a true drift first differs from its limit beyond chance.
import { FIRST_LOOK } from '../../telemetry/histogram-sums.ts';
import { lookAlpha } from '../statistics/drift-verdict.ts';
import { normalQuantile } from '../statistics/special-functions.ts';

export interface DriftPlan {
  /** True drift and limit, on the scale. */
  readonly drift: number;
  readonly limit: number;
  readonly scale: 'psi' | 'kl';
  readonly bins: number;
  /** The candidate's answers in one interval of reports. */
  readonly perInterval: number;
  /** The baseline's answers for each of the candidate's. */
  readonly beside: number;
  /** Error level of all looks together, 0..1. */
  readonly level: number;
}

const MOST_LOOKS = 24;

/** On the expected path, with answers that are independent of each other; null when no look within 2²⁵ intervals decides. */
export function driftSamples(plan: DriftPlan): { readonly samples: number; readonly intervals: number } | null {
  const { drift, limit, scale, bins, perInterval, beside, level } = plan;
  const unit = scale === 'psi' ? 1 : 0.5;
  if (!(perInterval > 0) || drift === limit) return null;
  for (let look = 0; look < MOST_LOOKS; look++) {
    const intervals = FIRST_LOOK * 2 ** look;
    const samples = perInterval * intervals;
    const variance = 1 / samples + 1 / (samples * beside);
    const bias = (bins - 1) * variance;
    const distance = Math.sqrt(drift / unit + bias);
    const reach = normalQuantile(1 - lookAlpha(level, look)) * Math.sqrt(variance);
    const isDecided =
      drift < limit
        ? unit * (distance + reach) ** 2 < limit
        : unit * (Math.max(0, distance - reach) ** 2 - bias) >= limit;
    if (isDecided) return { samples, intervals };
  }
  return null;
}
