// Laws of verdicts on stages that hold for any evidence.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { judgeStage } from '../../src/gates/judge-stage.ts';
import { alike, arm, ask, type Report, repeat, rules } from './false-evidence.ts';

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
