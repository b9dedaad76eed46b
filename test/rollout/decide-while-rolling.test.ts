// Laws of a rollout with a candidate out: back, on, over, or wait, and for what.
import { describe, expect, it } from 'vitest';
import { digestOf } from '../../src/contract/digest.ts';
import { BUCKETS } from '../../src/contract/membership.ts';
import type { StageVerdict } from '../../src/gates/rule-verdict.ts';
import type { Transition } from '../../src/rollout/transition.ts';
import { formatCount } from '../../src/wording/amounts.ts';
import { commitMessage } from '../../src/wording/commit-message.ts';
import { explainOutlook } from '../../src/wording/explanation.ts';
import { waitingInWords } from '../../src/wording/plan-in-words.ts';
import { breachInShort } from '../../src/wording/verdict-table.ts';
import {
  baselineOf,
  CAREFUL,
  cohort,
  ENDED,
  FalseWorld,
  iso,
  MINUTE,
  NONCE,
  policyOf,
  REVOKED,
  ruleVerdict,
  stageVerdict,
  T0,
  UNSIGNED,
  verdictOf,
  version,
  waits,
  why,
} from './false-world.ts';

const messageOf = (transition: Transition): string =>
  commitMessage({ transition, observed: '', evidenceDigest: digestOf(''), reverts: null });

const withStage = (more: string): ReturnType<typeof policyOf> =>
  policyOf(`- { name: canary, size: 1%, soak: 30m, deadline: 2h, rules: [error_rate < 0.5%], ${more} }
- { name: full, size: 100% }`);

