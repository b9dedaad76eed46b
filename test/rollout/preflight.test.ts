// Laws of the preflight: it says what the start will do, and what speaks against it.
import { describe, expect, it } from 'vitest';
import { digestOf } from '../../src/contract/digest.ts';
import { isInCohort } from '../../src/contract/membership.ts';
import { matchesSelector, parseSelector } from '../../src/contract/selector.ts';
import { type PreflightQuestion, preflight } from '../../src/rollout/preflight.ts';
import { CAREFUL, devices, FalseWorld, MINUTE, policyOf } from './false-world.ts';

const question = (more: Partial<PreflightQuestion> = {}): PreflightQuestion => ({
  rollout: 'invoice-ocr-eu',
  policy: CAREFUL,
  target: 'region:eu',
  digest: digestOf('1.0.0'),
  attempt: 1,
  hasStable: true,
  matching: new FalseWorld().facts().matching,
  ...more,
});

describe('a preflight', () => {
  it('counts the devices that the walk then takes in, stage by stage', () => {
    const policy = policyOf(`- { name: ring, select: "ring:canary" }
- { name: some, size: 10% }
- { name: full, size: 100% }`);
    const told = preflight(question({ policy }));
    const world = new FalseWorld();
    world.policy = policy;
    world.mustTake('start');
    const counted: number[] = [];
    while (world.at.candidate !== null) {
      const { cohort, salt } = world.at;
      const inside = world.fleet.filter((device) =>
        isInCohort({
          cohort,
          salt: salt!,
          deviceId: device.id,
          matchesSelect: (select) => matchesSelector(parseSelector(select), device),
        }),
      );
      counted.push(inside.length);
      world.pass();
    }
    expect(told.stages.map((stage) => stage.devices)).toEqual(counted);
    expect(told.devices).toBe(1003);
    expect(told.warnings).toEqual([]);
  });

  it('tells how long a stage takes at the present traffic, and warns when its deadline comes first', () => {
    const [canary] = preflight(question()).stages;
    expect(canary).toMatchObject({ leastMs: 30 * MINUTE, warnings: [] });
    // 0.5 % without one error: about 600 inferences, on 11 devices.
    const [busy] = preflight(question({ perDevicePerMinute: 100 })).stages;
    expect(busy).toMatchObject({ leastMs: 30 * MINUTE, warnings: [] });
    const [slow] = preflight(question({ perDevicePerMinute: 0.1 })).stages;
    expect(slow!.leastMs).toBeGreaterThan(300 * MINUTE);
    expect(slow!.warnings.join()).toMatch(/^at this traffic it needs .* and its deadline is 2 h$/);
  });

  it('warns of what can not pass, is not judged, or leaves nothing to return to', () => {
    const policy =
      policyOf(`- { name: canary, size: 50%, minimum: { devices: 5 }, rules: ["latency_p95 < 2x baseline"] }
- { name: full, size: 100%, rules: [] }`);
    const small = preflight(question({ policy, hasStable: false, matching: () => devices(4).map((one) => one.id) }));
    expect(small).toEqual({
      devices: 4,
      stages: [
        {
          name: 'canary',
          devices: 4,
          leastMs: 0,
          warnings: [
            "it takes in 4 devices and can't pass with fewer than 5",
            'its relative rules do not apply yet: nothing is stable to compare with',
          ],
        },
        { name: 'full', devices: 4, leastMs: 0, warnings: ['no rule decides it: it passes by time alone'] },
      ],
      warnings: [
        'the first stage takes in the whole target (4 devices)',
        'nothing is stable yet: a rollback leaves the devices without the model',
      ],
    });
    expect(preflight(question({ matching: () => [] })).warnings).toContain(
      'no known device matches the target: it starts with the first one',
    );
  });
});
