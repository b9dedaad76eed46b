// What holds for groups alone: those at fault stand apart and nobody else does, the others go on, and no group is forgotten.
import { describe, expect, it } from 'vitest';
import { digestOf } from '../../src/contract/digest.ts';
import { assignmentsFor } from '../../src/contract/directive.ts';
import type { GroupVerdict, RuleVerdict } from '../../src/gates/rule-verdict.ts';
import type { Decision } from '../../src/rollout/decision.ts';
import { takesBack } from '../../src/rollout/transition.ts';
import { commitMessage } from '../../src/wording/commit-message.ts';
import { explainOutlook } from '../../src/wording/explanation.ts';
import { outlookLine } from '../../src/wording/plan-in-words.ts';
import {
  cohort,
  devices,
  FalseWorld,
  MINUTE,
  policyOf,
  REVOKED,
  ruleVerdict,
  verdictOf,
  version,
  why,
} from './false-world.ts';

const RULE = 'latency_p95 < 2x baseline';

function policy(onGroupFailure: string, more = ''): ReturnType<typeof policyOf> {
  return policyOf(`- name: canary
  size: 10%
  soak: 30m
  onGroupFailure: ${onGroupFailure}
  rules: [error_rate < 0.5%, { rule: ${RULE}, by: hw }${more}]
- { name: half, size: 50%, soak: 1h, onGroupFailure: ${onGroupFailure} }
- { name: full, size: 100%, holdBack: 0, soak: 1h, onGroupFailure: ${onGroupFailure} }`);
}

function group(name: string, verdict: GroupVerdict['verdict'], count = 10): GroupVerdict {
  const within = verdict !== 'fail';
  return {
    name,
    verdict,
    within,
    estimate: 0.1,
    lower: 0,
    upper: 0.2,
    limit: 0.05,
    trials: 999,
    devices: count,
    reasons: [],
  };
}

function fleet(): ReturnType<typeof devices> {
  return devices(90).map((device, i) => ({ ...device, labels: { ...device.labels, hw: `rev${(i % 3) + 1}` } }));
}

function rollingWorld(onGroupFailure: string, more = ''): FalseWorld {
  const world = FalseWorld.stable(policy(onGroupFailure, more));
  world.fleet = fleet();
  world.versions.push(version('2.0.0'));
  world.spec.version = '2.0.0';
  world.mustTake('start');
  return world;
}

function byHw(groups: readonly GroupVerdict[]): RuleVerdict {
  const failed = groups.find((one) => one.verdict === 'fail');
  const verdict = failed === undefined ? 'pass' : 'fail';
  return ruleVerdict(RULE, verdict, { by: 'hw', groups, group: failed?.name ?? null });
}

/** Measured: the named groups fail, the others pass. */
function fail(world: FalseWorld, names: readonly string[], others: readonly RuleVerdict[] = []): void {
  const groups = ['rev1', 'rev2', 'rev3'].map((value) => {
    const name = `hw:${value}`;
    return group(name, names.includes(name) ? 'fail' : 'pass');
  });
  world.measure('fail', {
    verdict: verdictOf('fail', ...others, byHw(groups)),
  });
}

function runs(world: FalseWorld, value: string): Set<string> {
  const directive = world.publish();
  const told = world.fleet
    .filter((device) => device.labels.hw === value)
    .flatMap((device) => assignmentsFor(directive, device))
    .map((one) => (one.kind === 'run' ? `${one.choice.version} as ${one.arm}` : one.kind));
  return new Set(told);
}

const waits = ({ outlook }: Decision): string[] => outlook.waitingOn.map((one) => one.kind);

function messageOf(world: FalseWorld): string {
  const transition = world.steps.at(-1)!;
  const digest = digestOf('evidence');
  return commitMessage({ transition, observed: 'a'.repeat(40), evidenceDigest: digest, reverts: null });
}

/** `hw:rev2` failed in the canary, and stands apart. */
function withoutRev2(onGroupFailure: string): FalseWorld {
  const world = rollingWorld(onGroupFailure);
  fail(world, ['hw:rev2']);
  world.mustTake('except');
  return world;
}

function toFull(world: FalseWorld): void {
  for (let i = 0; i < 5 && world.at.stage !== 'full'; i++) world.pass();
  expect(world.at.stage).toBe('full');
}

