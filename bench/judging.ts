// Owns the benchmark of verdicts: on a large stage, and what a cycle reads of the store before it judges.
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { SystemClock } from '../src/base/clock.ts';
import { seededRandom } from '../src/base/random.ts';
import { judgeStage } from '../src/gates/judge-stage.ts';
import { openSqliteFleetStore } from '../src/store/sqlite/open-sqlite-fleet-store.ts';
import { foldReport } from '../src/telemetry/fold-report.ts';
import type { WindowSpec } from '../src/telemetry/window.ts';
import { ArmTallies, applyFold, emptyWindowTallies, type WindowTallies } from '../src/telemetry/window-tallies.ts';
import type { Benchmark, Line } from './benchmark.ts';
import { repeatMs, spreadOf } from './measure.ts';
import { enrolDevices, labelsOf, openForAll } from './report-load.ts';
import { drawReport, questionOf, windowOf } from './telemetry-load.ts';

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
  readonly rows?: 'device' | 'group';
  /** Is it known what the candidate's devices did under stable? */
  readonly hasPast?: boolean;
}

interface MadeStage extends WindowTallies {
  readonly past: WindowTallies['stable'] | null;
}

function makeStage({ devices, minutes, sureness = 8, errors = 0, rows, hasPast = false }: StageOrder): MadeStage {
  const spec = windowOf(ROLLOUT, devices);
  const kept: WindowSpec = rows === undefined ? spec : { ...spec, rows: { candidate: rows, stable: rows } };
  const random = seededRandom(sureness, 'judging');
  const tallies = emptyWindowTallies(kept);
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
      const report = drawn[(7 * n + 13 * minute) % DRAWN];
      if (report === undefined) continue;
      for (const folded of foldReport(kept, { ...report, device }, minute * MINUTE_MS)) applyFold(tallies, folded);
    }
  }
  return { ...tallies, past: hasPast ? pastOf(tallies) : null };
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

async function verdictLine(what: string, order: StageOrder, runs: number): Promise<Line> {
  const { past, ...tallies } = makeStage(order);
  const question = { ...questionOf(tallies, order.devices, order.minutes), restBaseline: past };
  const { kind } = judgeStage(question);
  const ours = await repeatMs(() => judgeStage({ ...question }), { runs, warmUps: 20 });
  return { what: `${what}: ${kind}`, unit: 'ms', ours, peer: target };
}

export async function measureVerdicts(devices: number, runs: number): Promise<Line[]> {
  const rows = 'device';
  return [
    await verdictLine('healthy', { devices, minutes: 12 }, runs),
    await verdictLine('errors just at the limit', { devices, minutes: 12, errors: 3 }, runs),
    await verdictLine('less sure than stable', { devices, minutes: 12, sureness: 2 }, runs),
    await verdictLine('healthy, with their own past', { devices, minutes: 12, hasPast: true }, runs),
    await verdictLine('less sure, with their own past', { devices, minutes: 12, sureness: 2, hasPast: true }, runs),
    await verdictLine('healthy, a row for each device', { devices, minutes: 12, rows }, runs),
    await verdictLine('less sure, a row for each device', { devices, minutes: 12, rows, sureness: 2 }, runs),
  ];
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
        { title: 'a verdict by 8 rules over a stage of 10,000 devices beside 10,000 on stable', lines: verdicts },
        { title: 'reading a window of 4,096 rows from the store', lines: reading },
      ],
      notes: [
        'Stages of more than 4,096 devices are kept in 4,096 rows. A breach of a drift rule must hold whichever device is left out, and against their own past too: that verdict bounds what each device can change.',
        'Rules: error_rate, unknown_rate, latency_p95 against the baseline, latency_p99, failed_devices, vanished_classes over 6 classes, confidence_loss, confidence_drift as a dry run.',
      ],
    };
  },
};
