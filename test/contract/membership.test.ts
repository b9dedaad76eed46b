// What holds for cohorts: exact counts, growth within an attempt, and one answer on server and device.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { drawNonce, seededRandom } from '../../src/base/random.ts';
import { digestOf } from '../../src/contract/digest.ts';
import { assignmentsFor, choicesOf, type DirectiveEntry, isOnCandidate } from '../../src/contract/directive.ts';
import { encodeDirective, parseDirective } from '../../src/contract/directive-json.ts';
import { isNameable } from '../../src/contract/group-exception.ts';
import {
  BUCKETS,
  bucketOf,
  chooseCut,
  coveringCut,
  isInCohort,
  listedHash,
  saltOf,
} from '../../src/contract/membership.ts';
import type { DeviceFacts } from '../../src/contract/selector.ts';
import { entry } from '../distribution/publication-world.ts';

const ids = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 20 }), { minLength: 1, maxLength: 80 });
const NONCE = '0'.repeat(32);
const salt = fc
  .tuple(fc.string(), fc.nat(9))
  .map(([text, attempt]) => saltOf('rollout', digestOf(text), attempt, NONCE));

function inside(deviceIds: readonly string[], salted: string, cut: number): string[] {
  const cohort = { cut, select: null, devices: [] };
  return deviceIds.filter((deviceId) =>
    isInCohort({ cohort, salt: salted, deviceId, matchesSelect: () => expect.unreachable('no selector') }),
  );
}

function facts(id: string, labels: Record<string, string> = {}): DeviceFacts {
  return { id, labels, properties: {} };
}

describe('the cut', () => {
  it('takes in exactly as many devices as are wanted', () => {
    fc.assert(
      fc.property(ids, salt, fc.nat(80), (deviceIds, salted, pick) => {
        const wanted = 1 + (pick % deviceIds.length);
        expect(inside(deviceIds, salted, chooseCut(deviceIds, salted, wanted))).toHaveLength(wanted);
      }),
    );
  });

  it('is at the end of the numbers when all are wanted: whoever joins later is in', () => {
    fc.assert(
      fc.property(ids, salt, fc.nat(9), (deviceIds, salted, more) => {
        const cut = chooseCut(deviceIds, salted, deviceIds.length + more);
        expect(cut).toBe(BUCKETS);
        expect(inside(['a device that joins later'], salted, cut)).toHaveLength(1);
      }),
    );
  });

  it('only grows within an attempt, whatever is wanted and whoever joined or left meanwhile', () => {
    fc.assert(
      fc.property(
        ids,
        salt,
        fc.array(fc.nat(100), { minLength: 1, maxLength: 6 }),
        ids,
        (first, salted, picks, second) => {
          let cut = 0;
          let members: string[] = [];
          picks.forEach((wanted, i) => {
            cut = chooseCut(i % 2 === 0 ? first : second, salted, wanted, cut);
            const now = inside([...first, ...second], salted, cut);
            expect(now).toEqual(expect.arrayContaining(members));
            members = now;
          });
        },
      ),
    );
  });

  it('that covers a list takes in all of it, and no more buckets than that needs', () => {
    fc.assert(
      fc.property(ids, salt, (deviceIds, salted) => {
        const cut = coveringCut(deviceIds, salted);
        expect(inside(deviceIds, salted, cut)).toHaveLength(deviceIds.length);
        expect(inside(deviceIds, salted, cut - 1).length).toBeLessThan(deviceIds.length);
      }),
    );
  });

  it('of nothing takes in nobody', () => {
    expect(inside(['a', 'b', 'c'], 'salt', 0)).toEqual([]);
    expect(chooseCut(['a', 'b', 'c'], 'salt', 0, 17)).toBe(17);
  });

  it('lies where other programs that follow the formula put it', () => {
    // sha256("salt\nkiosk-001"), first 48 bits; a change here moves every device of every fleet.
    expect(bucketOf('salt', 'kiosk-001').toString(16)).toBe('525589345568');
    expect(listedHash('salt', 'kiosk-001')).toBe('cf481fe22205854981307460');
  });

  it('spreads devices evenly, and anew with each attempt', () => {
    const fleet = Array.from({ length: 20_000 }, (_, i) => `kiosk-${i}`);
    const first = inside(fleet, saltOf('r', digestOf('m'), 1, NONCE), BUCKETS / 10);
    const second = new Set(inside(fleet, saltOf('r', digestOf('m'), 2, NONCE), BUCKETS / 10));
    // 2,000 expected, standard deviation 42; both at once: 200, standard deviation 14.
    expect(Math.abs(first.length - 2000)).toBeLessThan(5 * 42);
    expect(Math.abs(first.filter((id) => second.has(id)).length - 200)).toBeLessThan(5 * 14);
  });
});

