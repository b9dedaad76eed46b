// Laws of verdicts on stages.
import { describe, expect, test } from 'vitest';
import { addToSketch, emptySketch, type Sketch } from '../../src/contract/sketch.ts';
import { edgesToCount, freezeLimits } from '../../src/gates/freeze-limits.ts';
import { judgeStage } from '../../src/gates/judge-stage.ts';
import { METHOD_VERSION } from '../../src/gates/rule-verdict.ts';
import type { ArmEvidence } from '../../src/gates/stage-question.ts';
import { foldReport } from '../../src/telemetry/fold-report.ts';
import { applyFold, emptyWindowTallies } from '../../src/telemetry/window-tallies.ts';
import { makeInterval, makeReport, makeSpec } from '../telemetry/false-reports.ts';
import { alike, arm, ask, measuredArm, type Report, repeat, rules } from './false-evidence.ts';

const healthy = alike(5, repeat(20, [100, 0]));
const broken = alike(5, repeat(20, [100, 10]));

describe('a stage', () => {
  test('passes when every rule is kept on enough evidence, and says the numbers', () => {
    const verdict = judgeStage(ask({ candidate: arm(healthy) }));
    expect(verdict).toMatchObject({ kind: 'pass', because: [], method: METHOD_VERSION });
    expect(verdict.rules[0]).toMatchObject({
      rule: 'error_rate < 1%',
      verdict: 'pass',
      estimate: 0,
      lower: 0,
      limit: 0.01,
      trials: 10_000,
      devices: 5,
      reasons: [],
      needs: null,
    });
    expect(verdict.rules[0]?.upper).toBeLessThan(0.01);
  });

  test('fails when one rule fails, and names it', () => {
    const verdict = judgeStage(ask({ rules: rules('error_rate < 1%', 'failed_devices < 5%'), candidate: arm(broken) }));
    expect(verdict).toMatchObject({ kind: 'fail', because: [{ kind: 'rule', rule: 'error_rate < 1%' }] });
  });

  test('without data is undecided and says so', () => {
    const verdict = judgeStage(ask({}));
    expect(verdict.kind).toBe('undecided');
    expect(verdict.rules[0]).toMatchObject({
      verdict: 'undecided',
      reasons: [{ kind: 'no-data' }],
      estimate: null,
      lower: null,
    });
    expect(verdict.because).toEqual([
      { kind: 'rule', rule: 'error_rate < 1%' },
      { kind: 'minimum-devices', have: 0, need: 3 },
      { kind: 'minimum-inferences', have: 0, need: 100 },
    ]);
  });

  test('below its minimum of devices or inferences can fail, but never pass', () => {
    const minimum = { devices: 6, inferences: 20_000 };
    const waiting = judgeStage(ask({ candidate: arm(healthy), minimum }));
    expect(waiting).toMatchObject({
      kind: 'undecided',
      because: [
        { kind: 'minimum-devices', have: 5, need: 6 },
        { kind: 'minimum-inferences', have: 10_000, need: 20_000 },
      ],
    });
    expect(waiting.rules[0]?.verdict).toBe('pass');
    expect(judgeStage(ask({ candidate: arm(broken), minimum })).kind).toBe('fail');
  });

  test('is never decided by a dry-run rule', () => {
    const [rule] = rules('error_rate < 1%');
    const dry = [{ rule: rule!.rule, dryRun: true }];
    const failing = judgeStage(ask({ rules: dry, candidate: arm(broken) }));
    expect(failing.kind).toBe('pass');
    expect(failing.rules[0]).toMatchObject({ verdict: 'fail', dryRun: true });
    const open = judgeStage(ask({ rules: dry, candidate: arm(alike(3, repeat(4, [100, 1]))) }));
    expect(open.kind).toBe('pass');
  });

  test('with many rules asks each for more evidence before it fails', () => {
    const candidate = arm(
      alike(5, [
        [100, 0],
        [100, 2],
        [100, 4],
        [100, 2],
        [100, 2],
      ]),
    );
    expect(judgeStage(ask({ candidate })).kind).toBe('fail');
    const texts = Array.from({ length: 40 }, (_, i) => `error_rate < ${1 + i / 1000}%`);
    expect(judgeStage(ask({ candidate, rules: rules(...texts) })).kind).toBe('undecided');
  });
});