/** Through all stages that are left, on good measurements. */
function finish(world: FalseWorld): void {
  for (let i = 0; i < 5 && world.at.candidate !== null; i++) world.pass();
}

describe('a group that is at fault', () => {
  it('goes back alone where the policy says so, and the others go on, measured anew', () => {
    const world = rollingWorld('rollback');
    const before = world.at;
    fail(world, ['hw:rev2']);
    world.now += 40 * MINUTE;
    const { next, spec } = world.mustTake('except');
    expect(next).toMatchObject({ stage: 'canary', candidate: before.candidate, rejected: [] });
    expect(next.exceptions).toMatchObject([{ group: 'hw:rev2', kind: 'rolled-back', cohort: null, stable: null }]);
    expect(next.opened).toBe(next.revision);
    expect(spec).toEqual({ answered: [] });
    expect(runs(world, 'rev2')).toEqual(new Set(['1.0.0 as stable']));
    expect(runs(world, 'rev1')).toEqual(new Set(['1.0.0 as stable', '2.0.0 as candidate']));
    expect(messageOf(world)).toMatch(/^rollout\(invoice-ocr-eu\): revert 2\.0\.0 on hw:rev2 alone: latency_p95 /);
  });

  it('stays behind when the others complete, and takes part in the next rollout', () => {
    const world = withoutRev2('rollback');
    finish(world);
    expect(world.at).toMatchObject({
      stable: { version: '2.0.0' },
      exceptions: [{ kind: 'behind', stable: { version: '1.0.0' } }],
    });
    expect(messageOf(world)).toContain('Devices of hw:rev2 stay on 1.0.0');
    expect(runs(world, 'rev2')).toEqual(new Set(['1.0.0 as stable']));
    expect(runs(world, 'rev3')).toEqual(new Set(['2.0.0 as stable']));
    expect(waits(world.decide())).toEqual([]);
    world.versions.push(version('3.0.0'));
    world.spec.version = '3.0.0';
    world.mustTake('start');
    expect(runs(world, 'rev2')).toEqual(new Set(['1.0.0 as stable', '3.0.0 as candidate']));
    finish(world);
    expect(world.at.exceptions).toBeUndefined();
    expect(runs(world, 'rev2')).toEqual(new Set(['3.0.0 as stable']));
  });

  it('by a property of variants can stand apart for nobody: devices know groups by labels alone, so the whole stage goes back', () => {
    const world = rollingWorld('rollback', ', { rule: error_rate < 1%, by: precision }');
    const groups = [group('precision:int8', 'fail', 5), group('precision:fp32', 'pass', 20)];
    const int8 = ruleVerdict('error_rate < 1%', 'fail', { by: 'precision', groups, group: 'precision:int8' });
    world.measure('fail', { verdict: verdictOf('fail', int8, byHw([group('hw:rev1', 'pass')])) });
    expect(world.mustTake('roll-back').next).not.toHaveProperty('exceptions');
  });

  it('is still behind after the next candidate failed as a whole', () => {
    const world = withoutRev2('rollback');
    finish(world);
    world.versions.push(version('3.0.0'));
    world.spec.version = '3.0.0';
    world.mustTake('start');
    fail(world, ['hw:rev2']);
    expect(world.mustTake('except').next.exceptions).toMatchObject([
      { kind: 'rolled-back', stable: { version: '1.0.0' } },
    ]);
    world.ask({ act: 'abort' });
    world.mustTake('roll-back');
    expect(runs(world, 'rev2')).toEqual(new Set(['1.0.0 as stable']));
    expect(runs(world, 'rev1')).toEqual(new Set(['2.0.0 as stable']));
  });

  it('stays where it was, however many versions complete without it', () => {
    const world = withoutRev2('rollback');
    finish(world);
    world.versions.push(version('3.0.0'));
    world.spec.version = '3.0.0';
    world.mustTake('start');
    fail(world, ['hw:rev2']);
    world.mustTake('except');
    finish(world);
    expect(world.at.stable?.version).toBe('3.0.0');
    expect(runs(world, 'rev2')).toEqual(new Set(['1.0.0 as stable']));
  });

  it('is forgotten when the candidate that it failed on is taken back', () => {
    const world = withoutRev2('rollback');
    world.ask({ act: 'abort' });
    expect(world.mustTake('roll-back').next).not.toHaveProperty('exceptions');
  });

  it('that is held keeps the candidate where it had it, gets no more of it, and a person decides before the end', () => {
    const world = rollingWorld('hold');
    const had = runs(world, 'rev2');
    fail(world, ['hw:rev2']);
    expect(world.mustTake('except').next.exceptions).toMatchObject([
      { kind: 'held', cohort: { cut: world.at.cohort.cut } },
    ]);
    toFull(world);
    expect(runs(world, 'rev1')).toEqual(new Set(['2.0.0 as candidate']));
    expect(runs(world, 'rev2')).toEqual(had);
    world.measure('pass');
    expect(waits(world.decide())).toEqual(['groups-held']);
    expect(outlookLine(world.decide().outlook)).toContain('hw:rev2 is held; promote or abort with --group');
    world.ask({ act: 'abort', group: 'hw:rev2', by: 'alice', reason: 'too slow' });
    expect(why(world.mustTake('except'))).toBe('aborted on hw:rev2 by alice: too slow');
    expect(messageOf(world)).toMatch(
      /^rollout\(invoice-ocr-eu\): revert 2.0.0 on hw:rev2 alone: aborted by alice: too slow\n/,
    );
    expect(runs(world, 'rev2')).toEqual(new Set(['1.0.0 as stable']));
    finish(world);
    expect(world.at.exceptions).toMatchObject([{ kind: 'behind' }]);
  });

  it('that is held stays behind when a person promotes the last stage over it', () => {
    const world = withoutRev2('hold');
    toFull(world);
    world.ask({ act: 'promote' });
    expect(world.mustTake('complete').next.exceptions).toMatchObject([
      { kind: 'behind', stable: { version: '1.0.0' } },
    ]);
  });

  it('goes along again when a person promotes it: the stage opens anew with it', () => {
    const world = withoutRev2('hold');
    toFull(world);
    world.ask({ act: 'promote', group: 'hw:rev2' });
    const { next, groups } = world.mustTake('except');
    expect(groups).toEqual({ becomes: 'rejoined', names: ['hw:rev2'] });
    expect(next).not.toHaveProperty('exceptions');
    expect(next.opened).toBe(next.revision);
    expect(runs(world, 'rev2')).toEqual(new Set(['2.0.0 as candidate']));
  });

  it('that is behind takes the stable version when a person promotes it', () => {
    const world = withoutRev2('rollback');
    finish(world);
    world.spec.requests = [{ act: 'promote', digest: digestOf('2.0.0'), group: 'hw:rev2' }];
    world.mustTake('answer');
    expect(world.spec.requests).toBeUndefined();
    expect(runs(world, 'rev2')).toEqual(new Set(['2.0.0 as stable']));
  });

  it('goes back though the rollout is suspended, and goes along again only when it is not', () => {
    const world = rollingWorld('rollback');
    world.spec.suspend = true;
    fail(world, ['hw:rev2']);
    world.mustTake('except');
    world.ask({ act: 'promote', group: 'hw:rev2' });
    expect(waits(world.decide())).toEqual(['suspended']);
    world.spec.suspend = false;
    world.mustTake('except');
  });
});

