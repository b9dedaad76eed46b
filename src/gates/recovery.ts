// Owns whether a rule that failed holds again: by what is so now, for what the stage as a whole showed is not undone by later reports.
import { WINDOW_INTERVALS } from '../telemetry/window.ts';
import { limitInForce } from './freeze-limits.ts';
import { inlierRows } from './inlier-rows.ts';
import { HOUR_MS } from './judge-counter.ts';
import { measureOf, metricKind } from './metric-kind.ts';
import type { RuleVerdict } from './rule-verdict.ts';
import { newestWindow, type StageQuestion, wholeTallies, windowTallies } from './stage-question.ts';
import type { StageRule } from './stage-rule.ts';
import { LEAST_DEVICES_TO_DROP } from './statistics/rate-verdict.ts';
import { minusTally, type Tally } from './statistics/tally.ts';

/** So many intervals of the newest window must be over, for so long a rule must have held; and it must not be over for as long again. */
const HALF_WINDOW = WINDOW_INTERVALS / 2;

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

function measureIn({ rule }: StageRule, { limits }: StageQuestion): string {
  const latency = metricKind(rule.metric).kind === 'quantile' ? limitInForce(rule, limits) : undefined;
  return latency === undefined ? (measureOf(rule) ?? '') : `latency>${latency.edge}`;
}

/**
 * What the candidate's devices did in the newest window, without those that claim far more than the median one, and without the one most
 * above and the one most below the allowed share: a single device neither ends a pause nor holds it. Null while the window is less than half over, or
 * has less than half of the devices: whoever reports first opens it, and is alone in it.
 */
function presentCounts(question: StageQuestion, measure: string, allowed: number): Tally | null {
  const { candidate, openMs = 0, intervalMs } = question;
  const index = newestWindow(candidate);
  const age = openMs / intervalMs - WINDOW_INTERVALS * index;
  if (age < HALF_WINDOW || age > WINDOW_INTERVALS + HALF_WINDOW) return null;
  const rows = windowTallies(candidate, measure, index);
  if (2 * rows.live < (wholeTallies(candidate, measure)?.live ?? 0)) return null;
  const inliers = inlierRows(question, candidate, measure, rows, 'window')?.rows ?? rows;
  if (inliers.live < LEAST_DEVICES_TO_DROP) return inliers.all;
  const furthest = [inliers.largestExcess(allowed), inliers.largestDeficit(allowed)];
  const apart = new Map(furthest.flatMap((one) => (one === undefined ? [] : [[one.device, one] as const])));
  return [...apart.values()].reduce<Tally>(minusTally, inliers.all);
}

/** Of a rule that failed by its rate: what is so now is within the limit, on evidence enough to show that it was broken. */
export function rateRecovered(asked: StageRule, found: RuleVerdict, question: StageQuestion): boolean {
  const allowed = allowedShare(asked, found);
  if (found.kind !== 'rate' || allowed === null) return false;
  const present = presentCounts(question, measureIn(asked, question), allowed);
  if (present === null) return false;
  const { bad, trials } = present;
  return allowed * trials >= LEAST_EXPECTED && bad < allowed * trials;
}

/** Does a rule keep its limit at present? Of a signal all answers of its time must have said so. */
export function holdsNow({ kind, verdict, within, recovered }: RuleVerdict): boolean {
  if (recovered === true || verdict === 'fail') return recovered === true;
  return kind === 'signal' ? verdict === 'pass' : within;
}