describe('a stage', () => {
  it('waits for its soak, its devices and its verdict, and says how long', () => {
    const world = FalseWorld.rolling();
    world.measured = {
      cohort: cohort(11, { ready: 2, pending: 9 }),
      verdict: stageVerdict(world.stage, 'undecided', { needs: { trials: 3400, minutes: 10.6 } }),
      window: { listenedMs: 10 * MINUTE, readyMs: 4 * MINUTE },
    };
    expect(world.decide()).toMatchObject({
      step: null,
      outlook: {
        waitingOn: [
          { kind: 'devices', have: 2, need: 3 },
          { kind: 'soak', remainingMs: 26 * MINUTE },
          { kind: 'verdict', minutes: 10.6, slowest: { metric: 'error_rate', trials: 3400 } },
        ],
      },
    });
  });

  it('that nothing but a person moves on says why: the group, the device and the reason, on one bounded line', () => {
    const world = FalseWorld.rolling();
    const stuck = ruleVerdict('latency_p95 < 150ms', 'undecided', {
      ...{ by: 'hw', group: 'hw:rev2', worstDevice: 'kiosk-017', reasons: [{ kind: 'one-device' }] },
    });
    const open = ruleVerdict('unknown_rate < 10%', 'undecided', { needs: { trials: 3400, minutes: 10.6 } });
    const unheard = ruleVerdict('error_rate < 0.5%', 'undecided', { estimate: null, reasons: [{ kind: 'no-data' }] });
    const waiting = (...rules: StageVerdict['rules']): string => {
      world.measure('undecided', { verdict: verdictOf('undecided', ...rules) });
      return waitingInWords(world.decide().outlook.waitingOn);
    };
    const why = 'latency_p95 on hw:rev2: one device explains the breach, kiosk-017';
    expect(waiting(stuck)).toBe(`a verdict on latency_p95 < 150ms by hw (${why.slice('latency_p95 on '.length)})`);
    expect(waiting(unheard, open, stuck)).toMatch(/^about 11 more minutes: unknown_rate needs 3,400 more inferences/);
    expect(waiting(unheard, open, stuck)).toContain(`; ${why}`);
    expect(waiting(unheard)).toBe('a verdict on error_rate < 0.5% (no data)');
    const hostile = waiting({ ...stuck, group: `hw:${'x\n'.repeat(900)}` });
    expect(hostile).not.toContain('\n');
    expect(hostile.length).toBeLessThan(250);
  });

  it.each([
    ['its soak is short by a millisecond', { window: { listenedMs: 60 * MINUTE, readyMs: 30 * MINUTE - 1 } }, 'soak'],
    ['fewer than three devices run it', { cohort: cohort(11, { ready: 2, unreachable: 9 }) }, 'devices'],
    ['nothing was measured', { verdict: null }, 'verdict'],
    ['nobody was counted', { cohort: null }, 'devices'],
  ])('does not pass while %s', (_, measured, kind) => {
    const world = FalseWorld.rolling();
    world.measure('pass', measured);
    expect(waits(world.decide())).toEqual([kind]);
  });

  it('that passes leads to the next one, in one step that opens it anew', () => {
    const world = FalseWorld.rolling();
    world.now += 31 * MINUTE;
    world.measure('pass');
    const before = world.at;
    const step = world.mustTake('advance');
    expect(step).toMatchObject({ from: 'canary', to: 'ramp', subject: { version: '2.0.0', attempt: 1 } });
    expect(step.next).toMatchObject({ revision: before.revision + 1, opened: before.revision + 1, stage: 'ramp' });
    expect(step.next.since).not.toBe(before.since);
    expect(step.next.candidate).toEqual(before.candidate);
    expect(step.next.salt).toBe(before.salt);
    expect(step.next.cohort.cut).toBeGreaterThan(before.cohort.cut);
  });

  it('that passes says on how many inferences of all its devices, where a rule has those of one group', () => {
    const world = FalseWorld.rolling();
    const verdict = stageVerdict(world.stage, 'pass', { by: 'hw', group: 'hw:rev2', devices: 2, trials: 473 });
    world.measure('pass', { cohort: cohort(7), verdict: { ...verdict, measured: { devices: 7, inferences: 2610 } } });
    expect(why(world.mustTake('advance'))).toBe(
      `all 2 rules of canary passed, watched for 30 min on 7 devices, ${formatCount(2610)} inferences`,
    );
  });

  it('that is the last waits for the rest of the fleet, then completes', () => {
    const world = FalseWorld.rolling();
    world.pass();
    world.pass();
    expect(world.at.cohort.cut).toBe(BUCKETS);
    world.measure('pass', { cohort: cohort(1003, { ready: 990, pending: 3, trying: 2, unreachable: 8 }) });
    expect(world.decide().outlook.waitingOn).toEqual([{ kind: 'rest-of-fleet', pending: 5 }]);
    world.measure('pass', { cohort: cohort(1003, { ready: 995, unreachable: 8 }) });
    const step = world.mustTake('complete');
    expect(step.next).toMatchObject({
      state: 'idle',
      stage: null,
      candidate: null,
      stable: { version: '2.0.0', target: 'region:eu' },
      previous: [{ version: '1.0.0' }],
      salt: null,
      cohort: { cut: 0, select: null, devices: [] },
    });
  });

  it('without rules still waits for the inferences of its minimum', () => {
    const world = FalseWorld.rolling(
      policyOf('- { name: canary, size: 1%, minimum: { inferences: 1000 } }\n- { name: full, size: 100% }'),
    );
    world.measure('undecided', {
      verdict: { ...verdictOf('undecided'), because: [{ kind: 'minimum-inferences', have: 600, need: 1000 }] },
    });
    expect(world.decide().outlook.waitingOn).toMatchObject([
      { kind: 'verdict', lacks: [{ kind: 'minimum-inferences', have: 600, need: 1000 }] },
    ]);
  });

  it('freezes relative limits anew as it opens', () => {
    const world = FalseWorld.stable(
      policyOf(`- { name: canary, size: 1%, rules: ["latency_p95 < 2x baseline"] }
- { name: full, size: 100% }`),
    );
    world.versions.push(version('2.0.0'));
    world.spec.version = '2.0.0';
    const first = world.mustTake('start').next.limits;
    world.baseline = baselineOf(1000, 200);
    expect(world.pass().next.limits[0]!.edge).toBeGreaterThan(first[0]!.edge);
  });
});

