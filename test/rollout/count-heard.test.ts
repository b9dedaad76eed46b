// Laws of who is heard of: members come from the directive, a device falls silent once, and chance, an outage or one device is no fault of a version.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/base/random.ts';
import { digestOf } from '../../src/contract/digest.ts';
import type { DirectiveEntry } from '../../src/contract/directive.ts';
import { type HeardDevice, heardArm, type StageHeard } from '../../src/gates/heard-arm.ts';
import { judgeStage } from '../../src/gates/judge-stage.ts';
import type { RuleVerdict } from '../../src/gates/rule-verdict.ts';
import { type CountingFacts, devicesOfTarget, type KnownDevice } from '../../src/rollout/count-cohort.ts';
import { countGroups } from '../../src/rollout/count-groups.ts';
import { countHeard } from '../../src/rollout/count-heard.ts';
import { ask, rules } from '../gates/false-evidence.ts';

const CANDIDATE = digestOf('2.0.0');
const MINUTE = 60_000;
/** The stage opened in this minute of listening, by revision 7. */
const OPENED = 300;
const RULE = 'reporting_devices > 90% of baseline';

const ENTRY: DirectiveEntry = {
  ...{ rollout: 'eu', revision: 9, model: 'ocr', target: 'region:eu', stage: 'canary', salt: 'salt' },
  cohort: { cut: 0, select: 'arm:candidate', devices: [] },
  candidate: { version: '2.0.0', digest: CANDIDATE, attempt: 2, parameters: {} },
  stable: { version: '1.0.0', digest: digestOf('1.0.0'), parameters: {}, target: 'region:eu' },
  ...{ spreadMs: 0, emergency: false },
};

/** In minutes of listening. */
interface Told {
  readonly arm?: 'candidate' | 'stable';
  /** Heard last; now unless given. */
  readonly last?: number;
  readonly silences?: readonly (readonly [from: number, until: number])[];
  readonly took?: number;
  readonly follows?: number;
  readonly joined?: number;
  readonly site?: string;
  readonly claims?: string;
}

function device(told: Told, id: string, now: number): KnownDevice {
  const { arm = 'candidate', last = now, silences = [], took, follows, joined = 0, site = 'a', claims } = told;
  return {
    ...{ id, labels: { region: 'eu', arm, site }, joined, outcomes: new Map() },
    properties: claims === undefined ? {} : { claims },
    models: new Map(),
    lastSeenListenedMs: last * MINUTE,
    silences: silences.map(([from, until]) => ({ fromListenedMs: from * MINUTE, untilListenedMs: until * MINUTE })),
    tookCandidate: new Map(
      took === undefined ? [] : [['eu', [{ digest: CANDIDATE, attempt: 2, takenListenedMs: took * MINUTE }]]],
    ),
    heard: new Map(follows === undefined ? [] : [['eu', [{ revision: 7, heardListenedMs: follows * MINUTE }]]]),
  };
}

function factsAt(now: number, told: readonly Told[]): CountingFacts {
  return {
    ...{ entry: ENTRY, devices: told.map((one, i) => device(one, `d${i}`, now)), openedRevision: 7 },
    ...{ listenedMs: now * MINUTE, silenceMs: 10 * MINUTE, opened: { openedChange: 5, attemptChange: 5 } },
    hearing: { openMs: (now - OPENED) * MINUTE, intervalMs: MINUTE },
  };
}

function heardAt(now: number, told: readonly Told[]): StageHeard {
  const facts = factsAt(now, told);
  return countHeard(facts, devicesOfTarget(facts))!;
}

function verdictAt(now: number, told: readonly Told[], by?: string): RuleVerdict {
  const facts = factsAt(now, told);
  const grouping = by === undefined ? {} : { grouping: { by, limits: new Map() } };
  const question = ask({
    rules: rules(RULE).map((one) => ({ ...one, ...grouping })),
    groups: countGroups(facts, [{ by: 'site', values: ['a', 'b'] }]),
    heard: () => countHeard(facts, devicesOfTarget(facts)),
  });
  return judgeStage(question).rules[0]!;
}

const many = (count: number, told: Told): Told[] => Array<Told>(count).fill(told);
const GOOD: Told = { took: OPENED + 1 };
const STABLE: Told = { arm: 'stable' };

