// Laws of limits that are frozen when a stage opens.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { addToSketch, bucketEdge, bucketIndex, emptySketch, quantileOf } from '../../src/contract/sketch.ts';
import { parseRule } from '../../src/documents/rules/rule-text.ts';
import { baselineEdgeOf, edgesToCount, freezeLimits, limitInForce } from '../../src/gates/freeze-limits.ts';

const sketchOf = (values: readonly number[]) => {
  const sketch = emptySketch();
  for (const value of values) addToSketch(sketch, value);
  return sketch;
};

test('a limit differs from what the rule says by 1% at most, and is the edge that is counted', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 100_000 }), (ms) => {
      const [limit] = freezeLimits([parseRule(`latency_p95 < ${ms}ms`)], null);
      expect(Math.abs(limit!.limit - ms) / ms).toBeLessThan(0.0102);
      expect(Math.abs(limit!.limit - bucketEdge(limit!.edge)) / ms).toBeLessThan(1e-3);
    }),
  );
});

test('a relative limit is the factor times the quantile, and its baseline is counted at an edge of the quantile’s bucket', () => {
  const values = fc.array(fc.double({ min: 0.01, max: 1e5, noNaN: true }), { minLength: 1, maxLength: 50 });
  fc.assert(
    fc.property(values, fc.integer({ min: 11, max: 100 }), (latencies, tenths) => {
      const rule = parseRule(`latency_p90 < ${tenths / 10}x baseline`);
      const sketch = sketchOf(latencies);
      const quantile = quantileOf(sketch, 0.9)!;
      const [limit] = freezeLimits([rule], sketch);
      const wanted = (quantile * tenths) / 10;
      expect(Math.abs(limit!.limit - wanted) / wanted).toBeLessThan(0.0107);
      const bucket = bucketIndex(quantile);
      expect([bucket - 1, bucket]).toContain(baselineEdgeOf(rule, limit!));
    }),
  );
});

test('a floor above the relative limit is the limit, and the baseline no longer matters', () => {
  const rule = parseRule('latency_p95 < 2x baseline, floor 50ms');
  const limits = freezeLimits([rule], sketchOf([10, 10, 10]));
  expect(limits[0]!.limit).toBeCloseTo(50, -1);
  expect(edgesToCount([rule], limits)).toEqual({ edges: [limits[0]!.edge], baselineEdges: [] });
});

test('a relative limit without a baseline is left out, an absolute one never', () => {
  const rules = [
    parseRule('latency_p95 < 2x baseline'),
    parseRule('latency_p99 < 150ms'),
    parseRule('error_rate < 1%'),
  ];
  const limits = freezeLimits(rules, null);
  expect(limits.map((limit) => limit.rule)).toEqual(['latency_p99 < 150ms']);
  expect(freezeLimits(rules, emptySketch())).toEqual(limits);
  expect(limitInForce(rules[1]!, [])).toEqual(limits[0]);
  expect(limitInForce(rules[0]!, limits)).toBeUndefined();
});
