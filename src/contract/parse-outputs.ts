// Owns the door for what reports say of outputs that are no classes.
import { MOST_SCALARS } from './declared-outputs.ts';
import { DETECTION_BINS, DIRECTION_BINS, DIRECTIONS, LENGTH_BINS } from './output-bins.ts';
import { ANSWER_ENDS, type OutputCounts, type ScalarCounts } from './output-counts.ts';
import { MOST_BUCKET, MOST_SIDE_BUCKETS, outputCount } from './output-sketch.ts';
import { list, members, name, record, refuse } from './report-reader.ts';
import { count, finite, ifPresent, sum } from './report-values.ts';

const LEAST_BUCKET = -220;

export function parseOutputs(value: unknown, place: string, inferences: number): OutputCounts {
  const raw = members(value, place);
  const outputs: OutputCounts = {
    ...ifPresent(raw, 'scalars', place, (scalars, at) => record(scalars, at, MOST_SCALARS, parseScalar)),
    ...ifPresent(raw, 'embedding', place, (embedding, at) => {
      const { space, bins } = members(embedding, at);
      return { space: name(space, `${at}.space`), bins: parseBins(bins, `${at}.bins`, DIRECTIONS * DIRECTION_BINS) };
    }),
    ...ifPresent(raw, 'detections', place, (bins, at) => parseBins(bins, at, DETECTION_BINS)),
    ...ifPresent(raw, 'lengths', place, (bins, at) => parseBins(bins, at, LENGTH_BINS)),
    ...ifPresent(raw, 'ends', place, (ends, at) => {
      const known = members(ends, at);
      return Object.assign({}, ...ANSWER_ENDS.map((end) => ifPresent(known, end, at, (n, key) => count(n, key))));
    }),
  };
  assertPossible(outputs, place, inferences);
  return outputs;
}

function parseBins(value: unknown, place: string, bins: number): readonly number[] {
  const counts = list(value, place, bins).map((n) => count(n, place));
  return counts.length === bins ? counts : refuse('REPORT_SHAPE', place, `does not have ${bins} bins`);
}

function parseScalar(value: unknown, place: string): ScalarCounts {
  const raw = members(value, place);
  return {
    centre: finite(raw.centre, `${place}.centre`, -Number.MAX_VALUE, Number.MAX_VALUE),
    zero: count(raw.zero, `${place}.zero`),
    odd: count(raw.odd, `${place}.odd`),
    plus: parseSide(raw.plus, `${place}.plus`),
    minus: parseSide(raw.minus, `${place}.minus`),
  };
}

/** Buckets rise, so that none stands twice. */
function parseSide(value: unknown, place: string): readonly number[] {
  const flat = list(value, place, 2 * MOST_SIDE_BUCKETS);
  let index = 0;
  const side = flat.map((one, i) => {
    if (i % 2 === 1) return count(one, `${place} count`);
    const step = finite(one, `${place} bucket`, i === 0 ? LEAST_BUCKET : 1, MOST_BUCKET - LEAST_BUCKET);
    index += step;
    if (!Number.isInteger(step) || index > MOST_BUCKET)
      refuse('REPORT_NUMBERS', place, 'has a bucket out of range or out of order');
    return step;
  });
  return side.length % 2 === 0 ? side : refuse('REPORT_NUMBERS', place, 'has a bucket without a count');
}

/** Each answer has one value of each output. Lengths and ends are told later, and may belong to answers of an earlier report. */
function assertPossible({ scalars = {}, embedding, detections = [] }: OutputCounts, place: string, most: number): void {
  const directions = Array.from({ length: DIRECTIONS }, (_, direction) =>
    sum((embedding?.bins ?? []).slice(direction * DIRECTION_BINS, (direction + 1) * DIRECTION_BINS)),
  );
  const parts = [
    ...Object.entries(scalars).map(([key, one]) => [`scalars.${key}`, outputCount(one)] as const),
    ['embedding', Math.max(...directions)] as const,
    ['detections', sum(detections)] as const,
  ];
  for (const [part, total] of parts) {
    if (total > most)
      refuse('REPORT_NUMBERS', `${place}.${part}`, `adds up to ${total}, more than the ${most} inferences`);
  }
}
