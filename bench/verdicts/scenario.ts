// Owns the fleets that verdicts are tried on: how much devices differ, and how their errors cluster.
import type { RandomStream } from '../../src/base/random.ts';
import { around1, beta, binomial } from './draw.ts';

/** The limit of the error rule in all scenarios. */
export const LIMIT = 0.005;
export const PER_MINUTE = 60;
export const MINUTES = 60;

export interface Scenario {
  readonly name: string;
  readonly title: string;
  /** Standard deviation over mean of the devices' error rates. */
  readonly spread: number;
  /** The same of their traffic. */
  readonly trafficSpread: number;
  readonly clusters: 'none' | 'in-report' | 'bursts';
  /** Error rate of the first device, whatever the others do. */
  readonly oddRate?: number;
}

export const SCENARIOS: readonly Scenario[] = [
  { name: 'equal', title: 'equal devices', spread: 0, trafficSpread: 0, clusters: 'none' },
  { name: 'cv0.5', title: 'CV 0.5', spread: 0.5, trafficSpread: 0.5, clusters: 'none' },
  { name: 'cv1', title: 'CV 1', spread: 1, trafficSpread: 0.5, clusters: 'none' },
  {
    name: 'deff3',
    title: 'CV 0.5, deff 3 in reports',
    spread: 0.5,
    trafficSpread: 0.5,
    clusters: 'in-report',
  },
  {
    name: 'bursts',
    title: 'CV 0.5, 5-min bursts x20',
    spread: 0.5,
    trafficSpread: 0.5,
    clusters: 'bursts',
  },
  {
    name: 'odd-one',
    title: 'one device at 20% errors',
    spread: 0.5,
    trafficSpread: 0.5,
    clusters: 'none',
    oddRate: 0.2,
  },
];

/** Correlation of two inferences of one report that makes the design effect 3 at 60 a report: 1 + 59ρ. */
const IN_REPORT = 2 / (PER_MINUTE - 1);
const BURST_MINUTES = 5;
const BURST_FACTOR = 20;
/** Share of a device's time that is burst; outside bursts its rate is lower, so that the mean is as given. */
const BURST_SHARE = 0.05;
const BETWEEN_BURSTS = 1 / (1 + BURST_SHARE * (BURST_FACTOR - 1));

export interface FalseDevice {
  readonly name: string;
  /** Inferences a report. */
  readonly trials: number;
  /** Its own error rate in the long run. */
  readonly rate: number;
  /** Minute of its first block of bursts, so that devices' blocks don't start together. */
  readonly phase: number;
  isBursting: boolean;
}

/** Devices of a fleet whose mean rate is `mean`; the odd one comes on top of it. */
export function makeDevices(scenario: Scenario, count: number, mean: number, random: RandomStream): FalseDevice[] {
  return Array.from({ length: count }, (_, i) => {
    const isOdd = i === 0 && scenario.oddRate !== undefined;
    const trials = Math.max(1, Math.round(PER_MINUTE * (isOdd ? 1 : around1(scenario.trafficSpread, random))));
    const rate = Math.min(1, isOdd ? (scenario.oddRate ?? 0) : mean * around1(scenario.spread, random));
    const phase = Math.floor(random.next() * BURST_MINUTES);
    return { name: `d${i}`, trials, rate, phase, isBursting: random.next() < BURST_SHARE };
  });
}

/** The rate that these devices have in the long run, weighted by traffic: what a rule on this stage is about. */
export function stageRate(devices: readonly FalseDevice[]): number {
  let bad = 0;
  let trials = 0;
  for (const device of devices) {
    bad += device.rate * device.trials;
    trials += device.trials;
  }
  return bad / trials;
}

/** Is a mean truly above its limit, and not by the rounding of a sum? */
export function isAbove(mean: number, limit: number): boolean {
  return mean > limit * (1 + 1e-9);
}

function rateAt(scenario: Scenario, device: FalseDevice, minute: number, random: RandomStream): number {
  switch (scenario.clusters) {
    case 'none':
      return device.rate;
    case 'in-report': {
      const weight = 1 / IN_REPORT - 1;
      return beta(device.rate * weight, (1 - device.rate) * weight, random);
    }
    case 'bursts': {
      if ((minute + device.phase) % BURST_MINUTES === 0) device.isBursting = random.next() < BURST_SHARE;
      return Math.min(1, device.rate * BETWEEN_BURSTS * (device.isBursting ? BURST_FACTOR : 1));
    }
    default:
      return scenario.clusters satisfies never;
  }
}

/** Errors in the device's report of one minute. */
export function drawErrors(scenario: Scenario, device: FalseDevice, minute: number, random: RandomStream): number {
  return binomial(device.trials, rateAt(scenario, device, minute, random), random);
}