describe('a failed rule', () => {
  it('that a share of the devices may break says that more of them do, not what the worst of them did', () => {
    const world = FalseWorld.rolling();
    const failed = ruleVerdict('error_rate < 3%', 'fail', {
      scope: 'any-device',
      share: 0.05,
      estimate: 0.089,
      reasons: [
        { kind: 'device-breach', device: 'kiosk-017', bad: 18, trials: 228, breaching: 7, mayBreach: 3, total: 60 },
      ],
    });
    world.measure('fail', { verdict: verdictOf('fail', failed) });
    const step = world.mustTake('roll-back');
    expect(why(step)).toBe(
      'error_rate not < 3% on more than 5% of devices in canary (7 of 60 devices breach it, 3 may; 18 of 228 on kiosk-017, more than chance explains)',
    );
    expect(breachInShort(failed, 'canary')).toBe('error_rate not < 3% on more than 5% of devices in canary');
  });

  it('rolls back at once, before soak, devices or minimum', () => {
    const world = FalseWorld.rolling();
    world.measure('fail', { cohort: cohort(11, { ready: 1 }), window: { listenedMs: MINUTE, readyMs: 0 } });
    world.now = T0 + 123 * MINUTE;
    const step = world.mustTake('roll-back');
    expect(step).toMatchObject({ from: 'canary', to: 'stable' });
    expect(step.next).toMatchObject({
      state: 'idle',
      candidate: null,
      stable: { version: '1.0.0' },
      rejected: [
        {
          version: '2.0.0',
          digest: digestOf('2.0.0'),
          attempt: 1,
          at: '2026-11-20T12:03:00Z',
          evidence: step.next.evidence,
        },
      ],
    });
    expect(why(step)).toBe('error_rate 0.21% in canary, not < 0.5%; failed_devices < 5% failed as well');
  });

  it('is never tried again: not by the same pin, not by latest, only by a retry, as a higher attempt', () => {
    const world = FalseWorld.rolling();
    world.measure('fail');
    world.mustTake('roll-back');
    for (const desired of ['2.0.0', 'latest', '>=2']) {
      world.spec.version = desired;
      expect(world.decide().step, desired).toBeNull();
    }
    world.spec.version = '2.0.0';
    expect(world.decide().outlook.waitingOn).toMatchObject([{ kind: 'rejected', version: '2.0.0' }]);
    world.ask({ act: 'retry', digest: digestOf('2.0.0'), by: 'alice', reason: 'the camera was at fault' });
    expect(why(world.mustTake('answer'))).toBe('retry of 2.0.0 requested by alice: the camera was at fault');
    expect(world.spec.requests).toBeUndefined();
    expect(world.mustTake('start').next.candidate).toMatchObject({ version: '2.0.0', attempt: 2 });
  });

  it('puts spec.version back only when it pins the rejected version', () => {
    const desiredAfter = (desired: string, more: string[] = []): string => {
      const world = FalseWorld.stable();
      world.versions.push(version('2.0.0'));
      world.spec.version = desired;
      world.mustTake('start');
      world.versions.push(...more.map((name) => version(name)));
      world.measure('fail');
      world.mustTake('roll-back');
      return world.spec.version;
    };
    expect(desiredAfter('2.0.0')).toBe('1.0.0');
    expect(desiredAfter('latest')).toBe('latest');
    expect(desiredAfter('>=1')).toBe('>=1');
    expect(desiredAfter('latest', ['3.0.0'])).toBe('latest');
    const world = FalseWorld.rolling();
    world.versions.push(version('3.0.0'));
    world.spec.version = '3.0.0';
    world.measure('fail');
    expect(world.mustTake('roll-back').spec.version).toBeUndefined();
    expect(world.spec.version).toBe('3.0.0');
  });

  it('of a first rollout rejects the digest and leaves nothing to run', () => {
    const world = new FalseWorld();
    world.mustTake('start');
    world.measure('fail');
    const step = world.mustTake('roll-back');
    expect(step).toMatchObject({ to: 'none', next: { stable: null, candidate: null } });
    expect(step.spec.version).toBeUndefined();
    expect(waits(world.decide())).toEqual(['rejected']);
  });

  it('in a dry run decides nothing', () => {
    const world = FalseWorld.rolling(
      policyOf(`- { name: canary, size: 1%, rules: [error_rate < 1%, { rule: unknown_rate < 10%, dryRun: true }] }
- { name: full, size: 100% }`),
    );
    const verdict = stageVerdict(world.stage, 'pass');
    const tried = ruleVerdict('unknown_rate < 10%', 'fail', { dryRun: true });
    world.measure('pass', { verdict: { ...verdict, rules: [verdict.rules[0]!, tried] } });
    expect(world.decide().step?.kind).toBe('advance');
  });

  it.each(['pause', 'ask'])(
    'stops the walk where the policy says %s: the cohort keeps it, nobody else gets it',
    (onFailure) => {
      const world = FalseWorld.rolling(withStage(`onFailure: ${onFailure}`));
      world.measure('fail');
      world.now += 12 * MINUTE;
      const before = world.at;
      const step = world.mustTake('pause');
      expect(step.next).toMatchObject({
        state: 'paused',
        stage: 'canary',
        opened: before.opened,
        cohort: before.cohort,
        paused: { since: iso(world.now) },
        candidate: { version: '2.0.0' },
      });
      world.measure('fail');
      expect(waits(world.decide())).toEqual(['paused']);
    },
  );
});

