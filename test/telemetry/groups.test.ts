// Laws of which groups are counted apart.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { DeviceFacts } from '../../src/contract/selector.ts';
import { chooseGroups, groupOf, variantGroups } from '../../src/telemetry/groups.ts';

const facts = (labels: DeviceFacts['labels'], properties: DeviceFacts['properties'] = {}): DeviceFacts => {
  return { id: 'd', labels, properties };
};
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
  expect(groupOf(spec, facts({ hw: 'rev1' }))).toBe('hw:rev1');
  for (const labels of [{ hw: 'rev9' }, {}, { os: 'rev1' }]) expect(groupOf(spec, facts(labels))).toBe('hw:(others)');
  expect(groupOf({ by: 'toString', values: ['x'] }, facts({}))).toBe('toString:(others)');
});

test('a value that a status could not name has no group: its devices are among the others', () => {
  const odd = ['', 'a\nb', 'x'.repeat(600)];
  const [chosen] = chooseGroups(['hw'], [...odd, 'rev1'].map(device));
  expect(chosen?.values).toEqual(['rev1']);
  for (const value of odd) expect(groupOf(chosen!, facts({ hw: value }))).toBe('hw:(others)');
});

test('by a property of variants a device is in the group of the one that the manifest has for it, whatever its labels say', () => {
  const files = [{ role: 'model', name: 'm', digest: `sha256:${'a'.repeat(64)}`, sizeBytes: 1, url: 'm' }] as const;
  const variants = [
    { platform: 'linux/arm64', capabilities: ['npu'], precision: 'int8', files },
    { platform: 'linux/arm64', precision: 'fp16', files },
    { platform: 'any', files },
  ] as unknown as Parameters<typeof variantGroups>[1];
  const spec = variantGroups('precision', variants);
  expect(spec.values).toEqual(['fp16', 'int8']);
  const lie = { precision: 'fp16', platform: 'x' };
  expect(groupOf(spec, facts(lie, { platform: 'linux/arm64', capabilities: 'camera,npu' }))).toBe('precision:int8');
  expect(groupOf(spec, facts({}, { platform: 'linux/arm64' }))).toBe('precision:fp16');
  expect(groupOf(spec, facts(lie, { platform: 'linux/amd64' }))).toBe('precision:(others)');
  const platforms = variantGroups('platform', variants);
  expect(platforms.values).toEqual(['any', 'linux/arm64']);
  expect(groupOf(platforms, facts(lie, { platform: 'linux/amd64' }))).toBe('platform:any');
  expect(groupOf(variantGroups('precision', []), facts(lie))).toBe('precision:(others)');
});
