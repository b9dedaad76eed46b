// Laws of how devices are counted: each in one place, silence only after taking, nobody judged who was never reached.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { digestOf } from '../../src/contract/digest.ts';
import type { DirectiveEntry } from '../../src/contract/directive.ts';
import { BUCKETS } from '../../src/contract/membership.ts';
import { type ModelState, outcomeKey } from '../../src/contract/report.ts';
import {
  type CohortCounts,
  countCohort,
  type DeviceOutcome,
  installShare,
  type KnownDevice,
} from '../../src/rollout/count-cohort.ts';

const CANDIDATE = digestOf('2.0.0');
const STABLE = digestOf('1.0.0');
const SILENCE = 600_000;
const NOW = 10_000_000;

const ENTRY: DirectiveEntry = {
  rollout: 'eu',
  revision: 7,
  model: 'ocr',
  target: 'region:eu',
  stage: 'canary',
  cohort: { cut: BUCKETS, select: null, devices: [] },
  salt: 'salt',
  candidate: { version: '2.0.0', digest: CANDIDATE, attempt: 2, parameters: {} },
  stable: { version: '1.0.0', digest: STABLE, parameters: {}, target: 'region:eu' },
  spreadMs: 0,
  emergency: false,
};

const running = (digest: typeof CANDIDATE, more: Partial<ModelState> = {}): ModelState => ({
  model: 'ocr',
  rollout: 'eu',
  revision: 7,
  running: { digest, version: 'v', slot: 'A' },
  state: 'committed',
  subject: null,
  ...more,
});

interface Told {
  readonly state?: ModelState;
  readonly outcome?: Partial<DeviceOutcome>;
  readonly took?: number;
  readonly silentMs?: number;
  readonly region?: string;
  readonly hw?: string;
}

function device({ state, outcome, took, silentMs = 0, region = 'eu', hw = 'rev1' }: Told, id = 'd'): KnownDevice {
  return {
    id,
    labels: { region, hw },
    properties: {},
    lastSeenListenedMs: NOW - silentMs,
    models: new Map(state === undefined ? [] : [['ocr', state]]),
    outcomes: new Map(
      outcome === undefined
        ? []
        : [[outcomeKey('eu', CANDIDATE), { kind: 'failed', attempt: 2, reason: null, message: 'boom', ...outcome }]],
    ),
    tookCandidate: new Map(took === undefined ? [] : [['eu', [{ digest: CANDIDATE, attempt: took }]]]),
  };
}

const count = (told: readonly Told[], entry: DirectiveEntry = ENTRY, openedRevision?: number): CohortCounts =>
  countCohort({
    entry,
    devices: told.map((one, i) => device(one, `d${i}`)),
    listenedMs: NOW,
    silenceMs: SILENCE,
    ...(openedRevision === undefined ? {} : { openedRevision }),
  });

const LATE = SILENCE + 1;

describe('a device of the cohort', () => {
  it.each<[string, keyof CohortCounts, Told]>([
    ['that runs the candidate for good is ready', 'ready', { state: running(CANDIDATE) }],
    ['on trial is trying', 'trying', { state: running(CANDIDATE, { state: 'trial' }) }],
    [
      'that downloads it is trying',
      'trying',
      { state: running(STABLE, { state: 'fetching', subject: { digest: CANDIDATE, attempt: 2 } }) },
    ],
    ['that has not begun is pending', 'pending', { state: running(STABLE) }],
    ['that never said anything of the model is pending', 'pending', {}],
    ['that went back has failed', 'failed', { state: running(STABLE), outcome: { kind: 'rolled-back' } }],
    ['that failed has failed, also when it is silent since', 'failed', { outcome: {}, silentMs: LATE }],
    ['whose failure was of an earlier attempt may try again', 'pending', { outcome: { attempt: 1 } }],
    ['that would not try has refused', 'refused', { outcome: { kind: 'refused', reason: 'signature' } }],
    [
      'that its manifest excludes is incompatible',
      'incompatible',
      { outcome: { kind: 'refused', reason: 'incompatible' } },
    ],
    ['claimed by two rollouts is conflicted', 'conflicted', { outcome: { kind: 'conflict' } }],
    [
      'to which hosts kept sending other bytes has neither failed nor refused, also when it was seen taking it',
      'undelivered',
      { outcome: { kind: 'undelivered', reason: 'corrupt' }, took: 2, silentMs: LATE },
    ],
    [
      'that got the right bytes in the end is trying',
      'trying',
      { state: running(CANDIDATE, { state: 'trial' }), outcome: { kind: 'undelivered', reason: 'corrupt' } },
    ],
    ['that ran it and fell silent is silent', 'silent', { state: running(CANDIDATE), silentMs: LATE }],
    ['seen taking this attempt, then silent, is silent', 'silent', { state: running(STABLE), took: 2, silentMs: LATE }],
    ['silent just as long as allowed is not silent', 'ready', { state: running(CANDIDATE), silentMs: SILENCE }],
    [
      'seen taking only an earlier attempt is unreachable',
      'unreachable',
      { state: running(STABLE), took: 1, silentMs: LATE },
    ],
    ['never seen taking it is unreachable', 'unreachable', { silentMs: LATE }],
  ])('%s', (_, place, told) => {
    const counts = count([told]);
    expect(counts).toMatchObject({ matching: 1, wanted: 1, [place]: 1 });
  });

  it('to which hosts kept sending other bytes is in no share of failures', () => {
    const counts = count([{ outcome: { kind: 'undelivered', reason: 'corrupt' } }, { state: running(CANDIDATE) }]);
    expect(installShare(counts)).toEqual({ bad: 0, good: 1, pending: 0 });
    expect(counts.troubled).toEqual([{ device: 'd0', kind: 'undelivered', reason: 'corrupt', detail: 'boom' }]);
  });

  it('that shares its digest with stable is ready only once it has heard of this stage', () => {
    const entry = { ...ENTRY, stable: { ...ENTRY.stable!, digest: CANDIDATE } };
    expect(count([{ state: running(CANDIDATE, { revision: 6 }) }], entry)).toMatchObject({ ready: 0, pending: 1 });
    expect(count([{ state: running(CANDIDATE, { revision: 7 }) }], entry)).toMatchObject({ ready: 1 });
    expect(count([{ state: running(CANDIDATE, { revision: 6 }) }], entry, 6)).toMatchObject({ ready: 1 });
    expect(count([{ state: running(CANDIDATE, { revision: 6 }), silentMs: LATE }], entry)).toMatchObject({
      silent: 0,
      unreachable: 1,
    });
  });

  it('is distinguished from one of the target outside the cohort, and from one outside the target', () => {
    const entry = { ...ENTRY, cohort: { cut: 0, select: 'id:d0', devices: [] } };
    expect(count([{}, {}, { region: 'us' }], entry)).toMatchObject({ matching: 2, wanted: 1, pending: 1 });
  });
});

