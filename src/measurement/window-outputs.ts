// Owns which histograms over outputs a window keeps: those that manifests let compare, scalars cut at stable's own deciles.
import type { DeclaredOutputs } from '../contract/declared-outputs.ts';
import type { Digest } from '../contract/digest.ts';
import { DIRECTIONS } from '../contract/output-bins.ts';
import { countsOfSketch, outputCount, outputEdges } from '../contract/output-sketch.ts';
import { type DeclaredByArm, whyNotComparable } from '../documents/comparable-outputs.ts';
import type { ParsedRule } from '../documents/rules/rule-text.ts';
import { metricKind } from '../gates/metric-kind.ts';
import type { WindowReading } from '../store/window-store.ts';
import type { OutputHistogramSpec } from '../telemetry/output-histograms.ts';
import type { OutputCentre, WindowSpec } from '../telemetry/window.ts';

/** What is known of stable from the window before. */
export interface ShownBefore {
  /** Answers by class. */
  readonly classes: ReadonlyMap<string, number>;
  /** Where the values of a scalar are cut; empty while nothing is known of them. */
  readonly edgesOf: (scalar: OutputCentre) => readonly number[];
}

/** Fewer values say too little of where deciles lie. */
const LEAST_VALUES = 100;

/** A stable version is cut where it was before, so that windows compare; another one at its own deciles, as far as it was seen as a candidate. */
export function shownIn(before: WindowReading | undefined, stable: Digest | undefined): ShownBefore {
  const classes = before?.tallies.stable.summary.classes ?? new Map<string, number>();
  const edgesOf = ({ name, centre }: OutputCentre): readonly number[] => {
    if (before === undefined || stable === undefined) return [];
    const { stableDigest, candidateDigest, histograms, outputs } = before.spec;
    const isOf = (one: OutputCentre): boolean => one.name === name && one.centre === centre;
    const kept = histograms.find((one) => one.kind === 'output' && isOf(one));
    if (stableDigest === stable && kept?.kind === 'output') return kept.edges;
    const arm = stableDigest === stable ? 'stable' : candidateDigest === stable ? 'candidate' : undefined;
    if (arm === undefined || outputs?.[arm].some(isOf) !== true) return [];
    const sketch = before.tallies[arm].summary.outputs.get(name);
    return sketch === undefined || outputCount(countsOfSketch(sketch, centre)) < LEAST_VALUES
      ? []
      : outputEdges(sketch);
  };
  return { classes, edgesOf };
}

/** The centres of what the manifests declare; nothing where neither declares a scalar. */
export function outputCentres({ candidate, stable }: DeclaredByArm): Pick<WindowSpec, 'outputs'> {
  const centresOf = (declared: DeclaredOutputs | undefined): OutputCentre[] =>
    (declared?.scalars ?? []).map(({ name, centre }) => ({ name, centre }));
  const outputs = { candidate: centresOf(candidate), stable: centresOf(stable) };
  return outputs.candidate.length + outputs.stable.length === 0 ? {} : { outputs };
}

/** The histograms that a rule reads, none where nothing could be compared. */
export function outputHistogramsOf(
  { metric, ofClass: name }: ParsedRule,
  outputs: DeclaredByArm,
  { edgesOf }: ShownBefore,
): OutputHistogramSpec[] {
  const kind = metricKind(metric);
  const declared = outputs.stable ?? outputs.candidate;
  if (kind.kind !== 'drift' || declared === undefined) return [];
  const { histogram } = kind;
  if (whyNotComparable({ histogram, name }, outputs) !== null) return [];
  switch (histogram) {
    case 'output': {
      const scalar = declared.scalars.find((one) => one.name === name);
      const edges = scalar === undefined ? [] : edgesOf(scalar);
      if (scalar === undefined || edges.length === 0) return [];
      return [{ kind: 'output', name: scalar.name, centre: scalar.centre, edges }];
    }
    case 'embedding': {
      const space = declared.embedding?.space ?? null;
      if (space === null) return [];
      return Array.from({ length: DIRECTIONS }, (_, direction) => ({ kind: 'direction', direction, space }));
    }
    case 'detections':
    case 'length':
      return [{ kind: histogram }];
    default:
      return [];
  }
}
