// What the store promises about exposure: who ran what from when until when, one row a device and change, bounded and forgotten in time.
import { readFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import type { DeviceReport } from '../../src/contract/report.ts';
import { type ExposureRow, MOST_OF_DEVICE } from '../../src/store/exposure.ts';
import type { FleetStore } from '../../src/store/fleet-store.ts';
import { DEVICE_KEPT_LISTENED_MS } from '../../src/store/retention.ts';
import { CANDIDATE, eitherArm, enrolled, folder, interval, NOW, openStore, report, STABLE, spec } from './reports.ts';
import { STORES } from './stores.ts';

const MINUTE = 60_000;

function running(digest: `sha256:${string}` | null, version = '2.0.0'): DeviceReport['states'] {
  const [state] = report().states;
  return [{ ...state!, running: digest === null ? null : { digest, version, slot: 'A' } }];
}

const NEVER = { fromMs: 0, untilMs: Number.MAX_SAFE_INTEGER, most: 100 };

async function rowsOf(store: FleetStore, device = 'd1'): Promise<readonly ExposureRow[]> {
  return (await store.readExposure({ ...NEVER, device })).rows;
}

/** A device whose reports come a minute after one another. */
async function deviceOf(store: FleetStore, device = 'd1') {
  const epoch = await enrolled(store, device);
  let sequence = 0;
  return async (over: Partial<DeviceReport>, atMs: number, at = ++sequence): Promise<void> => {
    const told = report({ device, epoch, sequence: at, intervals: [], ...over });
    expect(await store.ingest([{ report: told, receivedAtMs: atMs }])).toEqual(['accepted']);
  };
}

describe.each(STORES)('exposure, in $name', ({ makePlace }) => {
  it('has one row a change, and none for reports that change nothing', async () => {
    using place = makePlace();
    await using store = place.open();
    await store.keepEntries(eitherArm(spec()));
    const send = await deviceOf(store);
    await send({ states: running(STABLE, '1.0.0') }, NOW + MINUTE);
    await send({ states: running(STABLE, '1.0.0') }, NOW + 2 * MINUTE);
    await send({ states: running(CANDIDATE) }, NOW + 3 * MINUTE);
    await send({ states: running(CANDIDATE) }, NOW + 4 * MINUTE);
    const common = { device: 'd1', model: 'invoice-ocr', how: 'declared' };
    expect(await rowsOf(store)).toEqual([
      {
        ...{ ...common, version: '2.0.0', digest: CANDIDATE },
        ...{ afterMs: NOW + 2 * MINUTE, fromMs: NOW + 3 * MINUTE, untilMs: null },
      },
      {
        ...{ ...common, version: '1.0.0', digest: STABLE },
        ...{ afterMs: NOW, fromMs: NOW + MINUTE, untilMs: NOW + 3 * MINUTE },
      },
    ]);
  });

  it('answers who had a digest in a span of time: whoever may have run it for any part of it', async () => {
    using place = makePlace();
    await using store = place.open();
    for (const [i, device] of ['d1', 'd2', 'd3'].entries()) {
      const send = await deviceOf(store, device);
      await send({ states: running(CANDIDATE) }, NOW + (10 * i + 1) * MINUTE);
      await send({ states: running(STABLE, '1.0.0') }, NOW + (10 * i + 6) * MINUTE);
    }
    const between = async (from: number, until: number): Promise<string[]> => {
      const span = { fromMs: NOW + from * MINUTE, untilMs: NOW + until * MINUTE, most: 100 };
      const byDigest = await store.readExposure({ ...span, digest: CANDIDATE });
      const byVersion = await store.readExposure({ ...span, model: 'invoice-ocr', version: '2.0.0' });
      expect(byVersion).toEqual(byDigest);
      return byDigest.rows.map(({ device }) => device);
    };
    expect(await between(0, 100)).toEqual(['d1', 'd2', 'd3']);
    expect(await between(7, 100)).toEqual(['d2', 'd3']);
    expect(await between(2, 3)).toEqual(['d1', 'd2', 'd3']);
    expect(await between(17, 18)).toEqual(['d3']);
    expect(await between(27, 100)).toEqual([]);
    expect((await store.readExposure({ ...NEVER, model: 'invoice-ocr', version: '9' })).rows).toEqual([]);
  });

  it('is read page by page, and rows that come meanwhile move no page', async () => {
    using place = makePlace();
    await using store = place.open();
    for (let i = 0; i < 5; i++) await (await deviceOf(store, `d${i}`))({ states: running(CANDIDATE) }, NOW + MINUTE);
    const question = { ...NEVER, digest: CANDIDATE, most: 2 };
    const first = await store.readExposure(question);
    await (await deviceOf(store, 'd9'))({ states: running(CANDIDATE) }, NOW + MINUTE);
    const seen = [...first.rows];
    for (let { next } = first; next !== null; ) {
      const page = await store.readExposure({ ...question, cursor: next });
      seen.push(...page.rows);
      next = page.next;
    }
    expect(seen.map(({ device }) => device)).toEqual(['d0', 'd1', 'd2', 'd3', 'd4', 'd9']);
  });

  it('shows a version that ran between two reports only, once', async () => {
    using place = makePlace();
    await using store = place.open();
    const send = await deviceOf(store);
    await send({ states: running(STABLE, '1.0.0') }, NOW + MINUTE);
    const tried = [interval({ digest: STABLE, version: '1.0.0' }), interval()];
    await send({ states: running(STABLE, '1.0.0'), intervals: tried }, NOW + 2 * MINUTE, 3);
    // The report before comes late.
    await send({ states: running(STABLE, '1.0.0'), intervals: tried }, NOW + 3 * MINUTE, 2);
    const rows = await rowsOf(store);
    expect(rows.map(({ version }) => version)).toEqual(['2.0.0', '1.0.0']);
    expect(rows[0]).toMatchObject({ fromMs: NOW + 2 * MINUTE, untilMs: NOW + 3 * MINUTE });
    expect(rows[1]).toMatchObject({ untilMs: null });
  });

  it('takes a version that no directive named as a claim', async () => {
    using place = makePlace();
    await using store = place.open();
    const send = await deviceOf(store);
    await send({ states: running(CANDIDATE) }, NOW + MINUTE);
    expect(await rowsOf(store)).toMatchObject([{ how: 'claimed' }]);
  });

  it('tells how devices leave a version, and a device that came back has not left', async () => {
    using place = makePlace();
    await using store = place.open();
    const one = await deviceOf(store, 'd1');
    const two = await deviceOf(store, 'd2');
    await one({ states: running(CANDIDATE) }, NOW + MINUTE);
    await two({ states: running(CANDIDATE) }, NOW + 2 * MINUTE);
    await one({ states: running(STABLE) }, NOW + 3 * MINUTE);
    await two({ states: running(STABLE) }, NOW + 4 * MINUTE);
    await two({ states: running(CANDIDATE) }, NOW + 5 * MINUTE);
    const at = [0, 1, 2, 3, 4, 5].map((minute) => NOW + minute * MINUTE);
    const points = await store.readPatching({ digest: CANDIDATE }, at);
    expect(points.map(({ exposed, left }) => [exposed, left])).toEqual([
      ...[
        [0, 0],
        [1, 0],
        [2, 0],
      ],
      ...[
        [2, 1],
        [2, 1],
        [2, 1],
      ],
    ]);
  });

  it('forgets what ended before a time, and never what still runs', async () => {
    using place = makePlace();
    await using store = place.open();
    const send = await deviceOf(store);
    await send({ states: running(STABLE) }, NOW + MINUTE);
    await send({ states: running(CANDIDATE) }, NOW + 2 * MINUTE);
    expect(await store.forgetExposure(NOW + 2 * MINUTE)).toBe(0);
    expect(await store.forgetExposure(NOW + 2 * MINUTE + 1)).toBe(1);
    expect(await store.forgetExposure(NOW + 1000 * MINUTE)).toBe(0);
    expect(await rowsOf(store)).toMatchObject([{ digest: CANDIDATE }]);
  });

  it('ends with a device that is forgotten, when it was heard last', async () => {
    using place = makePlace();
    await using store = place.open({ heartbeatMs: DEVICE_KEPT_LISTENED_MS });
    await (await deviceOf(store))({ states: running(CANDIDATE) }, NOW + MINUTE);
    for (let i = 0; i <= 2; i++) await store.recordListening(NOW + i * DEVICE_KEPT_LISTENED_MS);
    expect(await store.forgetOld(NOW)).toMatchObject({ devices: 1 });
    expect(await rowsOf(store)).toMatchObject([{ untilMs: NOW + MINUTE }]);
    expect(await store.readRecent('d1')).toEqual([]);
  });

  it('keeps the newest rows of a device that changes all the time', async () => {
    using place = makePlace();
    await using store = place.open();
    const epoch = await enrolled(store, 'd1');
    const reports = Array.from({ length: MOST_OF_DEVICE + 50 }, (_, i) => ({
      report: report({ epoch, sequence: i + 1, intervals: [], states: running(i % 2 ? CANDIDATE : STABLE) }),
      receivedAtMs: NOW + i * MINUTE,
    }));
    for (let from = 0; from < reports.length; from += 50) await store.ingest(reports.slice(from, from + 50));
    const { rows } = await store.readExposure({ ...NEVER, device: 'd1', most: 10_000 });
    expect(rows).toHaveLength(MOST_OF_DEVICE + 1);
    expect(rows[0]?.untilMs).toBeNull();
  });
});

describe('exposure, in a file', () => {
  it('is found by indexes, whatever is asked', async () => {
    using place = folder();
    await openStore(place.file).close();
    using db = new DatabaseSync(place.file);
    const plan = (sql: string): string =>
      db
        .prepare(`EXPLAIN QUERY PLAN ${sql}`)
        .all()
        .map((row) => String(row.detail))
        .join('\n');
    const page = plan(
      `SELECT * FROM exposed_version v NOT INDEXED CROSS JOIN exposure e ON e.version = v.number
       WHERE v.number >= 1 AND (v.number > 1 OR e.number > 5) AND v.model = 'd' AND after_at < 9
       ORDER BY v.number, e.number LIMIT 9`,
    );
    expect(page).toContain('USING INDEX exposure_of_version (version=?)');
    expect(page).not.toContain('TEMP B-TREE');
    expect(plan("SELECT * FROM exposure WHERE device = 'd' AND until_at IS NULL")).toContain('exposure_of_device');
    expect(plan('SELECT number FROM exposure WHERE until_at < 5 LIMIT 9')).toContain('exposure_ended');
    expect(plan("SELECT v.number FROM exposed_version v WHERE 1 AND v.digest = 'd'")).toContain('USING');
    expect(plan("SELECT v.number FROM exposed_version v WHERE 1 AND v.model = 'd' AND v.version = '1'")).toContain(
      'USING',
    );
  });

  it('forgets the versions that a device made up with their rows', async () => {
    using place = folder();
    await using store = openStore(place.file);
    const report = { device: 'p1', model: 'm', digest: null, inferences: 1, errors: 0, figures: {} };
    for (let from = 0; from < 2 * MOST_OF_DEVICE; from += 500)
      await store.ingestPlain(
        Array.from({ length: 500 }, (_, i) => ({
          report: { ...report, version: `made-up-${from + i}`, statedAtMs: null, key: null },
          receivedAtMs: NOW + from + i,
          token: 't',
        })),
      );
    const { rows } = await store.readExposure({ ...NEVER, model: 'm', most: 10_000 });
    expect(rows).toHaveLength(MOST_OF_DEVICE + 1);
    using db = new DatabaseSync(place.file);
    expect(db.prepare('SELECT count(*) AS versions FROM exposed_version').get()).toEqual({
      versions: MOST_OF_DEVICE + 1,
    });
  });

  it('of an older file begins with what its devices ran', async () => {
    using place = folder();
    const old = new DatabaseSync(place.file);
    old.exec(readFileSync(new URL('first-step.sql', import.meta.url), 'utf8'));
    old.close();
    await using store = openStore(place.file);
    const { lastSeenAtMs, models } = (await store.findDevice('d1'))!;
    const running = models.get('invoice-ocr')?.running;
    expect(await rowsOf(store)).toMatchObject([
      { digest: running?.digest, version: running?.version, fromMs: lastSeenAtMs, untilMs: null },
    ]);
  });
});
