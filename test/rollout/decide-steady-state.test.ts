// Laws of a rollout in the steady state: what starts, what does not, and why.
import { describe, expect, it } from 'vitest';
import { digestOf } from '../../src/contract/digest.ts';
import { BUCKETS, isInCohort } from '../../src/contract/membership.ts';
import { fixInWords } from '../../src/wording/fix-in-words.ts';
import {
  ADMITTED,
  baselineOf,
  devices,
  ENDED,
  FalseWorld,
  MINUTE,
  policyOf,
  REVOKED,
  UNSIGNED,
  version,
  waits,
  why,
} from './false-world.ts';

const RELATIVE = policyOf(`- { name: canary, size: 1%, rules: ["latency_p95 < 2x baseline"] }
- { name: full, size: 100% }`);

describe('a rollout in the steady state', () => {
  it('starts the desired version in the first stage, as attempt 1, and says who signed it', () => {
    const world = new FalseWorld();
    const { step } = world.decide();
    expect(step).toMatchObject({
      kind: 'start',
      from: 'start',
      to: 'canary',
      next: {
        revision: 1,
        opened: 1,
        state: 'rolling',
        stage: 'canary',
        model: 'invoice-ocr',
        candidate: { version: '1.0.0', digest: digestOf('1.0.0'), attempt: 1, parameters: {} },
        target: 'region:eu',
        policy: world.policyDigest,
        evidence: 'evidence/invoice-ocr-eu/1-start-canary.json',
      },
    });
    expect(why(step!)).toBe('1.0.0, signed by ci, starts in canary');
  });

  it('does nothing, and waits on nothing, once the desired version is stable', () => {
    const decision = FalseWorld.stable().decide();
    expect(decision.step).toBeNull();
    expect(decision.outlook.waitingOn).toEqual([]);
    expect(decision.outlook.conditions).toContainEqual(expect.objectContaining({ type: 'Ready', status: true }));
  });

  it.each([
    ['unsigned', UNSIGNED, 'SIGNATURE_MISSING'],
    ['signed by someone who may not', { ...UNSIGNED, code: 'SIGNER_NOT_ALLOWED' }, 'SIGNER_NOT_ALLOWED'],
    ['signed by someone revoked', REVOKED, 'SIGNER_REVOKED'],
    ['signed with a key that has ended', ENDED, 'SIGNER_ENDED'],
    [
      'broken',
      { kind: 'broken', code: 'DOCUMENT_SYNTAX', file: 'models/1.0.0.yaml', line: 3, column: 1, more: 0 } as const,
      'DOCUMENT_SYNTAX',
    ],
  ])('never starts a version that is %s, and says why', (_, standing, code) => {
    const world = new FalseWorld();
    world.versions = [version('1.0.0', standing)];
    const decision = world.decide();
    expect(decision.step).toBeNull();
    expect(decision.outlook.waitingOn).toEqual([
      expect.objectContaining({ kind: 'needs-fix', fix: expect.objectContaining({ code }) }),
    ]);
    expect(decision.outlook.conditions).toContainEqual(
      expect.objectContaining({ type: 'SourceVerified', status: false, reason: code }),
    );
  });

  it('says that a version is missing', () => {
    const world = new FalseWorld();
    world.spec.version = '9.9.9';
    expect(world.decide().outlook.waitingOn).toEqual([
      expect.objectContaining({ kind: 'needs-fix', fix: expect.objectContaining({ code: 'MODEL_VERSION_MISSING' }) }),
    ]);
  });

  it.each([
    ['missing', null, ADMITTED, 'POLICY_MISSING'],
    ['unsigned', policyOf('- { name: full, size: 100% }'), UNSIGNED, 'SIGNATURE_MISSING'],
  ])('never starts under a policy that is %s', (_, policy, standing, code) => {
    const world = new FalseWorld();
    world.policy = policy;
    world.policyStanding = standing;
    expect(world.decide()).toMatchObject({
      step: null,
      outlook: { waitingOn: [{ kind: 'needs-fix', fix: { code } }] },
    });
  });

  it('waits for the first device of its target', () => {
    const world = new FalseWorld();
    world.fleet = [];
    expect(waits(world.decide())).toEqual(['known-devices']);
  });

  it('does not start while it is suspended', () => {
    const world = new FalseWorld();
    world.spec.suspend = true;
    expect(waits(world.decide())).toEqual(['suspended']);
    world.spec.suspend = false;
    expect(world.decide().step?.kind).toBe('start');
  });

  it('waits for a baseline when a relative latency is to be frozen, and freezes it', () => {
    const world = FalseWorld.stable(RELATIVE);
    world.versions.push(version('2.0.0'));
    world.spec.version = '2.0.0';
    world.baseline = baselineOf(99);
    expect(world.decide().outlook.waitingOn).toEqual([
      { kind: 'baseline', have: 99, need: 100, remainingMs: 3_600_000 },
    ]);
    world.baseline = baselineOf(100, 50);
    const [limit] = world.mustTake('start').next.limits;
    expect(limit!.rule).toBe('latency_p95 < 2x baseline');
    expect(limit!.limit).toBeGreaterThan(98);
    expect(limit!.limit).toBeLessThan(103);
  });

  it('starts without a baseline when stable has no traffic for an hour, and says so', () => {
    const world = FalseWorld.stable(RELATIVE);
    world.versions.push(version('2.0.0'));
    world.spec.version = '2.0.0';
    world.baseline = baselineOf(99, 100, 3_599_999);
    expect(waits(world.decide())).toEqual(['baseline']);
    world.baseline = baselineOf(99, 100, 3_600_000);
    const { next, reason } = world.mustTake('start');
    expect(next.limits).toEqual([]);
    expect(reason).toMatchObject({ kind: 'started', lacksBaseline: true });
  });

  it('waits for no baseline when nothing is stable yet', () => {
    const world = new FalseWorld();
    world.policy = RELATIVE;
    world.baseline = null;
    expect(world.mustTake('start').next.limits).toEqual([]);
  });
});