describe('what a directive says to a device', () => {
  const only = (one: DirectiveEntry, device: DeviceFacts) =>
    assignmentsFor({ kind: 'Directive', entries: [one] }, device)[0];

  it('is what the server counts, after the way through bytes', () => {
    fc.assert(
      fc.property(ids, salt, fc.nat(80), fc.boolean(), (deviceIds, salted, pick, isListed) => {
        const wanted = 1 + (pick % deviceIds.length);
        const [listed = ''] = deviceIds;
        const one = entry({
          salt: salted,
          cohort: {
            cut: chooseCut(deviceIds, salted, wanted),
            select: 'ring:canary',
            devices: isListed ? [listedHash(salted, listed)] : [],
          },
        });
        const received = parseDirective(encodeDirective({ kind: 'Directive', entries: [one] }));
        const devices = deviceIds.map((id, i) => facts(id, i % 7 === 0 ? { ring: 'canary' } : {}));
        const onServer = devices.filter((device) => isOnCandidate(one, device)).map((device) => device.id);
        const onDevices = devices.filter((device) => {
          const [assignment] = assignmentsFor(received, device);
          return assignment?.kind === 'run' && assignment.arm === 'candidate';
        });
        expect(onDevices.map((device) => device.id)).toEqual(onServer);
        expect(onServer.length).toBeGreaterThanOrEqual(wanted);
        if (isListed) expect(onServer).toContain(listed);
      }),
    );
  });

  it('an emergency rollback puts everyone on stable, whatever the cohort', () => {
    fc.assert(
      fc.property(ids, fc.integer({ min: 0, max: BUCKETS }), (deviceIds, cut) => {
        const one = entry({ emergency: true, cohort: { cut, select: '*', devices: [] } });
        for (const id of deviceIds)
          expect(only(one, facts(id))).toMatchObject({ kind: 'run', arm: 'stable', attempt: 0 });
      }),
    );
    expect(only(entry({ emergency: true, stable: null }), facts('a'))).toMatchObject({ kind: 'none' });
  });

  it('a widened target gives nobody the stable version before the stages did', () => {
    const one = entry({
      target: 'region:eu',
      cohort: { cut: 0, select: null, devices: [] },
      stable: { version: '1', digest: digestOf('stable'), parameters: {}, target: 'region:eu AND ring:a' },
    });
    expect(only(one, facts('a', { region: 'eu', ring: 'a' }))).toMatchObject({ kind: 'run', arm: 'stable' });
    expect(only(one, facts('b', { region: 'eu', ring: 'b' }))).toMatchObject({ kind: 'none' });
    expect(only(one, facts('c', { region: 'us', ring: 'a' }))).toBeUndefined();
  });

  it('a narrowed target leaves the devices outside it on stable', () => {
    const one = entry({
      target: 'ring:a',
      stable: { version: '1', digest: digestOf('stable'), parameters: {}, target: '*' },
    });
    expect(only(one, facts('a', { ring: 'a' }))).toMatchObject({ arm: 'candidate' });
    expect(only(one, facts('b', { ring: 'b' }))).toMatchObject({ arm: 'stable' });
  });

  it('two entries for one model are a conflict that names both, and leave other models alone', () => {
    const entries = [
      entry({ rollout: 'a', target: 'ring:a' }),
      entry({ rollout: 'b' }),
      entry({ rollout: 'c', model: 'other' }),
      entry({ rollout: 'd', target: 'ring:a', stable: null, cohort: { cut: 0, select: null, devices: [] } }),
    ];
    const to = (labels: Record<string, string>) => assignmentsFor({ kind: 'Directive', entries }, facts('x', labels));
    expect(to({ ring: 'a' })).toMatchObject([
      { kind: 'conflict', model: 'invoice-ocr', rollouts: ['a', 'b', 'd'] },
      { kind: 'run', model: 'other' },
    ]);
    const [first, second] = to({ ring: 'z' });
    // Rollout a and d stand on stable there: that is a claim too.
    expect(first).toMatchObject({ kind: 'conflict', rollouts: ['a', 'b'] });
    expect(second).toMatchObject({ kind: 'run', model: 'other' });
  });

  it('never says two things about one model, nor anything about a model that no entry is for', () => {
    const anyEntry = fc.record({
      rollout: fc.string(),
      model: fc.constantFrom('m1', 'm2'),
      target: fc.constantFrom('*', 'ring:a', 'NOT ring:a'),
      cut: fc.integer({ min: 0, max: BUCKETS }),
      emergency: fc.boolean(),
      hasStable: fc.boolean(),
      hasCandidate: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(anyEntry, { maxLength: 6 }), fc.string(), fc.boolean(), (shapes, id, isA) => {
        const entries = shapes.map(({ cut, hasStable, hasCandidate, ...rest }) => {
          const full = entry({ ...rest, cohort: { cut, select: null, devices: [] } });
          return { ...full, stable: hasStable ? full.stable : null, candidate: hasCandidate ? full.candidate : null };
        });
        const said = assignmentsFor({ kind: 'Directive', entries }, facts(id, isA ? { ring: 'a' } : {}));
        expect(new Set(said.map((one) => one.model)).size).toBe(said.length);
        for (const one of said) {
          if (one.kind !== 'run') continue;
          expect(one.arm === 'candidate' && one.entry.emergency).toBe(false);
          expect(one.choice).toBe(one.arm === 'candidate' ? one.entry.candidate : one.entry.stable);
        }
      }),
    );
  });
});

