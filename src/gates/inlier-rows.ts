// Owns which rows of an arm are no outliers, found once a question: many measures are counted of the same trials.

import { COUNTER_MEASURE } from './metric-kind.ts';
import { type ArmEvidence, CLASS_MEASURE, type StageQuestion } from './stage-question.ts';
import type { OutlierRow } from './statistics/outlier-rows.ts';
import type { Outliers, TallyRows } from './statistics/tally-rows.ts';

export interface InlierRows {
  readonly rows: TallyRows;
  readonly outlier: OutlierRow;
}

const known = new WeakMap<StageQuestion, Map<ArmEvidence, Map<string, Outliers | null>>>();

/** What a measure is counted of. */
function trialsOf(measure: string): string {
  if (measure === 'error' || measure === 'unknown' || measure.startsWith('error:')) return 'inferences';
  if (measure.startsWith(CLASS_MEASURE)) return 'answers';
  return measure.startsWith('latency>') ? 'latencies' : measure;
}

/** Time bounds no number of events as inferences bound their errors: whoever claims far more events than others is an outlier, too. */
function isByTime(measure: string): boolean {
  return measure.startsWith(COUNTER_MEASURE) || measure === 'restarts';
}

/** A measure's rows in an arm without the outliers, since the stage opened or in the newest window; null when there is no outlier. */
export function inlierRows(
  question: StageQuestion,
  arm: ArmEvidence,
  measure: string,
  rows: TallyRows,
  when: 'whole' | 'window',
): InlierRows | null {
  const ofQuestion = known.get(question) ?? new Map<ArmEvidence, Map<string, Outliers | null>>();
  known.set(question, ofQuestion);
  const ofArm = ofQuestion.get(arm) ?? new Map<string, Outliers | null>();
  ofQuestion.set(arm, ofArm);
  const key = `${when} ${trialsOf(measure)}`;
  const found = ofArm.get(key);
  const outliers = found === undefined ? rows.outliers(isByTime(measure)) : found;
  ofArm.set(key, outliers);
  if (outliers === null) return null;
  const { inliers, outlier } = outliers;
  // They have trials, and so of each measure that is counted of the same.
  return { rows: rows.only(inliers, inliers.length), outlier };
}