describe('a paused rollout', () => {
  const paused = (more = ''): FalseWorld => {
    const world = FalseWorld.rolling(withStage(`onFailure: pause${more}`));
    world.measure('fail');
    world.mustTake('pause');
    return world;
  };

  it('is watched again, from new measurements, when someone approves', () => {
    const world = paused();
    world.ask({ act: 'approve', by: 'bob' });
    const step = world.mustTake('reopen');
    expect(step.next).toMatchObject({ state: 'rolling', paused: null, opened: step.next.revision });
    expect(world.spec.requests).toBeUndefined();
  });

  it('with approvers is watched again only by one of them', () => {
    const world = paused(', approval: { approvers: [alice] }');
    world.ask({ act: 'approve', by: 'mallory' });
    expect(why(world.mustTake('answer'))).toContain('mallory is not an approver; approvers are alice');
    world.ask({ act: 'approve', by: 'alice' });
    world.mustTake('reopen');
  });

  it.each(['promote', 'skip'] as const)('goes on when people ask to %s', (act) => {
    const world = paused();
    world.ask({ act });
    expect(world.mustTake('advance').to).toBe('full');
  });

  it('goes back by abort, by the old pin, and by another desired version', () => {
    const aborted = paused();
    aborted.ask({ act: 'abort' });
    aborted.mustTake('roll-back');
    const reverted = paused();
    reverted.spec.version = '1.0.0';
    reverted.mustTake('roll-back');
    const other = paused();
    other.versions.push(version('3.0.0'));
    other.spec.version = '3.0.0';
    other.mustTake('supersede');
  });

  it('stays where it is while it is suspended as well, but goes back', () => {
    const world = paused();
    world.spec.suspend = true;
    world.ask({ act: 'promote' });
    expect(waits(world.decide())).toEqual(['suspended']);
    world.ask({ act: 'abort' });
    world.mustTake('roll-back');
  });

  it('does not count what was approved before the failure', () => {
    const world = FalseWorld.rolling(withStage('onFailure: pause, approval: { approvers: [alice, bob] }'));
    world.ask({ act: 'approve', by: 'alice' });
    world.ask({ act: 'promote', reason: 'soon' });
    world.spec.suspend = true;
    world.measure('fail');
    world.mustTake('pause');
    world.spec.suspend = false;
    expect(world.spec.requests).toBeUndefined();
    expect(waits(world.decide())).toEqual(['paused']);
  });
});

