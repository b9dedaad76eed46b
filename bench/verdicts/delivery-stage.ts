// Owns the simulated delivery of a version to devices, judged each minute by device and by attempt.
import { assertInvariant } from '../../src/base/errors.ts';
import type { RandomStream } from '../../src/base/random.ts';
import { judgeStage } from '../../src/gates/judge-stage.ts';
import { emptyArmTallies } from '../../src/telemetry/window-tallies.ts';
import type { Simulation } from './cell.ts';
import { oneOf, questionAt } from './confidence-stage.ts';
import { CONFIDENCE_SPEC, foldConfidences } from './confidence-traffic.ts';
import { type RunOutcome, Watch } from './outcome.ts';
import { MINUTES } from './scenario.ts';

export const BY_DEVICE = 'undelivered_devices < 5% after 30m';
export const BY_ATTEMPT = 'download_tries > 99%';
const LIMIT = 0.05;
const WITHIN_MINUTES = 30;
/** What never heard by then is out of reach. */
const JOINING_MINUTES = 15;
const MINUTE_MS = CONFIDENCE_SPEC.intervalMs;
const SPEC = { ...CONFIDENCE_SPEC, histograms: [], events: ['download'] } as const;

export interface DeliveryScenario {
  readonly title: string;
  /** Downloads that are cut before one is whole. */
  readonly cuts: number;
  /** How long a device takes for its file. */
  readonly minutes: readonly [least: number, most: number];
  /** Shares of devices that never have the file, and that never hear. */
  readonly lost?: number;
  readonly away?: number;
}

export const DELIVERY_SCENARIOS: Readonly<Record<string, DeliveryScenario>> = {
  good: { title: 'good network', cuts: 0, minutes: [0.5, 2] },
  cut: { title: '7 cuts a file, all have it after 10–16 min', cuts: 7, minutes: [10, 16] },
  'cut, away': { title: 'the same, 5% out of reach besides', cuts: 7, minutes: [10, 16], away: 0.05 },
  '2% lost': { title: '2% of devices never get it', cuts: 0, minutes: [0.5, 2], lost: 0.02 },
  '10% lost': { title: '10% never get it', cuts: 0, minutes: [0.5, 2], lost: 0.1 },
};

interface Fetching {
  readonly name: string;
  /** Minutes; null: never. */
  readonly heardAt: number | null;
  readonly gotAt: number | null;
  /** When each failed download ended. */
  readonly cutsAt: readonly number[];
}

/** A device that never gets the file tries again every other minute. */
const RETRY_MINUTES = 2;

function makeFetching(scenario: DeliveryScenario, count: number, random: RandomStream): Fetching[] {
  const { cuts, minutes, lost = 0, away = 0 } = scenario;
  const [least, most] = minutes;
  return Array.from({ length: count }, (_, i) => {
    const name = `d${i}`;
    if (random.next() < away) return { name, heardAt: null, gotAt: null, cutsAt: [] };
    const heardAt = random.next();
    const isLost = random.next() < lost;
    const takes = isLost ? MINUTES : least + (most - least) * random.next();
    const tries = isLost ? MINUTES / RETRY_MINUTES : cuts;
    const cutsAt = Array.from({ length: tries }, (_, k) => heardAt + ((k + 1) * takes) / (tries + 1));
    return { name, heardAt, gotAt: isLost ? null : heardAt + takes, cutsAt };
  });
}

function runDelivery(scenario: DeliveryScenario, count: number, random: RandomStream): RunOutcome {
  const devices = makeFetching(scenario, count, random);
  const rules = oneOf(BY_DEVICE, BY_ATTEMPT);
  const watches = new Map([BY_DEVICE, BY_ATTEMPT].map((rule) => [rule, new Watch()]));
  const candidate = emptyArmTallies(SPEC, 'candidate');
  for (let minute = 1; minute <= MINUTES; minute++) {
    const hasBy = (at: number | null): boolean => at !== null && at <= minute;
    for (const { name, gotAt, cutsAt } of devices) {
      const isNow = (at: number): boolean => at > minute - 1 && at <= minute;
      const bad = cutsAt.filter(isNow).length;
      const trials = bad + (gotAt !== null && isNow(gotAt) ? 1 : 0);
      const folded = foldConfidences({ arm: 'candidate', name, receivedAtMs: minute * MINUTE_MS }, []);
      candidate.fold({ ...folded, counts: [...folded.counts, { trials, bad }], histograms: [] });
    }
    const got = devices.filter(({ gotAt }) => hasBy(gotAt)).length;
    const deliveries = () => ({
      names: devices.map(({ name }) => name),
      devices: devices.map(({ heardAt, gotAt }) => ({
        heardAtMs: heardAt !== null && hasBy(heardAt) ? heardAt * MINUTE_MS : null,
        gotAtMs: gotAt !== null && hasBy(gotAt) ? gotAt * MINUTE_MS : null,
        isOut: minute >= JOINING_MINUTES,
      })),
      nowMs: minute * MINUTE_MS,
    });
    const installs = { bad: 0, good: got, pending: count - got };
    const question = { ...questionAt(minute, { rules, candidate, baseline: null }), installs, deliveries };
    judgeStage(question).rules.forEach(({ rule, verdict }) => {
      watches.get(rule)?.see(minute, verdict);
    });
  }
  const heard = devices.filter(({ heardAt }) => heardAt !== null);
  const without = heard.filter(({ heardAt, gotAt }) => gotAt === null || gotAt - (heardAt ?? 0) > WITHIN_MINUTES);
  return {
    isTrulyOver: without.length >= LIMIT * heard.length,
    judges: Object.fromEntries([...watches].map(([rule, { outcome }]) => [rule, outcome])),
    because: [],
  };
}

export const DELIVERY_SIMULATION: Simulation = {
  ...{ setup: 'delivery', share: 0.4 },
  cells: Object.keys(DELIVERY_SCENARIOS).flatMap((scenario) =>
    [20, 200].map((devices) => ({ scenario, devices, factor: 1 })),
  ),
  begin: (name) => {
    const scenario = DELIVERY_SCENARIOS[name];
    assertInvariant(scenario !== undefined, `there is a scenario ${name}`);
    return ({ devices }, random) => runDelivery(scenario, devices, random);
  },
};
