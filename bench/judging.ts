// Owns the benchmark of verdicts: on a large stage, and what a cycle reads of the store before it judges.
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { SystemClock } from '../src/base/clock.ts';
import { seededRandom } from '../src/base/random.ts';
import { digestOf } from '../src/contract/digest.ts';
import type { DirectiveEntry } from '../src/contract/directive.ts';
import type { DeviceReport } from '../src/contract/report.ts';
import type { HeardDevice, StageHeard } from '../src/gates/heard-arm.ts';
import { judgeStage } from '../src/gates/judge-stage.ts';
import type { StageDeliveries } from '../src/gates/stage-question.ts';
import type { KnownDevice, Matching } from '../src/rollout/count-cohort.ts';
import { DeliveryCounter } from '../src/rollout/count-deliveries.ts';
import { openSqliteFleetStore } from '../src/store/sqlite/open-sqlite-fleet-store.ts';
import { foldReport } from '../src/telemetry/fold-report.ts';
import { ArmTallies, applyFold, emptyWindowTallies, type WindowTallies } from '../src/telemetry/window-tallies.ts';
import type { Benchmark, Line } from './benchmark.ts';
import { processorMs, repeatMs, spreadOf } from './measure.ts';
import { enrolDevices, labelsOf, openForAll } from './report-load.ts';
import { drawReport, questionOf, RULES, windowOf } from './telemetry-load.ts';

const ROLLOUT = 'invoice-ocr-eu';
const MINUTE_MS = 60_000;
const TARGET_MS = 5;
const target = { what: 'target', spread: spreadOf([TARGET_MS]) };
/** Reports that are drawn for each arm; devices send them in turn. */
const DRAWN = 512;

interface StageOrder {
  readonly devices: number;
  readonly minutes: number;
  readonly sureness?: number;
  /** In how many of ten minutes a device has an error. */
  readonly errors?: number;
  /** Is it known what the candidate's devices did under stable? */
  readonly hasPast?: boolean;
  /** One device claims so many times as much as it did; 1 unless given. */
  readonly claims?: number;
  /** Share of devices that have no file; none unless given. */
  readonly without?: number;
  /** Is there a stable version? There is unless given. */
  readonly hasStable?: boolean;
}

interface MadeStage extends WindowTallies {
  readonly past: WindowTallies['stable'] | null;
}

function makeStage({ devices, minutes, sureness = 8, errors = 0, claims = 1, hasPast = false }: StageOrder): MadeStage {
  const spec = windowOf(ROLLOUT, devices);
  const random = seededRandom(sureness, 'judging');
  const tallies = emptyWindowTallies(spec);
  for (const arm of ['candidate', 'stable'] as const) {
    const drawn = Array.from({ length: DRAWN }, (_, i) =>
      drawReport(
        {
          device: '',
          rollout: ROLLOUT,
          arm,
          errors: i % 10 < errors ? 1 : 0,
          ...(arm === 'candidate' ? { sureness } : {}),
        },
        random,
      ),
    );
    for (let n = 0; n < devices * minutes; n++) {
      const [minute, device] = [Math.floor(n / devices), `${arm}-${n % devices}`];
      const one = drawn[(7 * n + 13 * minute) % DRAWN];
      if (one === undefined) continue;
      const report = claims > 1 && arm === 'candidate' && n % devices === 0 ? timesOver(one, claims) : one;
      for (const folded of foldReport(spec, { ...report, device }, minute * MINUTE_MS)) applyFold(tallies, folded);
    }
  }
  return { ...tallies, past: hasPast ? pastOf(tallies) : null };
}

/** A report that claims so many times as many answers. */
function timesOver(report: DeviceReport, times: number): DeviceReport {
  const intervals = report.intervals.map((one) => ({
    ...one,
    inferences: times * one.inferences,
    unknown: times * one.unknown,
    confidence: one.confidence.map((count) => times * count),
  }));
  return { ...report, intervals };
}

/** Of each row of the candidate, what some row of stable did. */
function pastOf({ candidate, stable }: WindowTallies): WindowTallies['stable'] {
  const { measures, histograms } = stable;
  const past = new ArmTallies({ measures, histograms });
  candidate.names.forEach((name, row) => {
    const sums = stable.read(stable.names[row] ?? '');
    if (sums !== undefined) past.put(name, sums);
  });
  return past;
}

/** Devices that heard of the stage in its first minute; those with the file had it a minute later. */
function deliveriesOf({ devices, minutes, without = 0 }: StageOrder): () => StageDeliveries {
  const [digest, attempt, stable] = [digestOf('candidate'), 1, null];
  const candidate = { digest, attempt, version: '2.0.0', parameters: {} };
  const matching = Array.from({ length: devices }, (_, i): Matching => {
    const has = i >= without * devices;
    const device: KnownDevice = {
      ...{ id: `candidate-${i}`, labels: {}, properties: {}, lastSeenListenedMs: minutes * MINUTE_MS },
      ...{ models: new Map(), outcomes: new Map() },
      heard: new Map([[ROLLOUT, [{ revision: 5, heardListenedMs: 0 }]]]),
      tookCandidate: new Map(has ? [[ROLLOUT, [{ digest, attempt, takenListenedMs: MINUTE_MS }]]] : []),
    };
    return { kind: 'wanted', device, candidate, standing: { place: has ? 'ready' : 'trying' } };
  });
  const entry: DirectiveEntry = {
    ...{ rollout: ROLLOUT, revision: 5, model: ROLLOUT, target: '', stage: 'full', salt: '', spreadMs: 0 },
    ...{ cohort: { cut: 0, select: null, devices: [] }, candidate, stable, emergency: false },
  };
  const facts = { entry, devices: [], listenedMs: minutes * MINUTE_MS, silenceMs: 10 * MINUTE_MS };
  const counter = new DeliveryCounter();
  return () => counter.count(facts, matching);
}

