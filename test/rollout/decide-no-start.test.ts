// An abort always wins: also over a version that has not started, whoever was faster.
import { describe, expect, it } from 'vitest';
import { digestOf } from '../../src/contract/digest.ts';
import { commitMessage } from '../../src/wording/commit-message.ts';
import { FalseWorld, REVOKED, version, waits, why } from './false-world.ts';

function desired(): FalseWorld {
  const world = FalseWorld.stable();
  world.versions.push(version('2.0.0'));
  world.spec.version = '2.0.0';
  return world;
}

describe('an abort of a version that has not started', () => {
  it('rejects its digest and puts the spec back: it never starts', () => {
    const world = desired();
    world.ask({ act: 'abort', digest: digestOf('2.0.0'), by: 'alice', reason: 'the label file is wrong' });
    const step = world.mustTake('answer');
    expect(step.subject).toMatchObject({ version: '2.0.0', digest: digestOf('2.0.0') });
    expect(why(step)).toBe('aborted by alice: the label file is wrong');
    expect(world.spec).toMatchObject({ version: '1.0.0' });
    expect(world.spec.requests).toBeUndefined();
    expect(world.at.rejected).toMatchObject([{ version: '2.0.0', reason: { kind: 'aborted', by: 'alice' } }]);
    expect(world.take()).toBeNull();
    expect(world.decide().outlook.rejected?.version).toBe('2.0.0');
    const message = commitMessage({ transition: step, observed: '', evidenceDigest: digestOf(''), reverts: null });
    expect(message).toContain('rollout(invoice-ocr-eu): reject 2.0.0 before its start: aborted by alice');
  });

  it.each(['latest', '>=1.0.0'])('holds for %s as well, which stays as it is written', (range) => {
    const world = desired();
    world.spec.version = range;
    world.ask({ act: 'abort', digest: digestOf('2.0.0') });
    world.mustTake('answer');
    expect(world.spec.version).toBe(range);
    expect(world.take()).toBeNull();
  });

  it('wins over a retry, a pause and a version that could not start anyway', () => {
    const world = desired();
    world.ask({ act: 'abort', digest: digestOf('2.0.0') });
    world.mustTake('answer');
    world.spec.version = '2.0.0';
    world.spec.suspend = true;
    world.ask({ act: 'retry', digest: digestOf('2.0.0') });
    world.ask({ act: 'abort', digest: digestOf('2.0.0') });
    world.mustTake('answer');
    expect(world.spec.requests).toBeUndefined();
    expect(world.at.rejected).toHaveLength(1);
    const first = new FalseWorld();
    first.versions = [version('1.0.0', REVOKED)];
    first.ask({ act: 'abort', digest: digestOf('1.0.0') });
    first.mustTake('answer');
    expect(waits(first.decide())).toEqual(['needs-fix']);
    expect(first.at.rejected).toMatchObject([{ version: '1.0.0' }]);
  });

  it('leaves what rolls alone, and puts the spec back to that', () => {
    const world = FalseWorld.rolling();
    world.versions.push(version('3.0.0'));
    world.spec.version = '3.0.0';
    world.ask({ act: 'abort', digest: digestOf('3.0.0') });
    world.mustTake('answer');
    expect(world.at.candidate?.version).toBe('2.0.0');
    expect(world.spec.version).toBe('2.0.0');
    expect(world.take()).toBeNull();
  });

  it('of what is stable, or of nothing that HEAD has, is answered with no', () => {
    for (const digest of [digestOf('1.0.0'), digestOf('9.0.0')]) {
      const world = desired();
      world.spec.version = '1.0.0';
      world.ask({ act: 'abort', digest });
      expect(why(world.mustTake('answer'))).toContain('refused abort (nothing is rolling');
    }
  });

  it('of parameters that have not started rejects these alone', () => {
    const world = FalseWorld.stable();
    world.spec.parameters = { threshold: 0.8 };
    world.ask({ act: 'abort', digest: digestOf('1.0.0') });
    world.mustTake('answer');
    expect(world.spec.parameters).toBeUndefined();
    expect(world.at.rejected).toMatchObject([{ version: '1.0.0', parameters: { threshold: 0.8 } }]);
    expect(world.take()).toBeNull();
  });
});
