// Laws of what a manifest declares of outputs beyond classes: what devices could not sum up is refused before it is signed.
import { describe, expect, test } from 'vitest';
import { declaredOutputs } from '../../src/contract/declared-outputs.ts';
import { parseManifest } from '../../src/contract/manifest/parse-manifest.ts';
import { addOutput, edgeValue, emptyOutputSketch, outputEdges } from '../../src/contract/output-sketch.ts';
import { parseReport } from '../../src/contract/parse-report.ts';
import { report } from '../store/reports.ts';
import { FULL_INTERVAL } from './full-report.ts';

const DIGEST = `sha256:${'0'.repeat(64)}`;

function parse(outputs: readonly object[], more: object = {}) {
  const files = [{ role: 'model', name: 'm.onnx', digest: DIGEST, sizeBytes: 1, url: `artifacts/${'0'.repeat(64)}` }];
  const manifest = {
    ...{ apiVersion: 'slipway.dev/v1alpha1', kind: 'ModelManifest', metadata: { name: 'm', version: '1' } },
    spec: {
      framework: 'onnx',
      interface: {
        inputs: [{ name: 'x', type: 'float32', shape: [-1, 4] }],
        outputs: outputs.map((one, i) => ({ name: `y${i}`, type: 'float32', shape: [-1, 1], ...one })),
      },
      variants: [{ platform: 'any', files }],
      ...more,
    },
  };
  return parseManifest(Buffer.from(JSON.stringify(manifest)), 'm.yaml');
}

const LEAST = { confidence: { least: 0.5 } };

describe('the kind of an output', () => {
  test.each<[string, object, object?]>([
    ['a scalar a row', { kind: 'scalar', centre: 1000 }],
    ['a scalar for the request', { kind: 'scalar', shape: [1] }],
    ['a scalar of any number of rows', { kind: 'scalar', shape: [-1], type: 'int64' }],
    ['an embedding in a space', { kind: 'embedding', shape: [-1, 384], space: 'products-v1', centre: 12 }],
    ['an embedding without a name for its space', { kind: 'embedding', shape: [512] }],
    ['the number of detections', { kind: 'detections', type: 'int32' }],
    ['a score for each detection', { kind: 'detections', shape: [-1, 100] }, LEAST],
    ['a text', { kind: 'text', type: 'bytes' }],
    ['tokens of a text', { kind: 'text', type: 'int64', shape: [-1, -1] }],
    ['classes', { kind: 'classes', classes: ['a', 'b'], shape: [-1, 2] }],
  ])('is taken: %s', (_, output, more) => {
    expect(parse([output], more).kind).toBe('ModelManifest');
  });

  test.each<[string, object, object?]>([
    ['a scalar of two values a row', { kind: 'scalar', shape: [-1, 2] }],
    ['a scalar of five values', { kind: 'scalar', shape: [5] }],
    ['a scalar of texts', { kind: 'scalar', type: 'bytes' }],
    ['a centre of what has none', { kind: 'text', type: 'bytes', centre: 1 }],
    ['a centre without a kind', { centre: 1 }],
    ['a space of a scalar', { kind: 'scalar', space: 's' }],
    ['an embedding of any width', { kind: 'embedding', shape: [-1, -1] }],
    ['an embedding that is too wide', { kind: 'embedding', shape: [-1, 8193] }],
    ['an embedding of whole numbers', { kind: 'embedding', shape: [-1, 8], type: 'int8' }],
    ['scores of detections, none of which says what counts', { kind: 'detections', shape: [-1, 100] }],
    ['texts of two a row', { kind: 'text', type: 'bytes', shape: [-1, 2] }],
    ['classes without names', { kind: 'classes', shape: [-1, 2] }],
    ['a scalar with classes', { kind: 'scalar', classes: ['a'] }],
    ['a name that no report could hold', { kind: 'scalar', name: 'a\tb' }],
  ])('is refused: %s', (_, output, more) => {
    expect(() => parse([output], more)).toThrow(expect.objectContaining({ code: 'MANIFEST_OUTPUT_KIND' }));
  });

  test('is one of at most four scalars and embeddings, and of one embedding, one count and one text', () => {
    const refused = expect.objectContaining({ code: 'MANIFEST_OUTPUT_KIND' });
    const scalar = { kind: 'scalar' };
    const vector = { kind: 'embedding', shape: [-1, 8] };
    expect(declaredOutputs(parse([scalar, scalar, scalar, vector]).spec.interface.outputs).scalars).toHaveLength(4);
    expect(() => parse([scalar, scalar, scalar, scalar, scalar])).toThrow(refused);
    expect(() => parse([vector, scalar, scalar, scalar, scalar])).toThrow(refused);
    for (const one of [vector, { kind: 'detections' }, { kind: 'text', type: 'bytes' }])
      expect(() => parse([one, one])).toThrow(refused);
  });
});