describe('a deadline', () => {
  const late = { listenedMs: 120 * MINUTE, readyMs: 60 * MINUTE };

  it('holds unless the policy says otherwise, and says so', () => {
    const world = FalseWorld.rolling(withStage('silence: 10m'));
    world.measure('undecided', { window: late });
    expect(waits(world.decide())).toEqual(['deadline-held', 'verdict']);
    world.measure('undecided', { window: { ...late, listenedMs: late.listenedMs - 1 } });
    expect(waits(world.decide())).toEqual(['verdict']);
    world.ask({ act: 'promote' });
    world.mustTake('advance');
  });

  it.each(['rollback', 'pause'])(
    'goes back where the policy says rollback, also where a failure would %s',
    (onFailure) => {
      const world = FalseWorld.rolling(withStage(`onDeadline: rollback, onFailure: ${onFailure}`));
      world.measure('undecided', { window: late });
      expect(why(world.mustTake('roll-back'))).toBe(
        'canary did not pass before its deadline of 2 h: error_rate < 0.5% undecided',
      );
    },
  );

  it('promotes what was observed within every limit, and holds the rest', () => {
    const world = FalseWorld.rolling(withStage('onDeadline: promote'));
    world.measure('undecided', { window: late, rule: { within: false } });
    expect(waits(world.decide())).toContain('deadline-held');
    world.measure('undecided', { window: late, rule: { within: true } });
    expect(why(world.mustTake('advance'))).toContain('with every open rule within its limit');
  });

  it('never promotes below the minimum of devices or inferences, nor on no data', () => {
    const world = FalseWorld.rolling(withStage('onDeadline: promote, minimum: { devices: 5, inferences: 1000 }'));
    world.measure('undecided', {
      window: late,
      rule: { within: true },
      cohort: cohort(11, { ready: 4, unreachable: 7 }),
    });
    expect(waits(world.decide())).toContain('deadline-held');
    const verdict = stageVerdict(world.stage, 'undecided', { within: true });
    world.measure('undecided', {
      window: late,
      verdict: { ...verdict, because: [...verdict.because, { kind: 'minimum-inferences', have: 700, need: 1000 }] },
    });
    expect(waits(world.decide())).toContain('deadline-held');
    world.measure('undecided', { window: late, verdict: null });
    expect(waits(world.decide())).toContain('deadline-held');
  });

  it('does not undo a pass', () => {
    const world = FalseWorld.rolling(withStage('onDeadline: rollback'));
    world.measure('pass', { window: late });
    world.mustTake('advance');
  });
});

describe('approval', () => {
  const gated = (): FalseWorld =>
    FalseWorld.rolling(withStage('approval: { approvers: [alice, bob, carol], count: 2 }'));

  it('is waited for once everything else holds, by distinct people of the list', () => {
    const world = gated();
    world.measure('pass');
    expect(world.decide().outlook.waitingOn).toEqual([
      { kind: 'approval', approvers: ['alice', 'bob', 'carol'], have: 0, need: 2 },
    ]);
    world.ask({ act: 'approve', by: 'alice', stage: 'canary' });
    world.ask({ act: 'approve', by: 'alice', stage: 'canary' });
    expect(world.decide().outlook.waitingOn).toMatchObject([{ kind: 'approval', have: 1, need: 2 }]);
    world.ask({ act: 'approve', by: 'carol', stage: 'canary' });
    const step = world.mustTake('advance');
    expect(why(step)).toContain('; approved by alice and carol');
    expect(step.spec.answered).toEqual([0, 1, 2]);
    expect(world.spec.requests).toBeUndefined();
  });

  it('does not make up for a verdict, and waits until it comes', () => {
    const world = gated();
    world.ask({ act: 'approve', by: 'alice' });
    world.ask({ act: 'approve', by: 'bob' });
    world.measure('undecided');
    expect(waits(world.decide())).toEqual(['verdict']);
  });

  it('of one stage never counts for the next', () => {
    const world = FalseWorld.rolling(
      policyOf(`- { name: a, size: 1%, approval: { approvers: [alice] } }
- { name: b, size: 10%, approval: { approvers: [alice] } }
- { name: full, size: 100% }`),
    );
    world.ask({ act: 'approve', by: 'alice' });
    world.ask({ act: 'promote' });
    world.measure('undecided');
    world.mustTake('advance');
    world.measure('pass');
    expect(waits(world.decide())).toEqual(['approval']);
  });

  it('is answered with no when it comes from someone else, or is not needed', () => {
    const world = gated();
    world.ask({ act: 'approve', by: 'mallory' });
    world.ask({ act: 'approve' });
    expect(why(world.mustTake('answer'))).toBe(
      'refused approve (mallory is not an approver; approvers are alice, bob and carol), approve (no approver given; approvers are alice, bob and carol)',
    );
    const free = FalseWorld.rolling();
    free.ask({ act: 'approve', by: 'alice' });
    expect(why(free.mustTake('answer'))).toBe('refused approve (canary needs no approval)');
  });
});

