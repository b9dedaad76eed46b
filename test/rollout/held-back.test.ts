// Laws of devices that keep stable while a last stage is judged.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { digestOf } from '../../src/contract/digest.ts';
import { isOnCandidate } from '../../src/contract/directive.ts';
import { BUCKETS, type Cohort } from '../../src/contract/membership.ts';
import type { RuleVerdict } from '../../src/gates/rule-verdict.ts';
import { cohortOf } from '../../src/rollout/choose-cohort.ts';
import { entryOf } from '../../src/rollout/directive-of.ts';
import { planOf } from '../../src/rollout/stage-plan.ts';
import { heldBackBy, type Stage, stagesOf, wantedDevices } from '../../src/rollout/stages-of-policy.ts';
import { commitMessage } from '../../src/wording/commit-message.ts';
import { explainOutlook } from '../../src/wording/explanation.ts';
import { outlookLine } from '../../src/wording/plan-in-words.ts';
import { cohort, devices, FalseWorld, MINUTE, policyOf, ruleVerdict, verdictOf, version } from './false-world.ts';

const RULES = '[error_rate < 0.5%, "latency_p95 < 1.5x baseline", vanished_classes == 0, failed_devices < 5%]';
const policy = (full = '', more = '') =>
  policyOf(
    `- { name: canary, size: 10%, soak: 30m, rules: ${RULES} }
- { name: full, size: 100%, soak: 30m, deadline: 2h${full} }`,
    more,
  );
const lastOf = (said = ''): Stage => stagesOf(policy(said))[1]!;

/** A rollout of 2.0.0 over 1.0.0 that has just opened `full`. */
function inFull({ full = '', more = '', count = 400 } = {}): FalseWorld {
  const world = FalseWorld.stable(policy(full, more));
  world.fleet = devices(count, { region: 'eu' });
  world.versions.push(version('2.0.0'));
  world.spec.version = '2.0.0';
  world.mustTake('start');
  world.ask({ act: 'promote', by: 'alice' });
  world.mustTake('advance');
  return world;
}

const onCandidate = ({ at, fleet }: FalseWorld): Set<string> => {
  const entry = entryOf({ rollout: 'invoice-ocr-eu', model: 'invoice-ocr', status: at, policyInForce: null });
  return new Set(fleet.filter((device) => isOnCandidate(entry, device)).map(({ id }) => id));
};

const PASSED = verdictOf('pass', ruleVerdict('error_rate < 0.5%', 'pass'));

describe('how many are held back', () => {
  it('is 2%, at least ten, at most a tenth, and nobody where a tenth is no device', () => {
    const held = [5, 9, 10, 50, 100, 400, 1000, 100_000].map((count) => heldBackBy(lastOf(), count));
    expect(held).toEqual([0, 0, 1, 5, 10, 10, 20, 2000]);
    expect(heldBackBy(lastOf(', holdBack: 30%'), 9)).toBe(0);
  });

  it('is what the policy or the stage says, and nobody for 0', () => {
    const of = (said: string): number => heldBackBy(lastOf(said), 400);
    expect([', holdBack: 5%', ', holdBack: 1%', ', holdBack: 25%', ', holdBack: 0', ', holdBack: 0%'].map(of)).toEqual([
      20, 10, 100, 0, 0,
    ]);
    const ofPolicy = stagesOf(policy('', '  holdBack: 0\n'));
    expect(ofPolicy.map(({ name, holdBack }) => [name, holdBack])).toEqual([
      ['canary', null],
      ['full', null],
    ]);
    expect(stagesOf(policy(', holdBack: 5%', '  holdBack: 0\n')).map(({ name }) => name)).toEqual([
      'canary',
      'full',
      'full-rest',
    ]);
  });

  it('is nobody where no deciding rule needs a baseline', () => {
    const absolute = policyOf(
      '- { name: full, size: 100%, rules: [error_rate < 1%, { rule: confidence_loss < 10%, dryRun: true }] }',
    );
    expect(stagesOf(absolute).map(({ name, holdBack }) => [name, holdBack])).toEqual([['full', null]]);
  });

  it('never exceeds a tenth, is at least what is said, and a cohort only grows', () => {
    const share = fc.constantFrom(null, 0.001, 0.02, 0.05, 0.1, 0.3);
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 600 }),
        share,
        fc.double({ min: 0, max: 1, noNaN: true }),
        (count, share, part) => {
          const stage: Stage = { ...lastOf(), holdBack: { share, forMs: 0 } };
          const held = heldBackBy(stage, count);
          expect(held).toBeLessThanOrEqual(Math.max(count / 10, Math.ceil((share ?? 0) * count)));
          if (count >= 10) expect(held).toBeGreaterThanOrEqual(Math.max(1, Math.floor((share ?? 0) * count)));
          expect(wantedDevices(stage, count)).toBeGreaterThanOrEqual(Math.min(count, 1));
          const ids = devices(count).map(({ id }) => id);
          const before: Cohort = { cut: Math.floor(part * BUCKETS), select: null, devices: [] };
          const cohort = cohortOf(stage, before, 'salt', ids);
          expect(cohort.cut).toBeGreaterThanOrEqual(before.cut);
          const rest = stagesOf(policy())[2]!;
          expect(cohortOf(rest, cohort, 'salt', ids).cut).toBe(BUCKETS);
        },
      ),
    );
  });
});

