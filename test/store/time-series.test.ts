// What every store promises about series.
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { chosenPoints, MOST_POINTS, type NewPoint, pointsToThin } from '../../src/store/time-series.ts';
import { folder, openStore } from './reports.ts';
import { STORES } from './stores.ts';

const at = (series: string, atMs: number, value: NewPoint['value'], isKept = false): NewPoint => ({
  ...{ series, atMs, value, isKept },
});

describe.each(STORES)('series in $name', ({ makePlace }) => {
  it('give their points in the order of time, the last word at each time', async () => {
    using place = makePlace();
    await using store = place.open();
    await store.appendPoints([at('a', 30, [3]), at('a', 10, [1]), at('b', 10, 'other')]);
    await store.appendPoints([at('a', 10, [null, 1.5], true)]);
    expect(await store.readPoints('a', { most: 60 })).toEqual([
      { atMs: 10, isKept: true, value: [null, 1.5] },
      { atMs: 30, isKept: false, value: [3] },
    ]);
    expect(await store.readPoints('a', { most: 60, sinceMs: 20 })).toHaveLength(1);
    expect(await store.readPoints('none', { most: 60 })).toEqual([]);
  });

  it('are thinned when they are full, and keep their ends and what was decided', async () => {
    using place = makePlace();
    await using store = place.open();
    const points = Array.from({ length: 2_000 }, (_, i) => at('a', i, i, i === 777));
    for (let i = 0; i < points.length; i += 100) await store.appendPoints(points.slice(i, i + 100));
    const all = await store.readPoints('a', { most: 10_000 });
    expect(all.length).toBeLessThanOrEqual(MOST_POINTS);
    expect(all.length).toBeGreaterThan(MOST_POINTS / 2 - 100);
    expect([all[0]?.value, all.at(-1)?.value]).toEqual([0, 1_999]);
    expect(all.filter(({ isKept }) => isKept)).toEqual([{ atMs: 777, isKept: true, value: 777 }]);
    const sent = await store.readPoints('a', { most: 60 });
    expect(sent.length).toBeLessThanOrEqual(60);
    expect(sent.some(({ atMs }) => atMs === 777)).toBe(true);
  });

  it('count fully or not at all', async () => {
    using place = makePlace();
    await using store = place.open();
    await expect(store.appendPoints([at('a', 1, 1), at('a', 2, 'x'.repeat(70_000))])).rejects.toMatchObject({
      code: 'STORE_VALUE_SIZE',
    });
    expect(await store.readPoints('a', { most: 60 })).toEqual([]);
  });

  it('forget what is old', async () => {
    using place = makePlace();
    await using store = place.open();
    await store.appendPoints([at('a', 1, 1), at('a', 5, 5), at('b', 2, 2)]);
    expect(await store.forgetPoints(5)).toBe(2);
    expect(await store.readPoints('a', { most: 60 })).toMatchObject([{ value: 5 }]);
  });
});

test('series outlive the process', async () => {
  using place = folder();
  const before = openStore(place.file);
  await before.appendPoints([at('a', 1, { estimate: 0.5 })]);
  await before.close();
  await using store = openStore(place.file);
  expect(await store.readPoints('a', { most: 60 })).toEqual([{ atMs: 1, isKept: false, value: { estimate: 0.5 } }]);
});

test('however many points there are, as many are chosen as may be, in order and with both ends', () => {
  const points = fc
    .array(fc.boolean(), { maxLength: 700 })
    .map((kept) => kept.map((isKept, atMs) => ({ atMs, isKept })));
  fc.assert(
    fc.property(points, fc.integer({ min: 2, max: 100 }), (all, most) => {
      const chosen = chosenPoints(all, most);
      expect(chosen.length).toBeLessThanOrEqual(most);
      expect([...chosen].sort((a, b) => a.atMs - b.atMs)).toEqual(chosen);
      expect([chosen[0], chosen.at(-1)]).toEqual([all[0], all.at(-1)]);
      const left = all.length - pointsToThin(all).length;
      expect(left).toBeLessThanOrEqual(Math.max(MOST_POINTS, 0.75 * all.length));
    }),
  );
});
