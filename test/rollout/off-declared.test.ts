// Proves that a device that runs something else than declared is counted, for as long as it does and no other.
import { describe, expect, test } from 'vitest';
import type { Digest } from '../../src/contract/digest.ts';
import type { Directive, DirectiveEntry } from '../../src/contract/directive.ts';
import { type ModelState, outcomeKey } from '../../src/contract/report.ts';
import type { KnownDevice } from '../../src/rollout/count-cohort.ts';
import { countOffDeclared, type OffSince } from '../../src/rollout/off-declared.ts';

const digest = (n: number): Digest => `sha256:${String(n).repeat(64)}`;
const STABLE = { version: '1', digest: digest(1), parameters: {}, target: '*' };
const CANDIDATE = { version: '2', digest: digest(2), parameters: {}, attempt: 1 };

function entry(over: Partial<DirectiveEntry> = {}): DirectiveEntry {
  return {
    ...{ rollout: 'eu', revision: 3, model: 'ocr', target: '*', stage: null, salt: 's', spreadMs: 0, emergency: false },
    cohort: { cut: 0, select: null, devices: [] },
    ...{ candidate: null, stable: STABLE, ...over },
  };
}

const WHOLE_COHORT = { cut: 2 ** 48, select: null, devices: [] };
const directive = (one: DirectiveEntry): Directive => ({ kind: 'Directive', entries: [one] });

function device(id: string, runs: number | null, over: Partial<ModelState> = {}): KnownDevice {
  const running = runs === null ? null : { digest: digest(runs), version: String(runs), slot: 'A' as const };
  const state: ModelState = {
    model: 'ocr',
    rollout: 'eu',
    revision: 3,
    running,
    state: 'committed',
    subject: null,
    ...over,
  };
  return {
    ...{ id, labels: {}, properties: {}, lastSeenListenedMs: 1_000, outcomes: new Map(), tookCandidate: new Map() },
    models: new Map([['ocr', state]]),
  };
}

function count(one: DirectiveEntry, devices: readonly KnownDevice[], listenedMs = 1_000, before: OffSince = new Map()) {
  return countOffDeclared({ directive: directive(one), devices, listenedMs, silenceMs: 500, afterMs: 600 }, before);
}

const namesOff = (one: DirectiveEntry, devices: readonly KnownDevice[]): string[] =>
  count(one, devices).rollouts.flatMap(({ first }) => first.map((off) => off.device));