describe('a last stage', () => {
  it('leaves ten of 400 on stable by the cut alone, and says until when in commit, status and explanation', () => {
    const world = inFull();
    expect(onCandidate(world).size).toBe(390);
    const text = commitMessage({
      transition: world.steps.at(-1)!,
      observed: '',
      evidenceDigest: digestOf(''),
      reverts: null,
    });
    expect(text.replace(/\s+/g, ' ')).toContain(
      '10 of 400 devices keep 1.0.0 until latency_p95 < 1.5x baseline and 1 other rule pass',
    );
    world.measured = { cohort: cohort(390, { matching: 400, ready: 380, pending: 10 }), verdict: PASSED };
    const { outlook } = world.decide();
    const told = '10 of 400 devices keep 1.0.0 until latency_p95 < 1.5x baseline and 1 other rule pass';
    expect(outlookLine(outlook)).toContain(told);
    expect(explainOutlook(outlook).stage).toContain(`Held back: ${told}.`);
    expect(outlook.waitingOn[0]).toEqual({ kind: 'rest-of-fleet', pending: 10 });
  });

  it('gives the version to the rest once its rules hold, and completes ten minutes later unless a rule fails', () => {
    const world = inFull();
    const before = onCandidate(world);
    world.measure('pass', { verdict: PASSED, cohort: cohort(390, { matching: 400 }) });
    const given = world.mustTake('advance');
    expect(given).toMatchObject({ from: 'full', to: 'full-rest', reason: { kind: 'rules-passed', stage: 'full' } });
    expect(onCandidate(world).size).toBe(400);
    for (const id of before) expect(onCandidate(world)).toContain(id);
    expect(given.opens?.stage.rules.map(({ rule }) => rule.source)).toEqual([
      'error_rate < 0.5%',
      'failed_devices < 5%',
    ]);
    const open = ruleVerdict('error_rate < 0.5%', 'undecided', { within: true });
    const at = (minutes: number, rule = open) => {
      world.measured = {
        verdict: verdictOf('undecided', rule),
        cohort: cohort(400),
        window: { listenedMs: minutes * MINUTE, readyMs: minutes * MINUTE },
      };
      return world.decide();
    };
    expect(at(9).outlook.waitingOn).toEqual([{ kind: 'soak', remainingMs: MINUTE }]);
    expect(at(11, { ...open, within: false }).outlook.waitingOn).toMatchObject([{ kind: 'verdict' }]);
    expect(at(10).step).toMatchObject({ kind: 'complete', reason: { kind: 'rest-passed', devices: 400 } });
    world.measured = { verdict: verdictOf('fail', { ...open, verdict: 'fail' }), cohort: cohort(400) };
    expect(world.decide().step).toMatchObject({ kind: 'roll-back', from: 'full-rest' });
  });

  describe('once the rest has the version', () => {
    const unseen = { within: false, estimate: null, trials: 0 } as const;
    const labels = ruleVerdict('accuracy > 90%', 'undecided', {
      ...unseen,
      reasons: [{ kind: 'no-outcomes', of: 'labels' }],
    });
    const inRest = (full: string): FalseWorld => {
      const world = inFull({ full });
      world.measure('pass', { verdict: PASSED, cohort: cohort(390, { matching: 400 }) });
      expect(world.mustTake('advance').to).toBe('full-rest');
      return world;
    };
    const decideAt = (world: FalseWorld, minutes: number, rule: RuleVerdict, more = {}) => {
      world.measured = {
        verdict: verdictOf('undecided', rule),
        cohort: cohort(400, more),
        window: { listenedMs: minutes * MINUTE, readyMs: minutes * MINUTE },
      };
      return world.decide();
    };
    const over = ruleVerdict('error_rate < 0.5%', 'undecided', { within: false });

    it('rules that nothing was seen of do not hold it up, whatever the policy says of its deadline', () => {
      for (const full of ['', ', onDeadline: rollback', ', onDeadline: hold']) {
        const world = inRest(full);
        expect(decideAt(world, 9, labels).step).toBeNull();
        expect(decideAt(world, 10, labels).step).toMatchObject({ kind: 'complete', reason: { kind: 'rest-passed' } });
      }
      const groups = [
        { name: 'hw:a', ...labels, ...unseen },
        { name: 'hw:b', ...labels, within: true },
      ];
      expect(decideAt(inRest(''), 10, { ...labels, trials: 100, groups }).step?.kind).toBe('complete');
      const over = groups.map((group) => ({ ...group, trials: 100 }));
      expect(decideAt(inRest(''), 10, { ...labels, trials: 100, groups: over }).step).toBeNull();
    });

    it('its deadline completes it without the devices that are not there, and takes nothing back', () => {
      const world = inRest(', onDeadline: rollback');
      const pending = { ready: 399, pending: 1 };
      const kept = { ...over, within: true };
      expect(decideAt(world, 60, kept, pending).outlook.waitingOn).toEqual([{ kind: 'rest-of-fleet', pending: 1 }]);
      expect(decideAt(world, 121, kept, pending).step).toMatchObject({ kind: 'complete' });
      expect(decideAt(world, 121, labels, pending).step).toMatchObject({ kind: 'complete' });
      const held = decideAt(world, 100_000, over);
      expect([held.step, held.outlook.waitingOn[0]?.kind]).toEqual([null, 'deadline-held']);
    });

    it('nobody need approve, and a pause is ended by those whom the policy names', () => {
      const full = ', onFailure: pause, approval: { approvers: [alice], count: 1 }';
      const world = inFull({ full });
      world.ask({ act: 'promote', by: 'alice' });
      expect(world.mustTake('advance').to).toBe('full-rest');
      world.ask({ act: 'approve', by: 'alice' });
      expect(world.take()?.reason).toMatchObject({ requests: [{ problem: { kind: 'no-approval-needed' } }] });
      expect(decideAt(world, 10, labels).step?.kind).toBe('complete');
      world.measure('fail', { verdict: verdictOf('fail', { ...over, verdict: 'fail' }), cohort: cohort(400) });
      world.mustTake('pause');
      world.ask({ act: 'approve', by: 'mallory' });
      expect(world.take()?.reason).toMatchObject({
        requests: [{ problem: { kind: 'not-an-approver', by: 'mallory' } }],
      });
      world.ask({ act: 'approve', by: 'alice' });
      expect(world.mustTake('reopen').to).toBe('full-rest');
    });
  });

  it('is left to the rest by promote and by skip, and they ask once more for the end', () => {
    for (const act of ['promote', 'skip'] as const) {
      const world = inFull();
      world.ask({ act, by: 'alice' });
      expect(world.mustTake('advance').to).toBe('full-rest');
      world.ask({ act, by: 'alice' });
      expect(world.mustTake('complete').next.stable?.version).toBe('2.0.0');
    }
  });

  it('waits on for as long as the policy holds devices back, and its deadline is later by as much', () => {
    const world = inFull({ full: ', holdBack: 5% for 4w' });
    expect(onCandidate(world).size).toBe(380);
    const day = 24 * 60 * MINUTE;
    const at = (days: number) => {
      world.measured = {
        verdict: PASSED,
        cohort: cohort(380, { matching: 400 }),
        window: { listenedMs: days * day, readyMs: days * day },
      };
      return world.decide();
    };
    expect(at(27).outlook).toMatchObject({
      waitingOn: [{ kind: 'soak', remainingMs: day }],
      terms: { deadlineMs: 28 * day + 120 * MINUTE, heldBack: { devices: 20, of: 400, forMs: 28 * day } },
    });
    expect(at(28).step?.to).toBe('full-rest');
    expect(world.stage.courseMs).toBe(30 * MINUTE);
  });

  it('waits no longer than without where nobody is held back', () => {
    const [full, more] = [', holdBack: 5% for 4w', '  rollbackWindow: 1d\n'];
    const first = new FalseWorld();
    first.policy = policy(full, more);
    first.fleet = devices(400);
    first.mustTake('start');
    first.ask({ act: 'promote' });
    first.mustTake('advance');
    const back = inFull({ full, more });
    for (const _ of [1, 2]) {
      back.ask({ act: 'promote' });
      back.take();
    }
    back.spec.version = '1.0.0';
    back.mustTake('start');
    for (const world of [first, back, inFull({ full, count: 9 })]) {
      expect(world.steps.at(-1)?.opens?.stage).toMatchObject({ name: 'full', soakMs: 30 * MINUTE });
      const size = world.fleet.length;
      const at = (minutes: number, verdict = PASSED) => {
        const window = { listenedMs: minutes * MINUTE, readyMs: minutes * MINUTE };
        world.measured = { verdict, cohort: cohort(size), window };
        return world.decide();
      };
      expect(at(29).outlook).toMatchObject({
        waitingOn: [{ kind: 'soak', remainingMs: MINUTE }],
        terms: { soakMs: 30 * MINUTE, deadlineMs: 120 * MINUTE },
      });
      expect(at(30).step?.kind).toBe('complete');
      const open = verdictOf('undecided', ruleVerdict('error_rate < 0.5%', 'undecided'));
      expect(at(120, open).outlook.waitingOn[0]?.kind).toBe('deadline-held');
    }
    const planned = (count: number): number[] =>
      planOf(policy(full), { devices: count, perMinute: null }).stages.map(({ soakMs }) => soakMs / MINUTE);
    expect([planned(9), planned(400)]).toEqual([
      [30, 30],
      [30, 4 * 7 * 24 * 60, 10],
    ]);
  });

  it('holds nobody back in a small fleet, on a first rollout, and from a version that was stable lately', () => {
    const small = inFull({ count: 9 });
    small.measure('pass', { verdict: PASSED, cohort: cohort(9) });
    expect(small.mustTake('complete').from).toBe('full');

    const first = new FalseWorld();
    first.policy = policy();
    first.mustTake('start');
    first.ask({ act: 'promote' });
    const opened = first.mustTake('advance');
    expect([opened.next.cohort.cut, opened.opens?.stage.holdBack]).toEqual([BUCKETS, null]);
    expect(
      commitMessage({ transition: opened, observed: '', evidenceDigest: digestOf(''), reverts: null }),
    ).not.toContain('keep');
    first.ask({ act: 'promote' });
    first.mustTake('complete');

    const back = inFull({ more: '  rollbackWindow: 1d\n' });
    for (const _ of [1, 2]) {
      back.ask({ act: 'promote' });
      back.take();
    }
    expect(back.at.stable?.version).toBe('2.0.0');
    back.spec.version = '1.0.0';
    const returned = back.mustTake('start');
    expect(returned).toMatchObject({ to: 'full', reason: { isReturn: true }, next: { cohort: { cut: BUCKETS } } });
    back.measure('pass', { verdict: PASSED, cohort: cohort(400) });
    expect(back.mustTake('complete').next.stable?.version).toBe('1.0.0');
  });

  it('starts again from its first stage by a retry, and gives way to another version, as any stage does', () => {
    const world = inFull();
    world.measure('fail', { verdict: verdictOf('fail', ruleVerdict('error_rate < 0.5%', 'fail')) });
    world.mustTake('roll-back');
    expect(onCandidate(world).size).toBe(0);
    world.spec.version = '2.0.0';
    world.ask({ act: 'retry', digest: digestOf('2.0.0') });
    world.mustTake('answer');
    expect(world.mustTake('start')).toMatchObject({ to: 'canary', next: { candidate: { attempt: 2 } } });
    const other = inFull();
    other.versions.push(version('3.0.0'));
    other.spec.version = '3.0.0';
    other.mustTake('supersede');
    expect(other.mustTake('start').to).toBe('canary');
  });

  it('lets a device that enrols meanwhile fall on either side by its place alone', () => {
    const world = inFull();
    const before = onCandidate(world);
    world.fleet = [...world.fleet, ...devices(1400, { region: 'eu' }).slice(400)];
    const after = onCandidate(world);
    for (const id of before) expect(after).toContain(id);
    const late = after.size - before.size;
    expect(late).toBeGreaterThan(900);
    expect(late).toBeLessThan(1000);
  });
});

