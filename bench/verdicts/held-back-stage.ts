// Owns the simulated last stage: all devices but a few held back take the candidate, while their sites slow down for all of them.
import { assertInvariant } from '../../src/base/errors.ts';
import type { RandomStream } from '../../src/base/random.ts';
import { addToSketch, bucketEdge, emptySketch } from '../../src/contract/sketch.ts';
import { edgesToCount, freezeLimits } from '../../src/gates/freeze-limits.ts';
import { judgeStage } from '../../src/gates/judge-stage.ts';
import { normalCdf, normalQuantile } from '../../src/gates/statistics/special-functions.ts';
import type { FoldedInterval } from '../../src/telemetry/fold-report.ts';
import type { WindowSpec } from '../../src/telemetry/window.ts';
import { type ArmTallies, emptyArmTallies, emptyWindowTallies } from '../../src/telemetry/window-tallies.ts';
import type { Simulation } from './cell.ts';
import { oneOf, questionAt } from './confidence-stage.ts';
import { CONFIDENCE_SPEC, foldConfidences } from './confidence-traffic.ts';
import { around1, binomial } from './draw.ts';
import { type RunOutcome, Watch } from './outcome.ts';
import { MINUTES, PER_MINUTE } from './scenario.ts';

export const SLOW_RULE = 'latency_p95 < 1.5x baseline, floor 5ms';
export const ERROR_RULE = 'error_rate < 2x baseline, floor 0.1%';
const RULES = oneOf(SLOW_RULE, ERROR_RULE);
const MINUTE_MS = CONFIDENCE_SPEC.intervalMs;
const FLEET = 400;
/** On the candidate in the stage before. */
const EARLIER = FLEET / 4;
const ERROR_RATE = 0.0025;
const ERROR_SPREAD = 0.5;
const [MEDIAN_MS, SPREAD] = [20, 0.5];
const SLOW_SPREAD = 0.1;
const [SITE_FROM, SITE_UNTIL] = [5, 15];
/** So many reports of an hour's traffic tell what a device did before. */
const [PAST_REPORTS, PAST_TRIALS] = [6, 600];

/** Times as slow, and times as many errors. */
interface Times {
  readonly slow: number;
  readonly errors: number;
}

export interface HeldBackScenario {
  readonly title: string;
  /** What happens to all devices, or to a part of them, within minutes 5 to 15. */
  readonly site?: Times & { readonly part?: number };
  /** What the candidate does: from a minute on, or to new devices only. */
  readonly candidate?: Times & { readonly from?: number; readonly isNewOnly?: boolean };
  readonly held: readonly number[];
}

const BAD = { slow: 2, errors: 4 };
const [MOST, ALL] = [[10], [5, 10, 20]];

export const HELD_BACK_SCENARIOS: Readonly<Record<string, HeldBackScenario>> = {
  good: { title: 'good, site 1.6x / 3x', site: { slow: 1.6, errors: 3 }, held: ALL },
  half: { title: 'good, half of the sites 2.5x / 3x', site: { slow: 2.5, errors: 3, part: 0.5 }, held: MOST },
  near: {
    title: 'at 0.8 of the limits, site 1.6x / 3x',
    site: { slow: 1.6, errors: 3 },
    candidate: { slow: 1.2, errors: 1.6 },
    held: ALL,
  },
  bad: { title: 'bad, 2x / 4x', candidate: BAD, held: ALL },
  new: { title: 'bad on new devices only', candidate: { ...BAD, isNewOnly: true }, held: MOST },
  late: { title: 'bad from minute 20 on', candidate: { ...BAD, from: 20 }, held: MOST },
  better: {
    title: 'bad, while the site gets better (÷1.4 / ÷2)',
    candidate: BAD,
    site: { slow: 1 / 1.4, errors: 0.5 },
    held: MOST,
  },
};

function quietLatencies() {
  const sketch = emptySketch();
  for (let i = 0; i < 1000; i++) addToSketch(sketch, MEDIAN_MS * Math.exp(SPREAD * normalQuantile((i + 0.5) / 1000)));
  return sketch;
}

const parsed = RULES.map(({ rule }) => rule);
const LIMITS = freezeLimits(parsed, quietLatencies());
const { edges, baselineEdges } = edgesToCount(parsed, LIMITS);
const SPEC: WindowSpec = { ...CONFIDENCE_SPEC, histograms: [], edges, baselineEdges };

