// Proves that a stable version is watched window by window: drift is found, calm raises nothing, and the store does not grow.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SystemClock } from '../../src/base/clock.ts';
import { type RandomStream, seededRandom } from '../../src/base/random.ts';
import { type Digest, digestOf } from '../../src/contract/digest.ts';
import type { ModelInterval } from '../../src/contract/report.ts';
import type { PolicyWatch, RolloutStatus } from '../../src/documents/types.generated.ts';
import { type SteadyQuestion, SteadyWatch } from '../../src/measurement/steady-watch.ts';
import { WindowMeasurement } from '../../src/measurement/window-measurement.ts';
import { applyWatchChanges, WindowKeeping } from '../../src/reconcile/prepare-windows.ts';
import type { WatchedRule } from '../../src/rollout/alerts.ts';
import type { FleetStore } from '../../src/store/fleet-store.ts';
import { openSqliteFleetStore } from '../../src/store/sqlite/open-sqlite-fleet-store.ts';
import { eitherArm, enrolled, interval, NOW, report, spec } from '../store/reports.ts';

const NAME = 'invoice-ocr-eu';
const MINUTE = 60_000;
const STABLE = digestOf('stable one');
const CLASSES = ['invoice', 'receipt', 'letter'];
const DEVICES = 5;
const A_MINUTE = 60;

interface Behaviour {
  /** Chance of an error. */
  readonly errors?: number;
  /** Share of answers that are sure of themselves. */
  readonly sure?: number;
  readonly receipts?: number;
  readonly latencyBucket?: number;
}

let place: string;
let store: FleetStore;
let watch: SteadyWatch;
let now: number;
let sequence: number;
let epochs: number[];
let random: RandomStream;

function open(): FleetStore {
  return openSqliteFleetStore({
    file: path.join(place, 'store.db'),
    clock: new SystemClock(),
    heartbeatMs: MINUTE,
    gatherMs: 0,
  });
}

beforeEach(async () => {
  place = mkdtempSync(path.join(tmpdir(), 'slipway-rest-'));
  store = open();
  watch = new SteadyWatch(store, MINUTE);
  now = NOW;
  sequence = 0;
  random = seededRandom('rest', 'traffic');
  epochs = [];
  for (let i = 0; i < DEVICES; i++) epochs.push(await enrolled(store, `d${i}`));
  await store.recordListening(now);
});

afterEach(async () => {
  await store.close();
  rmSync(place, { recursive: true, force: true });
});

function statusOf(stable: Digest, opened: number, isRolling = false): RolloutStatus {
  const candidate = { version: '2', digest: digestOf('next'), attempt: 1, parameters: {} };
  return {
    ...{ revision: opened, opened, state: isRolling ? 'rolling' : 'idle', stage: isRolling ? 'canary' : null },
    ...{ since: new Date(now).toISOString(), candidate: isRolling ? candidate : null },
    stable: { version: '1', digest: stable, parameters: {}, target: 'region:eu-west' },
    ...{ target: 'region:eu-west', policy: digestOf('p'), salt: null, cohort: { cut: 0, select: null, devices: [] } },
    ...{ limits: [], rejected: [], previous: [], attempts: [], paused: null },
    evidence: `evidence/${NAME}/${opened}-full-stable.json`,
  };
}

const WATCH: PolicyWatch = {
  rules: ['error_rate < 5%', 'confidence_drift < 0.25', 'vanished_classes == 0', 'latency_p50 < 1.5x baseline'],
  window: '1h',
};

function drawn(chance: number): number {
  let hits = 0;
  for (let i = 0; i < A_MINUTE; i++) if (random.next() < chance) hits++;
  return hits;
}

function measured(
  { errors = 0.02, sure = 0.9, receipts = 0.2, latencyBucket = 230 }: Behaviour,
  at: { revision: number; digest: Digest },
): ModelInterval {
  const failed = drawn(errors);
  const answers = A_MINUTE - failed;
  const high = Math.min(answers, drawn(sure));
  const confidence = new Array<number>(20).fill(0);
  confidence[19] = high;
  confidence[8] = answers - high;
  const receipt = Math.min(answers, drawn(receipts));
  const classes = Object.fromEntries(
    Object.entries({ invoice: answers - receipt, receipt }).filter(([, count]) => count > 0),
  );
  return interval({
    ...{ arm: 'stable', ...at, version: '1', inferences: A_MINUTE, errors: { runtime: failed }, unknown: 0 },
    latencyMs: { zero: 0, buckets: [[latencyBucket, answers]] },
    ...{ confidence, classes },
  });
}

interface Story {
  readonly watch?: PolicyWatch | null;
  readonly stable?: Digest;
  readonly opened?: number;
}

const question = ({ watch = WATCH, stable = STABLE, opened = 5 }: Story) => {
  return { name: NAME, model: 'invoice-ocr', status: statusOf(stable, opened), policy: null, classes: CLASSES, watch };
};

async function look(asked: SteadyQuestion): Promise<readonly WatchedRule[]> {
  const { rules, changes } = await watch.look(asked);
  await applyWatchChanges(store, changes);
  return rules;
}

