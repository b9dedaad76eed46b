// Laws of what a failed rule does: its own action wins, the strongest counts, and only a pause ends by itself.
import { describe, expect, it } from 'vitest';
import { digestOf } from '../../src/contract/digest.ts';
import type { RuleVerdict } from '../../src/gates/rule-verdict.ts';
import { commitMessage } from '../../src/wording/commit-message.ts';
import { waitInWords } from '../../src/wording/plan-in-words.ts';
import { FalseWorld, MINUTE, policyOf, ruleVerdict, stageVerdict, why } from './false-world.ts';

const ERRORS = 'error_rate < 0.5%';
const UNKNOWN = 'unknown_rate < 10%';
const DELIVERY = 'undelivered_devices < 5% after 30m';
const ACTIONS = `[${ERRORS}, { rule: ${UNKNOWN}, onFailure: ask }, { rule: ${DELIVERY}, onFailure: pause }]`;

function rolling(stage = '', more = ''): FalseWorld {
  return FalseWorld.rolling(
    policyOf(
      `- { name: canary, size: 1%, soak: 30m, deadline: 2h, rules: ${ACTIONS}${stage} }
- { name: full, size: 100% }`,
      more,
    ),
  );
}

type Said = Readonly<Record<string, Partial<RuleVerdict>>>;

/** The named rules say this; the others pass. */
function measure(world: FalseWorld, said: Said): void {
  const verdict = stageVerdict(world.stage, 'pass');
  const rules = verdict.rules.map((rule) => ({ ...rule, ...said[rule.rule] }) as RuleVerdict);
  const failed = rules.filter((rule) => rule.verdict === 'fail').map(({ rule }) => ({ kind: 'rule' as const, rule }));
  const kind = failed.length > 0 ? 'fail' : 'pass';
  world.measure(kind, { verdict: { ...verdict, kind, rules, because: failed } });
}

const FAILS = { verdict: 'fail', within: false } as const;
const SIGNAL = { kind: 'signal', sums: { state: { kind: 'answering' } } } as unknown as Partial<RuleVerdict>;
const HOLDS_AGAIN = { ...FAILS, recovered: true } as const;

function paused(more = ''): FalseWorld {
  const world = rolling('', more);
  measure(world, { [DELIVERY]: FAILS });
  world.mustTake('pause');
  return world;
}

const waits = (world: FalseWorld): string => world.decide().outlook.waitingOn.map(waitInWords).join('; ');

describe('a failed rule', () => {
  it('does what it says itself, else what its stage says', () => {
    const world = rolling();
    measure(world, { [DELIVERY]: FAILS });
    expect(world.mustTake('pause').next.paused?.reason).toMatchObject({ rule: DELIVERY, action: 'pause', others: [] });
    const asked = rolling();
    measure(asked, { [UNKNOWN]: FAILS });
    expect(asked.mustTake('pause').next.paused?.reason).toMatchObject({ rule: UNKNOWN, action: 'ask' });
    const back = rolling();
    measure(back, { [ERRORS]: FAILS });
    expect(back.mustTake('roll-back').next.rejected[0]?.reason).not.toHaveProperty('action');
  });

  it('that says rollback goes back, whatever its stage says', () => {
    const world = FalseWorld.rolling(
      policyOf(`- { name: canary, size: 1%, onFailure: ask, rules: [${UNKNOWN}, { rule: ${ERRORS}, onFailure: rollback }] }
- { name: full, size: 100% }`),
    );
    measure(world, { [ERRORS]: FAILS });
    world.mustTake('roll-back');
  });

  it('counts by the strongest action of those that failed, and is named first', () => {
    const world = rolling();
    measure(world, { [DELIVERY]: FAILS, [UNKNOWN]: FAILS });
    expect(world.mustTake('pause').next.paused?.reason).toMatchObject({
      rule: UNKNOWN,
      action: 'ask',
      others: [DELIVERY],
    });
    const back = rolling();
    measure(back, { [DELIVERY]: FAILS, [UNKNOWN]: FAILS, [ERRORS]: FAILS });
    const step = back.mustTake('roll-back');
    expect(step.reason).toMatchObject({ rule: ERRORS, others: [UNKNOWN, DELIVERY] });
    expect(why(step)).toContain('error_rate 0.21% in canary');
  });
});