describe('latest and ranges', () => {
  it('start the newest version that may be used, and show the newer one that may not', () => {
    const world = new FalseWorld();
    world.spec.version = 'latest';
    world.versions = [version('1.2.0'), version('1.10.0'), version('2.0.0', UNSIGNED)];
    const decision = world.decide();
    expect(decision.step?.next.candidate?.version).toBe('1.10.0');
    expect(decision.outlook.conditions).toContainEqual(
      expect.objectContaining({ type: 'SourceVerified', status: false, reason: 'SIGNATURE_MISSING' }),
    );
    world.spec.version = '>=1 <1.5';
    expect(world.decide().step?.next.candidate?.version).toBe('1.2.0');
  });

  it.each(['latest', '>=1'])(
    'never fall back behind stable (%s): not when its key ended, not when its manifest is gone or broken',
    (desired) => {
      const world = new FalseWorld();
      world.versions = [version('1.0.0'), version('2.0.0')];
      world.spec.version = desired;
      world.complete();
      expect(world.at.stable?.version).toBe('2.0.0');
      world.versions = [version('1.0.0'), version('2.0.0', ENDED)];
      expect(world.decide()).toMatchObject({ step: null, outlook: { waitingOn: [] } });
      world.versions = [version('1.0.0')];
      expect(world.decide()).toMatchObject({
        step: null,
        outlook: { waitingOn: [{ fix: { code: 'MODEL_VERSION_MISSING' } }] },
      });
    },
  );

  it('leave a stable version whose signer is revoked for the newest that is trusted', () => {
    const world = new FalseWorld();
    world.versions = [version('1.0.0'), version('2.0.0')];
    world.spec.version = 'latest';
    world.complete();
    world.versions = [version('1.0.0'), version('2.0.0', REVOKED)];
    expect(world.decide().step).toMatchObject({ kind: 'start', next: { candidate: { version: '1.0.0' } } });
  });

  it('pass over a rejected version', () => {
    const world = FalseWorld.stable();
    world.versions.push(version('2.0.0'));
    world.spec.version = 'latest';
    world.mustTake('start');
    world.measure('fail');
    world.mustTake('roll-back');
    expect(world.spec.version).toBe('latest');
    expect(world.decide()).toMatchObject({ step: null, outlook: { waitingOn: [] } });
    world.versions.push(version('2.0.1'));
    expect(world.decide().step?.next.candidate?.version).toBe('2.0.1');
  });
});