describe('what people ask', () => {
  it('to promote leaves the stage without further evidence, and to skip whatever its rules say', () => {
    const promoted = FalseWorld.rolling();
    promoted.ask({ act: 'promote', stage: 'canary', by: 'alice', reason: 'the fair opens' });
    promoted.measure('undecided', { cohort: cohort(11, { ready: 0, pending: 11 }) });
    expect(promoted.mustTake('advance')).toMatchObject({
      to: 'ramp',
      reason: { kind: 'promoted', by: 'alice', reason: 'the fair opens' },
    });
    const failed = FalseWorld.rolling();
    failed.ask({ act: 'promote' });
    failed.measure('fail');
    failed.mustTake('roll-back');
    const skipped = FalseWorld.rolling();
    skipped.ask({ act: 'skip' });
    skipped.measure('fail');
    expect(skipped.mustTake('advance')).toMatchObject({ to: 'ramp', reason: { kind: 'skipped', stage: 'canary' } });
  });

  it('to promote the last stage completes the walk', () => {
    const world = FalseWorld.rolling();
    world.pass();
    world.pass();
    world.ask({ act: 'promote' });
    expect(world.mustTake('complete').next.stable?.version).toBe('2.0.0');
  });

  it('to abort wins over everything', () => {
    for (const prepare of [
      (world: FalseWorld) => world.measure('pass'),
      (world: FalseWorld) => world.ask({ act: 'promote' }),
      (world: FalseWorld) => world.ask({ act: 'skip' }),
      (world: FalseWorld) => world.ask({ act: 'approve', by: 'nobody' }),
      (world: FalseWorld) => world.ask({ act: 'retry', digest: digestOf('9') }),
      (world: FalseWorld) => {
        world.spec.suspend = true;
      },
      (world: FalseWorld) => world.pinned.clear(),
      (world: FalseWorld) => {
        world.spec.version = '9.9.9';
      },
    ]) {
      const world = FalseWorld.rolling();
      prepare(world);
      world.ask({ act: 'abort', by: 'alice', reason: 'I saw smoke', stage: 'some-other-stage' });
      const step = world.mustTake('roll-back');
      expect(step.next.rejected[0]).toMatchObject({
        version: '2.0.0',
        reason: { kind: 'aborted', by: 'alice', reason: 'I saw smoke' },
      });
    }
  });

  it.each([
    ['of another digest', { digest: digestOf('1.0.0') }, 'the candidate is'],
    ['of another stage', { stage: 'ramp' }, 'the stage is canary, not ramp'],
  ])('is answered with no, in one step, when it is %s', (_, more, reason) => {
    for (const act of ['promote', 'skip', 'approve'] as const) {
      const world = FalseWorld.rolling();
      const before = world.at;
      world.ask({ act, by: 'alice', ...more });
      const step = world.mustTake('answer');
      expect(why(step)).toContain(`refused ${act} (${reason}`);
      expect(world.spec.requests).toBeUndefined();
      const { revision, evidence } = step.next;
      expect(step.next).toEqual({ ...before, revision, evidence });
    }
  });

  it('is answered with no in the steady state, and when there is nothing to retry or adopt', () => {
    for (const act of ['approve', 'promote', 'skip', 'abort', 'retry', 'adopt'] as const) {
      const world = FalseWorld.stable();
      world.ask({ act });
      expect(why(world.mustTake('answer')), act).toContain(`refused ${act}`);
      expect(world.decide()).toMatchObject({ step: null, outlook: { waitingOn: [] } });
    }
  });

  it('never stands between a failure and its rollback', () => {
    const world = FalseWorld.rolling();
    world.ask({ act: 'approve', by: 'mallory' });
    world.ask({ act: 'adopt' });
    world.measure('fail');
    world.mustTake('roll-back');
    world.mustTake('answer');
  });

  it('leaves a soak alone when it is answered', () => {
    const world = FalseWorld.rolling();
    const { opened, since } = world.at;
    world.now += 20 * MINUTE;
    world.ask({ act: 'adopt' });
    world.mustTake('answer');
    expect(world.at).toMatchObject({ opened, since });
  });
});

describe('suspend', () => {
  it('holds promotions, also those that people ask for', () => {
    const world = FalseWorld.rolling();
    world.spec.suspend = true;
    world.measure('pass');
    expect(waits(world.decide())).toEqual(['suspended']);
    world.ask({ act: 'promote' });
    expect(waits(world.decide())).toEqual(['suspended']);
    world.ask({ act: 'skip' });
    expect(waits(world.decide())).toEqual(['suspended']);
    world.spec.suspend = false;
    world.mustTake('advance');
  });

  it('never holds rollbacks', () => {
    const world = FalseWorld.rolling();
    world.spec.suspend = true;
    world.ask({ act: 'skip' });
    world.measure('fail');
    world.mustTake('roll-back');
  });
});