describe('a paused stage', () => {
  it('goes on by itself, measured anew, once the rule holds again', () => {
    const world = paused();
    measure(world, { [DELIVERY]: FAILS });
    expect(waits(world)).toBe(
      `its rules to pass again within 1 h, or a person: ${DELIVERY} failed in canary, measured 0.21%`,
    );
    world.now += 12 * MINUTE;
    measure(world, { [DELIVERY]: HOLDS_AGAIN });
    const step = world.mustTake('reopen');
    expect(step.next).toMatchObject({ state: 'rolling', paused: null, resumes: 1, opened: step.next.revision });
    expect(why(step)).toBe(`${DELIVERY} passes again after a pause of 12 min; canary is measured anew`);
    expect(world.pass()).toMatchObject({ kind: 'advance', next: { stage: 'full' } });
    expect(world.at).not.toHaveProperty('resumes');
  });

  it('says in its commits that it may, and that it did', () => {
    const world = paused();
    measure(world, { [DELIVERY]: HOLDS_AGAIN });
    world.mustTake('reopen');
    const [pause, resume] = world.steps.slice(-2).map((transition) => {
      const evidenceDigest = digestOf('evidence');
      return commitMessage({ transition, observed: 'a'.repeat(40), evidenceDigest, reverts: null }).replace(
        /\s+/g,
        ' ',
      );
    });
    expect(pause).toContain('no other device gets it until its rules pass again or a person decides.');
    expect(resume).toContain(': resume 2.0.0 in canary ');
    expect(resume).toContain('fail (within the limit again)');
  });

  it('waits while the rule, or another one, does not hold', () => {
    const world = paused();
    measure(world, { [DELIVERY]: { verdict: 'undecided', within: false } });
    expect(world.take()).toBeNull();
    measure(world, { [DELIVERY]: { ...SIGNAL, verdict: 'undecided', within: true } });
    expect(world.take()).toBeNull();
    world.measure('pass', { verdict: null });
    expect(world.take()).toBeNull();
    measure(world, { [DELIVERY]: { verdict: 'undecided', within: true } });
    expect(world.mustTake('reopen').reason.kind).toBe('recovered');
  });

  it('waits for a person after the time that the policy gives it', () => {
    const world = paused('  resumeWithin: 10m\n');
    measure(world, { [DELIVERY]: HOLDS_AGAIN });
    world.now += 10 * MINUTE;
    expect(waits(world)).toMatch(/^a person: /);
    world.now -= 1;
    world.mustTake('reopen');
    const back = paused('  resumeWithin: 10m\n');
    back.now -= 400 * 24 * 60 * MINUTE;
    expect(waits(back)).toContain('within 10 min');
    const never = paused('  resumeWithin: 0s\n');
    measure(never, { [DELIVERY]: HOLDS_AGAIN });
    expect(never.take()).toBeNull();
  });

  it('goes on by itself three times, then waits for a person, whose yes counts anew', () => {
    const world = rolling();
    for (const resumes of [1, 2, 3]) {
      measure(world, { [DELIVERY]: FAILS });
      world.mustTake('pause');
      measure(world, { [DELIVERY]: HOLDS_AGAIN });
      expect(world.mustTake('reopen').next.resumes).toBe(resumes);
    }
    measure(world, { [DELIVERY]: FAILS });
    world.mustTake('pause');
    measure(world, { [DELIVERY]: HOLDS_AGAIN });
    expect(waits(world)).toMatch(/^a person: /);
    world.ask({ act: 'approve' });
    expect(world.mustTake('reopen').next).not.toHaveProperty('resumes');
  });

  it('does not go on by itself when it asks, is suspended, or is of an older version of Slipway', () => {
    const asked = rolling();
    measure(asked, { [UNKNOWN]: FAILS });
    asked.mustTake('pause');
    measure(asked, {});
    expect(waits(asked)).toMatch(/^a person: /);
    const suspended = paused();
    suspended.spec.suspend = true;
    measure(suspended, {});
    expect(suspended.take()).toBeNull();
    const older = paused();
    const { paused: before } = older.at;
    if (before?.reason.kind !== 'rule-failed') throw new Error('paused by a rule');
    const { action: _, ...reason } = before.reason;
    older.status = { ...older.at, paused: { ...before, reason } };
    older.seen = { revision: older.at.revision, status: older.at };
    measure(older, {});
    expect(waits(older)).toMatch(/^a person: /);
  });

  it('goes back when a rule fails that rolls back, and asks when one fails that asks', () => {
    const back = paused();
    measure(back, { [DELIVERY]: FAILS, [ERRORS]: FAILS });
    expect(back.mustTake('roll-back').reason).toMatchObject({ rule: ERRORS });
    const asked = paused();
    measure(asked, { [DELIVERY]: FAILS, [UNKNOWN]: FAILS });
    expect(asked.mustTake('pause').next.paused?.reason).toMatchObject({ rule: UNKNOWN, action: 'ask' });
    measure(asked, {});
    expect(asked.take()).toBeNull();
  });

  it('does not go back for its deadline', () => {
    const world = rolling(', onDeadline: rollback');
    measure(world, { [DELIVERY]: FAILS });
    world.mustTake('pause');
    world.measure('undecided', { window: { listenedMs: 180 * MINUTE, readyMs: 0 }, rule: { within: false } });
    expect(world.take()).toBeNull();
  });
});