describe('a device is off what is declared', () => {
  test('when it runs another digest, not when it runs the declared one, nothing yet, or the declared one is on its way', () => {
    const subject = { digest: digest(1), attempt: 0 };
    const devices = [
      device('right', 1),
      device('other', 7),
      device('empty', null),
      device('fetching', 7, { state: 'fetching', subject }),
      device('stuck', 7, { state: 'failed', subject }),
    ];
    expect(namesOff(entry(), devices)).toEqual(['other', 'stuck']);
    expect(count(entry(), devices).rollouts[0]?.first[0]).toEqual({
      device: 'other',
      running: '7',
      declared: '1',
      failure: null,
    });
  });

  test('when two rollouts have it, by the one that it follows', () => {
    const other = entry({ rollout: 'us', stable: { ...STABLE, digest: digest(7) } });
    const both = { kind: 'Directive', entries: [entry(), other] } as const;
    const devices = [device('follows eu', 7), device('follows us', 7, { rollout: 'us' })];
    const { rollouts } = countOffDeclared(
      { directive: both, devices, listenedMs: 1_000, silenceMs: 500, afterMs: 600 },
      new Map(),
    );
    expect(rollouts.map(({ rollout, first }) => [rollout, first.map((one) => one.device)])).toEqual([
      ['eu', ['follows eu']],
      ['us', []],
    ]);
  });

  test('when it left the target with a version that was taken back', () => {
    const moved = (runs: number, attempt: number) => ({
      ...device(`runs ${runs} of attempt ${attempt}`, runs),
      tookCandidate: new Map([['eu', [{ digest: digest(runs), attempt }]]]),
    });
    const elsewhere = entry({ target: 'region:eu', stable: { ...STABLE, target: 'region:eu' } });
    expect(namesOff(elsewhere, [moved(2, 1), moved(1, 1), moved(7, 0)])).toEqual(['runs 2 of attempt 1']);
  });

  test('when the rollout ended with nothing stable and it still runs its version', () => {
    const none = entry({ stable: null });
    expect(namesOff(none, [device('a', 2), device('own', 9, { rollout: null })])).toEqual(['a']);
  });

  test('not while the stage counts it as one that tried the candidate and went back', () => {
    const rolling = entry({ candidate: CANDIDATE, cohort: WHOLE_COHORT });
    const outcome = { kind: 'failed' as const, attempt: 1, reason: 'trial' as const, message: 'm' };
    const failed = { ...device('failed', 1), outcomes: new Map([[outcomeKey('eu', digest(2)), outcome]]) };
    expect(namesOff(rolling, [failed, device('third', 7), device('in', 2)])).toEqual(['third']);
  });

  test('not while the stage waits for it, unless it stays on stable', () => {
    const rolling = entry({ candidate: CANDIDATE, cohort: WHOLE_COHORT });
    const first = count(rolling, [device('late', 1)]);
    expect(first.rollouts[0]?.count).toBe(0);
    const heard = [{ ...device('late', 1), lastSeenListenedMs: 1_600 }];
    expect(count(rolling, heard, 1_600, first.since).rollouts[0]).toMatchObject({ count: 1, staying: 1 });
  });

  test('not while a device of a group that is behind goes on with the version that is stable there', () => {
    const old = { ...STABLE, version: '0', digest: digest(7) };
    const exceptions = [{ group: 'hw:rev2', kind: 'behind', cohort: null, stable: old }] as const;
    const rolling = entry({ candidate: CANDIDATE, cohort: WHOLE_COHORT, exceptions });
    const behind = { ...device('behind', 7), labels: { hw: 'rev2' } };
    expect(namesOff(rolling, [behind, device('other', 7)])).toEqual(['other']);
    expect(namesOff(entry({ exceptions }), [behind, { ...device('ahead', 1), labels: { hw: 'rev2' } }])).toEqual([
      'ahead',
    ]);
  });

  test('not when it was silent for long: nobody knows what it runs', () => {
    expect(count(entry(), [device('gone', 7)], 1_600).rollouts[0]?.count).toBe(0);
  });
});

describe('how long it is off', () => {
  test('counts from the first time seen, over counts, besides the time of spread downloads', () => {
    const heard = (at: number): KnownDevice[] => [{ ...device('a', 7), lastSeenListenedMs: at }];
    const first = count(entry(), heard(1_000), 1_000);
    const later = count(entry(), heard(1_599), 1_599, first.since);
    expect(later.rollouts[0]).toMatchObject({ count: 1, staying: 0 });
    expect(count(entry(), heard(1_600), 1_600, later.since).rollouts[0]?.staying).toBe(1);
    expect(count(entry({ spreadMs: 50 }), heard(1_600), 1_600, later.since).rollouts[0]?.staying).toBe(0);
  });

  test('begins anew when something else is declared, and when it was right in between', () => {
    const first = count(entry(), [device('a', 7)], 1_000);
    const other = entry({ stable: { ...STABLE, version: '3', digest: digest(3) } });
    const heard = { ...device('a', 7), lastSeenListenedMs: 2_000 };
    expect(count(other, [heard], 2_000, first.since).rollouts[0]?.staying).toBe(0);
    const right = count(entry(), [{ ...device('a', 1), lastSeenListenedMs: 1_300 }], 1_300, first.since);
    expect(count(entry(), [heard], 2_000, right.since).rollouts[0]?.staying).toBe(0);
  });

  test('and at most ten are named, those that stay first', () => {
    const many = Array.from({ length: 30 }, (_, i) => device(`d${i}`, 7));
    const since = new Map([[`d29\neu\n${digest(1)}`, 0]]);
    const [found] = count(entry(), many, 1_000, since).rollouts;
    expect(found).toMatchObject({ count: 30, staying: 1 });
    expect(found?.first).toHaveLength(10);
    expect(found?.first[0]?.device).toBe('d29');
  });
});
