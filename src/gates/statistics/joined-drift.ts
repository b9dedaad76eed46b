// Owns how several histograms of the same answers become one verdict, such as the directions of an embedding.
import type { DriftReading } from './drift-verdict.ts';

/** The mean of their evidence is evidence; a pass needs all. */
export function joinedDrift(
  readings: readonly Pick<DriftReading, 'pFail' | 'pPass' | 'estimate'>[],
): Pick<DriftReading, 'pFail' | 'pPass'> & { readonly estimate: number } {
  let evidence = 0;
  for (const { pFail } of readings) evidence += pFail < 1 ? 1 / Math.max(pFail, Number.MIN_VALUE) : 0;
  return {
    pFail: Math.min(1, readings.length / evidence),
    pPass: Math.max(0, ...readings.map(({ pPass }) => pPass)),
    estimate: Math.max(0, ...readings.map(({ estimate }) => estimate ?? 0)),
  };
}