describe('what was stable', () => {
  it('is said to run on though its signer is revoked, on how many devices, and what to do', () => {
    const world = FalseWorld.stable();
    const count = world.fleet.length;
    world.versions = [version('1.0.0', REVOKED), version('2.0.0')];
    for (const desired of ['1.0.0', '9.9.9']) {
      world.spec.version = desired;
      const { outlook } = world.decide();
      const stalls = outlook.conditions.flatMap((one) => (one.type === 'Stalled' ? [one.fix] : []));
      expect(stalls.at(-1)).toMatchObject({ kind: 'runs-revoked', version: '1.0.0', devices: count, signer: 'ci' });
      expect(stalls).toHaveLength(desired === '1.0.0' ? 1 : 2);
      expect(fixInWords(stalls.at(-1)!)).toBe(
        `${count.toLocaleString('en')} devices go on with 1.0.0, though trust in its signer was revoked: ci is revoked; roll out a version of a trusted signer`,
      );
    }
    world.spec.version = '2.0.0';
    world.mustTake('start');
    expect(world.decide().outlook.conditions.map(({ type }) => type)).not.toContain('Stalled');
  });

  it('stays as declared though its key has ended since', () => {
    const world = FalseWorld.stable();
    world.versions = [version('1.0.0', ENDED)];
    expect(world.decide()).toMatchObject({ step: null, outlook: { waitingOn: [] } });
  });

  it('walks anew as a higher attempt when the target or the parameters change, and only if it may still start', () => {
    for (const change of [{ target: 'region:eu OR region:us' }, { parameters: { threshold: 0.7 } }]) {
      const world = FalseWorld.stable();
      Object.assign(world.spec, change);
      expect(world.decide().step).toMatchObject({
        kind: 'start',
        next: { stage: 'canary', candidate: { version: '1.0.0', attempt: 2 }, stable: { target: 'region:eu' } },
      });
      world.versions = [version('1.0.0', ENDED)];
      expect(waits(world.decide())).toEqual(['needs-fix']);
    }
  });

  it('is not touched by a rejection of its own digest under other parameters, and those need a retry', () => {
    for (const desired of ['1.0.0', 'latest']) {
      const world = FalseWorld.stable();
      world.versions.unshift(version('0.9.0'));
      world.spec.version = desired;
      world.spec.parameters = { threshold: 0.7 };
      world.mustTake('start');
      world.measure('fail');
      const back = world.mustTake('roll-back');
      expect(back.spec.version).toBeUndefined();
      expect(world.spec.parameters).toBeUndefined();
      expect(world.decide()).toMatchObject({ step: null, outlook: { waitingOn: [] } });
      world.spec.parameters = { threshold: 0.7 };
      expect(waits(world.decide())).toEqual(['rejected']);
      world.ask({ act: 'retry', digest: digestOf('1.0.0') });
      world.mustTake('answer');
      expect(world.mustTake('start').next.candidate?.attempt).toBe(3);
    }
  });

  it('goes straight to the last stage within the rollback window, without waiting for a baseline, and not later', () => {
    const policy = policyOf(
      `- { name: canary, size: 1%, rules: ["latency_p95 < 2x baseline"] }\n- { name: full, size: 100% }`,
      '  rollbackWindow: 30d\n',
    );
    const world = FalseWorld.stable(policy);
    world.versions.push(version('2.0.0'));
    world.spec.version = '2.0.0';
    world.complete();
    world.baseline = null;
    world.spec.version = '1.0.0';
    expect(world.decide().step).toMatchObject({ kind: 'start', to: 'full', next: { cohort: { cut: BUCKETS } } });
    world.now += 31 * 24 * 60 * MINUTE;
    expect(waits(world.decide())).toEqual(['baseline']);
    world.now -= 31 * 24 * 60 * MINUTE;
    world.spec.target = 'region:us OR region:eu';
    world.baseline = baselineOf(1000);
    expect(world.decide().step?.to).toBe('canary');
  });
});

