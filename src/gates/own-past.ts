// Owns what the candidate's own devices did under stable, before anything rolled.
import { type ArmEvidence, type StageQuestion, wholeTallies } from './stage-question.ts';
import type { TallyRows } from './statistics/tally-rows.ts';

/** Each row of the candidate in the arm of before, −1 where there is none; found once a question. */
const known = new WeakMap<StageQuestion, Int32Array>();

function pastRows(question: StageQuestion, before: ArmEvidence): Int32Array {
  const found = known.get(question);
  if (found !== undefined) return found;
  const { names } = question.candidate;
  const rows = new Int32Array(names.length);
  for (let row = 0; row < names.length; row++) rows[row] = before.rowOf(names[row] ?? '') ?? -1;
  known.set(question, rows);
  return rows;
}

/** A measure of those devices that have data of it in the candidate as well; undefined when nothing is known of before. */
export function pastOf(question: StageQuestion, measure: string, devices: TallyRows): TallyRows | undefined {
  const { restBaseline } = question;
  const all = restBaseline ? wholeTallies(restBaseline, measure) : undefined;
  if (!restBaseline || all === undefined) return undefined;
  return all.only(pastRowsOf(question, restBaseline, devices));
}

/** Rows of before of those devices that have data now. */
export function pastRowsOf(
  question: StageQuestion,
  before: ArmEvidence,
  devices: { liveRows(): Iterable<number> },
): Uint32Array {
  const past = pastRows(question, before);
  const rows = new Uint32Array(past.length);
  let count = 0;
  for (const row of devices.liveRows()) {
    const place = past[row] ?? -1;
    if (place >= 0) rows[count++] = place;
  }
  return rows.subarray(0, count);
}
