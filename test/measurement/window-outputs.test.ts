// Laws of where the values of a scalar output are cut: at the deciles of what is stable, and there again as long as it is.
import { describe, expect, test } from 'vitest';
import { declaredOutputs } from '../../src/contract/declared-outputs.ts';
import type { Digest } from '../../src/contract/digest.ts';
import { addOutput, emptyOutputSketch, outputEdges } from '../../src/contract/output-sketch.ts';
import type { OutputTensor } from '../../src/contract/types.generated.ts';
import { parseRule } from '../../src/documents/rules/rule-text.ts';
import { outputCentres, outputHistogramsOf, shownIn } from '../../src/measurement/window-outputs.ts';
import type { WindowReading } from '../../src/store/window-store.ts';
import type { WindowSpec } from '../../src/telemetry/window.ts';
import { emptyWindowTallies } from '../../src/telemetry/window-tallies.ts';
import { CANDIDATE, makeSpec, STABLE } from '../telemetry/false-reports.ts';

const PRICE = { name: 'price', centre: 0 };

function sketchOf(values: number, factor = 1) {
  const sketch = emptyOutputSketch();
  for (let i = 1; i <= values; i++) addOutput(sketch, factor * i);
  return sketch;
}

/** A window in which stable showed prices up to 200, and the candidate up to 600. */
function windowBefore(spec: Partial<WindowSpec> = {}, values = 200): WindowReading {
  const outputs = { candidate: [PRICE], stable: [PRICE] };
  const whole = makeSpec({ histograms: [], outputs, ...spec });
  const tallies = emptyWindowTallies(whole);
  tallies.stable.summary.outputs.set('price', sketchOf(values));
  tallies.candidate.summary.outputs.set('price', sketchOf(values, 3));
  return { spec: whole, tallies } as unknown as WindowReading;
}

describe('the edges of a scalar', () => {
  const deciles = outputEdges(sketchOf(200));

  test("are stable's own deciles in the window before", () => {
    expect(shownIn(windowBefore(), STABLE).edgesOf(PRICE)).toEqual(deciles);
  });

  test('stay where they were while the same version is stable, and of the same centre', () => {
    const histograms = [{ kind: 'output', ...PRICE, edges: [1, 2, 3] }] as const;
    expect(shownIn(windowBefore({ histograms }), STABLE).edgesOf(PRICE)).toEqual([1, 2, 3]);
    expect(shownIn(windowBefore({ histograms }), STABLE).edgesOf({ ...PRICE, centre: 1 })).toEqual([]);
  });

  test('of a candidate that became stable are its own', () => {
    const histograms = [{ kind: 'output', ...PRICE, edges: [1, 2, 3] }] as const;
    expect(shownIn(windowBefore({ histograms }), CANDIDATE).edgesOf(PRICE)).toEqual(outputEdges(sketchOf(200, 3)));
  });

  test('are not known of a version that nobody saw, of few values, and before anything', () => {
    const unseen: Digest = `sha256:${'0'.repeat(64)}`;
    expect(shownIn(windowBefore(), unseen).edgesOf(PRICE)).toEqual([]);
    expect(shownIn(windowBefore({}, 99), STABLE).edgesOf(PRICE)).toEqual([]);
    expect(shownIn(undefined, STABLE).edgesOf(PRICE)).toEqual([]);
    expect(shownIn(windowBefore(), undefined).edgesOf(PRICE)).toEqual([]);
  });
});

describe('the histograms of a rule', () => {
  const all: OutputTensor[] = [
    { name: 'price', type: 'float32', shape: [-1, 1], kind: 'scalar' },
    { name: 'v', type: 'float32', shape: [-1, 8], kind: 'embedding', space: 's1' },
    { name: 'n', type: 'int32', shape: [-1, 1], kind: 'detections' },
    { name: 't', type: 'bytes', shape: [-1, 1], kind: 'text' },
  ];
  const declared = declaredOutputs(all);
  const kept = (rule: string, candidate = declared, stable = declared) =>
    outputHistogramsOf(parseRule(rule), { candidate, stable }, shownIn(windowBefore(), STABLE));

  test('are one of a scalar, a count or a length, and eight of an embedding', () => {
    expect(kept('output_drift[price] < 0.1')).toMatchObject([{ kind: 'output', name: 'price', centre: 0 }]);
    expect(kept('detections_drift < 0.1')).toEqual([{ kind: 'detections' }]);
    expect(kept('length_drift < 0.1')).toEqual([{ kind: 'length' }]);
    expect(kept('embedding_drift < 0.1')).toHaveLength(8);
    expect(kept('confidence_drift < 0.1')).toEqual([]);
  });

  test('are none of what the manifests do not let compare, or of a scalar that was not seen yet', () => {
    const other = declaredOutputs(all.map((one) => (one.kind === 'embedding' ? { ...one, space: 's2' } : one)));
    expect(kept('embedding_drift < 0.1', other)).toEqual([]);
    expect(kept('output_drift[v] < 0.1')).toEqual([]);
    expect(kept('detections_drift < 0.1', declaredOutputs([]))).toEqual([]);
  });

  test('and a window sums up what the manifests declare, and nothing where they declare none', () => {
    expect(outputCentres({ candidate: declared }).outputs).toEqual({
      ...{ candidate: [PRICE, { name: 'v', centre: 0 }], stable: [] },
    });
    expect(outputCentres({ stable: declaredOutputs([]) })).toEqual({});
  });
});