describe('one device', () => {
  test('that alone explains a breach is named, and neither fails nor passes the stage', () => {
    const candidate = arm([repeat(20, [100, 40]), ...alike(4, repeat(20, [100, 0]))]);
    const verdict = judgeStage(ask({ candidate }));
    expect(verdict.kind).toBe('undecided');
    expect(verdict.rules[0]).toMatchObject({ reasons: [{ kind: 'one-device' }], worstDevice: 'd0' });
  });
});

describe('rules against the baseline', () => {
  const relative = rules('error_rate < 2x baseline, floor 0.1%');

  test('do not apply on a first rollout, and do not stop it', () => {
    const verdict = judgeStage(ask({ rules: relative, hasStable: false, candidate: arm(broken) }));
    expect(verdict.kind).toBe('pass');
    expect(verdict.rules[0]?.verdict).toBe('not-applicable');
    expect(verdict.rules[0]?.reasons).toEqual([{ kind: 'first-rollout' }]);
  });

  test('are undecided while there is a stable version but no baseline', () => {
    const verdict = judgeStage(ask({ rules: relative, candidate: arm(broken) }));
    expect(verdict.kind).toBe('undecided');
    expect(verdict.rules[0]).toMatchObject({ reasons: [{ kind: 'no-baseline' }], baseline: null });
  });

  test('compare with the concurrent baseline', () => {
    const baseline = arm(alike(20, repeat(20, [100, 3])));
    const same = judgeStage(ask({ rules: relative, candidate: arm(alike(5, repeat(20, [100, 3]))), baseline }));
    expect(same.kind).toBe('pass');
    expect(same.rules[0]).toMatchObject({ estimate: 0.03, limit: 0.06, baseline: { estimate: 0.03, devices: 20 } });
    const worse = judgeStage(ask({ rules: relative, candidate: arm(broken), baseline }));
    expect(worse.kind).toBe('fail');
  });

  test('compare with the baseline before it was gone, when hardly any device is left on stable: they may pass by it, and never fail', () => {
    const earlierBaseline = arm(alike(20, repeat(20, [100, 3])));
    const baseline = arm(alike(1, repeat(4, [10, 10])));
    const verdict = judgeStage(ask({ rules: relative, candidate: arm(broken), baseline, earlierBaseline }));
    const over = { verdict: 'undecided', within: false, reasons: [{ kind: 'frozen' }], baseline: { devices: 20 } };
    expect(verdict).toMatchObject({ kind: 'undecided', rules: [over] });
    const kept = judgeStage(ask({ rules: relative, candidate: arm(healthy), baseline, earlierBaseline }));
    expect(kept).toMatchObject({ kind: 'pass', rules: [{ baseline: { from: 'earlier' } }] });
  });

  test('are held against those held back, few as they are, and fail only beyond how unlike they were before', () => {
    const held = arm(alike(3, repeat(20, [100, 3])));
    const candidate = arm(alike(40, repeat(20, [100, 9])));
    const earlierBaseline = arm(alike(20, repeat(20, [100, 9])));
    const question = ask({ rules: relative, candidate, baseline: held, earlierBaseline });
    expect(judgeStage(question)).toMatchObject({ kind: 'pass', rules: [{ baseline: { from: 'earlier' } }] });
    expect(judgeStage({ ...question, isHeldBack: true })).toMatchObject({
      kind: 'fail',
      rules: [{ baseline: { from: 'beside', devices: 3 } }],
    });
    // d0 to d2 are held back; the others erred three times as often before anything rolled.
    const others = alike(40, repeat(20, [100, 9]));
    const restBaseline = arm([...alike(3, repeat(20, [100, 3])), ...others.slice(3)]);
    const known = judgeStage({ ...question, isHeldBack: true, restBaseline });
    expect(known).toMatchObject({
      kind: 'undecided',
      rules: [{ verdict: 'undecided', reasons: [{ kind: 'own-past' }] }],
    });
    const alikeBefore = arm(alike(40, repeat(20, [100, 3])));
    expect(judgeStage({ ...question, isHeldBack: true, restBaseline: alikeBefore }).kind).toBe('fail');
  });
});

