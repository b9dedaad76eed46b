// Laws of silences in the store: counted while it listens, over restarts, by the interval that it is told.
import { describe, expect, it } from 'vitest';
import type { FleetStore } from '../../src/store/fleet-store.ts';
import { enrolled, NOW, report } from './reports.ts';
import { STORES } from './stores.ts';

const REPORT_MS = 10_000;

describe.each(STORES)('a silence, in $name', ({ makePlace }) => {
  it('is remembered over a restart, and a service that was off has heard nobody be silent', async () => {
    using place = makePlace();
    const open = () => place.open({ heartbeatMs: REPORT_MS, reportMs: REPORT_MS });
    let now = NOW;
    const listen = async (store: FleetStore, beats: number): Promise<void> => {
      for (let i = 0; i < beats; i++) {
        now += REPORT_MS;
        await store.recordListening(now);
      }
    };
    let sequence = 0;
    const first = open();
    const epoch = await enrolled(first, 'd1');
    const tell = (store: FleetStore) =>
      store.ingest([{ report: report({ epoch, sequence: ++sequence }), receivedAtMs: now }]);
    await listen(first, 3);
    await tell(first);
    await first.close();
    now += 3_600_000;
    await using second = open();
    await listen(second, 1);
    await tell(second);
    const { lastSeenListenedMs: from } = (await second.findDevice('d1'))!;
    await listen(second, 7);
    await tell(second);
    const known = { fromListenedMs: from, untilListenedMs: from + 7 * REPORT_MS };
    expect((await second.findDevice('d1'))!.silences).toEqual([known]);
    expect((await second.readFleet()).devices.get('d1')!.silences).toEqual([known]);
  });
});
