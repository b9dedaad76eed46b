// Nothing goes forward while HEAD does not ask for the candidate, or while its trust is in doubt; the status alone suffices to go back.
import { describe, expect, it } from 'vitest';
import { ADMITTED, FalseWorld, REVOKED, UNSIGNED, version, waits, why } from './false-world.ts';

/** 2.0.0 rolls, and its stage has passed. */
function passed(): FalseWorld {
  const world = FalseWorld.rolling();
  world.now += 60 * 60_000;
  world.measure('pass');
  return world;
}

describe('a desired version that can not be resolved', () => {
  const cases: readonly (readonly [string, (world: FalseWorld) => void])[] = [
    [
      'a typing error',
      (world) => {
        world.spec.version = '2.0.O';
      },
    ],
    [
      'a document that vanished',
      (world) => {
        world.versions = [version('1.0.0')];
      },
    ],
    [
      'another version that is refused',
      (world) => {
        world.versions.push(version('3.0.0', UNSIGNED));
        world.spec.version = '3.0.0';
      },
    ],
    [
      'a version that was rejected before',
      (world) => {
        world.status = {
          ...world.at,
          rejected: [
            {
              ...{ digest: version('3.0.0').digest, version: '3.0.0', attempt: 1, reason: { kind: 'aborted' } },
              ...{ evidence: 'evidence/x/1-a-b.json', at: world.at.since },
            },
          ],
        };
        world.seen = { revision: world.at.revision, status: world.at };
        world.versions.push(version('3.0.0'));
        world.spec.version = '3.0.0';
      },
    ],
    [
      'another model',
      (world) => {
        world.spec.model = 'other';
      },
    ],
  ];
  it.each(cases)('holds the stage, with its reason: %s', (_, change) => {
    for (const act of [null, 'promote', 'skip'] as const) {
      const world = passed();
      change(world);
      if (act !== null) world.ask({ act });
      expect(waits(world.decide())).toEqual([expect.stringMatching(/^needs-fix|rejected$/)]);
      world.measure('fail');
      if (act !== 'skip') world.mustTake('roll-back');
    }
  });
});

describe('a desired version that is stable', () => {
  it.each([
    ['vanished', [version('2.0.0')]],
    ['is not signed any more', [version('1.0.0', UNSIGNED), version('2.0.0')]],
    ['lost its signer', [version('1.0.0', REVOKED), version('2.0.0')]],
  ])('is an abort, also when its document %s', (_, versions) => {
    const world = FalseWorld.rolling();
    world.versions = [...versions];
    world.spec.version = '1.0.0';
    expect(world.mustTake('roll-back').reason).toMatchObject({ kind: 'spec-reverted', version: '1.0.0' });
  });
});

describe('what was admitted', () => {
  const withInForce = (candidate: typeof ADMITTED, policy: typeof ADMITTED) => {
    const world = passed();
    const { facts } = world;
    world.facts = () => ({ ...facts.call(world), inForce: { candidate, policy } });
    return world;
  };

  it('goes back when its signer is revoked, whatever HEAD still has', () => {
    const world = withInForce(REVOKED, ADMITTED);
    world.versions = [version('1.0.0')];
    expect(why(world.mustTake('roll-back'))).toContain('its signer ci is revoked');
    const unruled = withInForce(ADMITTED, REVOKED);
    unruled.policy = null;
    expect(why(unruled.mustTake('supersede'))).toContain("its policy's signer ci is revoked");
  });

  it('goes on when all else is well, and holds while nobody can tell who signed it', () => {
    expect(withInForce(ADMITTED, ADMITTED).take()?.kind).toBe('advance');
    expect(waits(withInForce(UNSIGNED, ADMITTED).decide())).toEqual(['needs-fix']);
    expect(waits(withInForce(ADMITTED, UNSIGNED).decide())).toEqual(['needs-fix']);
  });
});
