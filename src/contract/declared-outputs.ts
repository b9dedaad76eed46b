// Owns what a manifest declares of its outputs beyond classes: what devices sum up of each answer, and rules compare.
import { isClassName } from './report-reader.ts';
import type { OutputTensor } from './types.generated.ts';

/** Outputs whose values are summed up, embeddings among them. */
export const MOST_SCALARS = 4;
/** Coordinates of a vector. */
export const MOST_COORDINATES = 8192;

/** A number of each answer; of an embedding, the length of its vector. */
export interface DeclaredScalar {
  readonly name: string;
  /** Subtracted before values are counted: buckets are narrow near it. */
  readonly centre: number;
  readonly isNorm: boolean;
}

export interface DeclaredOutputs {
  readonly scalars: readonly DeclaredScalar[];
  /** `space`: null where each version has its own, so that only the lengths of vectors can be compared. */
  readonly embedding: { readonly name: string; readonly space: string | null } | null;
  readonly detections: string | null;
  /** `isSeen`: the answer is the text itself; else the application tells how long it is. */
  readonly text: { readonly name: string; readonly isSeen: boolean } | null;
}

export function declaredOutputs(outputs: readonly OutputTensor[]): DeclaredOutputs {
  const ofKind = (kind: OutputTensor['kind']): OutputTensor | undefined => outputs.find((one) => one.kind === kind);
  const scalars = outputs
    .filter(({ kind, name }) => (kind === 'scalar' || kind === 'embedding') && isClassName(name))
    .slice(0, MOST_SCALARS)
    .map(({ name, kind, centre = 0 }) => ({ name, centre, isNorm: kind === 'embedding' }));
  const [embedding, detections, text] = [ofKind('embedding'), ofKind('detections'), ofKind('text')];
  return {
    scalars,
    embedding: embedding === undefined ? null : { name: embedding.name, space: embedding.space ?? null },
    detections: detections?.name ?? null,
    text: text === undefined ? null : { name: text.name, isSeen: text.type === 'bytes' },
  };
}