describe('the whole stage goes back', () => {
  it('unless the policy wants groups apart', () => {
    const world = rollingWorld('stage');
    fail(world, ['hw:rev2']);
    world.mustTake('roll-back');
  });

  it('when a rule about all devices failed as well', () => {
    const world = rollingWorld('rollback');
    fail(world, ['hw:rev2'], [ruleVerdict('error_rate < 0.5%', 'fail')]);
    world.mustTake('roll-back');
  });

  it('when the groups that failed make up more than half of the devices', () => {
    const world = rollingWorld('rollback');
    fail(world, ['hw:rev1', 'hw:rev2']);
    world.mustTake('roll-back');
  });

  it('when those at fault are the devices of no value that has a group of its own', () => {
    const world = rollingWorld('rollback');
    fail(world, []);
    const rules = [byHw([group('hw:rev1', 'pass'), group('hw:(others)', 'fail')])];
    world.measure('fail', { verdict: verdictOf('fail', ...rules) });
    world.mustTake('roll-back');
  });

  it('when more groups than four have failed, one after the other', () => {
    const world = rollingWorld('rollback');
    const kinds = [];
    for (let i = 0; i < 5; i++) {
      const rules = [byHw([group(`hw:bad${i}`, 'fail'), group('hw:rev1', 'pass')])];
      world.measure('fail', { verdict: verdictOf('fail', ...rules) });
      kinds.push(world.take()?.kind);
    }
    expect(kinds).toEqual(['except', 'except', 'except', 'except', 'roll-back']);
  });

  it('on a first rollout: no group has a version to go back to', () => {
    const world = new FalseWorld();
    world.policy = policy('rollback');
    world.fleet = fleet();
    world.mustTake('start');
    fail(world, ['hw:rev2']);
    world.mustTake('roll-back');
  });
});

