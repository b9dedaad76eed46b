// Owns whether a rule that failed holds again: by what is so now, for what the stage as a whole showed is not undone by later reports.
import { HOUR_MS } from './judge-counter.ts';
import { metricKind } from './metric-kind.ts';
import type { RuleVerdict } from './rule-verdict.ts';
import type { StageRule } from './stage-rule.ts';

/** The newest intervals say something once a rate at its limit would have shown so many bad events in them. */
const LEAST_EXPECTED = 5;

/** The share of bad events, 0..1, that a rule over rates, latencies or events allows; null of other rules. */
function allowedShare({ rule, scope }: StageRule, { limit, goodSide }: RuleVerdict): number | null {
  if (scope === 'any-device') return null;
  const kind = metricKind(rule.metric);
  if (kind.kind === 'quantile') return 1 - kind.q;
  if (kind.kind === 'counter') return limit === null || goodSide === 'above' ? null : limit / HOUR_MS;
  return kind.kind === 'rate' ? limit : null;
}

/**
 * Of a rule that failed by its rate: the newest window of ten intervals, on all devices, is within the limit, on evidence enough to show
 * that it was broken.
 */
export function rateRecovered(asked: StageRule, found: RuleVerdict): boolean {
  const allowed = found.kind === 'rate' ? allowedShare(asked, found) : null;
  if (found.kind !== 'rate' || allowed === null) return false;
  const { bad, trials } = found.sums.window;
  return allowed * trials >= LEAST_EXPECTED && bad < allowed * trials;
}

/** Does a rule keep its limit at present? Of a signal all answers of its time must have said so. */
export function holdsNow({ kind, verdict, within, recovered }: RuleVerdict): boolean {
  if (verdict === 'fail') return recovered === true;
  return kind === 'signal' ? verdict === 'pass' : within;
}
