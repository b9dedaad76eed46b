// Owns whether outputs of two versions can be compared at all: a question to their manifests, before any number is seen.
import type { DeclaredOutputs } from '../contract/declared-outputs.ts';
import type { DriftHistogram } from './rules/metric-facts.ts';

/** What the manifests declare; a version whose manifest is not known is left out. */
export interface DeclaredByArm {
  readonly candidate?: DeclaredOutputs;
  readonly stable?: DeclaredOutputs;
}

export type Incomparable =
  /** The version whose manifest declares no such output. */
  | { readonly kind: 'not-declared'; readonly by: keyof DeclaredByArm }
  | { readonly kind: 'other-centre'; readonly candidate: number; readonly stable: number }
  /** Null for a space that the manifest does not name: it is the version's own. */
  | { readonly kind: 'other-space'; readonly candidate: string | null; readonly stable: string | null };

function isDeclared(outputs: DeclaredOutputs, histogram: DriftHistogram, name: string | undefined): boolean {
  switch (histogram) {
    case 'output':
      return outputs.scalars.some((scalar) => scalar.name === name);
    case 'embedding':
      return outputs.embedding !== null;
    case 'detections':
      return outputs.detections !== null;
    case 'length':
      return outputs.text !== null;
    default:
      return true;
  }
}

/** Why a rule over outputs can't be judged between two versions; null where nothing that is known speaks against it. */
export function whyNotComparable(
  { histogram, name }: { readonly histogram: DriftHistogram; readonly name?: string | undefined },
  { candidate, stable }: DeclaredByArm,
): Incomparable | null {
  for (const [by, outputs] of [['candidate', candidate] as const, ['stable', stable] as const])
    if (outputs !== undefined && !isDeclared(outputs, histogram, name)) return { kind: 'not-declared', by };
  if (candidate === undefined || stable === undefined) return null;
  if (histogram === 'output') {
    const [one, other] = [candidate, stable].map(
      ({ scalars }) => scalars.find((scalar) => scalar.name === name)?.centre ?? 0,
    );
    return one === other ? null : { kind: 'other-centre', candidate: one ?? 0, stable: other ?? 0 };
  }
  if (histogram !== 'embedding') return null;
  const [one, other] = [candidate.embedding?.space ?? null, stable.embedding?.space ?? null];
  return one !== null && one === other ? null : { kind: 'other-space', candidate: one, stable: other };
}
