// Owns the laws of the update machine, held against random histories.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { emptyRecord, type Goal, type ModelRecord, otherSlot } from '../../../fleet-agent/src/record/model-record.ts';
import { MOST_TRIAL_STARTS, transition } from '../../../fleet-agent/src/update/update-machine.ts';
import { nextStep, type UpdateEvent } from '../../../fleet-agent/src/update/update-step.ts';
import type { Digest } from '../../../src/contract/digest.ts';

const digest = (n: number): Digest => `sha256:${String(n).padStart(64, '0')}`;

function goal(n: number, arm: Goal['arm'] = 'candidate', attempt = 1): Goal {
  return {
    rollout: 'r',
    revision: 1,
    arm,
    digest: digest(n),
    version: `${n}`,
    attempt: arm === 'stable' ? 0 : attempt,
    backing: 'unsigned',
  };
}

const now = { fingerprint: 'same', freeBytes: 1e9, nowMs: 1000 };
const assigned = (wanted: Goal, stableFirst: Goal | null = null): UpdateEvent => ({
  kind: 'assigned',
  goal: wanted,
  stableFirst,
  now,
});
const failed = (
  reason: 'load' | 'signature' | 'storage-full' | 'corrupt' = 'load',
  expiry: Extract<UpdateEvent, { kind: 'failed' }>['expiry'] = { kind: 'never' },
): UpdateEvent => ({ kind: 'failed', reason, message: 'why', expiry });
const progress = (starts = 1) => ({
  elapsedMs: 1,
  inferences: 1,
  errors: 0,
  unknown: 0,
  latencyP95BeforeMs: null,
  starts,
});

function follow(record: ModelRecord, ...events: UpdateEvent[]): ModelRecord {
  return events.reduce((one, event) => transition(one, event, 0), record);
}

const INSTALL: readonly UpdateEvent[] = [
  { kind: 'fetched' },
  { kind: 'staged', sequence: 0 },
  { kind: 'selfTested' },
  { kind: 'admitted' },
];
const PASSED: UpdateEvent = { kind: 'trialPassed', message: 'fine' };

/** A device on stable 1, committed. */
function onStable(): ModelRecord {
  return follow(emptyRecord('m'), assigned(goal(1, 'stable')), ...INSTALL);
}

/** On stable 1, with 2 in its trial. */
function inTrial(): ModelRecord {
  return follow(onStable(), assigned(goal(2)), ...INSTALL);
}