test('edges of a sketch are values again, within its accuracy', () => {
  const sketch = emptyOutputSketch();
  for (let i = 0; i <= 1000; i++) addOutput(sketch, i - 500);
  const edges = outputEdges(sketch).map((edge) => edgeValue(edge, 1500));
  expect(edges).toHaveLength(9);
  edges.forEach((edge, i) => {
    const decile = 1000 + 100 * (i + 1);
    expect(Math.abs(edge - decile)).toBeLessThanOrEqual(0.12 * Math.abs(decile - 1500) + 1);
  });
});

test('what no device can have counted is refused', () => {
  const price = { centre: 0, zero: 0, odd: 0, plus: [3, 1], minus: [] };
  const codeOf = (outputs: unknown): string => {
    const forged = { ...report(), intervals: [{ ...FULL_INTERVAL, outputs }] };
    try {
      parseReport(Buffer.from(JSON.stringify(forged)));
      return 'parsed';
    } catch (error) {
      return (error as { code: string }).code;
    }
  };
  const bins = (n: number, first = 0) => [first, ...new Array<number>(n - 1).fill(0)];
  expect(codeOf({ scalars: { price } })).toBe('parsed');
  expect(codeOf({ lengths: bins(13, 1000), ends: { stop: 1000 } })).toBe('parsed');
  const refused: readonly (readonly [unknown, string])[] = [
    [{ scalars: { price: { ...price, zero: FULL_INTERVAL.inferences } } }, 'REPORT_NUMBERS'],
    [{ scalars: { price: { ...price, centre: null } } }, 'REPORT_NUMBERS'],
    [{ scalars: { price: { ...price, plus: [3] } } }, 'REPORT_NUMBERS'],
    [{ scalars: { price: { ...price, plus: [3, 1, 0, 1] } } }, 'REPORT_NUMBERS'],
    [{ scalars: { price: { ...price, plus: [701, 1] } } }, 'REPORT_NUMBERS'],
    [{ scalars: { price: { ...price, plus: [0.5, 1] } } }, 'REPORT_NUMBERS'],
    [{ scalars: { price: { ...price, plus: new Array(130).fill(1) } } }, 'REPORT_BOUNDS'],
    [{ scalars: Object.fromEntries(['a', 'b', 'c', 'd', 'e'].map((name) => [name, price])) }, 'REPORT_BOUNDS'],
    [{ scalars: { ['n'.repeat(129)]: price } }, 'REPORT_BOUNDS'],
    [{ embedding: { space: 's', bins: bins(79) } }, 'REPORT_SHAPE'],
    [{ embedding: { space: 's', bins: bins(80, FULL_INTERVAL.inferences + 1) } }, 'REPORT_NUMBERS'],
    [{ detections: bins(10, FULL_INTERVAL.inferences + 1) }, 'REPORT_NUMBERS'],
    [{ detections: bins(11) }, 'REPORT_BOUNDS'],
    [{ ends: { stop: -1 } }, 'REPORT_NUMBERS'],
  ];
  for (const [outputs, code] of refused) expect([outputs, codeOf(outputs)]).toEqual([outputs, code]);
});
