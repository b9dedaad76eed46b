// Owns the table of scenarios that a policy can be rehearsed against.
import { CodedError } from '../base/errors.ts';
import type { OutputTensor } from '../contract/types.generated.ts';
import { type Answers, LEAST_CONFIDENCE, STABLE_BEHAVIOUR } from './behaviour.ts';
import type { PopulationShape } from './population.ts';
import { type Circumstances, type NetworkFaults, type Scenario, USUAL_HEALTH } from './scenario.ts';

const FLEET: PopulationShape = {
  trafficPerMinute: 60,
  trafficSpread: 0.5,
  errorSpread: 0.5,
  daySwing: 0.3,
  hardware: { rev1: 3, rev2: 6, rev3: 1 },
  firmware: { '2.3.0': 3, '2.4.1': 6, '3.0.0': 1 },
  os: { '12': 1, '13': 4, '14': 5 },
  links: { wired: 3, wifi: 4, cellular: 3 },
};

const NETWORK: NetworkFaults = {
  repeats: 0,
  mostDelayMs: 0,
  cutAfterMs: null,
  cellBytesPerSecond: 20_000_000,
};

const GOOD: Omit<Scenario, 'name' | 'summary'> = {
  isBad: false,
  population: FLEET,
  candidate: () => ({}),
  both: () => ({}),
  network: NETWORK,
};
const BAD = { ...GOOD, isBad: true };
const OF_CLASSES: Pick<Scenario, 'needs'> = { needs: ['classes'] };

const MIB = 2 ** 20;
/** Memory that a device can spare before the model fails for want of it. */
const SPARE_BYTES = 200 * MIB;

/** From 0 to 1 over the minutes from `from` to `to`. */
function ramp(minutes: number, from: number, to: number): number {
  return Math.min(1, Math.max(0, (minutes - from) / (to - from)));
}

/** The kiosk that a canary by age and place takes in: one in two hundred. */
function kiosk(index: number) {
  const isQuietWarehouse = index % 200 === 7;
  if (isQuietWarehouse) return { labels: { site: 'warehouse', traffic: 'low', age: 'old' }, trafficFactor: 0.5 };
  const site = index % 3 === 0 ? 'warehouse' : index % 3 === 1 ? 'store' : 'mall';
  return { labels: { site, traffic: 'high' } };
}

/** One phone in twenty is in the beta channel; these all have the newest system. */
function phone(index: number) {
  return index % 20 === 3 ? { labels: { channel: 'beta', os: '14' } } : { labels: { channel: 'public' } };
}

const SITES = ['north', 'east', 'south', 'west'];

/** What begins when nearly all devices have the candidate: once their own trials are over, which take five minutes unless the manifest says otherwise. */
const TRIED_MINUTES = 6;

/** From 0 to 1 over so many minutes, once nearly all devices have the candidate. */
function onceNearlyAll({ sinceNearlyAll }: Circumstances, minutes: number): number {
  return ramp(sinceNearlyAll, TRIED_MINUTES, TRIED_MINUTES + minutes);
}

const errors =
  (times: number): Scenario['candidate'] =>
  ({ errorLimit }) => ({ errorRate: times * errorLimit });

/** A model without classes. */
function answering(output: OutputTensor): Answers {
  return { classes: [], rarest: '', leastConfidence: LEAST_CONFIDENCE, outputs: [output] };
}

