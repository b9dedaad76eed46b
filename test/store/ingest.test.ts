// What ingest promises: a report counts once, whatever the network does to it.
import { describe, expect, it } from 'vitest';
import { type DeviceReport, outcomeKey } from '../../src/contract/report.ts';
import { hasTaken } from '../../src/store/device-register.ts';
import { plainRow } from '../telemetry/plain-tallies.ts';
import { CANDIDATE, eitherArm, enrolled, interval, NOW, openPublished, report, STABLE, spec } from './reports.ts';
import { STORES } from './stores.ts';

const at = (one: DeviceReport, ms = 0) => ({ report: one, receivedAtMs: NOW + ms });

describe.each(STORES)('ingest, in $name', ({ makePlace }) => {
  it('counts a report once however often it comes', async () => {
    using place = makePlace();
    await using store = place.open();
    const epoch = await enrolled(store, 'd1');
    await openPublished(store, spec(), NOW);
    const one = at(report({ epoch }));
    expect(await store.ingest([one, one])).toEqual(['accepted', 'duplicate']);
    expect((await Promise.all([store.ingest([one]), store.ingest([one])])).flat()).toEqual(['duplicate', 'duplicate']);
    const window = await store.readWindow('invoice-ocr-eu', 5);
    expect(window?.tallies.candidate.summary.inferences).toBe(10);
    expect(plainRow(window?.tallies.candidate, 'd1')?.whole).toMatchObject([
      { bad: 1, trials: 10, reports: 1 },
      { bad: 2, trials: 10 },
      { bad: 5, trials: 9 },
    ]);
  });

  it('keeps classes and histograms over a restart, once each, and the newest window apart', async () => {
    using place = makePlace();
    const histograms = [{ kind: 'confidence' as const }, { kind: 'class' as const, names: ['invoice'] }];
    const minute = 60_000;
    await using first = place.open();
    const epoch = await enrolled(first, 'd1');
    await openPublished(first, spec({ classes: ['invoice', 'receipt'], histograms }), NOW);
    const classes = { invoice: 7, letter: 2 };
    for (const [sequence, ms] of [
      [1, 0],
      [2, 12 * minute],
    ] as const) {
      const one = at(report({ epoch, sequence, intervals: [interval({ classes })] }), ms);
      await first.ingest([one, one]);
    }
    await first[Symbol.asyncDispose]();
    await using second = place.open();
    const window = await second.readWindow('invoice-ocr-eu', 5);
    const row = plainRow(window?.tallies.candidate, 'd1');
    expect(window?.tallies.candidate.measures.slice(-2)).toEqual(['class:invoice', 'class:receipt']);
    expect(row?.whole.slice(-2)).toMatchObject([
      { bad: 14, trials: 18, reports: 2, badSquared: 98 },
      { bad: 0, trials: 18, trialsSquared: 162 },
    ]);
    expect(row).toMatchObject({
      window: 1,
      histograms: [{ trials: 18 }, { counts: [14, 4] }],
      currentHistograms: [{ trials: 9 }, { counts: [7, 2], countProducts: [49, 14, 4] }],
    });
  });

  it('answers too-late below the window of 64 and counts nothing then', async () => {
    using place = makePlace();
    await using store = place.open();
    const epoch = await enrolled(store, 'd1');
    await openPublished(store, spec(), NOW);
    const answers = await store.ingest([100, 36, 37, 37].map((sequence) => at(report({ epoch, sequence }))));
    expect(answers).toEqual(['accepted', 'too-late', 'accepted', 'duplicate']);
    expect((await store.readWindow('invoice-ocr-eu', 5))?.tallies.candidate.summary.inferences).toBe(20);
  });

  it('counts nothing of unknown devices and of epochs that have ended', async () => {
    using place = makePlace();
    await using store = place.open();
    const first = await enrolled(store, 'd1');
    const second = await enrolled(store, 'd1');
    expect(second).toBeGreaterThan(first);
    const old = at(report({ epoch: first }));
    expect(await store.ingest([old, at(report({ device: 'nobody' })), at(report({ epoch: second }))])).toEqual([
      'other-epoch',
      'unknown-device',
      'accepted',
    ]);
  });

  it('keeps reports of a closed window beside it, out of it and out of the next', async () => {
    using place = makePlace();
    await using store = place.open();
    const epoch = await enrolled(store, 'd1');
    await openPublished(store, spec(), NOW);
    await store.ingest([at(report({ epoch }))]);
    await openPublished(store, spec({ openedRevision: 8 }), NOW);
    await store.ingest([at(report({ epoch, sequence: 2 })), at(report({ epoch, sequence: 2 }))]);
    const closed = await store.readWindow('invoice-ocr-eu', 5);
    expect(closed?.tallies.candidate.summary.inferences).toBe(10);
    expect(closed?.late).toEqual({
      count: 1,
      last: [{ device: 'd1', epoch, sequence: 2, digest: CANDIDATE, inferences: 10, receivedAtMs: NOW }],
    });
    const next = await store.readWindow('invoice-ocr-eu', 8);
    expect(next?.tallies.candidate.names.length).toBe(0);
    await store.ingest([at(report({ epoch, sequence: 3, intervals: [interval({ revision: 8 })] }))]);
    expect((await store.readWindow('invoice-ocr-eu', 8))?.tallies.candidate.summary.inferences).toBe(10);
  });

  it('folds nothing into a window that was closed without a next one', async () => {
    using place = makePlace();
    await using store = place.open();
    const epoch = await enrolled(store, 'd1');
    await openPublished(store, spec(), NOW);
    await store.closeWindow('invoice-ocr-eu', NOW + 1);
    expect(await store.ingest([at(report({ epoch }))])).toEqual(['accepted']);
    const window = await store.readWindow('invoice-ocr-eu', 5);
    expect([window?.tallies.candidate.summary.inferences, window?.late.count]).toEqual([0, 1]);
  });

  it('does not open a window again for a revision that was passed', async () => {
    using place = makePlace();
    await using store = place.open();
    await openPublished(store, spec({ openedRevision: 8 }), NOW);
    await openPublished(store, spec({ openedRevision: 5 }), NOW);
    await openPublished(store, spec({ openedRevision: 8, edges: [1] }), NOW);
    expect(await store.readWindow('invoice-ocr-eu', 5)).toBeUndefined();
    const window = await store.readWindow('invoice-ocr-eu', 8);
    expect(window).toMatchObject({ closedAtMs: null, spec: { edges: [244] } });
  });

  it('draws the same picture of a device whatever the order of its reports', async () => {
    const outcome = (kind: 'committed' | 'failed', attempt: number) => ({
      model: 'invoice-ocr',
      rollout: 'invoice-ocr-eu',
      revision: 4 + attempt,
      digest: CANDIDATE,
      attempt,
      kind,
      reason: kind === 'failed' ? ('trial' as const) : null,
      message: '',
      at: '2026-11-20T10:00:00Z',
    });
    const reports = [
      { sequence: 1, properties: { firmware: '1' }, outcomes: [outcome('committed', 1)] },
      { sequence: 2, properties: { firmware: '2' }, outcomes: [outcome('committed', 2)] },
      { sequence: 3, properties: { firmware: '2' }, outcomes: [outcome('failed', 2)] },
      { sequence: 4, properties: { firmware: '3' }, outcomes: [outcome('failed', 1)] },
    ];
    for (const order of [
      [0, 1, 2, 3],
      [3, 2, 1, 0],
      [1, 2, 0, 3],
      [2, 0, 3, 1],
    ]) {
      using place = makePlace();
      await using store = place.open();
      const epoch = await enrolled(store, 'd1');
      await store.keepEntries(eitherArm(spec()));
      await store.keepEntries(eitherArm(spec({ openedRevision: 6, candidateAttempt: 2 })));
      for (const i of order) await store.ingest([at(report({ epoch, ...reports[i] }))]);
      const device = (await store.readFleet()).devices.get('d1');
      expect(device?.properties).toEqual({ firmware: '3' });
      expect(device?.outcomes.get(outcomeKey('invoice-ocr-eu', CANDIDATE))).toMatchObject({
        kind: 'failed',
        attempt: 2,
      });
      expect(hasTaken(device!, 'invoice-ocr-eu', CANDIDATE, 2)).toBe(true);
      expect(hasTaken(device!, 'invoice-ocr-eu', CANDIDATE, 3)).toBe(false);
      expect(hasTaken(device!, 'invoice-ocr-eu', STABLE, 0)).toBe(false);
    }
  });

  it('fails one poisoned request alone, not its neighbours in the group', async () => {
    using place = makePlace();
    await using store = place.open();
    const epoch = await enrolled(store, 'd1');
    await openPublished(store, spec(), NOW);
    const poison = at(report({ epoch, sequence: 2, intervals: [interval({ latencyMs: null as never })] }));
    const [good, bad, alsoGood] = await Promise.allSettled([
      store.ingest([at(report({ epoch }))]),
      store.ingest([poison]),
      store.ingest([at(report({ epoch, sequence: 3 }))]),
    ]);
    expect(good).toMatchObject({ status: 'fulfilled', value: ['accepted'] });
    expect(bad).toMatchObject({ status: 'rejected', reason: { code: 'STORE_FAILED' } });
    expect(alsoGood).toMatchObject({ status: 'fulfilled', value: ['accepted'] });
    expect((await store.readWindow('invoice-ocr-eu', 5))?.tallies.candidate.summary.inferences).toBe(20);
  });

  it('turns requests away when too many wait, and stores those that it took', async () => {
    using place = makePlace();
    await using store = place.open();
    const epoch = await enrolled(store, 'd1');
    const many = Array.from({ length: 17_000 }, (_, i) => at(report({ epoch, sequence: i + 1 })));
    await expect(store.ingest(many)).rejects.toMatchObject({ code: 'STORE_OVERLOADED', kind: 'retry-later' });
    expect(await store.ingest(many.slice(0, 3))).toEqual(['accepted', 'accepted', 'accepted']);
  });
});
