// What the store promises about the time in which it was listening.
import { describe, expect, it } from 'vitest';
import { enrolled, NOW, openPublished, report, spec } from './reports.ts';
import { STORES } from './stores.ts';

describe.each(STORES)('listening time, in $name', ({ makePlace }) => {
  it('counts time between heartbeats once for all processes, and no gap, jump or step back', async () => {
    using place = makePlace();
    await using a = place.open({ heartbeatMs: 1000 });
    await using b = place.open({ heartbeatMs: 1000 });
    expect(await a.readListening()).toEqual({ listenedMs: 0, heartbeatAtMs: null });
    const listened: number[] = [];
    for (const [store, ms] of [
      [a, 0],
      [b, 400],
      [a, 1000],
      [b, 900],
      [b, 1400],
      [a, 9000],
      [a, 10_000],
      [a, -3_600_000],
      [a, -3_599_000],
    ] as const) {
      listened.push((await store.recordListening(NOW + ms)).listenedMs);
    }
    expect(listened).toEqual([0, 400, 1000, 1000, 1400, 1400, 2400, 2400, 3400]);
  });

  it('is kept per window while it is open, and as ready time only while the stage is ready', async () => {
    using place = makePlace();
    await using store = place.open({ heartbeatMs: 1000 });
    const { rollout } = spec();
    await store.recordListening(NOW);
    await openPublished(store, spec(), NOW);
    await store.recordListening(NOW + 1000);
    await store.markReady(rollout, true);
    await store.recordListening(NOW + 2000);
    await store.markReady(rollout, false);
    await store.recordListening(NOW + 4000);
    await store.closeWindow(rollout, NOW + 4000);
    await store.recordListening(NOW + 5000);
    expect(await store.readWindow(rollout, 5)).toMatchObject({ listenedMs: 4000, readyMs: 1000 });
  });

  it('dates a device by it, so that silence while nobody listened is no silence', async () => {
    using place = makePlace();
    await using store = place.open({ heartbeatMs: 1000 });
    const epoch = await enrolled(store, 'd1');
    await store.recordListening(NOW);
    await store.recordListening(NOW + 1000);
    await store.ingest([{ report: report({ epoch }), receivedAtMs: NOW + 1000 }]);
    await store.recordListening(NOW + 7_200_000);
    const device = (await store.readFleet()).devices.get('d1');
    expect((await store.readListening()).listenedMs - (device?.lastSeenListenedMs ?? 0)).toBe(0);
  });
});