describe('a version once published', () => {
  it('is refused under the same name with another content', () => {
    const world = FalseWorld.stable();
    world.versions = [{ version: '1.0.0', digest: digestOf('other bytes'), standing: ADMITTED }];
    expect(world.decide().outlook.waitingOn).toEqual([
      expect.objectContaining({ kind: 'needs-fix', fix: expect.objectContaining({ code: 'MODEL_VERSION_CHANGED' }) }),
    ]);
  });

  it('does not escape its rejection by a change of content', () => {
    const world = FalseWorld.rolling();
    world.measure('fail');
    world.mustTake('roll-back');
    world.versions = [version('1.0.0'), { version: '2.0.0', digest: digestOf('rebuilt'), standing: ADMITTED }];
    world.spec.version = '2.0.0';
    expect(world.decide()).toMatchObject({
      step: null,
      outlook: { waitingOn: [{ fix: expect.objectContaining({ code: 'MODEL_VERSION_CHANGED' }) }] },
    });
  });
});

describe('the model of a rollout', () => {
  it('stays what it was: another spec.model moves no device', () => {
    const world = FalseWorld.stable();
    world.publish();
    world.spec.model = 'door-cam';
    expect(world.decide()).toMatchObject({
      step: null,
      outlook: { waitingOn: [{ fix: { code: 'ROLLOUT_MODEL_CHANGED' } }] },
    });
    expect(world.publish().entries[0]!.model).toBe('invoice-ocr');
    world.published = null;
    expect(world.publish().entries[0]!.model).toBe('invoice-ocr');
  });

  it('may change as long as nothing runs under its name', () => {
    const world = new FalseWorld();
    world.mustTake('start');
    world.measure('fail');
    world.mustTake('roll-back');
    world.spec.model = 'door-cam';
    world.versions = [version('0.1.0')];
    world.spec.version = '0.1.0';
    expect(world.mustTake('start').next.model).toBe('door-cam');
  });
});

/** Ids of the fleet's devices that the stage takes in by hash or one by one. */
function membersOf(world: FalseWorld): string[] {
  const { cohort, salt } = world.at;
  const isMember = (deviceId: string) => isInCohort({ cohort, salt: salt!, deviceId, matchesSelect: () => false });
  return world.fleet.map((device) => device.id).filter(isMember);
}

