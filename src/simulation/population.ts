// Owns the virtual fleet: who the devices are, how busy each is, how much they differ, and how they reach the service.
import { seededRandom } from '../base/random.ts';
import type { DeviceFacts } from '../contract/selector.ts';
import { choose, factor } from './sampling.ts';

/** What a fleet is made of; shares are weights. */
export interface PopulationShape {
  /** Inferences a minute of a device, on average over the fleet and the day. */
  readonly trafficPerMinute: number;
  /** Coefficient of variation of the traffic between devices. */
  readonly trafficSpread: number;
  /** Coefficient of variation of the error rates between devices. */
  readonly errorSpread: number;
  /** 0 for the same traffic all day; 1 for none at night and twice the mean at the busiest hour. */
  readonly daySwing: number;
  readonly hardware: Readonly<Record<string, number>>;
  readonly firmware: Readonly<Record<string, number>>;
  readonly os: Readonly<Record<string, number>>;
  readonly links: Readonly<Record<string, number>>;
  /** Labels beside hw, region, os, link and age, and what else is special about device number `index` of `count`. */
  readonly special?: (index: number, count: number) => SpecialDevice;
}

export interface SpecialDevice {
  readonly labels?: Readonly<Record<string, string>>;
  readonly properties?: Readonly<Record<string, string>>;
  readonly trafficFactor?: number;
}

/** Hours that local time is ahead of UTC. */
const REGIONS: Readonly<Record<string, number>> = { 'eu-west': 1, 'us-east': -5, 'ap-south': 5 };

/** Bytes a second of a link with nobody else on it. */
export const LINK_SPEEDS: Readonly<Record<string, number>> = { wired: 6_000_000, wifi: 2_500_000, cellular: 500_000 };

export interface Traits {
  readonly index: number;
  readonly facts: DeviceFacts;
  readonly trafficPerMinute: number;
  /** This device's errors, against the fleet's mean. */
  readonly errorFactor: number;
  readonly latencyFactor: number;
  readonly utcOffsetHours: number;
  readonly link: string;
  /** Position in the minute at which it reports, in milliseconds. */
  readonly reportPhaseMs: number;
}

const LATENCY_SPREAD = 0.2;
const AGES = { new: 1, middle: 2, old: 1 };

function makeDevice(index: number, count: number, shape: PopulationShape, seed: string | number): Traits {
  const random = seededRandom(seed, `device ${index}`);
  const region = choose({ 'eu-west': 5, 'us-east': 3, 'ap-south': 2 }, random);
  const link = choose(shape.links, random);
  const special = shape.special?.(index, count) ?? {};
  const labels = {
    region,
    link,
    hw: choose(shape.hardware, random),
    os: choose(shape.os, random),
    age: choose(AGES, random),
    ...special.labels,
  };
  const properties = {
    platform: 'linux/arm64',
    agent: '0.1.0',
    firmware: choose(shape.firmware, random),
    ...special.properties,
  };
  return {
    index,
    facts: { id: `dev-${String(index + 1).padStart(5, '0')}`, labels, properties },
    trafficPerMinute: shape.trafficPerMinute * factor(shape.trafficSpread, random) * (special.trafficFactor ?? 1),
    errorFactor: factor(shape.errorSpread, random),
    latencyFactor: factor(LATENCY_SPREAD, random),
    utcOffsetHours: REGIONS[region] ?? 0,
    link,
    reportPhaseMs: Math.floor(random.next() * 60_000),
  };
}

/** The fleet of a seed; each device depends on the seed and its own number only. */
export function makePopulation(shape: PopulationShape, count: number, seed: string | number): readonly Traits[] {
  return Array.from({ length: count }, (_, index) => makeDevice(index, count, shape, seed));
}

const HOUR_MS = 3_600_000;
const BUSIEST_HOUR = 14;

/** How busy a device is at an instant, around 1: the most at two in its afternoon. */
export function busyness(shape: PopulationShape, traits: Traits, atMs: number): number {
  if (shape.daySwing === 0) return 1;
  const hour = atMs / HOUR_MS + traits.utcOffsetHours - BUSIEST_HOUR;
  return 1 + shape.daySwing * Math.cos((hour / 24) * 2 * Math.PI);
}
