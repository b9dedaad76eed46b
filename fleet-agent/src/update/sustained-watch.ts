// Owns the device's own limits in a trial: processor, memory and heat may be beyond them for a while, and no longer.
import { formatDuration } from '../../../src/contract/duration.ts';
import { parseSustainedLimit, type SustainedLimit } from '../../../src/contract/sustained-limit.ts';
import type { HealthLimits } from '../../../src/contract/types.generated.ts';

interface GaugeLimit extends SustainedLimit {
  readonly gauge: 'cpu' | 'memory' | 'temperature';
  /** In the unit of the limit. */
  readonly of: (reading: number) => number;
  readonly what: string;
  readonly unit: string;
}

function limitsOf({ maxCpuPercent, maxMemoryPercent, maxTemperatureCelsius }: HealthLimits): GaugeLimit[] {
  const percent = (share: number): number => share * 100;
  const all = [
    { given: maxCpuPercent, gauge: 'cpu', of: percent, what: 'processor was in use', unit: '%' },
    { given: maxMemoryPercent, gauge: 'memory', of: percent, what: 'memory was in use', unit: '%' },
    {
      given: maxTemperatureCelsius,
      gauge: 'temperature',
      of: (one: number) => one,
      what: 'device was hot',
      unit: ' °C',
    },
  ] as const;
  return all.flatMap(({ given, ...rest }) => (given === undefined ? [] : [{ ...rest, ...parseSustainedLimit(given) }]));
}

export type Sustained =
  | { readonly kind: 'within' }
  /** Beyond a limit now, but not for too long yet. */
  | { readonly kind: 'beyond' }
  | { readonly kind: 'broken'; readonly message: string };

export class SustainedWatch {
  /** Since when each gauge has been beyond its limit, by the monotonic clock. */
  readonly #sinceMs = new Map<string, number>();

  begin(): void {
    this.#sinceMs.clear();
  }

  /** `readings` are the newest of the device; a gauge that it lacks is within every limit. */
  look(health: HealthLimits, readings: ReadonlyMap<string, number>, nowMs: number): Sustained {
    for (const { gauge, of, most, forMs, what, unit } of limitsOf(health)) {
      const reading = readings.get(gauge);
      if (reading === undefined || of(reading) <= most) {
        this.#sinceMs.delete(gauge);
        continue;
      }
      const sinceMs = this.#sinceMs.get(gauge) ?? nowMs;
      this.#sinceMs.set(gauge, sinceMs);
      if (nowMs - sinceMs < forMs) continue;
      const value = `${Number(of(reading).toFixed(1))}${unit}`;
      const message = `The ${what}: ${value}, above ${most}${unit} for ${formatDuration(nowMs - sinceMs)} in its trial.`;
      return { kind: 'broken', message };
    }
    return { kind: this.#sinceMs.size > 0 ? 'beyond' : 'within' };
  }
}
