// Laws of the fleet in numbers: a device counts as declared only where something is declared for it.
import { expect, test } from 'vitest';
import { fleetSummary, NO_DEVICES } from '../../../src/dashboard/read-model/fleet-counts.ts';

const told = (off: number) => {
  const states = new Map([['as-declared', 3]] as const);
  const { asDeclared, share, states: counts } = fleetSummary({ ...NO_DEVICES, enrolled: 3, states, idle: 2 }, off);
  return { asDeclared, share, counts: Object.fromEntries(counts.map(({ state, count }) => [state, count])) };
};

test('devices that run nothing, as no version is stable yet, are not managed', () => {
  expect(told(0)).toEqual({ asDeclared: 1, share: 1, counts: { 'as-declared': 1, 'not-managed': 2 } });
});

test('devices that have not begun to take what is declared are changing', () => {
  expect(told(2)).toEqual({ asDeclared: 1, share: 1 / 3, counts: { 'as-declared': 1, changing: 2 } });
  expect(told(1)).toEqual({ asDeclared: 1, share: 1 / 2, counts: { 'as-declared': 1, changing: 1, 'not-managed': 1 } });
});
