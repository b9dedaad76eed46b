// Laws of what a status at HEAD is worth: authentic, forged, reverted, rewritten; and of the directive that follows from it.
import { describe, expect, it } from 'vitest';
import { digestOf } from '../../src/contract/digest.ts';
import { spliceStatus } from '../../src/documents/edit-rollout.ts';
import type { RolloutStatus } from '../../src/documents/types.generated.ts';
import { decide } from '../../src/rollout/decide.ts';
import { FalseWorld, MINUTE, version, waits, writeRollout } from './false-world.ts';

const GONE = { kind: 'evidence-missing', evidence: 'evidence/invoice-ocr-eu/5-canary-ramp.json' } as const;

/** A world in ramp, with every status that led there. */
function inRamp(): { world: FalseWorld; statuses: RolloutStatus[] } {
  const world = FalseWorld.rolling();
  world.pass();
  world.publish();
  return { world, statuses: world.steps.map((step) => step.next) };
}

describe('a status that the reconciler did not write', () => {
  it('is put right by the last authentic one, and moves no device', () => {
    const { world } = inRamp();
    const truth = world.at;
    const published = world.published;
    world.claim = { kind: 'forged', problem: GONE, lastAuthentic: truth };
    expect(world.publish()).toEqual(published);
    const step = world.mustTake('restore');
    const { revision, evidence } = step.next;
    expect(step.next).toEqual({ ...truth, revision, evidence });
    expect(revision).toBe(truth.revision + 1);
    expect(step.reason).toEqual({ kind: 'status-forged', problem: GONE });
  });

  it('is put right by what the store remembers when the evidence in the tree is older: deleting evidence undoes no rollback', () => {
    const { world } = inRamp();
    const rolling = world.at;
    world.measure('fail');
    world.mustTake('roll-back');
    world.claim = { kind: 'forged', problem: { kind: 'evidence-of-other-status' }, lastAuthentic: rolling };
    const step = world.mustTake('restore');
    expect(step.next).toMatchObject({ state: 'idle', candidate: null, rejected: [{ version: '2.0.0' }] });
  });

  it('holds up no abort: the step back puts it right', () => {
    const { world } = inRamp();
    const truth = world.at;
    world.ask({ act: 'abort', by: 'ann' });
    world.claim = { kind: 'forged', problem: GONE, lastAuthentic: truth };
    expect(world.mustTake('roll-back').next).toMatchObject({ revision: truth.revision + 1, candidate: null });
  });

  it('is blank when nothing authentic is known', () => {
    const world = new FalseWorld();
    world.claim = { kind: 'forged', problem: GONE, lastAuthentic: null };
    expect(world.mustTake('restore').next).toMatchObject({ revision: 1, state: 'idle', stable: null });
    expect(world.decide().step?.kind).toBe('start');
  });

  it('stays untouched while another reconciler signed it and nothing of it is known here', () => {
    const world = new FalseWorld();
    const claim = {
      kind: 'forged',
      problem: { kind: 'evidence-refused', code: 'EVIDENCE_KEY_UNKNOWN' },
      lastAuthentic: null,
      isSignedByOther: true,
    } as const;
    world.claim = claim;
    expect(world.decide()).toMatchObject({
      step: null,
      outlook: { waitingOn: [{ fix: { code: 'STATUS_OF_OTHER' } }] },
    });
    const { world: known } = inRamp();
    known.claim = claim;
    expect(known.mustTake('restore').next).toMatchObject({ candidate: { version: '2.0.0' } });
  });
});