describe('latency rules', () => {
  const around = (ms: number): Sketch => {
    const sketch = emptySketch();
    for (let i = 0; i < 1000; i++) addToSketch(sketch, ms * (0.5 + i / 1000));
    return sketch;
  };
  const latencyArm = (edge: number, devices: readonly (readonly Report[])[], sketch: Sketch): ArmEvidence =>
    arm(devices, `latency>${edge}`, sketch);

  test('count how many latencies exceed the limit, and show the quantile with its bounds', () => {
    const asked = rules('latency_p95 < 150ms');
    const limits = freezeLimits([asked[0]!.rule], null);
    const { edges } = edgesToCount([asked[0]!.rule], limits);
    const kept = latencyArm(edges[0]!, alike(5, repeat(20, [100, 1])), around(80));
    const verdict = judgeStage(ask({ rules: asked, limits, candidate: kept, minimum: { devices: 0, inferences: 0 } }));
    expect(verdict.kind).toBe('pass');
    const [rule] = verdict.rules;
    expect(rule?.unit).toBe('ms');
    expect(Math.abs(rule!.limit! - 150) / 150).toBeLessThan(0.0102);
    expect(rule!.lower!).toBeLessThanOrEqual(rule!.estimate!);
    expect(rule!.upper!).toBeGreaterThanOrEqual(rule!.estimate!);
    const over = latencyArm(edges[0]!, alike(5, repeat(20, [100, 30])), around(150));
    expect(judgeStage(ask({ rules: asked, limits, candidate: over })).kind).toBe('fail');
  });

  test('against the baseline compare shares beyond both edges, and the frozen limit alone once the baseline is gone', () => {
    const asked = rules('latency_p95 < 2x baseline, floor 5ms');
    const limits = freezeLimits([asked[0]!.rule], around(100));
    const { edges, baselineEdges } = edgesToCount([asked[0]!.rule], limits);
    const baseline = latencyArm(baselineEdges[0]!, alike(20, repeat(20, [100, 20])), around(100));
    // Four times the share that p95 allows, but so has the baseline by now: a busy hour is not the candidate's fault.
    const candidate = latencyArm(edges[0]!, alike(5, repeat(20, [100, 15])), around(100));
    const question = ask({ rules: asked, limits, candidate, minimum: { devices: 0, inferences: 0 } });
    expect(judgeStage({ ...question, baseline }).kind).toBe('pass');
    expect(judgeStage(question).rules[0]).toMatchObject({ verdict: 'undecided', reasons: [{ kind: 'frozen' }] });
  });

  test('at their floor fail while stable beside is as fast as it was, and not when all have become slow', () => {
    const asked = rules('latency_p95 < 2x baseline, floor 500ms');
    const limits = freezeLimits([asked[0]!.rule], around(100));
    const { edges } = edgesToCount([asked[0]!.rule], limits);
    const candidate = latencyArm(edges[0]!, alike(5, repeat(20, [100, 15])), around(600));
    const stable = (ms: number): ArmEvidence => arm(alike(20, repeat(20, [100, 0])), 'error', around(ms));
    const both = (ms: number) => {
      const counted = measuredArm(
        ['error', `latency>${edges[0]!}`],
        alike(5, repeat(20, [100, 15])).map((one) =>
          one.map(([trials, bad]) => [
            { trials, bad: 0 },
            { trials, bad },
          ]),
        ),
      );
      counted.summary = candidate.summary;
      return judgeStage(ask({ rules: asked, limits, candidate: counted, baseline: stable(ms) })).rules[0];
    };
    expect(both(100)).toMatchObject({ verdict: 'fail' });
    expect(both(600)).toMatchObject({ verdict: 'undecided', reasons: [{ kind: 'frozen' }] });
  });

  test('against the baseline pass by the frozen limit when neither arm is slow any more, and never fail by it', () => {
    const asked = rules('latency_p95 < 2x baseline, floor 5ms');
    const limits = freezeLimits([asked[0]!.rule], around(100));
    const { edges, baselineEdges } = edgesToCount([asked[0]!.rule], limits);
    const idle = latencyArm(baselineEdges[0]!, alike(20, repeat(20, [100, 0])), around(20));
    const arms = (bad: number, reports: number) =>
      latencyArm(edges[0]!, alike(5, repeat(reports, [10, bad])), around(20));
    const question = (candidate: ArmEvidence) =>
      ask({ rules: asked, limits, candidate, baseline: idle, minimum: { devices: 0, inferences: 0 } });
    expect(judgeStage(question(arms(0, 1))).rules[0]).toMatchObject({ verdict: 'undecided', within: true });
    expect(judgeStage(question(arms(0, 4))).kind).toBe('pass');
    // Slower than anything beside it: at 1 of 30 it still keeps what was frozen (1 of 20), and fails all the same.
    expect(judgeStage(question(arms(1, 40))).kind).toBe('fail');
    const kept = latencyArm(edges[0]!, alike(5, repeat(200, [30, 1])), around(20));
    expect(judgeStage(question(kept)).rules[0]).toMatchObject({ verdict: 'fail', within: true });
  });

  test('whose limit was never frozen are undecided', () => {
    const verdict = judgeStage(ask({ rules: rules('latency_p95 < 2x baseline'), candidate: arm(healthy) }));
    expect(verdict.rules[0]).toMatchObject({
      verdict: 'undecided',
      reasons: [{ kind: 'not-frozen' }],
      limit: null,
    });
  });

  test('whose limit the window does not count are undecided', () => {
    const verdict = judgeStage(ask({ rules: rules('latency_p95 < 150ms'), candidate: arm(healthy) }));
    expect(verdict.rules[0]?.reasons).toEqual([{ kind: 'not-measured' }]);
  });
});