interface Device {
  readonly name: string;
  readonly isHeld: boolean;
  readonly isNew: boolean;
  readonly isAffected: boolean;
  readonly errorRate: number;
  readonly slow: number;
}

function fold(
  into: ArmTallies,
  { name, errorRate, slow }: Device,
  times: Times,
  {
    arm,
    trials,
    minute,
    random,
  }: { arm: 'candidate' | 'stable'; trials: number; minute: number; random: RandomStream },
): void {
  const [edge = 0] = arm === 'candidate' ? edges : baselineEdges;
  const errors = binomial(trials, Math.min(1, errorRate * times.errors), random);
  const above = 1 - normalCdf(Math.log(bucketEdge(edge) / (MEDIAN_MS * slow * times.slow)) / SPREAD);
  const folded: FoldedInterval = foldConfidences({ arm, name, receivedAtMs: (minute - 0.5) * MINUTE_MS }, [trials]);
  const counts = [
    { trials, bad: errors },
    { trials, bad: 0 },
    { trials: trials - errors, bad: binomial(trials - errors, above, random) },
  ];
  into.fold({ ...folded, counts, histograms: [] });
}

const SAME: Times = { slow: 1, errors: 1 };

/** What the site does to a device at a minute. */
function siteAt({ site }: HeldBackScenario, { isAffected }: Device, minute: number): Times {
  if (site === undefined || !isAffected) return SAME;
  const part = Math.min(1, Math.max(0, (minute - SITE_FROM) / (SITE_UNTIL - SITE_FROM)));
  return { slow: site.slow ** part, errors: site.errors ** part };
}

function runHeldBack(scenario: HeldBackScenario, held: number, random: RandomStream): RunOutcome {
  const { site, candidate: fault } = scenario;
  const devices = Array.from(
    { length: FLEET },
    (_, i): Device => ({
      ...{ name: `d${i}`, isHeld: i < held, isNew: i < FLEET - EARLIER },
      isAffected: random.next() < (site?.part ?? 1),
      errorRate: ERROR_RATE * around1(ERROR_SPREAD, random),
      slow: around1(SLOW_SPREAD, random),
    }),
  );
  const { candidate, stable } = emptyWindowTallies(SPEC);
  const past = emptyArmTallies(SPEC, 'stable');
  for (const device of devices)
    for (let n = 1; n <= PAST_REPORTS; n++)
      fold(past, device, SAME, { arm: 'stable', trials: PAST_TRIALS, minute: n, random });
  const watches = RULES.map(() => new Watch());
  for (let minute = 1; minute <= MINUTES && !watches.every(({ isOver }) => isOver); minute++) {
    for (const device of devices) {
      const about = siteAt(scenario, device, minute);
      const isBad =
        fault !== undefined &&
        !device.isHeld &&
        minute >= (fault.from ?? 0) &&
        (device.isNew || fault.isNewOnly !== true);
      const times = isBad ? { slow: about.slow * fault.slow, errors: about.errors * fault.errors } : about;
      const arm = device.isHeld ? 'stable' : 'candidate';
      fold(device.isHeld ? stable : candidate, device, times, { arm, trials: PER_MINUTE, minute, random });
    }
    const question = questionAt(minute, { rules: RULES, limits: LIMITS, candidate, baseline: stable });
    judgeStage({ ...question, isHeldBack: true, restBaseline: past }).rules.forEach(({ verdict }, i) => {
      watches[i]?.see(minute, verdict);
    });
  }
  const judges = Object.fromEntries(
    [SLOW_RULE, ERROR_RULE].map((rule, i) => [rule, watches[i]?.outcome ?? new Watch().outcome]),
  );
  return { isTrulyOver: fault !== undefined && fault.errors >= BAD.errors, judges, because: [] };
}

export const HELD_BACK_SIMULATION: Simulation = {
  ...{ setup: 'held-back', share: 0.2 },
  cells: Object.entries(HELD_BACK_SCENARIOS).flatMap(([scenario, { held }]) =>
    held.map((count) => ({ scenario, devices: count, factor: 1 })),
  ),
  begin: (name) => {
    const scenario = HELD_BACK_SCENARIOS[name];
    assertInvariant(scenario !== undefined, `there is a scenario ${name}`);
    return ({ devices }, random) => runHeldBack(scenario, devices, random);
  },
};