describe('the update machine', () => {
  test('commits stable at once where nothing ran before, and a candidate after its trial', () => {
    expect(onStable()).toMatchObject({
      active: 'A',
      phase: { kind: 'committed' },
      outbox: [{ kind: 'committed', digest: digest(1) }],
    });
    const trial = inTrial();
    expect(trial).toMatchObject({ active: 'B', phase: { kind: 'trial', fallback: 'A' } });
    expect(follow(trial, PASSED)).toMatchObject({ phase: { kind: 'committed' }, slots: { B: { isProven: true } } });
  });

  test('takes stable first on a device without any, then the candidate', () => {
    const first = follow(emptyRecord('m'), assigned(goal(2), goal(1, 'stable')));
    expect(first.phase).toMatchObject({ kind: 'fetching', goal: { digest: digest(1) } });
    const then = follow(first, ...INSTALL, assigned(goal(2), goal(1, 'stable')));
    expect(then.phase).toMatchObject({ kind: 'fetching', goal: { digest: digest(2) }, slot: 'B' });
  });

  test('goes back to the kept copy in one step when the directive says so, in the trial and after it', () => {
    for (const record of [inTrial(), follow(inTrial(), PASSED)]) {
      const back = follow(record, assigned(goal(1, 'stable')));
      expect(back).toMatchObject({ active: 'A', phase: { kind: 'committed' } });
      expect(nextStep(back, 'B')).toEqual({ kind: 'serve', slot: 'A' });
      expect(back.outbox.at(-1)).toMatchObject({ kind: 'rolled-back', digest: digest(2) });
    }
  });

  test('rolls back by itself when the trial fails, and remembers the digest', () => {
    const rolling = follow(inTrial(), failed());
    expect(rolling).toMatchObject({ active: 'A', phase: { kind: 'rollingBack' } });
    const done = follow(rolling, { kind: 'served' });
    expect(done).toMatchObject({ active: 'A', phase: { kind: 'failed', digest: digest(2) } });
    expect(follow(done, assigned(goal(2))).phase.kind).toBe('failed');
    expect(follow(done, assigned(goal(2, 'candidate', 2))).phase.kind).toBe('staged');
    expect(follow(done, assigned(goal(2, 'stable'))).phase.kind).toBe('failed');
  });

  test('stops serving when a first version fails its trial, for there is nothing to go back to', () => {
    const done = follow(emptyRecord('m'), assigned(goal(2)), ...INSTALL, failed(), { kind: 'served' });
    expect(done).toMatchObject({ active: null, phase: { kind: 'failed' } });
  });

  test('a refusal lapses with its circumstances, a full disk with free space, a wrong document with time', () => {
    const refused = follow(onStable(), assigned(goal(2)), failed('signature', { kind: 'circumstances', were: 'same' }));
    expect(refused.outbox.at(-1)).toMatchObject({ kind: 'refused' });
    expect(follow(refused, assigned(goal(2))).phase.kind).toBe('failed');
    expect(
      follow(refused, { ...assigned(goal(2)), now: { ...now, fingerprint: 'other' } } as UpdateEvent).phase.kind,
    ).toBe('fetching');
    const full = follow(onStable(), assigned(goal(2)), failed('storage-full', { kind: 'space', needBytes: 2e9 }));
    expect(follow(full, assigned(goal(2))).phase.kind).toBe('failed');
    expect(follow(full, { ...assigned(goal(2)), now: { ...now, freeBytes: 3e9 } } as UpdateEvent).phase.kind).toBe(
      'fetching',
    );
    const wrong = follow(onStable(), assigned(goal(2)), failed('corrupt', { kind: 'time', untilMs: 2000 }));
    expect(follow(wrong, assigned(goal(2))).phase.kind).toBe('failed');
    expect(follow(wrong, { ...assigned(goal(2)), now: { ...now, nowMs: 2000 } } as UpdateEvent).phase.kind).toBe(
      'fetching',
    );
  });

  test('stable can always be tried again after a while, whatever became of it here before; the candidate stays barred', () => {
    const later = { ...now, nowMs: 2 * 3_600_000 };
    const failedBefore = [
      follow(inTrial(), failed(), { kind: 'served' }),
      follow(onStable(), assigned(goal(2)), failed('signature', { kind: 'circumstances', were: 'same' })),
      follow(onStable(), assigned(goal(2, 'stable')), ...INSTALL, failed(), { kind: 'served' }),
    ];
    for (const record of failedBefore) {
      const again = follow(record, { ...assigned(goal(2, 'stable')), now: later } as UpdateEvent);
      expect(['fetching', 'staged']).toContain(again.phase.kind);
    }
    const both = follow(
      follow(inTrial(), failed(), { kind: 'served' }),
      { ...assigned(goal(2, 'stable')), now: later } as UpdateEvent,
      failed(),
    );
    expect(follow(both, { ...assigned(goal(2)), now: later } as UpdateEvent).phase.kind).toBe('failed');
  });

  test('a bar that a clock set far ahead lapses once the clock is right', () => {
    const wrong = follow(onStable(), assigned(goal(2)), failed('corrupt', { kind: 'time', untilMs: 1e15 }));
    expect(follow(wrong, assigned(goal(2))).phase.kind).toBe('fetching');
    expect(wrong.outbox.at(-1)).toMatchObject({ kind: 'undelivered' });
  });

  describe('goes below what it committed', () => {
    const installed = (sequence: number): UpdateEvent[] =>
      INSTALL.map((event) => (event.kind === 'staged' ? { ...event, sequence } : event));
    const signed = (wanted: Goal): UpdateEvent => assigned({ ...wanted, backing: 'signed' });
    /** Committed 2 with sequence 5; stable 1 with sequence 4 is kept in the other slot. */
    const committed = follow(
      emptyRecord('m'),
      assigned(goal(1, 'stable')),
      ...installed(4),
      assigned(goal(2)),
      ...installed(5),
      PASSED,
    );

    test('only by a step that the reconciler signed: to a kept copy it refuses, says so once, and goes once it is signed', () => {
      const refused = follow(committed, assigned(goal(1, 'stable')));
      expect(refused).toMatchObject({ active: 'B', phase: { kind: 'failed', digest: digest(1) } });
      expect(refused.outbox.at(-1)).toMatchObject({ kind: 'refused', reason: 'signature' });
      expect(follow(refused, assigned(goal(1, 'stable')))).toBe(refused);
      for (const record of [committed, refused]) {
        expect(follow(record, signed(goal(1, 'stable')))).toMatchObject({ active: 'A', phase: { kind: 'committed' } });
      }
    });

    test('never by way of the version between: what was committed highest stays the height', () => {
      const back = follow(committed, signed(goal(1, 'stable')));
      expect(back.height).toEqual({ sequence: 5, digest: digest(2) });
      const third = follow(back, signed(goal(3)), ...installed(4), PASSED);
      expect(follow(third, assigned(goal(1, 'stable'))).active).toBe(third.active);
    });

    test('another version of the same sequence is a step down', () => {
      const twins = follow(committed, signed(goal(3)), ...installed(5), PASSED, signed(goal(2, 'stable')));
      expect(twins.active).toBe('B');
      expect(follow(twins, assigned(goal(3, 'stable')))).toMatchObject({ active: 'B', phase: { digest: digest(3) } });
      expect(follow(twins, signed(goal(3, 'stable'))).active).toBe('A');
    });

    test('is looked at again under another trust policy', () => {
      const refused = follow(
        emptyRecord('m'),
        assigned(goal(1, 'stable')),
        failed('signature', { kind: 'backing', were: now.fingerprint }),
      );
      expect(follow(refused, assigned(goal(1, 'stable')))).toBe(refused);
      const mended = { ...assigned(goal(1, 'stable')), now: { ...now, fingerprint: 'other' } } as UpdateEvent;
      expect(follow(refused, mended).phase.kind).toBe('fetching');
    });

    test('as it likes where the trust policy names no reconciler, and in a trial, which committed nothing', () => {
      const unchecked = assigned({ ...goal(1, 'stable'), backing: 'unchecked' });
      expect(follow(committed, unchecked)).toMatchObject({ active: 'A' });
      const trying = follow(
        emptyRecord('m'),
        assigned(goal(1, 'stable')),
        ...installed(4),
        assigned(goal(2)),
        ...installed(5),
      );
      expect(follow(trying, assigned(goal(1, 'stable')))).toMatchObject({ active: 'A', phase: { kind: 'committed' } });
    });
  });

  describe('a version whose signer was revoked since', () => {
    const committed = follow(inTrial(), PASSED);
    const restarted = (...numbers: number[]): UpdateEvent => ({ kind: 'restarted', revoked: numbers.map(digest) });

    test('is not started into while another proven one is there, and serves on where there is none', () => {
      const left = follow(committed, restarted(2));
      expect(left).toMatchObject({ active: 'A', phase: { kind: 'committed' } });
      expect(left.outbox.at(-1)).toMatchObject({ kind: 'rolled-back', digest: digest(2) });
      for (const record of [committed, onStable()]) expect(follow(record, restarted(1, 2)).active).toBe(record.active);
      expect(follow(onStable(), restarted(1)).active).toBe('A');
    });

    test('is not switched into either, and serves on while it runs', () => {
      const now = { fingerprint: 'f', freeBytes: 1e9, nowMs: 1000, revoked: [digest(1)] };
      const asked = { kind: 'assigned', goal: goal(1, 'stable'), stableFirst: null, now } as const;
      const refused = follow(committed, asked);
      expect(refused).toMatchObject({ active: 'B', phase: { kind: 'failed', digest: digest(1) } });
      expect(refused.outbox.at(-1)).toMatchObject({ kind: 'refused', reason: 'signature' });
      expect(follow(refused, asked)).toBe(refused);
      expect(follow(onStable(), asked).active).toBe('A');
      const both = { ...asked, now: { ...now, revoked: [digest(1), digest(2)] } };
      expect(follow(committed, both).active).toBe('A');
    });
  });

  test('a trial that keeps meeting new process starts is over', () => {
    let record = inTrial();
    for (let starts = 2; starts <= MOST_TRIAL_STARTS; starts++) record = follow(record, { kind: 'restarted' });
    expect(record.phase.kind).toBe('trial');
    const over = follow(record, { kind: 'restarted' });
    expect(over).toMatchObject({ active: 'A', phase: { kind: 'rollingBack' } });
  });

  test('process starts bar a version for a time, not for good: the next kill may come from the power switch', () => {
    const starts = Array.from({ length: MOST_TRIAL_STARTS }, () => ({ kind: 'restarted' }) as const);
    const over = follow(inTrial(), ...starts, { kind: 'served' });
    const again = (nowMs: number): ModelRecord =>
      follow(over, { ...assigned(goal(2)), now: { ...now, nowMs } } as UpdateEvent);
    expect(again(60_000).phase).toMatchObject({ kind: 'failed' });
    expect(again(24 * 3_600_000).phase).toMatchObject({ kind: 'staged', goal: goal(2) });
  });

  test('does nothing twice: the same directive again changes no record', () => {
    for (const [record, wanted] of [
      [onStable(), goal(1, 'stable')],
      [follow(inTrial(), PASSED), goal(2)],
    ] as const) {
      expect(follow(record, assigned(wanted))).toBe(record);
    }
  });

  test('stops only what its own rollout brought', () => {
    expect(follow(onStable(), { kind: 'unassigned', rollout: 'r' })).toMatchObject({ active: null });
    expect(follow(onStable(), { kind: 'unassigned', rollout: 'other' })).toMatchObject({ active: 'A' });
  });

  test('stops what a rollout of another name took over, whether it ran or is gone back to', () => {
    const other: Goal = { ...goal(1, 'stable'), rollout: 'renamed' };
    for (const before of [onStable(), follow(inTrial(), PASSED)]) {
      const record = follow(before, assigned(other));
      expect(record).toMatchObject({ active: 'A', slots: { A: { rollout: 'renamed' } } });
      expect(follow(record, { kind: 'unassigned', rollout: 'r' })).toMatchObject({ active: 'A' });
      expect(follow(record, { kind: 'unassigned', rollout: 'renamed' })).toMatchObject({ active: null });
    }
  });

  test('stops what its rollout brought in whatever work it is: the version to fall back to is not kept running', () => {
    const working = [
      inTrial(),
      follow(onStable(), assigned(goal(2))),
      follow(onStable(), assigned(goal(2)), ...INSTALL),
    ];
    for (const record of working) {
      expect(follow(record, { kind: 'unassigned', rollout: 'r' })).toMatchObject({
        active: null,
        phase: { kind: 'idle' },
      });
    }
    const others: Goal = { ...goal(2), rollout: 'other' };
    const onOther = follow(onStable(), assigned(others), ...INSTALL);
    expect(follow(onOther, { kind: 'unassigned', rollout: 'other' })).toMatchObject({ active: 'A' });
  });

  const anyGoal = fc
    .record({
      n: fc.integer({ min: 1, max: 4 }),
      arm: fc.constantFrom('candidate', 'stable'),
      attempt: fc.integer({ min: 1, max: 3 }),
    })
    .map(({ n, arm, attempt }) => goal(n, arm as Goal['arm'], attempt));
  /** What comes of the next step when it succeeds; a served slot is taken to serve. */
  function goOn(record: ModelRecord, serving: 'A' | 'B' | null): { record: ModelRecord; serving: 'A' | 'B' | null } {
    const step = nextStep(record, serving);
    if (step.kind === 'wait')
      return { record: record.phase.kind === 'trial' ? transition(record, PASSED, 0) : record, serving };
    if (step.kind === 'serve') return { record, serving: step.slot };
    const events = {
      fetch: 'fetched',
      stage: 'staged',
      selfTest: 'selfTested',
      admit: 'admitted',
      finishRollback: 'served',
    } as const;
    const event = { kind: events[step.kind], sequence: 0 } as UpdateEvent;
    return { record: transition(record, event, 0), serving };
  }

  type Move = UpdateEvent | 'go on';
  const anyMove: fc.Arbitrary<Move> = fc.oneof(
    { weight: 12, arbitrary: fc.constant<Move>('go on') },
    { weight: 3, arbitrary: anyGoal.map((one): Move => assigned(one)) },
    { weight: 2, arbitrary: anyGoal.map((one): Move => assigned(one, goal(1, 'stable'))) },
    { weight: 1, arbitrary: fc.constantFrom('r', 'other').map((rollout): Move => ({ kind: 'unassigned', rollout })) },
    { weight: 2, arbitrary: fc.constant<Move>(failed()) },
    { weight: 1, arbitrary: fc.constant<Move>({ kind: 'restarted' }) },
    { weight: 1, arbitrary: fc.constant<Move>({ kind: 'trialProgressed', progress: progress() }) },
    {
      weight: 1,
      arbitrary: fc.constantFrom('A', 'B').map((slot): Move => ({ kind: 'slotLost', slot: slot as 'A' | 'B' })),
    },
  );
  const histories = fc.array(anyMove, { minLength: 5, maxLength: 80, size: 'max' });

  test('in every history: what serves is whole, the idle slot alone is written, and a barred digest stays barred', () => {
    const reached = new Set<string>();
    fc.assert(
      fc.property(histories, (moves) => {
        let record = emptyRecord('m');
        let serving: 'A' | 'B' | null = null;
        for (const move of moves) {
          const before = record;
          const bars = new Map(before.failures.map((failure) => [failure.digest, failure.attempt]));
          if (move === 'go on') ({ record, serving } = goOn(record, serving));
          else record = transition(record, move, 0);
          const { phase, active, slots } = record;
          reached.add(phase.kind);
          if (active !== null) expect(slots[active]).not.toBeNull();
          if (phase.kind === 'committed') expect(active).not.toBeNull();
          if (
            phase.kind === 'fetching' ||
            phase.kind === 'verified' ||
            phase.kind === 'staged' ||
            phase.kind === 'selfTested'
          ) {
            expect(phase.slot).not.toBe(active);
            const isNew = !('goal' in before.phase) || before.phase.goal.digest !== phase.goal.digest;
            if (isNew) expect(phase.goal.attempt).toBeGreaterThan(bars.get(phase.goal.digest) ?? -1);
          }
          if (phase.kind === 'trial') {
            expect(phase.slot).toBe(active);
            if (phase.fallback !== null) expect(phase.fallback).toBe(otherSlot(phase.slot));
          }
        }
      }),
      { numRuns: 2000 },
    );
    expect([...reached].sort()).toEqual([
      'committed',
      'failed',
      'fetching',
      'idle',
      'rollingBack',
      'selfTested',
      'staged',
      'trial',
      'verified',
    ]);
  });

  test('in every history: when all goes well from here, the machine comes to rest, and serves what it says', () => {
    fc.assert(
      fc.property(histories, (moves) => {
        let record = emptyRecord('m');
        let serving: 'A' | 'B' | null = null;
        for (const move of moves) {
          if (move === 'go on') ({ record, serving } = goOn(record, serving));
          else record = transition(record, move, 0);
        }
        for (let steps = 0; steps < 12; steps++) ({ record, serving } = goOn(record, serving));
        expect(nextStep(record, serving).kind).toBe('wait');
        expect(serving).toBe(record.active);
        expect(['idle', 'committed', 'failed']).toContain(record.phase.kind);
      }),
      { numRuns: 2000 },
    );
  });
});
