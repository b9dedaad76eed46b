// Laws of which groups are counted apart.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { chooseGroups, groupOf } from '../../src/telemetry/groups.ts';

const device = (hw: string | null) => ({ labels: hw === null ? {} : { hw } });

test('of too many values those that most devices have get a group, whatever the order of devices', () => {
  const values = fc.array(fc.option(fc.integer({ min: 0, max: 24 }).map(String)), {
    minLength: 10,
    maxLength: 60,
    size: 'max',
  });
  const shuffled = values.chain((all) =>
    fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length, maxLength: all.length })),
  );
  fc.assert(
    fc.property(shuffled, ([all, other]) => {
      const [chosen] = chooseGroups(['hw'], all.map(device));
      expect(chooseGroups(['hw'], other.map(device))).toEqual([chosen]);
      expect(chosen!.values.length).toBeLessThanOrEqual(15);
      const count = (value: string) => all.filter((one) => one === value).length;
      const least = Math.min(...chosen!.values.map(count));
      for (const value of new Set(all)) {
        if (value !== null && !chosen!.values.includes(value)) expect(count(value)).toBeLessThanOrEqual(least);
      }
    }),
  );
});

test('a value that came later, none, and what only looks like one are in the group of the others', () => {
  const spec = { by: 'hw', values: ['rev1'] };
  expect(groupOf(spec, { hw: 'rev1' })).toBe('hw:rev1');
  for (const labels of [{ hw: 'rev9' }, {}, { os: 'rev1' }]) expect(groupOf(spec, labels)).toBe('hw:(others)');
  expect(groupOf({ by: 'toString', values: ['x'] }, {})).toBe('toString:(others)');
});

test('a value that a status could not name has no group: its devices are among the others', () => {
  const odd = ['', 'a\nb', 'x'.repeat(600)];
  const [chosen] = chooseGroups(['hw'], [...odd, 'rev1'].map(device));
  expect(chosen?.values).toEqual(['rev1']);
  for (const value of odd) expect(groupOf(chosen!, { hw: value })).toBe('hw:(others)');
});