describe('the cohort of a stage', () => {
  it('has exactly the devices that the policy wants, by the fleet that is known', () => {
    for (const [count, size, wanted] of [
      [1003, '1%', 11],
      [1003, '25%', 251],
      [300, '1%', 3],
      [50, '1%', 3],
      [2, '1%', 2],
      [1000, '{ devices: 10 }', 10],
      [1000, '{ devices: 1 }', 1],
      [5, '{ devices: 10 }', 5],
      [1000, '{ percent: 0.5 }', 5],
    ] as const) {
      const world = new FalseWorld();
      world.fleet = devices(count);
      world.policy = policyOf(`- { name: canary, size: ${size} }\n- { name: full, size: 100% }`);
      world.mustTake('start');
      expect(membersOf(world), `${size} of ${count}`).toHaveLength(wanted);
    }
  });

  it.each([
    ['1%', 3, 100],
    ['25%', 40, 2500],
    ['{ devices: 10 }', 12, 0],
    ['{ devices: 10 }', 5, 0],
  ])(
    'of %s, chosen from the few that are known (%i), takes of those that join later their share and no more',
    (size, known, share) => {
      const world = new FalseWorld();
      world.fleet = devices(known);
      world.policy = policyOf(`- { name: canary, size: ${size} }\n- { name: full, size: 100% }`);
      world.mustTake('start');
      const first = membersOf(world);
      world.fleet = devices(10_000 + known);
      const members = membersOf(world);
      expect(members).toEqual(expect.arrayContaining(first));
      // Five standard deviations of a draw of 10,000.
      const spread = 5 * Math.sqrt(share * (1 - share / 10_000));
      expect(members.length - first.length).toBeLessThanOrEqual(share + spread);
      expect(members.length - first.length).toBeGreaterThanOrEqual(share === 0 ? 0 : share - spread - first.length);
    },
  );

  it('waits until as many devices are known as the policy wants to see', () => {
    const world = new FalseWorld();
    world.policy = policyOf('- { name: canary, size: 1%, minimum: { devices: 3 } }\n- { name: full, size: 100% }');
    world.fleet = devices(2);
    expect(world.decide().outlook.waitingOn).toEqual([
      { kind: 'known-devices', target: 'region:eu', have: 2, need: 3 },
    ]);
    world.fleet = devices(3);
    world.mustTake('start');
    expect(membersOf(world)).toHaveLength(3);
  });

  it('never takes in all who join later, short of the stage of the whole target', () => {
    const world = new FalseWorld();
    world.fleet = devices(5);
    world.policy = policyOf('- { name: canary, size: { devices: 10 } }\n- { name: full, size: 100% }');
    expect(world.mustTake('start').next.cohort.cut).toBeLessThan(BUCKETS);
    expect(world.pass().next.cohort.cut).toBe(BUCKETS);
  });

  it('is smaller than three where the policy says so', () => {
    const world = new FalseWorld();
    world.policy = policyOf('- { name: canary, size: 0.01%, minimum: { devices: 1 } }\n- { name: full, size: 100% }');
    world.mustTake('start');
    expect(membersOf(world)).toHaveLength(1);
  });

  it('grows from stage to stage, by hash and by selectors', () => {
    const world = new FalseWorld();
    world.policy = policyOf(`- { name: ring, select: "ring:canary" }
- { name: some, size: 10%, select: "hw:rev2" }
- { name: more, size: { devices: 20 } }
- { name: full, size: 100% }`);
    const cohorts = [world.mustTake('start').next.cohort];
    while (world.at.candidate !== null) cohorts.push(world.pass().next.cohort);
    cohorts.pop();
    expect(cohorts.map((one) => one.select)).toEqual([
      'ring:canary',
      '(ring:canary) OR (hw:rev2)',
      '(ring:canary) OR (hw:rev2)',
      '(ring:canary) OR (hw:rev2)',
    ]);
    expect(cohorts[0]!.cut).toBe(0);
    // 20 devices are fewer than the 10% before: nobody is sent back.
    expect(cohorts[2]!.cut).toBe(cohorts[1]!.cut);
    expect(cohorts[3]!.cut).toBe(BUCKETS);
  });

  it('is refused before the start when its selectors can not be joined', () => {
    const world = new FalseWorld();
    const long = (letter: string): string => `name:${letter.repeat(600)}`;
    world.policy = policyOf(`- { name: a, select: "${long('a')}" }\n- { name: b, select: "${long('b')}" }`);
    expect(world.decide()).toMatchObject({
      step: null,
      outlook: { waitingOn: [{ fix: { code: 'POLICY_SELECT_TOO_LONG' } }] },
    });
  });
});