describe('a revert of the reconciler’s commit', () => {
  it.each(['an older authentic status', 'no status at all'])('while rolling (%s) is an abort', (what) => {
    const { world, statuses } = inRamp();
    const { revision } = world.at;
    if (what === 'no status at all') world.claim = { kind: 'none' };
    else world.status = statuses.find((status) => status.state === 'idle' && status.stable !== null)!;
    const shown = what === 'no status at all' ? null : world.status!.revision;
    const step = world.mustTake('roll-back');
    expect(step).toMatchObject({ from: 'ramp', to: 'stable', spec: { version: '1.0.0' }, verdict: null });
    expect(step.next).toMatchObject({
      revision: revision + 1,
      candidate: null,
      stable: { version: '1.0.0' },
      rejected: [{ version: '2.0.0', digest: digestOf('2.0.0') }],
    });
    expect(step.reason).toEqual({ kind: 'status-reverted', revision: shown });
  });

  it('of a promotion alone is an abort as well', () => {
    const { world, statuses } = inRamp();
    world.status = statuses.at(-2)!;
    world.mustTake('roll-back');
  });

  it('in a steady state is put right: what runs is changed in spec.version', () => {
    const { world, statuses } = inRamp();
    world.pass();
    world.pass();
    expect(world.at).toMatchObject({ state: 'idle', stable: { version: '2.0.0' } });
    world.status = statuses[0]!;
    const step = world.mustTake('restore');
    expect(step.next).toMatchObject({ stable: { version: '2.0.0' }, state: 'idle' });
  });

  it('never lets the directive go back', () => {
    const { world, statuses } = inRamp();
    const before = world.published;
    world.status = statuses[0]!;
    expect(world.publish()).toEqual(before);
    world.claim = { kind: 'none' };
    expect(world.publish()).toEqual(before);
  });
});

describe('a rewritten history', () => {
  const rewound = (): { world: FalseWorld; head: RolloutStatus } => {
    const { world, statuses } = inRamp();
    const head = statuses.find((status) => status.state === 'idle' && status.stable !== null)!;
    world.status = head;
    world.continues = false;
    return { world, head };
  };

  it('stalls as HISTORY_REWOUND, and devices keep what was published', () => {
    const { world } = rewound();
    const before = world.published;
    expect(world.decide()).toMatchObject({
      step: null,
      outlook: { waitingOn: [{ fix: { code: 'HISTORY_REWOUND' } }] },
    });
    expect(world.decide().outlook.conditions).toContainEqual(
      expect.objectContaining({ type: 'Stalled', status: true, reason: 'HISTORY_REWOUND' }),
    );
    expect(world.publish()).toEqual(before);
  });

  it('is taken on by an adopt request alone, above every revision that was there', () => {
    const { world, head } = rewound();
    const { revision } = world.seen!;
    world.ask({ act: 'adopt', by: 'alice' });
    const step = world.mustTake('adopt');
    expect(step.next).toMatchObject({
      revision: revision + 1,
      opened: revision + 1,
      stable: head.stable,
      state: 'idle',
    });
    expect(world.spec.requests).toBeUndefined();
    expect(world.publish().entries[0]!.revision).toBe(revision + 1);
    expect(world.decide().step).toMatchObject({ kind: 'start', next: { candidate: { version: '2.0.0', attempt: 2 } } });
  });

  it('is noticed by what was published when the store is new, and when the store is older than that', () => {
    const { world } = rewound();
    world.seen = null;
    expect(world.decide().outlook.waitingOn).toMatchObject([{ fix: { code: 'HISTORY_REWOUND' } }]);
    world.seen = { revision: world.at.revision, status: world.at };
    world.continues = true;
    expect(world.decide().outlook.waitingOn).toMatchObject([{ fix: { code: 'HISTORY_REWOUND' } }]);
  });

  it('of the same number stalls as STATUS_TWICE until it is adopted, and is not published', () => {
    const { world } = inRamp();
    const before = world.published;
    world.status = { ...world.at, stage: 'full', cohort: { cut: 2 ** 48, select: null, devices: [] } };
    expect(world.decide()).toMatchObject({ step: null, outlook: { waitingOn: [{ fix: { code: 'STATUS_TWICE' } }] } });
    expect(world.publish()).toEqual(before);
    world.published = null;
    expect(world.publish().entries).toEqual([]);
    world.published = before;
    world.ask({ act: 'adopt' });
    expect(world.mustTake('adopt').next.stage).toBe('full');
  });

  it('with a forged status is adopted as its evidence has it', () => {
    const { world, head } = rewound();
    world.claim = { kind: 'forged', problem: GONE, lastAuthentic: head };
    expect(world.decide().outlook.waitingOn).toMatchObject([{ fix: { code: 'HISTORY_REWOUND' } }]);
    world.ask({ act: 'adopt' });
    expect(world.mustTake('adopt').next.stable?.version).toBe('1.0.0');
  });
});