/** Minutes of reports by every device; a look after each. Gives the verdicts that were ever seen, by rule. */
async function live(minutes: number, behaviour: Behaviour, story: Story = {}): Promise<Map<string, Set<string>>> {
  const { stable = STABLE, opened = 5 } = story;
  const seen = new Map<string, Set<string>>();
  for (let i = 0; i < minutes; i++) {
    now += MINUTE;
    sequence++;
    const told = epochs.map((epoch, d) => {
      const intervals = [measured(behaviour, { revision: opened, digest: stable })];
      return { report: report({ device: `d${d}`, epoch, sequence, intervals }), receivedAtMs: now };
    });
    await store.keepEntries(eitherArm(spec({ rollout: NAME, openedRevision: opened, stableDigest: stable })));
    expect(new Set(await store.ingest(told))).toEqual(new Set(['accepted']));
    await store.recordListening(now);
    const watched = await look({ ...question(story), now });
    for (const { rule, verdict } of watched) seen.set(rule, (seen.get(rule) ?? new Set()).add(verdict));
  }
  return seen;
}

async function begin(story: Story = {}): Promise<void> {
  await new WindowKeeping(store, new WindowMeasurement(store, MINUTE)).open(
    question(story),
    { devices: [], deviceCount: DEVICES },
    now,
  );
}

const failing = (seen: Map<string, Set<string>>): string[] =>
  [...seen].flatMap(([rule, verdicts]) => (verdicts.has('fail') ? [rule] : []));

function windowsKept(): number {
  const db = new DatabaseSync(path.join(place, 'store.db'), { readOnly: true });
  const row = db.prepare('SELECT count(*) AS windows FROM telemetry_window').get();
  db.close();
  return Number(row?.windows);
}

describe('a stable version', () => {
  test('and stays as it was raises nothing, and is kept in three windows however long it rests', async () => {
    await begin();
    expect(failing(await live(60 * 8, {}))).toEqual([]);
    expect(windowsKept()).toBe(3);
  }, 60_000);

  test('passes what it keeps to, once there is a baseline', async () => {
    await begin();
    const learning = await live(58, {});
    expect([...(learning.get('confidence_drift < 0.25') ?? [])]).toEqual(['undecided']);
    expect(learning.get('error_rate < 5%')).toContain('pass');
    const watching = await live(60, {});
    for (const rule of WATCH.rules) expect(watching.get(rule), rule).toContain('pass');
  }, 60_000);

  test.each([
    ['errs more often', { errors: 0.12 }, 'error_rate < 5%'],
    ['is less sure of itself', { sure: 0.35 }, 'confidence_drift < 0.25'],
    ['misses a class', { receipts: 0 }, 'vanished_classes == 0'],
    ['grows slower', { latencyBucket: 330 }, 'latency_p50 < 1.5x baseline'],
  ] as const)(
    'and %s breaks that rule within a window',
    async (_, behaviour, rule) => {
      await begin();
      expect(failing(await live(130, {}))).toEqual([]);
      expect(failing(await live(60, behaviour))).toContain(rule);
    },
    60_000,
  );

  test('breaks an absolute limit already while it is learnt', async () => {
    await begin();
    expect(failing(await live(40, { errors: 0.15 }))).toEqual(['error_rate < 5%']);
  });

  test('is held against the same baseline after a restart, and after a candidate came and went', async () => {
    await begin();
    await live(90, {});
    await store.close();
    store = open();
    watch = new SteadyWatch(store, MINUTE);
    const rolling = { ...question({}), status: statusOf(STABLE, 6, true), now };
    await new WindowKeeping(store, new WindowMeasurement(store, MINUTE)).open(
      rolling,
      { devices: [], deviceCount: DEVICES },
      now,
    );
    const meanwhile = await look(rolling);
    expect(meanwhile.map((one: WatchedRule) => one.verdict)).toEqual(WATCH.rules.map(() => 'undecided'));
    await begin({ opened: 7 });
    expect(failing(await live(50, { sure: 0.35 }, { opened: 7 }))).toEqual(['confidence_drift < 0.25']);
  }, 60_000);

  test('of another digest is learnt anew', async () => {
    await begin();
    await live(90, {});
    const stable = digestOf('another');
    await begin({ opened: 9, stable });
    const seen = await live(50, { sure: 0.35 }, { opened: 9, stable });
    expect(failing(seen)).toEqual([]);
    expect([...(seen.get('confidence_drift < 0.25') ?? [])]).toEqual(['undecided']);
  }, 60_000);

  test('tells what was seen, in numbers', async () => {
    await begin();
    await live(40, { errors: 0.2 });
    now += MINUTE;
    const [first] = await look({ ...question({}), now });
    expect(first).toMatchObject({
      rollout: NAME,
      version: '1',
      digest: STABLE,
      verdict: 'fail',
      seen: { devices: DEVICES, listenedMs: expect.any(Number) },
    });
    expect(first?.seen?.estimate).toBeCloseTo(0.2, 1);
  });
});

describe('a rest that nothing watches', () => {
  test('is bounded as well, by days', async () => {
    await begin({ watch: null });
    for (let day = 0; day < 4; day++) {
      for (let i = 0; i < 24 * 12; i++) {
        now += 5 * MINUTE;
        await store.recordListening(now);
      }
      await live(2, {}, { watch: null });
    }
    expect(windowsKept()).toBe(2);
  }, 60_000);

  test('keeps a baseline for the next start when its window has just begun', async () => {
    await begin();
    await live(61 + 60, {});
    const windows = new WindowMeasurement(store, MINUTE);
    const baseline = await windows.baseline({ name: NAME, status: statusOf(STABLE, 5) });
    expect(baseline?.inferences).toBeGreaterThan(DEVICES * A_MINUTE * 50);
  }, 60_000);
});
