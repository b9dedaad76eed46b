// Owns the stored form of a device's gauges.
import { assertInvariant, CodedError } from '../base/errors.ts';
import type { GaugeState } from './gauge-tallies.ts';

const FORMAT = 3;

/** As JSON text: format, then for each gauge its sums, and its spans, three numbers a span. */
export function encodeGauges(states: readonly GaugeState[]): string {
  const gauges = states.map(({ total, weight, reports, longestMs, pastMs, spans, watchedMs }) => {
    const sums = [total, weight, reports, longestMs, pastMs, watchedMs];
    const flat = spans.flatMap(({ fromMs, toMs, isBeyond }) => [fromMs, toMs, Number(isBeyond)]);
    assertInvariant(sums.every(Number.isFinite) && flat.every(Number.isFinite), 'sums of gauges are finite');
    return [...sums, flat];
  });
  return JSON.stringify([FORMAT, gauges]);
}

/** Reads what `encodeGauges` wrote. Throws TELEMETRY_ROW_BROKEN. */
export function decodeGauges(text: string): GaugeState[] {
  const [format, gauges] = JSON.parse(text) as [
    number,
    readonly [number, number, number, number, number, number, readonly number[]][],
  ];
  if (format !== FORMAT) {
    throw new CodedError({
      code: 'TELEMETRY_ROW_BROKEN',
      kind: 'bug',
      message: `Stored gauges have format ${format}, not ${FORMAT}.`,
      remedy:
        'The store was written by another version or damaged; restore it from a backup or let the stage start anew.',
    });
  }
  return gauges.map(([total, weight, reports, longestMs, pastMs, watchedMs, flat]) => ({
    ...{ total, weight, reports, longestMs, pastMs, watchedMs },
    spans: Array.from({ length: flat.length / 3 }, (_, i) => ({
      fromMs: flat[3 * i] ?? 0,
      toMs: flat[3 * i + 1] ?? 0,
      isBeyond: flat[3 * i + 2] === 1,
    })),
  }));
}
