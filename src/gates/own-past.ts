// Owns what the candidate's own devices did under stable, before anything rolled.
import { type ArmEvidence, type StageQuestion, wholeTallies } from './stage-question.ts';
import type { TallyRows } from './statistics/tally-rows.ts';

/** Each row of the candidate in the arm of before, −1 where there is none; found once a question. */
const known = new WeakMap<StageQuestion, Int32Array>();

function pastRows(question: StageQuestion, before: ArmEvidence): Int32Array {
  const found = known.get(question) ?? Int32Array.from(question.candidate.names, (name) => before.rowOf(name) ?? -1);
  known.set(question, found);
  return found;
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
  const rows: number[] = [];
  for (const row of devices.liveRows()) {
    const place = past[row] ?? -1;
    if (place >= 0) rows.push(place);
  }
  return Uint32Array.from(rows);
}
