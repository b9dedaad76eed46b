// Owns the benchmark of devices: pages of 100,000 devices by filter, and who ran a version when, over a real store.
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { SystemClock } from '../src/base/clock.ts';
import { digestOf } from '../src/contract/digest.ts';
import type { Directive, DirectiveEntry } from '../src/contract/directive.ts';
import { BUCKETS, saltOf } from '../src/contract/membership.ts';
import { type DevicesQuestion, FleetReader } from '../src/dashboard/read-model/fleet-reader.ts';
import type { FleetStore } from '../src/store/fleet-store.ts';
import { openSqliteFleetStore } from '../src/store/sqlite/open-sqlite-fleet-store.ts';
import type { Benchmark, BenchmarkResult, Line } from './benchmark.ts';
import { processorMs, repeatMs, type Spread, spreadOf, timeMs } from './measure.ts';
import { labelsOf } from './report-load.ts';

const NOW = Date.now();
const STABLE = digestOf('stable');
const ROLLOUTS_OF_A_DEVICE = 2;

const deviceId = (n: number): string => `kiosk-${String(n).padStart(7, '0')}`;

function entryOf(n: number): DirectiveEntry {
  const candidate = { version: '2.0.0', digest: digestOf(`candidate ${n}`), attempt: 1, parameters: {} };
  const target = n < ROLLOUTS_OF_A_DEVICE ? '*' : `site:site-${n}`;
  return {
    ...{ rollout: `rollout-${n}`, revision: 7, model: `model-${n}`, target, stage: 'canary', spreadMs: 0 },
    ...{ emergency: false, candidate, cohort: { cut: Math.floor(BUCKETS / 50), select: null, devices: [] } },
    salt: saltOf(`rollout-${n}`, candidate.digest, 1, '0'.repeat(32)),
    stable: { version: '1.0.0', digest: STABLE, parameters: {}, target },
  };
}

/** Rows as the store writes them: enrolling so many devices one by one would take minutes. */
function fill(file: string, devices: number, changes: number): void {
  using db = new DatabaseSync(file);
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; BEGIN');
  const insert = db.prepare(
    `INSERT INTO device (id, epoch, public_key, labels, bound, token_labels, stated, joined, relabelled, properties, last_seen_at,
       last_seen_listened, newest_sequence, seen_low, seen_high, models, outcomes, taken, heard, claim, changed)
     VALUES (?, 1, 'key', ?, '{}', '{}', ?, 1, 0, ?, ?, 0, 9, 0, 0, ?, '[]', '[]', '[]', NULL, 1)`,
  );
  for (let n = 0; n < devices; n++) {
    const labels = JSON.stringify({ ...labelsOf(n), site: `site-${n % 400}` });
    const properties = JSON.stringify({ platform: 'linux/arm64', agent: '0.1.0', freeDiskBytes: 4_000_000_000 + n });
    const models = Array.from({ length: ROLLOUTS_OF_A_DEVICE }, (_, i) => ({
      ...{ model: `model-${i}`, rollout: `rollout-${i}`, revision: 7, state: n % 97 === 0 ? 'fetching' : 'committed' },
      running: { digest: STABLE, version: '1.0.0', slot: n % 2 ? 'A' : 'B' },
      subject: null,
    }));
    insert.run(deviceId(n), labels, labels, properties, NOW, JSON.stringify(models));
  }
  db.exec(`
    INSERT INTO counter VALUES ('changes', 1);
    INSERT INTO exposed_version WITH RECURSIVE v (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM v WHERE n < ${changes})
      SELECT n, 'sha256:' || n, 'model-0', '1.' || n FROM v;
    INSERT INTO exposure (device, version, after_at, from_at, until_at, how)
      SELECT id, v.number, ${NOW} - (${changes} - v.number) * 86400000, ${NOW} - (${changes} - v.number) * 86400000 + device.number % 3600 * 1000,
        CASE WHEN v.number < ${changes} THEN ${NOW} - (${changes} - v.number - 1) * 86400000 + device.number % 3600 * 1000 END, 0
      FROM exposed_version v, device;
    COMMIT`);
}

function readerOf(store: FleetStore, directive: Directive): FleetReader {
  const clock = new SystemClock();
  return new FleetReader({
    store: Object.assign(Object.create(store) as FleetStore, {
      ...store,
      readPublication: async () => ({ sequence: 1, directive, metadataVersion: 1 }),
    }),
    words: () => undefined,
    asOf: () => ({ atMs: clock.now(), commit: null, sequence: 1, publication: 1 }),
    refusedWhy: () => undefined,
    reportMs: 60_000,
    rest: () => nextTurn(),
    sleep: (ms) => clock.sleep(ms),
    monotonicMs: () => clock.monotonicMs(),
  });
}