describe('another desired version while rolling', () => {
  it.each([
    ['version', { version: '3.0.0' }, { kind: 'other-version', version: '3.0.0' }, { version: '3.0.0', attempt: 1 }],
    ['target', { target: 'ring:canary' }, { kind: 'target-changed' }, { version: '2.0.0', attempt: 2 }],
    [
      'parameters',
      { parameters: { threshold: 0.7 } },
      { kind: 'parameters-changed' },
      { version: '2.0.0', attempt: 2 },
    ],
  ])('(%s) is one superseding step back to stable, then a start at the first stage', (_, change, reason, candidate) => {
    const world = FalseWorld.rolling();
    world.pass();
    world.versions.push(version('3.0.0'));
    Object.assign(world.spec, change);
    world.measure('pass');
    const step = world.mustTake('supersede');
    expect(step).toMatchObject({ from: 'ramp', to: 'stable', reason });
    expect(step.next).toMatchObject({ state: 'idle', candidate: null, stable: { version: '1.0.0' }, rejected: [] });
    const start = world.mustTake('start').next;
    expect(start).toMatchObject({ stage: 'canary', candidate });
    expect(start.salt).toBe(`invoice-ocr-eu\n${start.candidate!.digest}\n${candidate.attempt}\n${NONCE}`);
  });

  it('that is stable again is an abort, also when its key has ended since', () => {
    for (const standing of [undefined, ENDED]) {
      const world = FalseWorld.rolling();
      world.versions = [version('1.0.0', standing), version('2.0.0')];
      world.spec.version = '1.0.0';
      const step = world.mustTake('roll-back');
      expect(step.next.rejected[0]?.reason).toEqual({ kind: 'spec-reverted', version: '1.0.0' });
      expect(world.decide()).toMatchObject({ step: null, outlook: { waitingOn: [] } });
    }
  });

  it.each([
    ['is unsigned', version('3.0.0', UNSIGNED), 'SIGNATURE_MISSING'],
    ['is not there', version('4.0.0'), 'MODEL_VERSION_MISSING'],
  ])('that %s holds the stage, and is shown', (_, other, code) => {
    const world = FalseWorld.rolling();
    world.versions.push(other);
    world.spec.version = '3.0.0';
    world.measure('undecided');
    expect(world.decide().outlook.waitingOn).toContainEqual(
      expect.objectContaining({ kind: 'needs-fix', fix: expect.objectContaining({ code }) }),
    );
    world.measure('pass');
    expect(waits(world.decide())).toEqual(['needs-fix']);
    world.spec.version = '2.0.0';
    world.mustTake('advance');
  });

  it('that was rejected holds the stage, and is shown', () => {
    const world = FalseWorld.rolling();
    world.measure('fail');
    world.mustTake('roll-back');
    world.versions.push(version('3.0.0'));
    world.spec.version = '3.0.0';
    world.mustTake('start');
    world.spec.version = '2.0.0';
    expect(waits(world.decide())).toContain('rejected');
  });

  it('by latest is the newer version only: a candidate whose key ended or whose manifest is gone stays', () => {
    const world = FalseWorld.rolling();
    world.spec.version = 'latest';
    world.versions = [version('1.0.0'), version('2.0.0', ENDED)];
    world.measure('undecided');
    expect(world.decide().step).toBeNull();
    world.versions = [version('1.0.0')];
    expect(world.decide().step).toBeNull();
    world.versions = [version('1.0.0'), version('2.0.0'), version('2.1.0')];
    expect(why(world.mustTake('supersede'))).toBe('2.1.0 is the desired version now');
  });

  it('does not change the policy in force: that serves the next attempt', () => {
    const world = FalseWorld.rolling();
    const { policy } = world.at;
    world.policy = policyOf('- { name: all-at-once, size: 100% }');
    world.measure('pass');
    expect(world.mustTake('advance').next).toMatchObject({ stage: 'ramp', policy });
    world.spec.target = 'ring:canary';
    world.mustTake('supersede');
    expect(world.mustTake('start').next.stage).toBe('all-at-once');
  });

  it('is reported when it is another policy, until an attempt begins under that', () => {
    const world = FalseWorld.rolling();
    world.measure('undecided');
    expect(world.decide().outlook).not.toHaveProperty('changedPolicy');
    world.policy = policyOf('- { name: all-at-once, size: 100% }');
    const { outlook } = world.decide();
    const words = 'Policy careful changed at HEAD; this attempt keeps the policy as it was when it started.';
    expect(outlook.changedPolicy).toEqual({ atHead: 'careful', inForce: 'careful' });
    expect(explainOutlook(outlook).stage).toContain(words);
    world.policy = { ...world.policy, metadata: { name: 'hasty' } };
    const other = 'HEAD names policy hasty now; this attempt keeps careful, under which it started.';
    expect(explainOutlook(world.decide().outlook).stage).toContain(other);

    const digest = world.at.candidate!.digest;
    world.ask({ act: 'abort' });
    world.mustTake('roll-back');
    expect(world.decide().outlook).not.toHaveProperty('changedPolicy');
    world.ask({ act: 'retry', digest });
    world.spec.version = '2.0.0';
    world.mustTake('answer');
    expect(world.mustTake('start').next).toMatchObject({ stage: 'all-at-once', policy: world.policyDigest });
    expect(world.decide().outlook).not.toHaveProperty('changedPolicy');
  });
});

