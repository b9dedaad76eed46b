// Owns the benchmark of folding: reports of a million devices into the tallies of fifty rollouts, on one core, and what the tallies weigh.
import { seededRandom } from '../src/base/random.ts';
import type { DeviceReport } from '../src/contract/report.ts';
import { foldReport } from '../src/telemetry/fold-report.ts';
import { ARMS, type Arm, type WindowSpec } from '../src/telemetry/window.ts';
import { applyFold, emptyWindowTallies, type WindowTallies } from '../src/telemetry/window-tallies.ts';
import type { Benchmark, Line } from './benchmark.ts';
import { heapBytes, processorMs, spreadOf } from './measure.ts';
import { drawReport, windowOf } from './telemetry-load.ts';

export interface FoldingOrder {
  readonly rollouts: number;
  readonly devices: number;
  readonly runs: number;
}

/** One device in so many is on the candidate. */
const CANDIDATE_SHARE = 10;
/** Reports that are drawn for each rollout and arm; devices send them in turn. */
const DRAWN = 16;
const MINUTE_MS = 60_000;
const TARGET_PER_SECOND = 20_000;

interface Rollout {
  readonly spec: WindowSpec;
  readonly tallies: WindowTallies;
  readonly drawn: Readonly<Record<Arm, readonly DeviceReport[]>>;
}

function makeRollout(name: string, devices: number): Rollout {
  const spec = windowOf(name, devices);
  const random = seededRandom(name, 'reports');
  const draw = (arm: Arm): DeviceReport[] =>
    Array.from({ length: DRAWN }, () => drawReport({ device: '', rollout: name, arm }, random));
  return { spec, tallies: emptyWindowTallies(spec), drawn: { candidate: draw('candidate'), stable: draw('stable') } };
}

/** Each device's report of one minute, as they come: of all rollouts in turn. */
function foldMinute(rollouts: readonly Rollout[], devices: number, minute: number): void {
  for (let n = 0; n < devices; n++) {
    const rollout = rollouts[n % rollouts.length];
    const nth = Math.floor(n / rollouts.length);
    const drawn = rollout?.drawn[nth % CANDIDATE_SHARE === 0 ? 'candidate' : 'stable'];
    const report = drawn?.[(nth + minute) % DRAWN];
    if (rollout === undefined || report === undefined) continue;
    const sent = { ...report, device: `kiosk-${n}` };
    for (const folded of foldReport(rollout.spec, sent, minute * MINUTE_MS)) applyFold(rollout.tallies, folded);
  }
}

/** The wall clock would tell of other programs; these are seconds of a processor. */
export async function measureFolding({ rollouts: count, devices, runs }: FoldingOrder): Promise<Line[]> {
  const rollouts = Array.from({ length: count }, (_, i) => makeRollout(`rollout-${i}`, devices / count));
  const empty = heapBytes();
  const rates: number[] = [];
  for (let minute = 0; minute < runs; minute++) {
    const ms = await processorMs(() => foldMinute(rollouts, devices, minute));
    rates.push((devices * 1000) / ms);
  }
  const bytes = heapBytes() - empty;
  const rows = rollouts.reduce(
    (sum, { tallies }) => sum + ARMS.reduce((n, arm) => n + tallies[arm].names.length, 0),
    0,
  );
  const once = (value: number) => spreadOf([value]);
  return [
    {
      what: 'reports folded, each second of a core',
      unit: '/s',
      ours: spreadOf(rates),
      peer: { what: 'target', spread: once(TARGET_PER_SECOND) },
    },
    { what: 'memory of the tallies, for each device', unit: 'bytes', ours: once(bytes / devices) },
    { what: '  for each row', unit: 'bytes', ours: once(bytes / rows) },
    { what: '  rows in all', unit: 'count', ours: once(rows) },
  ];
}

export const foldingBenchmark: Benchmark = {
  name: 'folding',
  title: 'reports folded into tallies in memory, without HTTP, signatures and disk',
  run: async (say) => {
    const order: FoldingOrder = { rollouts: 50, devices: 1_000_000, runs: 2 };
    say(`${order.devices} devices`);
    return {
      groups: [
        {
          title: '50 rollouts of 20,000 devices each, a tenth of them on the candidate',
          lines: await measureFolding(order),
        },
      ],
      notes: [
        'A report has 60 inferences in 6 classes, a sketch of latencies in some 50 buckets and a histogram of confidences; the rules need 9 or 10 measures and both histograms.',
        'An arm of more than 4,096 devices is counted in 4,096 hash groups, so memory for each device falls as fleets grow; a device with a row of its own takes one row.',
        'What it costs to verify a report and to have it on disk stands under `verification` and `reports`.',
      ],
    };
  },
};