it('two stages of all hold back the same devices, and the step after the last gives them the version', () => {
  const both = policyOf(`- { name: full, size: 100%, rules: ["latency_p95 < 1.5x baseline"] }
- { name: watch, size: 100%, soak: 1d }`);
  expect(stagesOf(both).map(({ name }) => name)).toEqual(['full', 'watch', 'watch-rest']);
  const then = policyOf(`- { name: full, size: 100%, rules: ["latency_p95 < 1.5x baseline"] }
- { name: watch, size: 100%, soak: 1d, rules: [error_rate < 1%] }`);
  expect(stagesOf(then).map(({ name, holdBack }) => [name, holdBack !== null])).toEqual([
    ['full', true],
    ['watch', false],
  ]);
  const named = policyOf(`- { name: full-rest, size: 10%, rules: ["latency_p95 < 1.5x baseline"] }
- { name: full, size: 100% }`);
  expect(stagesOf(named).at(-1)?.name).toBe('full-rest2');
});

it('a policy holds back at most half of the devices, and only in a stage of all', () => {
  expect(() => policy(', holdBack: 50% for 4w')).not.toThrow();
  for (const said of ['50.1%', '100% for 1d'])
    for (const at of [[`, holdBack: ${said}`], ['', `  holdBack: ${said}\n`]])
      expect(() => policy(...at)).toThrow('more than half of the devices');
  expect(() => policyOf('- { name: half, size: 50%, holdBack: 5% }\n- { name: full, size: 100% }')).toThrow(
    'smaller than 100%',
  );
  expect(() => policy(', holdBack: 5% for 99999w')).toThrow('longer than ten years');
});