describe('failed_devices', () => {
  const kindOf = (text: string, bad: number, good: number, pending: number) =>
    judgeStage(ask({ rules: rules(text), candidate: arm(healthy), installs: { bad, good, pending } })).kind;

  test('is exact: seven of a hundred are 7%, neither a little less nor more', () => {
    expect(kindOf('failed_devices < 7%', 7, 93, 0)).toBe('fail');
    expect(kindOf('failed_devices <= 29%', 29, 71, 0)).toBe('pass');
    expect(kindOf('failed_devices < 10%', 3, 27, 0)).toBe('fail');
    expect(kindOf('failed_devices <= 10%', 3, 27, 0)).toBe('pass');
    expect(kindOf('failed_devices <= 10%', 4, 26, 0)).toBe('fail');
    expect(kindOf('failed_devices < 10%', 2, 28, 0)).toBe('pass');
  });

  test('waits for pending devices only while they can change the answer', () => {
    expect(kindOf('failed_devices < 10%', 1, 20, 9)).toBe('undecided');
    expect(kindOf('failed_devices < 10%', 3, 0, 27)).toBe('fail');
    expect(kindOf('failed_devices < 10%', 0, 28, 2)).toBe('pass');
    expect(kindOf('failed_devices <= 0%', 0, 30, 0)).toBe('pass');
  });

  test('leaves the error level to the rules that are decided on samples', () => {
    const candidate = arm(
      alike(5, [
        [100, 0],
        [100, 2],
        [100, 4],
        [100, 2],
        [100, 2],
      ]),
    );
    const shares = Array.from({ length: 40 }, (_, i) => `failed_devices < ${10 + i}%`);
    expect(judgeStage(ask({ candidate, rules: rules('error_rate < 1%', ...shares) })).kind).toBe('fail');
  });
});

describe('a limit of zero', () => {
  test('is broken by the first bad event and needs no statistics', () => {
    const zero = rules('error_rate <= 0%');
    expect(judgeStage(ask({ rules: zero, candidate: arm(healthy) })).kind).toBe('pass');
    const one = arm([[[100, 1]], ...alike(4, repeat(20, [100, 0]))]);
    expect(judgeStage(ask({ rules: zero, candidate: one })).kind).toBe('fail');
  });
});

describe('a regression that starts late', () => {
  test('is found in the newest intervals although the healthy start hides it', () => {
    const late = alike(5, [...repeat(30, [100, 0]), ...repeat(5, [100, 3] as const)]);
    const question = ask({ candidate: arm(late) });
    const verdict = judgeStage(question);
    expect(verdict.kind).toBe('fail');
    expect(verdict.rules[0]?.within).toBe(true);
    expect(verdict.rules[0]?.reasons).toMatchObject([{ kind: 'late' }]);
    const blind = arm(late);
    for (const { current, newestTotal } of blind.sums.parts) for (const sums of [current, newestTotal]) sums.fill(0);
    expect(judgeStage({ ...question, candidate: blind }).kind).not.toBe('fail');
  });
});

describe('what a rule needs', () => {
  test('is enough: with so many more of the same inferences it decides', () => {
    const candidate = arm(alike(5, repeat(4, [50, 0])));
    const [rule] = judgeStage(ask({ candidate, rules: rules('error_rate < 0.1%') })).rules;
    expect(rule?.verdict).toBe('undecided');
    const needs = rule!.needs!;
    expect(needs.minutes).toBe(Math.ceil(needs.trials / 600));
    const reports = Math.ceil(needs.trials / 50 / 5) + 4;
    const later = judgeStage(
      ask({ candidate: arm(alike(5, repeat(reports, [50, 0]))), rules: rules('error_rate < 0.1%') }),
    );
    expect(later.rules[0]?.verdict).toBe('pass');
    const tooSoon = judgeStage(
      ask({ candidate: arm(alike(5, repeat(reports - 3, [50, 0]))), rules: rules('error_rate < 0.1%') }),
    );
    expect(tooSoon.rules[0]?.verdict).toBe('undecided');
  });

  test('has no minutes while the traffic is unknown', () => {
    const candidate = arm(alike(5, repeat(4, [50, 0])));
    const [rule] = judgeStage(ask({ candidate, rules: rules('error_rate < 0.1%'), perMinute: null })).rules;
    expect(rule?.needs?.minutes).toBeNull();
  });
});