/** All of them, in the order of the documentation. */
export const SCENARIOS: readonly Scenario[] = [
  { ...GOOD, name: 'good', summary: 'The candidate is as good as stable.' },
  {
    ...GOOD,
    name: 'error-0.6x',
    summary: 'The candidate errs at 0.6 times the limit: within it.',
    candidate: errors(0.6),
  },
  { ...BAD, name: 'error-1.2x', summary: 'The candidate errs at 1.2 times the limit.', candidate: errors(1.2) },
  { ...BAD, name: 'error-2x', summary: 'The candidate errs at twice the limit.', candidate: errors(2) },
  { ...BAD, name: 'error-10x', summary: 'The candidate errs at ten times the limit.', candidate: errors(10) },
  {
    ...BAD,
    name: 'cpu-spike',
    summary: 'The candidate needs twice the CPU; after a quarter of an hour devices are hot and slow down.',
    candidate: ({ minutes }) => ({ cpuFactor: 2, latencyFactor: 1.25 + 0.75 * ramp(minutes, 5, 15) }),
  },
  {
    ...{ ...BAD, ...OF_CLASSES },
    name: 'missing-class',
    summary: 'The candidate never answers the rarest class, 1% of the inputs; nothing crashes.',
    candidate: ({ rarest }) => ({ missedClass: rarest, confidence: STABLE_BEHAVIOUR.confidence + 0.01 }),
  },
  {
    ...GOOD,
    name: 'network-timeout',
    summary:
      'The candidate has 80 MB; half of the fleet is on slow cellular links that devices share, where a proxy cuts each download after a minute.',
    modelBytes: 80_000_000,
    population: { ...FLEET, links: { wired: 2, wifi: 3, cellular: 5 } },
    network: { ...NETWORK, cutAfterMs: 60_000, cellBytesPerSecond: 2_500_000 },
  },
  {
    ...BAD,
    name: 'undelivered-tenth',
    summary:
      "The candidate's file is larger than the proxy in front of one device in ten lets through: these never get it.",
    network: { ...NETWORK, refusesFiles: ({ index }) => index % 10 === 4 },
    hasBegun: () => true,
  },
  {
    ...BAD,
    name: 'silenced-devices',
    summary:
      'After ten minutes of the candidate, two devices in five send no more reports; those that still do are fine.',
    candidate: ({ device, minutes }) => ({ silences: device.index % 5 < 2 && minutes > 10 }),
  },
  {
    ...BAD,
    name: 'starved-devices',
    summary:
      'After ten minutes of the candidate, two devices in five answer a tenth of what they did; what they answer is fine.',
    candidate: ({ device, minutes }) => (device.index % 5 < 2 && minutes > 10 ? { askedFactor: 0.1 } : {}),
  },
  {
    ...BAD,
    name: 'hw-latency',
    summary: 'The candidate takes twice the time on hardware rev3, a tenth of the fleet.',
    candidate: ({ device }) => ({ latencyFactor: device.facts.labels.hw === 'rev3' ? 2 : 1 }),
  },
  {
    ...BAD,
    name: 'memory-leak',
    summary: 'The candidate leaks 3 MiB a minute; after an hour and more, inferences fail for want of memory.',
    candidate: ({ minutes }) => {
      const leakedBytes = 3 * MIB * minutes;
      const isFull = leakedBytes > SPARE_BYTES;
      return { leakedBytes, ...(isFull ? { errorRate: 0.05, errorReason: 'out-of-memory' as const } : {}) };
    },
  },
  {
    ...BAD,
    name: 'late-regression',
    summary: 'The candidate is healthy for 40 minutes, then errs at four times the limit.',
    candidate: ({ minutes, errorLimit }) => (minutes < 40 ? {} : { errorRate: 4 * errorLimit }),
  },
  {
    ...{ ...BAD, ...OF_CLASSES },
    name: 'confidence-shift',
    summary: 'The candidate is less sure of its answers: 0.76 instead of 0.86 on average.',
    candidate: () => ({ confidence: 0.76 }),
  },
  {
    ...{ ...GOOD, ...OF_CLASSES },
    name: 'surer-model',
    summary: 'The candidate is surer of its answers: 0.94 instead of 0.86 on average.',
    candidate: () => ({ confidence: 0.94 }),
  },
  {
    ...{ ...BAD, ...OF_CLASSES },
    name: 'less-sure-mixture',
    summary: 'The candidate is surer of four answers in five, 0.95 on average, and far less sure of the fifth: 0.5.',
    // As lenient as for any-device: the fleet's rule is to find it.
    health: { ...USUAL_HEALTH, unknownRate: '50%' },
    candidate: () => ({ confidence: 0.95, doubted: 0.2 }),
  },
  {
    ...BAD,
    name: 'input-shift',
    summary: "The candidate's preprocessing makes images brighter by a third; its answers look as good as ever.",
    candidate: () => ({ inputFactor: 1.33 }),
  },
  {
    ...BAD,
    name: 'price-drift',
    summary: 'A model that estimates prices: the estimates of the candidate are a quarter higher.',
    answers: answering({ name: 'price', type: 'float32', shape: [-1, 1], kind: 'scalar' }),
    needs: ['scalar', 'detections', 'text'],
    candidate: () => ({ outputFactor: 1.25 }),
  },
  {
    ...BAD,
    name: 'embedding-space-changed',
    summary:
      'A model of embeddings: the candidate was trained from scratch, so its vectors are in another space than its manifest says.',
    answers: answering({
      ...{ name: 'embedding', type: 'float32', shape: [-1, 16], kind: 'embedding', space: 'products-v1' },
    }),
    needs: ['embedding'],
    candidate: () => ({ otherSpace: true }),
  },
  {
    ...GOOD,
    name: 'time-of-day',
    summary: 'The candidate is as good as stable; errors and latencies of both swing with the hour of the day.',
    population: { ...FLEET, daySwing: 0.8 },
    both: ({ hour }) => {
      const swing = 1 + 0.6 * Math.cos(((hour - 14) / 24) * 2 * Math.PI);
      return { errorRate: STABLE_BEHAVIOUR.errorRate * 2 * swing, latencyFactor: 0.8 + 0.3 * swing };
    },
  },
  {
    ...GOOD,
    name: 'broken-device',
    summary: 'The candidate is good; every hundredth device is broken and errs in 20% of inferences, whatever it runs.',
    both: ({ device }) => (device.index % 100 === 42 ? { errorRate: 0.2 } : {}),
  },
  {
    ...GOOD,
    name: 'half-offline',
    summary: 'The candidate is good; every other device is out of reach for the first four hours.',
    network: { ...NETWORK, isOnline: ({ index }, minute) => index % 2 === 0 || minute > 240 },
  },
  {
    ...GOOD,
    name: 'one-site-outage',
    summary:
      'The candidate is good; 25 minutes after it starts, one site in four loses its network for a quarter of an hour.',
    population: { ...FLEET, special: (index) => ({ labels: { site: SITES[index % SITES.length] ?? '' } }) },
    network: {
      ...NETWORK,
      isOnline: ({ facts }, minute) => facts.labels.site !== SITES[0] || minute < 55 || minute >= 70,
    },
    hasBegun: ({ sinceStart }) => sinceStart >= 25,
  },
  {
    ...GOOD,
    name: 'site-slowdown',
    summary:
      'The candidate takes a tenth more time; when nearly all devices have it, the site slows down: 2.5 times the latency, 3 times the errors, of both.',
    candidate: (now) => ({ latencyFactor: 1.1 * (1 + 1.5 * onceNearlyAll(now, 10)) }),
    both: (now) => ({
      latencyFactor: 1 + 1.5 * onceNearlyAll(now, 10),
      errorRate: STABLE_BEHAVIOUR.errorRate * (1 + 2 * onceNearlyAll(now, 10)),
    }),
    hasBegun: (now) => onceNearlyAll(now, 10) > 0,
  },
  {
    ...BAD,
    name: 'crowded',
    summary: 'The candidate takes twice the time once nearly all devices have it: they wait for each other.',
    candidate: (now) => ({ latencyFactor: 1 + onceNearlyAll(now, 5) }),
  },
  {
    ...GOOD,
    name: 'clocks-wrong',
    summary: 'The candidate is good; clocks of a third of the devices are wrong by up to three days.',
    network: {
      ...NETWORK,
      clockErrorMs: ({ index }) => (index % 3 === 0 ? ((index % 7) - 3) * 86_400_000 : 0),
    },
  },
  {
    ...GOOD,
    name: 'reports-reordered',
    summary: 'The candidate is good; a third of the reports comes twice, all up to five minutes late and out of order.',
    network: { ...NETWORK, repeats: 0.33, mostDelayMs: 300_000 },
  },
  {
    ...{ ...BAD, ...OF_CLASSES },
    name: 'kiosks',
    summary: 'Kiosks: within half an hour on a device, the confidence of the candidate falls from 0.86 to 0.72.',
    population: { ...FLEET, trafficPerMinute: 40, special: kiosk },
    candidate: ({ minutes }) => ({ confidence: 0.86 - 0.14 * ramp(minutes, 2, 30) }),
  },
  {
    ...BAD,
    name: 'keyboard',
    summary: 'A keyboard: the candidate keeps crashing on OS 12, which no device of the beta channel has.',
    population: { ...FLEET, trafficPerMinute: 30, special: phone },
    candidate: ({ device }) => ({ crashes: device.facts.labels.os === '12' }),
  },
  {
    ...BAD,
    name: 'any-device',
    summary: 'The candidate errs in 4% of inferences on one device in ten (firmware 3.0.0), and is good on the others.',
    // The devices' own trials are lenient here: the fleet's rule is to find it.
    health: { ...USUAL_HEALTH, errorRate: '10%' },
    candidate: ({ device }) => (device.facts.properties.firmware === '3.0.0' ? { errorRate: 0.04 } : {}),
  },
];

/** Throws SIMULATION_SCENARIO. */
export function findScenario(name: string): Scenario {
  const known = SCENARIOS.find((scenario) => scenario.name === name);
  if (known !== undefined) return known;
  throw new CodedError({
    code: 'SIMULATION_SCENARIO',
    message: `There is no scenario \`${name.slice(0, 60)}\`.`,
    remedy: `Known scenarios: ${SCENARIOS.map((scenario) => scenario.name).join(', ')}.`,
  });
}