const FILTERS: readonly (readonly [string, DevicesQuestion])[] = [
  ['all', {}],
  ['a state', { state: 'changing' }],
  ['a selector of two labels', { selector: 'region:eu-west AND hw:rev1' }],
  ['a selector of a property', { selector: 'freeDiskBytes:>=4000050000' }],
  ['a selector of no device', { selector: 'id:nobody' }],
  ['a version', { model: 'model-0', version: '1.0.0' }],
  ['a rollout and arm', { rollout: 'rollout-1', arm: 'candidate' }],
];

/** The same question, told apart: what is kept of one before helps nobody. */
function unlike(n: number): object {
  return { unlike: n };
}

/** Each list is made for the first time: what is kept between pages helps nobody here. */
async function measureLists(reader: FleetReader): Promise<Line[]> {
  const lines: Line[] = [];
  for (const [what, question] of FILTERS) {
    let made = 0;
    const ours = await repeatMs(() => reader.devices({ ...question, ...unlike(made++) }), {
      runs: 9,
      clock: processorMs,
    });
    lines.push({ what: `a page of 100, ${what}`, unit: 'ms', ours });
  }
  const { next } = await reader.devices({});
  const turned = await repeatMs(() => reader.devices({ cursor: next ?? '' }), { runs: 9, clock: processorMs });
  return [...lines, { what: 'the next page', unit: 'ms', ours: turned }];
}

async function measureExposure(store: FleetStore, devices: number, changes: number): Promise<Line[]> {
  const span = { fromMs: NOW - 3 * 86_400_000, untilMs: NOW, most: 1_000 };
  const question = { ...span, model: 'model-0', version: `1.${changes - 2}` };
  const first = await repeatMs(() => store.readExposure(question));
  let rows = 0;
  const all = await timeMs(async () => {
    for (let cursor: string | null = '0.0'; cursor !== null; ) {
      const page = await store.readExposure({ ...question, cursor });
      rows += page.rows.length;
      cursor = page.next;
    }
  });
  if (rows !== devices) throw new Error(`${rows} rows of ${devices}`);
  const at = Array.from({ length: 60 }, (_, i) => NOW - (60 - i) * 3_600_000);
  const one = (value: number): Spread => spreadOf([value]);
  return [
    { what: 'who ran a version in the last three days: a page of 1,000', unit: 'ms', ours: first },
    { what: `all ${rows} rows of it, page by page`, unit: 'ms', ours: one(all) },
    {
      what: 'how they left it: 60 points',
      unit: 'ms',
      ours: await repeatMs(() => store.readPatching(question, at), { clock: processorMs }),
    },
    {
      what: 'all that one device ran',
      unit: 'ms',
      ours: await repeatMs(() => store.readExposure({ fromMs: 0, untilMs: NOW, most: 200, device: deviceId(5) })),
    },
  ];
}

export const devicesBenchmark: Benchmark = {
  name: 'devices',
  title: 'devices and exposure, 100,000 devices',
  run: async (say): Promise<BenchmarkResult> => {
    const [devices, rollouts, changes] = [100_000, 200, 20];
    const folder = mkdtempSync(path.join(os.tmpdir(), 'slipway-bench-'));
    try {
      const file = path.join(folder, 'fleet.db');
      await openSqliteFleetStore({ file, clock: new SystemClock() }).close();
      say(`${devices} devices with ${changes} changes each`);
      fill(file, devices, changes);
      await using store = openSqliteFleetStore({ file, clock: new SystemClock() });
      const directive: Directive = {
        kind: 'Directive',
        entries: Array.from({ length: rollouts }, (_, n) => entryOf(n)),
      };
      await store.readFleet();
      const reader = readerOf(store, directive);
      say('lists');
      globalThis.gc?.();
      const before = process.memoryUsage().heapUsed;
      const first = await processorMs(() => reader.devices({}));
      globalThis.gc?.();
      const grown = process.memoryUsage().heapUsed - before;
      const one = (value: number): Spread => spreadOf([value]);
      return {
        groups: [
          {
            title: `lists, ${rollouts} rollouts`,
            lines: [
              {
                what: 'the first list after the start: all devices held against the directive',
                unit: 'ms',
                ours: one(first),
              },
              { what: 'memory that the index takes', unit: 'bytes', ours: one(grown) },
              ...(await measureLists(reader)),
            ],
          },
          { title: `exposure, ${devices * changes} rows`, lines: await measureExposure(store, devices, changes) },
        ],
        notes: [
          'Processor time, for lists and points. Lists are made anew each time here; the service keeps the last eight for as long as nothing changes.',
        ],
      };
    } finally {
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    }
  },
};