describe('a request about a group', () => {
  it.each([
    ['approve', 'hw:rev2', 'only abort and promote take a group'],
    ['promote', 'hw:rev2', 'hw:rev2 is not an exception'],
    ['abort', 'hw:\u0007', 'no device can be in a group of that name'],
  ] as const)('to %s %s is answered with a no where it means nothing', (act, name, problem) => {
    const world = rollingWorld('rollback');
    world.ask({ act, group: name });
    expect(why(world.mustTake('answer'))).toContain(problem);
  });

  it('to abort does not abort the others', () => {
    const world = rollingWorld('rollback');
    world.ask({ act: 'abort', group: 'hw:rev3' });
    const step = world.mustTake('except');
    expect(step.next.exceptions).toMatchObject([{ group: 'hw:rev3', kind: 'rolled-back' }]);
    expect(takesBack(step)).toBe(true);
    world.ask({ act: 'abort', group: 'hw:rev3' });
    expect(why(world.mustTake('answer'))).toContain('hw:rev3 was already rolled back');
  });

  it('that no device is in is answered with a no: a slip of the pen stops nothing', () => {
    const world = rollingWorld('rollback');
    const { opened } = world.at;
    world.ask({ act: 'abort', group: 'hw:rve2' });
    expect(why(world.mustTake('answer'))).toBe('refused abort (no known device is in hw:rve2)');
    expect(world.at.opened).toBe(opened);
  });

  it('is not lost when the stage fails at the same time', () => {
    const world = rollingWorld('rollback');
    world.fleet = world.fleet.map((device, i) => ({
      ...device,
      labels: { ...device.labels, hw: `rev${(i % 5) + 1}` },
    }));
    world.ask({ act: 'abort', group: 'hw:rev3' });
    fail(world, ['hw:rev2']);
    world.mustTake('except');
    fail(world, ['hw:rev2']);
    world.mustTake('except');
    expect(world.at.exceptions?.map((one) => one.group)).toEqual(['hw:rev3', 'hw:rev2']);
  });
});

describe('the cohort', () => {
  it('is chosen and counted without the groups that stand apart', () => {
    const world = withoutRev2('rollback');
    expect(world.pass().opens).toMatchObject({ stage: { name: 'half' }, able: 60 });
    expect(world.steps.at(-1)?.inputs.chosen).toMatchObject({ able: 60, wanted: 30 });
    const directive = world.publish();
    const taken = world.fleet.filter((device) =>
      assignmentsFor(directive, device).some((one) => one.kind === 'run' && one.arm === 'candidate'),
    );
    expect(taken).toHaveLength(30);
    expect(taken.every(({ labels }) => labels.hw !== 'rev2')).toBe(true);
  });

  it('is explained with the groups that do not go along, and why', () => {
    const world = withoutRev2('hold');
    const { stage } = explainOutlook(world.decide().outlook);
    expect(stage.at(-1)).toMatch(/^hw:rev2 is held: no more of its devices get the candidate: latency_p95 /);
  });

  it('counts the devices apart for people', () => {
    const world = rollingWorld('rollback');
    world.measure('undecided', { cohort: cohort(6, { matching: 90, apart: 30 }) });
    expect(outlookLine(world.decide().outlook)).toContain('30 in excepted groups');
  });
});

