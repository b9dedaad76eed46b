// Owns what the candidate's own devices did under stable, before anything rolled.
import { type ArmEvidence, type StageQuestion, wholeTallies } from './stage-question.ts';
import type { OwnPasts } from './statistics/held-back.ts';
import { LEAST_CLUSTERS } from './statistics/tally.ts';
import type { TallyRows } from './statistics/tally-rows.ts';

const LATENCY = 'latency>';

interface FoundRows {
  readonly rows: Int32Array;
  /** How many names the other arm had then. */
  readonly of: number;
}

/** By the names of both arms, which only grow: rows keep their places. */
const known = new WeakMap<ArmEvidence['names'], WeakMap<ArmEvidence['names'], FoundRows>>();

/** Each row of an arm in another by its name, −1 where there is none; found again only when one of them has grown. */
export function rowsIn(before: ArmEvidence, { names }: ArmEvidence): Int32Array {
  const ofBefore = known.get(before.names) ?? new WeakMap<ArmEvidence['names'], FoundRows>();
  known.set(before.names, ofBefore);
  const found = ofBefore.get(names);
  if (found?.of === before.names.length && found.rows.length === names.length) return found.rows;
  const rows = new Int32Array(names.length);
  for (let row = 0; row < names.length; row++) rows[row] = before.rowOf(names[row] ?? '') ?? -1;
  ofBefore.set(names, { rows, of: before.names.length });
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
  const past = rowsIn(before, question.candidate);
  const rows = new Uint32Array(past.length);
  let count = 0;
  for (const row of devices.liveRows()) {
    const place = past[row] ?? -1;
    if (place >= 0) rows[count++] = place;
  }
  return rows.subarray(0, count);
}

/** Edges of the sketch are 2% apart: what lies beyond one of them lies beyond the other about as often on all devices. */
const MOST_EDGES_APART = 10;

/** The measure itself; of latencies the edge that is counted nearest to it. */
function nearestMeasure({ measures }: ArmEvidence, measure: string): string | undefined {
  if (measures.includes(measure) || !measure.startsWith(LATENCY)) return measure;
  const distance = (one: string): number =>
    Math.abs(Number(one.slice(LATENCY.length)) - Number(measure.slice(LATENCY.length)));
  const [nearest] = measures.filter((one) => one.startsWith(LATENCY)).sort((a, b) => distance(a) - distance(b));
  return nearest !== undefined && distance(nearest) <= MOST_EDGES_APART ? nearest : undefined;
}

/**
 * What the candidate's devices and those held back in `held` did when both ran stable: before anything rolled, else beside the stage
 * before. Null where that is not known of both, or only by hash groups.
 */
export function pastsOf(
  question: StageQuestion,
  held: ArmEvidence,
  measure: string,
  devices: TallyRows,
): OwnPasts | null {
  const { restBaseline, earlierBaseline } = question;
  if (!restBaseline) return null;
  for (const before of [restBaseline, earlierBaseline]) {
    const counted = before ? nearestMeasure(before, measure) : undefined;
    const past = before && counted !== undefined ? wholeTallies(before, counted) : undefined;
    if (!before || past === undefined) continue;
    const pasts = {
      candidate: past.only(rowsBefore(before, question.candidate, devices)).inliers.all,
      held: past.only(rowsBefore(before, held, { liveRows: () => held.names.keys() })).inliers.all,
    };
    if (Math.min(pasts.candidate.reports, pasts.held.reports) >= LEAST_CLUSTERS) return pasts;
  }
  return null;
}

function rowsBefore(before: ArmEvidence, arm: ArmEvidence, devices: { liveRows(): Iterable<number> }): Uint32Array {
  const places = [...devices.liveRows()].map((row) => before.rowOf(arm.names[row] ?? '') ?? -1);
  return Uint32Array.from(places.filter((place) => place >= 0));
}
