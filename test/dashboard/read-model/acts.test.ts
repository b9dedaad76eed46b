// Laws of acts: each is offered when the reconciler would take it, with the command line that commands print.
import { expect, test } from 'vitest';
import { actsOf } from '../../../src/dashboard/read-model/acts.ts';
import type { RolloutRow } from '../../../src/dashboard/read-model/types.generated.ts';

const acts = (over: { isSuspended?: boolean; isPausedByRule?: boolean; state?: RolloutRow['state'] } = {}) => {
  const { state = 'paused', isSuspended = false, isPausedByRule = false } = over;
  const row = { rollout: "it's", state, stage: 'canary', stages: [] } as unknown as RolloutRow;
  return actsOf({ row, isSuspended, isPausedByRule, rejected: '2.0.0', hasPrevious: false });
};
const approve = (over: Parameters<typeof acts>[0]) => acts(over).find(({ act }) => act === 'approve');

test('an approval is offered where a stage asks for one, or where it ends the pause of a rule; never under the pause of a person', () => {
  expect(approve({ isPausedByRule: true })).toMatchObject({ isAllowed: true, note: expect.stringMatching(/^End the/) });
  expect(approve({ state: 'waits-for-approval' })).toMatchObject({ isAllowed: true });
  expect(approve({ isSuspended: true })?.why).toBe('It is paused by a person: resume it first.');
  expect(approve({ isSuspended: true, isPausedByRule: true })?.isAllowed).toBe(false);
  expect(approve({ state: 'rolling' })?.why).toBe('No approval is asked for now.');
});

test('names are quoted for a shell, and gaps are left where a person writes', () => {
  expect(acts().map(({ command }) => command)).toEqual(
    expect.arrayContaining([
      `slipway pause 'it'\\''s' --reason '…'`,
      `slipway retry 'it'\\''s' 2.0.0 --reason '…'`,
      `slipway set 'it'\\''s' --version '…'`,
    ]),
  );
});
