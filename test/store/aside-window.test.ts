// Proves that a window in the steady state begins anew once, however many processes want it, and that what was counted before stays as it was.
import { describe, expect, test } from 'vitest';
import { enrolled, interval, NOW, openPublished, report, STABLE, spec } from './reports.ts';
import { STORES } from './stores.ts';

const MINUTE = 60_000;
const rest = (openedAtMs: number) => spec({ candidateDigest: null, candidateAttempt: 0, edges: [], openedAtMs });
const told = (epoch: number, sequence: number, inferences: number) => {
  const one = interval({ arm: 'stable', digest: STABLE, inferences, errors: {}, unknown: 0 });
  return { report: report({ epoch, sequence, intervals: [one] }), receivedAtMs: NOW + sequence };
};

describe.each(STORES)('a window that is put aside, in $name', ({ makePlace }) => {
  test('keeps what it counted, and the new one counts what comes after', async () => {
    using place = makePlace();
    await using store = place.open();
    const epoch = await enrolled(store, 'd1');
    await openPublished(store, rest(NOW), NOW);
    await store.ingest([told(epoch, 1, 100)]);
    await store.setAside({ spec: rest(NOW + MINUTE), as: 'previous', nowMs: NOW + MINUTE });
    await store.ingest([told(epoch, 2, 40)]);
    const aside = await store.readAside('invoice-ocr-eu', 'previous');
    const open = await store.readWindow('invoice-ocr-eu', 5);
    expect(aside).toMatchObject({ openedAtMs: NOW, closedAtMs: NOW + MINUTE });
    expect(aside?.tallies.stable.summary.inferences).toBe(100);
    expect(open).toMatchObject({ openedAtMs: NOW + MINUTE, closedAtMs: null, listenedMs: 0 });
    expect(open?.tallies.stable.summary.inferences).toBe(40);
    expect(await store.readAside('invoice-ocr-eu', 'baseline')).toBeUndefined();
  });

  test('is put aside once when two processes want it, and replaces what lay there before', async () => {
    using place = makePlace();
    await using store = place.open();
    await using other = place.open();
    const epoch = await enrolled(store, 'd1');
    await openPublished(store, rest(NOW), NOW);
    await store.ingest([told(epoch, 1, 100)]);
    const order = { spec: rest(NOW + MINUTE), as: 'previous' as const, nowMs: NOW + MINUTE };
    await store.setAside(order);
    await other.setAside(order);
    expect((await other.readAside('invoice-ocr-eu', 'previous'))?.tallies.stable.summary.inferences).toBe(100);
    await store.ingest([told(epoch, 2, 40)]);
    await other.setAside({ ...order, spec: rest(NOW + 2 * MINUTE) });
    expect((await store.readAside('invoice-ocr-eu', 'previous'))?.tallies.stable.summary.inferences).toBe(40);
  });

  test('is none when another window was opened meanwhile', async () => {
    using place = makePlace();
    await using store = place.open();
    await openPublished(store, rest(NOW), NOW);
    await openPublished(store, spec({ openedRevision: 6 }), NOW + 1);
    await store.setAside({ spec: rest(NOW + MINUTE), as: 'baseline', nowMs: NOW + MINUTE });
    expect(await store.readAside('invoice-ocr-eu', 'baseline')).toBeUndefined();
    expect((await store.readWindow('invoice-ocr-eu', 6))?.closedAtMs).toBeNull();
  });
});