it('nobody is in the cohort in the steady state or under an emergency rollback', () => {
  for (const entry of [
    { ...ENTRY, candidate: null },
    { ...ENTRY, emergency: true },
  ]) {
    expect(count([{ state: running(CANDIDATE) }], entry)).toMatchObject({ matching: 1, wanted: 0, ready: 0 });
  }
});

it('every device of the cohort is counted in exactly one place, and troubled ones are named up to ten', () => {
  const told = fc.record(
    {
      state: fc.option(
        fc.record({ state: fc.constantFrom('idle', 'trial', 'committed', 'failed'), on: fc.boolean() }),
        { nil: undefined },
      ),
      outcome: fc.record({
        kind: fc.constantFrom('committed', 'failed', 'refused', 'rolled-back', 'conflict'),
        attempt: fc.integer({ min: 0, max: 3 }),
      }),
      took: fc.integer({ min: 0, max: 3 }),
      silentMs: fc.constantFrom(0, LATE),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(fc.array(told, { maxLength: 40 }), (all) => {
      const counts = count(
        all.map(({ state, ...rest }) => ({
          ...rest,
          ...(state
            ? { state: running(state.on ? CANDIDATE : STABLE, { state: state.state as ModelState['state'] }) }
            : {}),
        })) as Told[],
      );
      const { matching, wanted, troubled, missing = [], onTrial = 0, ...places } = counts;
      expect(onTrial).toBeLessThanOrEqual(places.trying);
      expect(wanted).toBe(all.length);
      expect(matching).toBe(all.length);
      expect(Object.values(places).reduce((sum, one) => sum + one, 0)).toBe(wanted);
      expect(troubled.length).toBeLessThanOrEqual(10);
      expect(missing).toHaveLength(Math.min(10, places.pending + places.trying + places.unreachable));
      const { bad, good, pending } = installShare(counts);
      expect(bad + good + pending).toBe(wanted - counts.unreachable - counts.incompatible - counts.conflicted);
    }),
  );
});

describe('groups that stand apart', () => {
  const rolledBack = { group: 'hw:rev2', kind: 'rolled-back', cohort: null, stable: null } as const;
  const held = { ...rolledBack, kind: 'held', cohort: ENTRY.cohort } as const;

  it.each([rolledBack, held])(
    'are counted by themselves, and never as ready, pending or failed ($kind)',
    (exception) => {
      const told = [
        { hw: 'rev2', state: running(CANDIDATE) },
        { hw: 'rev2' },
        { hw: 'rev2', outcome: {} },
        {},
      ] as const;
      const counts = count(told, { ...ENTRY, exceptions: [exception] });
      expect(counts).toMatchObject({ matching: 4, apart: 3, wanted: 1, pending: 1, ready: 0, failed: 0, troubled: [] });
    },
  );

  it('are counted with the others once they are only behind', () => {
    const behind = { ...rolledBack, kind: 'behind', stable: ENTRY.stable } as const;
    const counts = count([{ hw: 'rev2', state: running(CANDIDATE) }, {}], { ...ENTRY, exceptions: [behind] });
    expect(counts).toMatchObject({ matching: 2, apart: 0, wanted: 2, ready: 1 });
  });
});

describe('who is waited for', () => {
  const entry = { ...ENTRY, target: '*' };
  const facts = { entry, listenedMs: NOW, silenceMs: SILENCE };

  it('not devices that can not run the candidate, whatever they say or do not', () => {
    const unfit = { ...device({}, 'unfit'), properties: { platform: 'other' } };
    const counts = countCohort({
      ...{ ...facts, devices: [device({}, 'fit'), unfit] },
      canRun: ({ properties }) => properties.platform !== 'other',
    });
    expect(counts).toMatchObject({ wanted: 2, pending: 1, incompatible: 1 });
    expect(installShare(counts)).toEqual({ bad: 0, good: 0, pending: 1 });
  });

  it('not devices that enrolled since the stage opened, or changed their labels since the attempt began', () => {
    const counts = countCohort({
      ...facts,
      devices: [
        { ...device({ state: running(CANDIDATE) }, 'early'), joined: 3, relabelled: 2 },
        { ...device({ state: running(CANDIDATE) }, 'late'), joined: 6, relabelled: 0 },
        { ...device({ outcome: { kind: 'failed', attempt: 2 } }, 'moved'), joined: 1, relabelled: 3 },
      ],
      opened: { openedChange: 5, attemptChange: 2 },
    });
    expect(counts).toMatchObject({ matching: 3, newcomers: 2, wanted: 1, ready: 1, failed: 0 });
  });
});