describe('a version that failed in a group', () => {
  it('is not given to it again because its parameters changed, neither in a steady state nor while it rolls', () => {
    const atRest = withoutRev2('rollback');
    finish(atRest);
    atRest.spec.parameters = { threshold: 0.7 };
    expect(why(atRest.mustTake('start'))).toContain('hw:rev2 is excepted: it failed there before');
    expect(runs(atRest, 'rev2')).toEqual(new Set(['1.0.0 as stable']));
    expect(atRest.at.exceptions).toMatchObject([{ kind: 'rolled-back', stable: { version: '1.0.0' } }]);
    finish(atRest);
    expect(runs(atRest, 'rev2')).toEqual(new Set(['1.0.0 as stable']));

    const rolling = withoutRev2('rollback');
    rolling.spec.parameters = { threshold: 0.7 };
    rolling.mustTake('supersede');
    rolling.mustTake('start');
    expect(runs(rolling, 'rev2')).toEqual(new Set(['1.0.0 as stable']));
  });

  it('is not given to it when all others go back to that version', () => {
    const world = withoutRev2('rollback');
    finish(world);
    for (const desired of ['3.0.0', '2.0.0']) {
      if (desired === '3.0.0') world.versions.push(version(desired));
      world.spec.version = desired;
      world.mustTake('start');
      if (desired === '2.0.0') expect(runs(world, 'rev2')).toEqual(new Set(['3.0.0 as stable']));
      finish(world);
    }
    expect(world.at.stable?.version).toBe('2.0.0');
    expect(runs(world, 'rev2')).toEqual(new Set(['3.0.0 as stable']));
  });

  it('does not start where the list of groups has no room left: nobody is dropped from it', () => {
    const world = withoutRev2('rollback');
    finish(world);
    const [behind] = world.at.exceptions!;
    const [rejection] = world.at.groupRejections!;
    const many = Array.from({ length: 16 }, (_, i) => ({ ...behind!, group: `site:s${i}` }));
    world.status = { ...world.at, exceptions: many, groupRejections: [rejection!] };
    world.seen = { revision: world.at.revision, status: world.status };
    world.spec.parameters = { threshold: 0.7 };
    expect(waits(world.decide())).toEqual(['rejected-in-groups']);
  });

  it('is given to it once a person promotes the group, and then stays', () => {
    const world = withoutRev2('rollback');
    finish(world);
    world.spec.requests = [{ act: 'promote', digest: digestOf('2.0.0'), group: 'hw:rev2' }];
    world.mustTake('answer');
    world.spec.parameters = { threshold: 0.7 };
    world.mustTake('start');
    expect(world.at.exceptions).toBeUndefined();
  });

  it('does not start where it failed in all groups that the target has', () => {
    const world = withoutRev2('rollback');
    finish(world);
    world.fleet = world.fleet.filter(({ labels }) => labels.hw === 'rev2');
    world.spec.parameters = { threshold: 0.7 };
    expect(waits(world.decide())).toEqual(['rejected-in-groups']);
  });
});

describe('a group that is behind', () => {
  function behind(): FalseWorld {
    const world = withoutRev2('hold');
    toFull(world);
    world.ask({ act: 'promote' });
    world.mustTake('complete');
    world.versions.push(version('3.0.0'));
    world.spec.version = '3.0.0';
    world.mustTake('start');
    return world;
  }

  it('and held has its old version below it when a person promotes it: never the one that it failed on', () => {
    const world = behind();
    fail(world, ['hw:rev2']);
    world.mustTake('except');
    world.ask({ act: 'promote', group: 'hw:rev2' });
    world.mustTake('except');
    expect(runs(world, 'rev2')).toEqual(new Set(['1.0.0 as stable', '3.0.0 as candidate']));
    expect(world.at.exceptions).toMatchObject([{ kind: 'behind', stable: { version: '1.0.0' } }]);
  });

  it('is shown as stalled when trust in its version was taken back', () => {
    const world = behind();
    world.versions = world.versions.map((one) => (one.version === '1.0.0' ? version('1.0.0', REVOKED) : one));
    const { conditions } = world.decide().outlook;
    expect(conditions.find(({ type }) => type === 'Stalled')).toMatchObject({
      fix: { kind: 'runs-revoked', group: 'hw:rev2', version: '1.0.0', signer: 'ci' },
    });
  });

  it('goes back to its old version when a candidate is taken back that was held in it', () => {
    const world = behind();
    fail(world, ['hw:rev2']);
    world.mustTake('except');
    world.ask({ act: 'abort' });
    expect(world.mustTake('roll-back').next.exceptions).toMatchObject([{ kind: 'behind', cohort: null }]);
    expect(runs(world, 'rev2')).toEqual(new Set(['1.0.0 as stable']));
  });

  it('stays within the target that is left', () => {
    const world = withoutRev2('rollback');
    world.spec.target = 'ring:rest';
    world.mustTake('supersede');
    world.mustTake('start');
    finish(world);
    const [exception] = world.at.exceptions ?? [];
    expect(exception?.stable?.target).toBe('(region:eu) AND (ring:rest)');
  });
});