/** All of them heard of. */
function heardOf({ devices, minutes }: StageOrder): StageHeard {
  const arm = (name: string): HeardDevice[] =>
    Array.from({ length: devices }, (_, i) => ({
      ...{ name: `${name}-${i}`, fromMs: 0, fellMs: null },
      ...{ isSilent: false, isYoung: false, isAfter: true, isInBoth: false },
    }));
  const times = { openMs: minutes * MINUTE_MS, intervalMs: MINUTE_MS };
  return { candidate: arm('candidate'), stable: arm('stable'), isByHash: true, openedMs: 0, ...times };
}

async function verdictLine(what: string, order: StageOrder, runs: number): Promise<Line> {
  const { past, ...tallies } = makeStage(order);
  const { devices, minutes, hasStable = true } = order;
  const heard = heardOf(order);
  const question = {
    ...questionOf(tallies, devices, minutes),
    heard: () => heard,
    ...{ restBaseline: past, deliveries: deliveriesOf(order), hasStable },
    ...(hasStable ? {} : { baseline: null, history: null }),
  };
  const { kind } = judgeStage(question);
  const ours = await repeatMs(() => judgeStage({ ...question }), { runs, warmUps: 20, clock: processorMs });
  return { what: `${what}: ${kind}`, unit: 'ms', ours, peer: target };
}

/** Whatever the outcome: each rule that walks all devices, alone and together. */
export async function measureVerdicts(devices: number, runs: number): Promise<Line[]> {
  const [minutes, late] = [12, 31];
  const orders: readonly (readonly [string, StageOrder])[] = [
    ['healthy', { devices, minutes }],
    ['healthy, with their own past', { devices, minutes, hasPast: true }],
    ['errors just at the limit', { devices, minutes, errors: 3 }],
    ['errors over the limit', { devices, minutes, errors: 10 }],
    ['less sure than stable', { devices, minutes, sureness: 2 }],
    ['less sure, with their own past', { devices, minutes, sureness: 2, hasPast: true }],
    ['a tenth without the file, in time', { devices, minutes, without: 0.1 }],
    ['a tenth without the file, too late', { devices, minutes: late, without: 0.1 }],
    [
      'one device claims a thousand times as much, with their own past',
      { devices, minutes, claims: 1000, hasPast: true },
    ],
    ['first rollout: rules beside stable do not apply', { devices, minutes, hasStable: false }],
  ];
  const lines: Line[] = [];
  for (const [what, order] of orders) lines.push(await verdictLine(what, order, runs));
  return lines;
}

/** What is read of the store in a cycle: all at first, then what changed. */
export async function measureReading(devices: number, runs: number): Promise<Line[]> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'slipway-bench-'));
  const file = path.join(folder, 'fleet.db');
  try {
    await using store = openSqliteFleetStore({ file, clock: new SystemClock(), gatherMs: 0 });
    const enrolled = await enrolDevices(store, devices);
    await openForAll(store, windowOf(ROLLOUT, devices), 0);
    const random = seededRandom('reading', 'reports');
    let sequence = 0;
    const hear = async (count: number): Promise<void> => {
      sequence++;
      const reports = enrolled.slice(0, count).map(({ id, epoch }, n) => ({
        report: {
          ...drawReport({ device: id, rollout: ROLLOUT, arm: 'candidate' }, random),
          ...{ labels: labelsOf(n), epoch, sequence },
        },
        receivedAtMs: sequence * MINUTE_MS,
      }));
      for (let from = 0; from < count; from += 512) await store.ingest(reports.slice(from, from + 512));
    };
    const read = async (): Promise<number> => {
      const start = performance.now();
      await store.readWindow(ROLLOUT, 5);
      return performance.now() - start;
    };
    await hear(devices);
    const first = await read();
    const [all, few, none]: [number[], number[], number[]] = [[], [], []];
    for (let run = 0; run < runs; run++) {
      await hear(devices);
      all.push(await read());
      await hear(Math.ceil(devices / 100));
      few.push(await read());
      none.push(await read());
    }
    return [
      { what: 'for the first time', unit: 'ms', ours: spreadOf([first]) },
      { what: 'after all devices reported', unit: 'ms', ours: spreadOf(all) },
      { what: 'after 1% of them did', unit: 'ms', ours: spreadOf(few) },
      { what: 'when nothing changed', unit: 'ms', ours: spreadOf(none) },
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export const judgingBenchmark: Benchmark = {
  name: 'judging',
  title: 'a verdict, and what is read for it',
  run: async (say) => {
    say('a stage of 10000 devices');
    const verdicts = await measureVerdicts(10_000, 50);
    say('reading a window');
    const reading = await measureReading(4_096, 5);
    return {
      groups: [
        {
          title: 'a verdict by the rules of the careful policy over a stage of 10,000 devices beside 10,000 on stable',
          lines: verdicts,
        },
        { title: 'reading a window of 4,096 rows from the store', lines: reading },
      ],
      notes: [
        'Stages of more than 4,096 devices are kept in 4,096 rows. A breach of a drift rule must hold whichever device is left out, and against their own past too: that verdict bounds what each device can change.',
        `Rules: ${RULES.map(({ rule, dryRun }) => (dryRun ? `${rule.source} (dry run)` : rule.source)).join('; ')}.`,
      ],
    };
  },
};
