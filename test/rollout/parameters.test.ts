// A version with other parameters is a version of its own: shown, rejected and put back as such.
import { describe, expect, it } from 'vitest';
import { digestOf } from '../../src/contract/digest.ts';
import type { Transition } from '../../src/rollout/transition.ts';
import { commitMessage } from '../../src/wording/commit-message.ts';
import { outlookCells } from '../../src/wording/plan-in-words.ts';
import { FalseWorld, version, waits, why } from './false-world.ts';

const titleOf = (transition: Transition): string =>
  commitMessage({ transition, observed: '', evidenceDigest: digestOf(''), reverts: null }).split('\n')[0] ?? '';

/** 1.0.0 is stable with a threshold of 0.7, and rolls with 0.8. */
function rolling(): { readonly world: FalseWorld; readonly start: Transition } {
  const world = new FalseWorld();
  world.spec.parameters = { threshold: 0.7 };
  world.complete();
  world.spec.parameters = { threshold: 0.8 };
  return { world, start: world.mustTake('start') };
}

describe('a change of parameters', () => {
  it('says what changes, from its start on', () => {
    const { world, start } = rolling();
    expect(titleOf(start)).toBe('rollout(invoice-ocr-eu): start 1.0.0 (threshold 0.7 → 0.8) in canary');
    expect(why(start)).toContain('1.0.0 (threshold 0.7 → 0.8), signed by ci, starts in canary');
    expect(outlookCells(world.decide().outlook).stage).toBe('canary 1.0.0 (threshold 0.7 → 0.8)');
  });

  it.each([
    ['that fails', (world: FalseWorld) => world.measure('fail')],
    ['that is aborted', (world: FalseWorld) => world.ask({ act: 'abort' })],
    [
      'that is put back by hand',
      (world: FalseWorld) => {
        world.spec.parameters = { threshold: 0.7 };
      },
    ],
  ])('%s rejects these parameters alone, and the spec goes back to those of stable', (_, end) => {
    const { world } = rolling();
    end(world);
    const step = world.mustTake('roll-back');
    expect(titleOf(step)).toMatch(/^rollout\(invoice-ocr-eu\): revert 1\.0\.0 \(threshold 0\.7 → 0\.8\): /);
    expect(world.spec).toMatchObject({ version: '1.0.0', parameters: { threshold: 0.7 } });
    expect(world.at.rejected).toMatchObject([{ version: '1.0.0', parameters: { threshold: 0.8 } }]);
    const { outlook } = world.decide();
    expect(outlook.waitingOn).toEqual([]);
    expect(outlookCells(outlook)).toMatchObject({
      stage: 'stable 1.0.0',
      verdict: 'rejected 1.0.0 (threshold 0.7 → 0.8)',
    });
    world.spec.parameters = { threshold: 0.8 };
    expect(waits(world.decide())).toEqual(['rejected']);
    world.spec.parameters = { threshold: 0.9 };
    world.mustTake('start');
  });

  it('that comes with a version goes back with it', () => {
    const world = FalseWorld.stable();
    world.versions.push(version('2.0.0'));
    world.spec.version = '2.0.0';
    world.spec.parameters = { threshold: 0.8 };
    world.mustTake('start');
    world.measure('fail');
    world.mustTake('roll-back');
    expect(world.spec).toMatchObject({ version: '1.0.0' });
    expect(world.spec.parameters).toBeUndefined();
    expect(world.at.rejected[0]).not.toHaveProperty('parameters');
    expect(world.take()).toBeNull();
  });
});