test('counts are judged as src/telemetry keeps them', () => {
  const spec = makeSpec();
  const tallies = emptyWindowTallies(spec);
  for (let minute = 0; minute < 10; minute++) {
    for (const device of ['a', 'b', 'c']) {
      const interval = makeInterval({ errors: { runtime: 20 } });
      for (const folded of foldReport(spec, makeReport(device, [interval]), minute * 60_000))
        applyFold(tallies, folded);
    }
  }
  const verdict = judgeStage(ask({ candidate: tallies.candidate, baseline: tallies.stable }));
  expect(verdict).toMatchObject({ kind: 'fail', rules: [{ estimate: 0.2, trials: 3000, devices: 3 }] });
});

describe('the scope of a rule', () => {
  const scoped = (scope: 'stage' | 'fleet' | 'any-device', text = 'error_rate < 1%') =>
    rules(text).map((one) => ({ ...one, scope }));
  const verdictOf = (question: Parameters<typeof ask>[0]) => judgeStage(ask(question)).rules[0]!;
  const oneBad = [...alike(9, repeat(10, [100, 0])), repeat(10, [100, 20] as const)];

  test('one bad device fails a rule about any device, which names it, and not one about the stage', () => {
    const candidate = arm(oneBad);
    expect(verdictOf({ rules: scoped('stage'), candidate })).toMatchObject({ verdict: 'undecided', worstDevice: 'd9' });
    const alone = verdictOf({ rules: scoped('any-device'), candidate });
    // The device's own rate, not that of the stage.
    expect(alone).toMatchObject({ verdict: 'fail', worstDevice: 'd9', scope: 'any-device', estimate: 0.2 });
    expect(alone.lower).toBeGreaterThan(0.1);
    expect(alone.reasons).toMatchObject([{ kind: 'device-breach', device: 'd9', bad: 200, trials: 1000 }]);
  });

  test('a rule about any device passes when each is observed within, and not before all are', () => {
    expect(verdictOf({ rules: scoped('any-device'), candidate: arm(alike(10, repeat(10, [100, 0]))) })).toMatchObject({
      verdict: 'pass',
    });
    const short = arm([...alike(9, repeat(10, [100, 0])), repeat(2, [100, 0])]);
    expect(verdictOf({ rules: scoped('any-device'), candidate: short }).verdict).toBe('undecided');
  });

  test('about a share of the devices fails only when more than that share surely breach, and passes when the others are within', () => {
    const asked = (share: number) => scoped('any-device').map((one) => ({ ...one, share }));
    const bad = (count: number) =>
      arm([
        ...alike(count, repeat(20, [100, 20])),
        ...Array.from({ length: 20 - count }, () => repeat(20, [100, 0] as const)),
      ]);
    expect(verdictOf({ rules: asked(0.1), candidate: bad(2) })).toMatchObject({ verdict: 'pass', share: 0.1 });
    const broken = verdictOf({ rules: asked(0.1), candidate: bad(3) });
    expect(broken).toMatchObject({ verdict: 'fail', scope: 'any-device' });
    expect(broken.reasons).toMatchObject([{ kind: 'device-breach', breaching: 3, mayBreach: 2, total: 20 }]);
    // A third device that is only a little over is not proven: chance could explain it.
    const third = arm([...alike(2, repeat(20, [100, 20])), repeat(20, [100, 1]), ...alike(17, repeat(20, [100, 0]))]);
    expect(verdictOf({ rules: asked(0.1), candidate: third })).toMatchObject({ verdict: 'undecided' });
  });

  test('a few devices say less of the fleet than of themselves', () => {
    const differing = [0, 0, 0, 1, 1, 1, 2, 8, 9, 9].map((bad) => repeat(30, [100, bad] as const));
    const candidate = arm(differing);
    expect(verdictOf({ rules: scoped('stage'), candidate }).verdict).toBe('fail');
    expect(verdictOf({ rules: scoped('fleet'), candidate })).toMatchObject({ verdict: 'undecided', scope: 'fleet' });
  });
});