describe('the cohort of a stage from which a group went', () => {
  it('is filled up from the others', () => {
    const world = FalseWorld.stable(
      policyOf(
        '- { name: canary, size: { devices: 12 }, onGroupFailure: rollback, rules: [{ rule: error_rate < 1%, by: hw }] }\n- { name: full, size: 100% }',
      ),
    );
    world.fleet = fleet();
    world.versions.push(version('2.0.0'));
    world.spec.version = '2.0.0';
    world.mustTake('start');
    const taken = (): number =>
      world.fleet.filter((device) =>
        assignmentsFor(world.publish(), device).some((one) => one.kind === 'run' && one.arm === 'candidate'),
      ).length;
    expect(taken()).toBe(12);
    fail(world, ['hw:rev2']);
    world.mustTake('except');
    expect(taken()).toBe(12);
    expect(runs(world, 'rev2')).toEqual(new Set(['1.0.0 as stable']));
  });

  it('is not watched anew for a group that was held already: nothing was measured of it', () => {
    const world = withoutRev2('hold');
    const { opened } = world.at;
    world.ask({ act: 'abort', group: 'hw:rev2' });
    expect(world.mustTake('except').next.opened).toBe(opened);
    expect(messageOf(world)).not.toContain('measured anew');
  });
});

describe('requests about groups', () => {
  it('to abort never wait behind those to promote, suspended or not', () => {
    const world = withoutRev2('hold');
    world.spec.suspend = true;
    world.ask({ act: 'promote', group: 'hw:rev2' });
    world.ask({ act: 'abort', group: 'hw:rev2' });
    expect(world.mustTake('except').groups).toEqual({ becomes: 'rolled-back', names: ['hw:rev2'] });
  });

  it('take what was approved before with them', () => {
    const world = FalseWorld.stable(
      policyOf(`- { name: canary, size: 10%, approval: { approvers: [alice] } }\n- { name: full, size: 100% }`),
    );
    world.fleet = fleet();
    world.versions.push(version('2.0.0'));
    world.spec.version = '2.0.0';
    world.mustTake('start');
    world.ask({ act: 'approve', by: 'alice' });
    world.ask({ act: 'abort', group: 'hw:rev2' });
    world.mustTake('except');
    expect(world.spec.requests).toBeUndefined();
  });

  it('about all devices, or on a first rollout, are answered with a no', () => {
    const world = rollingWorld('rollback');
    world.fleet = world.fleet.filter(({ labels }) => labels.hw === 'rev2');
    world.ask({ act: 'abort', group: 'hw:rev2' });
    expect(why(world.mustTake('answer'))).toContain('all devices are in hw:rev2; abort the whole rollout');
    const first = new FalseWorld();
    first.policy = policy('rollback');
    first.fleet = fleet();
    first.mustTake('start');
    first.ask({ act: 'abort', group: 'hw:rev2' });
    expect(why(first.mustTake('answer'))).toContain('there is no stable version that the group could go back to');
  });
});

describe('who is at fault', () => {
  it('is not asked of rules that never decide', () => {
    const world = rollingWorld('rollback');
    const dry = ruleVerdict('error_rate < 0.5%', 'fail', { dryRun: true });
    fail(world, ['hw:rev2'], [dry]);
    world.mustTake('except');
  });

  it('is the model when two rules fail in groups that are more than half of the fleet together', () => {
    const world = rollingWorld('rollback');
    const one = byHw([group('hw:rev1', 'fail'), group('hw:rev2', 'pass'), group('hw:rev3', 'pass')]);
    const two = byHw([group('hw:rev1', 'pass'), group('hw:rev2', 'fail'), group('hw:rev3', 'pass')]);
    world.measure('fail', {
      verdict: verdictOf('fail', one, two),
    });
    world.mustTake('roll-back');
  });
});