describe('a rule by group', () => {
  const BY = `{ rule: ${ERRORS}, by: hw }`;
  const PAUSES = `{ rule: ${DELIVERY}, by: site, onFailure: pause }`;
  const groups = (name: string): Partial<RuleVerdict> => {
    const about = { estimate: 0.1, lower: 0, upper: 0.2, limit: 0.05, trials: 99, devices: 2, reasons: [] };
    const failed = { ...about, name: `${name}:1`, verdict: 'fail' as const, within: false };
    const passed = { ...about, name: `${name}:2`, verdict: 'pass' as const, within: true, devices: 9 };
    return { ...FAILS, by: name, group: failed.name, groups: [failed, passed] };
  };
  const world = (): FalseWorld =>
    FalseWorld.rolling(
      policyOf(`- { name: canary, size: 10%, onGroupFailure: rollback, rules: [${BY}, ${PAUSES}] }
- { name: full, size: 100% }`),
    );

  it('that says pause stops the stage as a whole, and sends no group back', () => {
    const one = world();
    measure(one, { [DELIVERY]: groups('site') });
    expect(one.mustTake('pause').next.paused?.reason).toMatchObject({ group: 'site:1', action: 'pause' });
  });

  it('sends its group back alone all the same where another one says pause, also once the stage is paused', () => {
    const one = world();
    measure(one, { [ERRORS]: groups('hw'), [DELIVERY]: groups('site') });
    expect(one.mustTake('except')).toMatchObject({ groups: { names: ['hw:1'] }, reason: { rule: ERRORS, others: [] } });
    const two = world();
    measure(two, { [DELIVERY]: groups('site') });
    two.mustTake('pause');
    measure(two, { [ERRORS]: groups('hw'), [DELIVERY]: groups('site') });
    expect(two.mustTake('except')).toMatchObject({ groups: { names: ['hw:1'] }, next: { state: 'paused' } });
  });
});

it('a dry run has no action', () => {
  const rule = ruleVerdict(DELIVERY, 'fail', { dryRun: true, onFailure: 'rollback' });
  const world = rolling();
  const verdict = stageVerdict(world.stage, 'pass');
  world.measure('pass', { verdict: { ...verdict, rules: [...verdict.rules, rule] } });
  world.mustTake('advance');
});
