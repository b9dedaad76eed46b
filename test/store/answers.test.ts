// Laws of a device's answers in the store: those that count, by the listening time at which they came, over restarts, with the usual of before a revision.
import { expect, it } from 'vitest';
import type { FleetStore } from '../../src/store/fleet-store.ts';
import { eitherArm, enrolled, interval, NOW, report, STABLE, spec } from './reports.ts';
import { STORES } from './stores.ts';

const REPORT_MS = 10_000;
const ROLLOUT = 'invoice-ocr-eu';

it.each(STORES)(
  'answers are remembered by step over a restart, and what contradicts the directive is none, in $name',
  async ({ makePlace }) => {
    using place = makePlace();
    const open = () => place.open({ heartbeatMs: REPORT_MS, reportMs: REPORT_MS });
    let [now, sequence] = [NOW, 0];
    const listen = async (store: FleetStore, beats: number): Promise<void> => {
      for (let i = 0; i < beats; i++) {
        now += REPORT_MS;
        await store.recordListening(now);
      }
    };
    const first = open();
    const epoch = await enrolled(first, 'd1');
    await first.keepEntries(eitherArm(spec()));
    const tell = (store: FleetStore, revision: number, inferences: number, digest = STABLE) =>
      store.ingest([
        {
          report: report({
            ...{ epoch, sequence: ++sequence },
            intervals: [interval({ arm: 'stable', digest, revision, inferences, errors: {} })],
            states: report().states.map((state) => ({ ...state, revision })),
          }),
          receivedAtMs: now,
        },
      ]);
    await listen(first, 1);
    for (const answers of [10, 20, 30, 40]) {
      await tell(first, 5, answers);
      await listen(first, 1);
    }
    await first.close();
    now += 3_600_000;
    await using second = open();
    await listen(second, 1);
    const before = (await second.findDevice('d1'))!.answers.get(ROLLOUT)!;
    expect(before.counts.reduce((sum, one) => sum + one, 0)).toBe(100);
    await tell(second, 5, 1000, interval().digest);
    expect((await second.findDevice('d1'))!.answers.get(ROLLOUT)).toEqual(before);
    await listen(second, 1);
    await tell(second, 6, 7);
    const after = (await second.readFleet()).devices.get('d1')!;
    const { step, counts } = after.answers.get(ROLLOUT)!;
    expect(counts.at(-1)).toBe(7);
    const whole = counts.slice(1, -1);
    expect(after.heard.get(ROLLOUT)).toEqual([
      expect.not.objectContaining({ usual: expect.anything() }),
      expect.objectContaining({ revision: 6, usual: whole.reduce((sum, one) => sum + one, 0) / whole.length }),
    ]);
    expect(step).toBe(Math.floor(after.lastSeenListenedMs / (2 * REPORT_MS)));
  },
);