describe('who counts', () => {
  const timesOf = ({ candidate, stable }: StageHeard) =>
    [...candidate, ...stable].map(({ name, fromMs, fellMs }) => [name, fromMs / MINUTE, fellMs && fellMs / MINUTE]);

  it('is who was heard of in the hour before the opening, also one that died while switching', () => {
    const now = OPENED + 30;
    const told: Told[] = [{ last: OPENED }, { last: OPENED - 2 }, { last: OPENED - 50 }, { last: OPENED - 61 }];
    expect(timesOf(heardAt(now, told))).toEqual([
      ['d0', 0, 5],
      ['d1', 0, 3],
      ['d2', 0, 0],
    ]);
  });

  it('is who came back and took the version, or follows the stage with stable, from then on', () => {
    const now = OPENED + 30;
    const away = [[OPENED - 200, OPENED + 10]] as const;
    const told: Told[] = [
      { silences: away },
      { silences: away, took: OPENED + 12 },
      { silences: away, took: OPENED - 250 },
      { silences: [...away, [OPENED + 14, OPENED + 29]], took: OPENED + 12 },
      { ...STABLE, silences: away, follows: OPENED + 11 },
    ];
    expect(timesOf(heardAt(now, told))).toEqual([
      ['d1', 12, null],
      ['d2', 10, null],
      ['d3', 12, 19],
      ['d4', 11, null],
    ]);
  });

  it('is nobody who enrolled since, and nobody by a claim', () => {
    const told: Told[] = [
      { joined: 6 },
      { ...STABLE, joined: 6 },
      { ...STABLE, claims: 'candidate', took: OPENED + 1 },
    ];
    expect(heardAt(OPENED + 20, told)).toMatchObject({ candidate: [], stable: [{ name: 'd2' }] });
  });

  it('is in both arms by its own reports under this stage, and heard of after its switch once that could be over', () => {
    const stage = { ...ENTRY, spreadMs: 10 * MINUTE };
    const told: Told[] = [{ last: OPENED + 15 }, { last: OPENED + 16 }];
    const facts = { ...factsAt(OPENED + 30, told), entry: stage };
    const revisions = (revision: number) =>
      new Map([['eu', [{ revision, heardListenedMs: 0, isInBoth: true as const }]]]);
    const devices = [...facts.devices].map((one, i) => ({ ...one, heard: revisions(6 + i) }));
    expect(countHeard(facts, devicesOfTarget({ ...facts, devices }))!.candidate).toMatchObject([
      { isAfter: false, isInBoth: false },
      { isAfter: true, isInBoth: true },
    ]);
  });

  it('falls silent once, however often it comes and goes', () => {
    const silences = [10, 20, 30].map((at) => [OPENED + at, OPENED + at + 8] as const);
    expect(timesOf(heardAt(OPENED + 60, [{ silences }]))).toEqual([['d0', 0, 15]]);
  });
});

const REST = { isYoung: false, isAfter: true, isInBoth: false };

it('the tally of an arm is the one that counts interval by interval', () => {
  const time = fc.integer({ min: 0, max: 40 });
  const one = fc.record({ fromMs: time, fellMs: fc.option(time), isSilent: fc.boolean() });
  fc.assert(
    fc.property(fc.array(one, { maxLength: 12 }), fc.integer({ min: 0, max: 9 }), (told, later) => {
      const openMs = Math.max(0, ...told.flatMap(({ fromMs, fellMs }) => [fromMs, fellMs ?? 0])) + later;
      const devices: HeardDevice[] = told.map((device, i) => ({ ...device, name: `d${i}`, ...REST }));
      const plain = { bad: 0, trials: 0, reports: 0, badSquared: 0, badTrials: 0, trialsSquared: 0 };
      const of = (ms: number): number => Math.floor(ms / 3);
      for (let k = 0; k <= of(openMs); k++) {
        const able = told.filter(({ fromMs, fellMs }) => fellMs === null || fellMs > fromMs);
        const atRisk = able.filter(({ fromMs, fellMs }) => of(fromMs) <= k && (fellMs === null || of(fellMs) >= k));
        const [n, s] = [atRisk.length, atRisk.filter(({ fellMs }) => fellMs !== null && of(fellMs) === k).length];
        if (n === 0) continue;
        plain.bad += s;
        plain.trials += n;
        plain.reports++;
        plain.badSquared += s * s;
        plain.badTrials += s * n;
        plain.trialsSquared += n * n;
      }
      expect(heardArm(devices, { openMs, intervalMs: 3 }).falls).toEqual(plain);
    }),
  );
});

