// Owns which rows of an arm are quiet, found once a question: many measures are counted of the same trials.

import { type ArmEvidence, CLASS_MEASURE, type StageQuestion } from './stage-question.ts';
import type { LoudRow } from './statistics/loud-rows.ts';
import type { Loudness, TallyRows } from './statistics/tally-rows.ts';

export interface QuietRows {
  readonly rows: TallyRows;
  readonly loudest: LoudRow;
}

const known = new WeakMap<StageQuestion, Map<ArmEvidence, Map<string, Loudness | null>>>();

/** What a measure is counted of. */
function trialsOf(measure: string): string {
  if (measure === 'error' || measure === 'unknown') return 'inferences';
  if (measure.startsWith(CLASS_MEASURE)) return 'answers';
  return measure.startsWith('latency>') ? 'latencies' : measure;
}

/** A measure's rows in an arm without the loud ones, since the stage opened or in the newest window; null when none is loud. */
export function quietRows(
  question: StageQuestion,
  arm: ArmEvidence,
  measure: string,
  rows: TallyRows,
  when: 'whole' | 'window',
): QuietRows | null {
  const ofQuestion = known.get(question) ?? new Map<ArmEvidence, Map<string, Loudness | null>>();
  known.set(question, ofQuestion);
  const ofArm = ofQuestion.get(arm) ?? new Map<string, Loudness | null>();
  ofQuestion.set(arm, ofArm);
  const key = `${when} ${trialsOf(measure)}`;
  const found = ofArm.get(key);
  const loudness = found === undefined ? rows.loudness() : found;
  ofArm.set(key, loudness);
  return loudness === null ? null : { rows: rows.only(loudness.quiet), loudest: loudness.loudest };
}
