// What a window promises when its rollout goes away for a while and comes back as it was.
import { describe, expect, it } from 'vitest';
import { enrolled, interval, NOW, openPublished, report, spec } from './reports.ts';
import { STORES } from './stores.ts';

describe.each(STORES)('a window that was closed, in $name', ({ makePlace }) => {
  it('goes on with what it had when its own revision is opened again', async () => {
    using place = makePlace();
    await using store = place.open();
    const epoch = await enrolled(store, 'd1');
    const tell = (sequence: number) =>
      store.ingest([{ report: report({ epoch, sequence, intervals: [interval()] }), receivedAtMs: NOW }]);
    await openPublished(store, spec(), NOW);
    await tell(1);
    await store.closeWindow('invoice-ocr-eu', NOW);
    await tell(2);
    await openPublished(store, spec(), NOW + 1000);
    await tell(3);
    const window = await store.readWindow('invoice-ocr-eu', 5);
    expect(window?.closedAtMs).toBeNull();
    expect(window?.tallies.candidate.summary.inferences).toBe(20);
    expect(window?.late.count).toBe(1);
  });

  it('stays closed when an older revision is opened', async () => {
    using place = makePlace();
    await using store = place.open();
    await openPublished(store, spec(), NOW);
    await openPublished(store, spec({ openedRevision: 6 }), NOW);
    await openPublished(store, spec(), NOW);
    expect((await store.readWindow('invoice-ocr-eu', 5))?.closedAtMs).not.toBeNull();
    expect((await store.readWindow('invoice-ocr-eu', 6))?.closedAtMs).toBeNull();
  });
});
