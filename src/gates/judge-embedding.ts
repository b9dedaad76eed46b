// Owns the rule over an embedding: its directions are histograms of the same answers, and become one verdict.
import { DIRECTIONS } from '../contract/output-bins.ts';
import { histogramKey } from '../telemetry/histogram-sums.ts';
import type { RuleVerdict } from './rule-verdict.ts';
import type { DriftReading } from './statistics/drift-verdict.ts';
import { joinedDrift } from './statistics/joined-drift.ts';

/** The keys of the histograms that a rule over an embedding reads. */
export const DIRECTION_KEYS: readonly string[] = Array.from({ length: DIRECTIONS }, (_, direction) =>
  histogramKey({ kind: 'direction', direction, space: '' }),
);

/** A verdict over one histogram, and what it rests on; null where nothing can be read yet. */
export interface HistogramVerdict {
  readonly rule: RuleVerdict;
  readonly reading: Pick<DriftReading, 'pFail' | 'pPass' | 'estimate'> | null;
}

type Direction = HistogramVerdict & { readonly reading: object };

function first(parts: readonly Direction[], isBefore: (a: Direction, b: Direction) => boolean): Direction | undefined {
  return parts.reduce<Direction | undefined>(
    (best, one) => (best === undefined || isBefore(one, best) ? one : best),
    undefined,
  );
}

function farther(a: Direction, b: Direction): boolean {
  return (a.reading.estimate ?? 0) > (b.reading.estimate ?? 0);
}

/**
 * The directions must fail together (`joinedDrift`), and the one that moved most clearly must fail by itself: what one device or an outlier
 * explains there is no breach. A pass needs all.
 */
export function joinDirections(verdicts: readonly HistogramVerdict[], alpha: number): RuleVerdict | undefined {
  const parts = verdicts.flatMap(({ rule, reading }) => (reading === null ? [] : [{ rule, reading }]));
  const clearest = first(parts, (a, b) => a.reading.pFail < b.reading.pFail);
  const open = first(
    parts.filter(({ rule }) => rule.verdict !== 'pass'),
    farther,
  );
  const farthest = first(parts, farther);
  if (clearest === undefined || farthest === undefined || parts.length < verdicts.length) return verdicts[0]?.rule;
  const { pFail, estimate } = joinedDrift(parts.map(({ reading }) => reading));
  const shared = {
    estimate,
    within: parts.every(({ rule }) => rule.within),
    upper: parts.some(({ rule }) => rule.upper === null) ? null : Math.max(...parts.map(({ rule }) => rule.upper ?? 0)),
  };
  if (pFail <= alpha && clearest.rule.verdict === 'fail') return { ...clearest.rule, ...shared };
  if (open === undefined) return { ...farthest.rule, ...shared };
  if (open.rule.verdict === 'undecided') return { ...open.rule, ...shared };
  const reasons = [{ kind: 'too-little', within: shared.within } as const];
  return { ...open.rule, ...shared, verdict: 'undecided', reasons };
}
