// What ingest promises, for any order, repetition and grouping of reports.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DeviceReport } from '../../src/contract/report.ts';
import { plainRows } from '../telemetry/plain-tallies.ts';
import { enrolled, interval, NOW, openPublished, report, spec } from './reports.ts';
import { STORES } from './stores.ts';

const at = (one: DeviceReport) => ({ report: one, receivedAtMs: NOW });

describe.each(STORES)('ingest, in $name', ({ makePlace }) => {
  it('gives the sums of the set of reports for any order, repetition and grouping of them', async () => {
    const script = fc.array(
      fc.record({
        device: fc.integer({ min: 0, max: 2 }),
        sequence: fc.integer({ min: 1, max: 60 }),
        group: fc.boolean(),
      }),
      { minLength: 1, maxLength: 120 },
    );
    await fc.assert(
      fc.asyncProperty(script, async (sends) => {
        using place = makePlace();
        await using store = place.open();
        const epochs = [await enrolled(store, 'd0'), await enrolled(store, 'd1'), await enrolled(store, 'd2')];
        await openPublished(store, spec(), NOW);
        const make = (device: number, sequence: number) =>
          report({
            device: `d${device}`,
            epoch: epochs[device]!,
            sequence,
            intervals: [interval({ inferences: 20 + sequence, errors: { runtime: sequence % 3 } })],
          });
        const pending: Promise<readonly string[]>[] = [];
        for (const { device, sequence, group } of sends) {
          const answer = store.ingest([at(make(device, sequence))]);
          if (!group) await answer;
          pending.push(answer);
        }
        const answers = (await Promise.all(pending)).flat();
        const distinct = [...new Map(sends.map((one) => [`${one.device}/${one.sequence}`, one])).values()];
        expect(answers.filter((answer) => answer === 'accepted')).toHaveLength(distinct.length);
        expect(answers.filter((answer) => answer === 'duplicate')).toHaveLength(sends.length - distinct.length);
        const window = await store.readWindow('invoice-ocr-eu', 5);
        const sum = (of: (one: { sequence: number }) => number) => distinct.reduce((total, one) => total + of(one), 0);
        expect(window?.tallies.candidate.summary.inferences).toBe(sum((one) => 20 + one.sequence));
        const rows = plainRows(window?.tallies.candidate);
        const total = (of: (first: { bad: number; badTrials: number }) => number) =>
          rows.reduce((n, row) => n + of(row.whole[0]!), 0);
        expect(total((first) => first.bad)).toBe(sum((one) => one.sequence % 3));
        expect(total((first) => first.badTrials)).toBe(sum((one) => (one.sequence % 3) * (20 + one.sequence)));
      }),
      { numRuns: 25 },
    );
  });
});
