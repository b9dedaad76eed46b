// Owns the laws of what a directive asks of one device: which entries count, which version comes first, when a download may begin.
import { expect, test } from 'vitest';
import { chooseVersions, spreadWaitMs } from '../../../fleet-agent/src/update/desired-version.ts';
import { digestOf } from '../../../src/contract/digest.ts';
import type { DirectiveEntry } from '../../../src/contract/directive.ts';
import { entry } from '../../distribution/publication-world.ts';

const OLD = { version: '0.9.0', digest: digestOf('old'), parameters: {}, target: '*' };
const FACTS = { id: 'd', labels: { hw: 'rev2' }, properties: {} };

function choose(
  entries: readonly DirectiveEntry[],
  known: Readonly<Record<string, number>> = {},
  followed: string | null = null,
) {
  return chooseVersions(
    { kind: 'Directive', entries },
    FACTS,
    (rollout) => known[rollout] ?? 0,
    () => followed,
  );
}

test('a new device of a group that is behind takes what is stable there first, and not what is stable elsewhere', () => {
  const exceptions = [{ group: 'hw:rev2', kind: 'behind', cohort: null, stable: OLD }] as const;
  const one = entry({ exceptions });
  expect(choose([one]).desired.get(one.model)).toMatchObject({
    kind: 'run',
    goal: { version: '2.0.0', arm: 'candidate' },
    stableFirst: { version: '0.9.0', arm: 'stable' },
  });
});

test('an entry below the accepted revision, or one that can not be read here, changes nothing and says why', () => {
  const one = entry({});
  const old = choose([one], { [one.rollout]: one.revision + 1 });
  expect(old.desired.size).toBe(0);
  expect(old.accepted).toEqual([]);
  expect(old.ignored).toEqual([{ entry: one, why: expect.stringContaining('below') }]);
  const broken = entry({ target: 'a:b AND (' });
  expect(choose([broken]).ignored).toEqual([{ entry: broken, why: expect.stringContaining('selectors') }]);
  const escaping = entry({ model: '../etc' });
  expect(choose([escaping]).ignored).toEqual([{ entry: escaping, why: expect.stringContaining('folder') }]);
});

test('a device that runs a candidate and left the target goes back with its rollout, and no other that left it does', () => {
  const rolling = entry({ target: 'fw:1', cohort: { cut: 2 ** 48, select: null, devices: [] } });
  const stable = { ...OLD, target: 'fw:1' };
  const back = { ...rolling, revision: rolling.revision + 1, candidate: null, stable };
  const given = (one: DirectiveEntry, onTrial: ReadonlySet<string>) =>
    chooseVersions({ kind: 'Directive', entries: [one] }, FACTS, () => 0, undefined, undefined, onTrial).desired;
  const own = new Set([rolling.rollout]);
  expect(given(rolling, own).get(rolling.model)).toMatchObject({ goal: { arm: 'candidate' } });
  expect(given(back, own).get(rolling.model)).toMatchObject({ goal: { arm: 'stable', digest: OLD.digest } });
  expect(given({ ...back, stable: null }, own).get(rolling.model)).toMatchObject({ kind: 'none' });
  expect(given(back, new Set(['other'])).size).toBe(0);
});

test('two entries for one model change nothing, and both count as accepted', () => {
  const [one, two] = [entry({ rollout: 'a' }), entry({ rollout: 'b' })];
  const chosen = choose([one, two]);
  expect(chosen.desired.size).toBe(0);
  expect(chosen.conflicts).toEqual([{ model: one.model, rollouts: ['a', 'b'], entry: one }]);
  expect(chosen.accepted).toEqual([one, two]);
});

test('a device of two entries goes on with the one that it follows, and back with it above all', () => {
  const bad = entry({ rollout: 'a' });
  const other = entry({ rollout: 'b', candidate: { ...OLD, version: '3.0.0', attempt: 1 } });
  const followsA = choose([bad, other], {}, 'a');
  expect(followsA.desired.get(bad.model)).toMatchObject({ goal: { rollout: 'a', arm: 'candidate' } });
  expect(followsA.conflicts).toEqual([{ model: bad.model, rollouts: ['a', 'b'], follows: 'a', entry: other }]);
  const reverted = { ...bad, revision: bad.revision + 1, candidate: null };
  expect(choose([reverted, other], {}, 'a').desired.get(bad.model)).toMatchObject({
    goal: { rollout: 'a', arm: 'stable', digest: bad.stable?.digest },
  });
  // An entry with nothing for it leaves the device to the other.
  const empty = { ...reverted, stable: null };
  expect(choose([empty, other], {}, 'a').desired.get(bad.model)).toMatchObject({ goal: { rollout: 'b' } });
});

test('the spread of downloads is even over the fleet, the same each time, and unlike the place in the cohort', () => {
  const share = (id: string): number => spreadWaitMs({ salt: 'salt', spreadMs: 1 }, id);
  const shares = Array.from({ length: 10_000 }, (_, i) => share(`device-${i}`));
  for (const tenth of Array.from({ length: 10 }, (_, i) => i)) {
    const inside = shares.filter((share) => Math.floor(share * 10) === tenth).length;
    expect(Math.abs(inside - 1000)).toBeLessThan(150);
  }
  expect(share('device-7')).toBe(shares[7]);
});
