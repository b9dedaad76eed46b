// Laws of verdicts on stages that hold for any evidence.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addToSketch, emptySketch } from '../../src/contract/sketch.ts';
import { edgesToCount, freezeLimits } from '../../src/gates/freeze-limits.ts';
import { judgeStage } from '../../src/gates/judge-stage.ts';
import type { Measure } from '../../src/telemetry/window.ts';
import { alike, arm, ask, measuredArm, type Report, repeat, rules } from './false-evidence.ts';

describe('for any evidence', () => {
  const report: fc.Arbitrary<Report> = fc
    .integer({ min: 1, max: 200 })
    .chain((n) => fc.tuple(fc.constant(n), fc.nat(n)));
  // Some devices claim far more than the others.
  const device = fc
    .tuple(fc.constantFrom(1, 1, 1, 100), fc.array(report, { maxLength: 25 }))
    .map(([times, reports]) => reports.map(([n, bad]): Report => [times * n, times * bad]));
  const evidence = fc.array(device, { maxLength: 6 });
  const texts = ['error_rate < 1%', 'error_rate < 20%', 'error_rate < 2x baseline, floor 0.1%'];

  test('more bad events never turn a fail into a pass', () => {
    const usual = alike(10, repeat(10, [100, 5]));
    const baselines = [arm(usual), arm([...usual, repeat(10, [1e5, 0])]), arm([...usual, repeat(10, [1e5, 5e4])])];
    const asked = fc.record({ text: fc.constantFrom(...texts), baseline: fc.constantFrom(...baselines) });
    fc.assert(
      fc.property(evidence, asked, fc.nat(), fc.nat(), fc.nat(20_000), (devices, { text, baseline }, i, j, more) => {
        const question = ask({ rules: rules(text), candidate: arm(devices), baseline });
        fc.pre(judgeStage(question).kind === 'fail');
        const k = i % devices.length;
        const worse = devices.map((reports, d) =>
          reports.map(
            ([n, bad], r): Report => (d === k && r === j % reports.length ? [n, Math.min(n, bad + more)] : [n, bad]),
          ),
        );
        expect(judgeStage({ ...question, candidate: arm(worse) }).kind).not.toBe('pass');
      }),
    );
  });

  test('asking often never changes a verdict', () => {
    fc.assert(
      fc.property(evidence, fc.constantFrom(...texts), (devices, text) => {
        const longest = Math.max(0, ...devices.map((reports) => reports.length));
        const at = (interval: number) =>
          ask({
            rules: rules(text),
            candidate: arm(devices.map((reports) => reports.slice(0, interval))),
            baseline: arm(devices),
          });
        const askedOnce = judgeStage(at(longest));
        for (let interval = 0; interval <= longest; interval++) judgeStage(at(interval));
        const question = at(longest);
        expect(judgeStage(question)).toEqual(askedOnce);
        expect(judgeStage(question)).toEqual(askedOnce);
      }),
      { numRuns: 50 },
    );
  });

  test('nothing fails by what stable did before, once nobody runs it any more; and it may pass', () => {
    const relative = rules(
      ...[
        'error_rate < 2x baseline, floor 0.1%',
        'latency_p95 < 1.5x baseline',
        'latency_p95 < 1.5x baseline, floor 50ms',
      ],
      ...['class_share[a] < 2x baseline, floor 1%', 'class_share[a] > 0.5x baseline', 'vanished_classes == 0'],
    );
    const before = emptySketch();
    for (let ms = 50; ms < 150; ms++) addToSketch(before, ms, 10);
    const limits = freezeLimits(
      relative.map(({ rule }) => rule),
      before,
    );
    const { edges, baselineEdges } = edgesToCount(
      relative.map(({ rule }) => rule),
      limits,
    );
    const armOf = (devices: readonly (readonly Report[])[], counted: readonly number[]) => {
      const measures = ['error', ...counted.map((edge) => `latency>${edge}`), 'class:a'] as Measure[];
      const counts = devices.map((one) => one.map(([trials, bad]) => measures.map(() => ({ trials, bad }))));
      return measuredArm(measures, counts);
    };
    const usual = alike(10, repeat(10, [100, 5]));
    const seen = { pass: 0, undecided: 0, fail: 0, 'not-applicable': 0 };
    let failsBeside = 0;
    const evidenceOfSome = fc.oneof(
      evidence,
      fc.constantFrom(usual, alike(10, repeat(10, [100, 80])), alike(10, repeat(10, [100, 0]))),
    );
    fc.assert(
      fc.property(evidenceOfSome, fc.boolean(), fc.boolean(), (devices, isHeldBack, isSilent) => {
        const question = ask({
          ...{ rules: relative, limits, isHeldBack, candidate: armOf(devices, edges) },
          baseline: isSilent ? armOf([[]], baselineEdges) : null,
          earlierBaseline: armOf(usual, baselineEdges),
        });
        for (const { verdict } of judgeStage(question).rules) seen[verdict]++;
        expect(seen.fail).toBe(0);
        // The same beside those who still run stable: there it fails.
        const beside = judgeStage({ ...question, baseline: armOf(usual, baselineEdges) });
        if (beside.kind === 'fail') failsBeside++;
      }),
    );
    expect(Math.min(seen.pass, seen.undecided, failsBeside)).toBeGreaterThan(0);
  });

  test('every number of a verdict is finite or null, so that it can stand as JSON', () => {
    fc.assert(
      fc.property(
        evidence,
        evidence,
        fc.constantFrom(...texts, 'latency_p95 < 150ms', 'failed_devices < 5%'),
        (a, b, text) => {
          const verdict = judgeStage(ask({ rules: rules(text), candidate: arm(a), baseline: arm(b) }));
          expect(JSON.parse(JSON.stringify(verdict))).toEqual(verdict);
        },
      ),
    );
  });
});