describe('a group that does not go along', () => {
  const nobody = { cut: 0, select: null, devices: [] };
  const old = { version: '0.9.0', digest: digestOf('old'), parameters: {}, target: '*' };
  const exceptions = [
    { group: 'hw:rev2', kind: 'rolled-back', cohort: null, stable: null },
    { group: 'hw:rev3', kind: 'held', cohort: { ...nobody, select: 'ring:canary' }, stable: null },
    { group: 'hw:rev4', kind: 'behind', cohort: null, stable: old },
    { group: 'site:a:b', kind: 'rolled-back', cohort: null, stable: old },
  ] as const;
  const directive = { kind: 'Directive', entries: [entry({ exceptions })] } as const;

  it.each([
    [{ hw: 'rev1' }, '2.0.0 as candidate'],
    [{ hw: 'rev2' }, '1.0.0 as stable'],
    [{ hw: 'rev3' }, '1.0.0 as stable'],
    [{ hw: 'rev3', ring: 'canary' }, '2.0.0 as candidate'],
    [{ hw: 'rev3', ring: 'canary', site: 'a:b' }, '0.9.0 as stable'],
    [{ hw: 'rev4' }, '2.0.0 as candidate'],
    [{ hw: 'toString', site: 'a' }, '2.0.0 as candidate'],
    [{}, '2.0.0 as candidate'],
  ])('%j runs %s', (labels, runs) => {
    const read = parseDirective(encodeDirective(directive));
    const [told] = assignmentsFor(read, facts('d', labels as Record<string, string>));
    expect(told?.kind === 'run' ? `${told.choice.version} as ${told.arm}` : told?.kind).toBe(runs);
  });

  it('has its own versions among those that the entry may ask for: they must be published', () => {
    const versions = choicesOf(directive.entries[0]).map((one) => one.version);
    expect(versions).toEqual(['2.0.0', '1.0.0', '0.9.0', '0.9.0']);
  });

  it.each(['hw:', ':rev2', 'hw', `hw:${'x'.repeat(512)}`, 'hw:a\nb', 'hw:a\u2028b', 'hw:\u0007'])(
    'can not be named %j',
    (name) => {
      expect(isNameable(name)).toBe(false);
    },
  );

  it('is on its own stable version under an emergency rollback, as everyone is on theirs', () => {
    const emergency = { kind: 'Directive', entries: [entry({ exceptions, emergency: true })] } as const;
    const versionOf = (labels: Record<string, string>): string | undefined => {
      const [told] = assignmentsFor(emergency, facts('d', labels));
      return told?.kind === 'run' ? told.choice.version : undefined;
    };
    expect([versionOf({ hw: 'rev4' }), versionOf({ hw: 'rev3', ring: 'canary' })]).toEqual(['0.9.0', '1.0.0']);
  });

  it.each([
    { group: 'hw', kind: 'held', cohort: null, stable: null },
    { group: 'hw:rev2', kind: 'postponed', cohort: null, stable: null },
    { group: 'hw:rev2', kind: 'held', cohort: { cut: -1, select: null, devices: [] }, stable: null },
  ])(
    'that can not be understood makes the directive unreadable: guessing could give devices what they must not have',
    (bad) => {
      const bytes = Buffer.from(JSON.stringify({ kind: 'Directive', entries: [{ ...entry(), exceptions: [bad] }] }));
      expect(() => parseDirective(bytes)).toThrow(/exceptions\[0\]/);
    },
  );
});

it('no id can be made beforehand to land in the next canary: each salt has 128 bits that nobody can foresee', () => {
  const random = seededRandom('membership', 'nonces');
  const nonces = Array.from({ length: 50 }, () => drawNonce(random));
  expect(nonces.filter((nonce) => !/^[0-9a-f]{32}$/.test(nonce))).toEqual([]);
  const salts = nonces.map((nonce) => saltOf('rollout', digestOf('model'), 1, nonce));
  expect(new Set(salts.map((salt) => bucketOf(salt, 'device'))).size).toBe(50);
});
