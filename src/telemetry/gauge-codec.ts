// Owns the stored form of a device's gauges.
import { assertInvariant, CodedError } from '../base/errors.ts';
import type { GaugeState } from './gauge-tallies.ts';

const FORMAT = 2;
/** Without the time watched. */
const FORMAT_OF_SPANS = 1;

/** Sums that stand before the spans. */
const SUMS_BEFORE = 5;

/** As JSON text: format, then for each gauge its sums, its spans, three numbers a span, and the time watched. */
export function encodeGauges(states: readonly GaugeState[]): string {
  const gauges = states.map(({ total, weight, reports, longestMs, pastMs, spans, watchedMs }) => {
    const sums = [total, weight, reports, longestMs, pastMs, watchedMs];
    const flat = spans.flatMap(({ fromMs, toMs, isBeyond }) => [fromMs, toMs, Number(isBeyond)]);
    assertInvariant(sums.every(Number.isFinite) && flat.every(Number.isFinite), 'sums of gauges are finite');
    return [...sums.slice(0, SUMS_BEFORE), flat, watchedMs];
  });
  return JSON.stringify([FORMAT, gauges]);
}

/** Reads what `encodeGauges` wrote. Throws TELEMETRY_ROW_BROKEN. */
export function decodeGauges(text: string): GaugeState[] {
  const [format, gauges] = JSON.parse(text) as [
    number,
    readonly [number, number, number, number, number, readonly number[], number?][],
  ];
  if (format !== FORMAT && format !== FORMAT_OF_SPANS) {
    throw new CodedError({
      code: 'TELEMETRY_ROW_BROKEN',
      kind: 'bug',
      message: `Stored gauges have format ${format}, not ${FORMAT}.`,
      remedy:
        'The store was written by another version or damaged; restore it from a backup or let the stage start anew.',
    });
  }
  return gauges.map(([total, weight, reports, longestMs, pastMs, flat, watchedMs]) => ({
    ...{ total, weight, reports, longestMs, pastMs },
    // Before it was kept, the spans alone said it.
    watchedMs: watchedMs ?? (flat.at(-2) ?? 0) - (flat[0] ?? 0),
    spans: Array.from({ length: flat.length / 3 }, (_, i) => ({
      fromMs: flat[3 * i] ?? 0,
      toMs: flat[3 * i + 1] ?? 0,
      isBeyond: flat[3 * i + 2] === 1,
    })),
  }));
}