describe('trust', () => {
  it('taken back from the signer of the candidate aborts, paused and suspended alike, also without the policy', () => {
    for (const prepare of [
      () => undefined,
      (world: FalseWorld) => {
        world.spec.suspend = true;
      },
      (world: FalseWorld) => world.pinned.clear(),
    ]) {
      const world = FalseWorld.rolling();
      prepare(world);
      world.versions = [version('1.0.0'), version('2.0.0', REVOKED)];
      expect(why(world.mustTake('roll-back'))).toBe('its signer ci is revoked');
    }
  });

  it('that only ended stops nothing that was admitted', () => {
    const world = FalseWorld.rolling();
    world.versions = [version('1.0.0', ENDED), version('2.0.0', ENDED)];
    world.measure('pass');
    world.mustTake('advance');
  });

  it('taken back from the signer of the policy in force stops the walk, and does not blame the candidate', () => {
    const world = FalseWorld.rolling();
    world.policyStanding = REVOKED;
    const step = world.mustTake('supersede');
    expect(step.next).toMatchObject({ candidate: null, rejected: [] });
    expect(waits(world.decide())).toEqual(['needs-fix']);
  });
});

describe('a status whose policy is gone', () => {
  it('waits for someone to mend it, and can still be aborted or sent back', () => {
    const world = FalseWorld.rolling();
    world.pinned.clear();
    expect(world.decide().outlook.waitingOn).toMatchObject([
      { kind: 'needs-fix', fix: { code: 'POLICY_COPY_MISSING' } },
    ]);
    world.spec.version = '1.0.0';
    expect(world.decide().step?.kind).toBe('roll-back');
    const other = FalseWorld.rolling();
    other.pinned.set(other.at.policy!, policyOf('- { name: elsewhere, size: 100% }'));
    expect(other.decide().outlook.waitingOn).toMatchObject([{ kind: 'needs-fix', fix: { code: 'STAGE_UNKNOWN' } }]);
  });
});

describe('text that others wrote', () => {
  it('never makes a status that can not be read again', () => {
    const long = 'x'.repeat(1000);
    const world = FalseWorld.rolling(CAREFUL);
    world.ask({ act: 'abort', by: long.slice(0, 128), reason: `${long.slice(0, 990)}\n\u0000\u202e` });
    expect(messageOf(world.mustTake('roll-back')).split('\n')[0]!.length).toBeLessThan(120);
    const reason = `${'x'.repeat(499)}…`;
    expect(world.at.rejected[0]?.reason).toEqual({ kind: 'aborted', by: long.slice(0, 128), reason });
    const revoked = FalseWorld.rolling();
    revoked.versions = [version('2.0.0', { ...REVOKED, detail: '\n'.repeat(5000) } as typeof REVOKED)];
    revoked.mustTake('roll-back');
  });
});
