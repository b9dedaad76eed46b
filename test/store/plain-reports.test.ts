// What the store promises about devices without an agent: each report counts once, none counts as a device that signs, and all is bounded.
import { describe, expect, it } from 'vitest';
import { parsePlainReport } from '../../src/contract/plain-report.ts';
import { MOST_PLAIN_MODELS, type ReceivedPlainReport } from '../../src/store/plain-reports.ts';
import { enrolled, NOW } from './reports.ts';
import { STORES } from './stores.ts';

function plain(over: Record<string, unknown> = {}, receivedAtMs = NOW): ReceivedPlainReport {
  const report = parsePlainReport({ device_id: 'cam-1', model: 'invoice-ocr', version: '1.0.0', ...over });
  return { report, receivedAtMs, token: 't1' };
}

const ALL = { fromMs: 0, untilMs: Number.MAX_SAFE_INTEGER, most: 100 };

describe.each(STORES)('plain reports, in $name', ({ makePlace }) => {
  it('count once by their key or timestamp, in every process', async () => {
    using place = makePlace();
    await using store = place.open();
    await using other = place.open();
    const timed = plain({ timestamp: '2026-11-20T09:59:00Z', cpu: 0.5 });
    const keyed = plain({ idempotency_key: 'k1' });
    expect(await store.ingestPlain([timed, keyed, timed])).toEqual(['accepted', 'accepted', 'duplicate']);
    expect(await other.ingestPlain([timed, keyed, plain()])).toEqual(['duplicate', 'duplicate', 'accepted']);
    const recent = await other.readRecent('cam-1');
    expect(recent.reduce((sum, { inferences }) => sum + inferences, 0)).toBe(3);
    const { devices } = await store.readPlainFleet();
    expect(devices.get('cam-1')).toMatchObject({ id: 'cam-1', token: 't1', lastSeenAtMs: NOW });
  });

  it('show what the device says that it runs, and an older report changes none of that', async () => {
    using place = makePlace();
    await using store = place.open();
    await store.ingestPlain([
      plain({ version: '2.0.0', timestamp: NOW - 1000 }),
      plain({ version: '1.0.0', timestamp: NOW - 60_000 }),
    ]);
    const { devices } = await store.readPlainFleet();
    expect(devices.get('cam-1')?.models.get('invoice-ocr')).toMatchObject({ version: '2.0.0', digest: null });
    const { rows } = await store.readExposure({ ...ALL, device: 'cam-1' });
    expect(rows.map(({ version, untilMs, how }) => [version, untilMs, how])).toEqual([
      ['1.0.0', NOW, 'plain'],
      ['2.0.0', null, 'plain'],
    ]);
  });

  it('never speak for a device that signs, and end when it enrols', async () => {
    using place = makePlace();
    await using store = place.open();
    await store.ingestPlain([plain()]);
    await enrolled(store, 'cam-1');
    expect(await store.ingestPlain([plain()])).toEqual(['enrolled']);
    expect((await store.readPlainFleet()).devices.size).toBe(0);
    const { rows } = await store.readExposure({ ...ALL, device: 'cam-1' });
    expect(rows[0]?.untilMs).not.toBeNull();
    expect((await store.readFleet()).devices.size).toBe(1);
  });

  it('name a bounded number of models', async () => {
    using place = makePlace();
    await using store = place.open();
    const many = Array.from({ length: MOST_PLAIN_MODELS + 1 }, (_, i) => plain({ model: `m${i}` }));
    expect((await store.ingestPlain(many)).at(-1)).toBe('too-many-models');
  });
});

describe('a plain report', () => {
  it('holds known fields within their bounds, or is refused with the field', () => {
    const refused = (over: Record<string, unknown>) => () => plain(over);
    expect(refused({ cpu: 45 })).toThrow(/cpu is not a number from 0 to 1/);
    expect(refused({ temprature: 3 })).toThrow(/"temprature" is no field/);
    expect(refused({ device_id: '../x' })).toThrow(/device_id/);
    expect(refused({ version: undefined })).toThrow(/version/);
    expect(refused({ inferences: 1, errors: 2 })).toThrow(/exceed/);
    expect(refused({ timestamp: 'yesterday' })).toThrow(/timestamp/);
    expect(refused({ digest: 'sha256:1' })).toThrow(/digest/);
    expect(() => parsePlainReport([])).toThrow();
    expect(plain({ error: 'camera busy', timestamp: 1_790_000_000 }).report).toMatchObject({
      ...{ errors: 1, inferences: 1, statedAtMs: 1_790_000_000_000 },
    });
  });
});