describe('the directive', () => {
  it('is a function of the status: no edit of the spec changes it', () => {
    const { world } = inRamp();
    const before = world.published;
    Object.assign(world.spec, { version: '9', target: '*', parameters: { a: 1 }, suspend: true, model: 'other' });
    world.fleet = [];
    world.now += 1000 * MINUTE;
    expect(world.publish()).toEqual(before);
    world.published = null;
    expect(world.publish()).toEqual(before);
  });

  it('changes an entry only with a higher revision, so that an emergency rollback holds until then', () => {
    const { world } = inRamp();
    const rolledBack = world.published!.entries.map((entry) => ({ ...entry, emergency: true }));
    world.published = { kind: 'Directive', entries: rolledBack };
    expect(world.publish().entries).toEqual(rolledBack);
    world.measure('fail');
    world.mustTake('roll-back');
    expect(world.publish().entries[0]).toMatchObject({ emergency: false, candidate: null, stage: null });
  });

  it('carries over the entry of a broken document, and shows it as stalled', () => {
    const { world } = inRamp();
    const { published } = world;
    const place = { file: 'rollouts/invoice-ocr-eu.yaml', line: 3, column: 1, more: 0, detail: 'a tab' };
    const broken = [{ name: world.name, code: 'YAML_SYNTAX', ...place }];
    const plan = decide({ rollouts: [], broken, published });
    expect(plan.directive).toEqual(published);
    expect(plan.steps).toEqual([]);
    expect(plan.outlooks).toMatchObject([
      {
        rollout: world.name,
        waitingOn: [{ kind: 'needs-fix', fix: { code: 'YAML_SYNTAX' } }],
        conditions: [{ type: 'Stalled' }],
      },
    ]);
  });

  it('drops an entry only when the rollout’s file is gone', () => {
    const { world } = inRamp();
    expect(decide({ rollouts: [], broken: [], published: world.published }).directive.entries).toEqual([]);
  });

  it('has no entry for a rollout that has not started', () => {
    expect(new FalseWorld().publish().entries).toEqual([]);
  });

  it('lists rollouts in one order, whatever order they are given in', () => {
    const one = FalseWorld.stable();
    const other = FalseWorld.stable();
    other.name = 'a-first';
    const plan = (rollouts: FalseWorld[]) =>
      decide({ rollouts: rollouts.map((world) => world.facts()), broken: [], published: null }).directive;
    expect(plan([one, other])).toEqual(plan([other, one]));
    expect(plan([one, other]).entries.map((entry) => entry.rollout)).toEqual(['a-first', 'invoice-ocr-eu']);
  });
});

describe('a plan', () => {
  it('has one step a rollout at most, and is the same for the same facts', () => {
    const { world } = inRamp();
    world.measure('fail');
    world.ask({ act: 'adopt' });
    const facts = world.facts();
    const plan = decide({ rollouts: [facts], broken: [], published: world.published });
    expect(plan.steps).toHaveLength(1);
    const { steps, outlooks, directive } = decide({
      rollouts: [world.facts()],
      broken: [],
      published: world.published,
    });
    expect({ steps, outlooks, directive }).toEqual({
      ...{ steps: plan.steps, outlooks: plan.outlooks, directive: plan.directive },
    });
    const again = decide({ rollouts: [facts], broken: [], published: world.published }, plan.decisions);
    expect(again.decisions.get(facts), 'the same facts are decided once').toBe(plan.decisions.get(facts));
  });

  it('is decided from a status as it is read back from its document', () => {
    const { world } = inRamp();
    const step = world.steps.at(-1)!;
    expect(spliceStatus(writeRollout(world.spec, step), step.next)).toBe(writeRollout(world.spec, step));
  });
});

describe('the time of a status', () => {
  it('never goes back, whatever the clock does', () => {
    const world = FalseWorld.rolling();
    const { since } = world.at;
    world.now -= 1000 * MINUTE;
    expect(world.pass().next.since).toBe(since);
    world.now += 2000 * MINUTE;
    expect(world.pass().next.since > since).toBe(true);
  });
});

describe('a rollout that is deleted and comes back', () => {
  it('counts on from its last revision, and starts from what was stable', () => {
    const world = FalseWorld.stable();
    const { revision } = world.at;
    world.published = decide({ rollouts: [], broken: [], published: world.publish() }).directive;
    world.status = null;
    world.claim = { kind: 'none' };
    const step = world.mustTake('restore');
    expect(step.next).toMatchObject({ revision: revision + 1, stable: { version: '1.0.0' } });
    world.versions.push(version('2.0.0'));
    expect(waits(world.decide())).toEqual([]);
  });
});
