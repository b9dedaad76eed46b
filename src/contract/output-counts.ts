// Owns what a report says of outputs that are no classes, and how two such parts become one.

/** How a text ended: by itself, at its greatest length, by a filter, or by an error of the application. */
export type AnswerEnd = 'stop' | 'length' | 'filter' | 'error';
export const ANSWER_ENDS: readonly AnswerEnd[] = ['stop', 'length', 'filter', 'error'];

/** Values of a scalar, less its centre, in the buckets of `output-sketch.ts`. */
export interface ScalarCounts {
  /** The manifest's; other centres have other buckets. */
  readonly centre: number;
  /** Values at the centre. */
  readonly zero: number;
  /** NaN and infinities. */
  readonly odd: number;
  /** Above the centre: the first bucket and its count, then how many buckets on the next one is and its count, and so on. */
  readonly plus: readonly number[];
  /** The same below it. */
  readonly minus: readonly number[];
}

/** Each part is there where the manifest declares such an output. */
export interface OutputCounts {
  /** By the output's name; of an embedding the lengths of its vectors. */
  readonly scalars?: Readonly<Record<string, ScalarCounts>>;
  /** Vectors by direction and bin: all bins of the first direction first. Only of a space that the manifest names. */
  readonly embedding?: { readonly space: string; readonly bins: readonly number[] };
  /** Answers with 0, 1, …, 8 detections, and with 9 or more. */
  readonly detections?: readonly number[];
  /** Texts by length: 0, 1, 2–3, 4–7, …, 2048 and more. */
  readonly lengths?: readonly number[];
  readonly ends?: Readonly<Partial<Record<AnswerEnd, number>>>;
}

/** Adds lists of counts place by place. */
export function addCountLists(a: readonly number[], b: readonly number[]): number[] {
  return Array.from({ length: Math.max(a.length, b.length) }, (_, i) => (a[i] ?? 0) + (b[i] ?? 0));
}