describe('reporting_devices', () => {
  const silent = (count: number, last: number): Told[] =>
    Array.from({ length: count }, (_, i) => ({ ...GOOD, last: last + i }));

  it('passes when all are heard of, and not before those that took the version could have fallen silent', () => {
    const told = [...many(20, GOOD), ...many(180, STABLE)];
    expect(verdictAt(OPENED + 5, told)).toMatchObject({
      verdict: 'undecided',
      reasons: [{ kind: 'young', count: 20 }],
    });
    expect(verdictAt(OPENED + 6, told)).toMatchObject({ verdict: 'pass', estimate: 1, limit: 0.9, kind: 'heard' });
    const waiting = [...many(8, GOOD), ...many(12, {}), ...many(180, STABLE)];
    expect(verdictAt(OPENED + 30, waiting)).toMatchObject({ verdict: 'undecided', within: true });
  });

  it('fails when many of the candidate alone fall silent, and says which', () => {
    const told = [...many(12, GOOD), ...silent(8, OPENED + 10), ...many(180, STABLE)];
    const found = verdictAt(OPENED + 40, told);
    expect(found).toMatchObject({ verdict: 'fail', estimate: 0.6, reasons: [{ kind: 'silent', count: 8 }] });
  });

  it('waits where stable falls silent as often, where all fell at once, and where one did, beside however many', () => {
    const alike = [...many(12, GOOD), ...silent(8, OPENED + 10), ...many(144, STABLE)];
    const stable = Array.from({ length: 36 }, (_, i): Told => ({ ...STABLE, last: OPENED + 10 + (i % 8) }));
    expect(verdictAt(OPENED + 40, [...alike, ...stable])).toMatchObject({ verdict: 'undecided', within: false });
    const once = [
      ...many(6, GOOD),
      ...many(4, { ...GOOD, last: OPENED + 10 }),
      ...many(85, STABLE),
      ...many(5, { ...STABLE, last: OPENED + 10 }),
    ];
    expect(verdictAt(OPENED + 40, once)).toMatchObject({
      verdict: 'undecided',
      reasons: [{ kind: 'fewer-report' }, { kind: 'silent', count: 4 }],
    });
    // What falls silent alone is never evidence: the first fall of all has the chance that the bet gives it.
    const one = [...many(4, GOOD), { ...GOOD, last: OPENED + 10 }, ...many(5000, STABLE)];
    expect(verdictAt(OPENED + 40, one)).toMatchObject({
      verdict: 'undecided',
      reasons: [{ kind: 'fewer-report' }, {}],
    });
  });

  it('says when nothing was listened to, and does not apply beside no stable', () => {
    const told = [...many(20, GOOD), ...many(180, STABLE)];
    expect(verdictAt(OPENED, told)).toMatchObject({ verdict: 'undecided', reasons: [{ kind: 'not-listening' }] });
    expect(verdictAt(OPENED + 30, many(20, GOOD)).verdict).toBe('not-applicable');
    const first = judgeStage(ask({ rules: rules(RULE), hasStable: false })).rules[0];
    expect(first).toMatchObject({ verdict: 'not-applicable', reasons: [{ kind: 'first-rollout' }] });
  });

  it('is asked of each group where a rule says so', () => {
    const bad = silent(8, OPENED + 10).map((one) => ({ ...one, site: 'b' }));
    const told = [...many(40, GOOD), ...many(180, STABLE), ...many(12, { ...GOOD, site: 'b' }), ...bad];
    const stable = many(100, { ...STABLE, site: 'b' });
    expect(verdictAt(OPENED + 40, [...told, ...stable], 'site')).toMatchObject({ verdict: 'fail', group: 'site:b' });
  });
});

/** Stages of an hour whose devices fall silent by chance `outages` times an hour each for 15 minutes, and, of the candidate, for good; how many fail, looked at each minute. */
function failed(runs: number, { devices, outages, silenced }: { devices: number; outages: number; silenced: number }) {
  const random = seededRandom(3, `${devices} ${outages} ${silenced}`);
  let count = 0;
  for (let run = 0; run < runs; run++) {
    const drawn = Array.from({ length: 10 * devices }, (_, i) => {
      const isCandidate = i < devices;
      const gone = isCandidate && random.next() < silenced ? OPENED + 1 + 30 * random.next() : Number.POSITIVE_INFINITY;
      const gaps: [number, number][] = [];
      let at = OPENED - (60 * Math.log(1 - random.next())) / outages;
      while (at < OPENED + 60) {
        gaps.push([at, at + 15]);
        at += 15 - (60 * Math.log(1 - random.next())) / outages;
      }
      return { isCandidate, gone, gaps };
    });
    const told = (now: number): Told[] =>
      drawn.map(({ isCandidate, gone, gaps }) => {
        const over = gaps.filter(([, until]) => until <= Math.min(now, gone));
        const last = Math.min(now, gone, gaps.find(([from, until]) => from <= now && until > now)?.[0] ?? now);
        return { ...(isCandidate ? GOOD : STABLE), last, silences: over };
      });
    for (let now = OPENED + 2; now <= OPENED + 60; now += 2) {
      if (verdictAt(now, told(now)).verdict !== 'fail') continue;
      count++;
      break;
    }
  }
  return count / runs;
}

describe('simulated stages', () => {
  it.each([
    [5, 0.1],
    [10, 0.3],
    [50, 0.3],
  ])('of %i devices with %f outages an hour are not failed for them', (devices, outages) => {
    expect(failed(60, { devices, outages, silenced: 0 })).toBeLessThanOrEqual(0.05);
  });

  it('of 50 devices are failed when the candidate silences two in five', () => {
    expect(failed(20, { devices: 50, outages: 0.1, silenced: 0.4 })).toBeGreaterThan(0.9);
  });
});
