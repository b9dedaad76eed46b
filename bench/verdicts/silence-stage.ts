// Owns the simulated stages whose devices fall silent: by outages of their own, of sites, or because the candidate silences them.
import { assertInvariant } from '../../src/base/errors.ts';
import type { RandomStream } from '../../src/base/random.ts';
import type { HeardDevice } from '../../src/gates/heard-arm.ts';
import { judgeStage } from '../../src/gates/judge-stage.ts';
import { SILENT_INTERVALS } from '../../src/telemetry/window.ts';
import { emptyArmTallies } from '../../src/telemetry/window-tallies.ts';
import { DEVICES, type Simulation } from './cell.ts';
import { oneOf, questionAt } from './confidence-stage.ts';
import { CONFIDENCE_SPEC } from './confidence-traffic.ts';
import { type RunOutcome, Watch } from './outcome.ts';
import { MINUTES } from './scenario.ts';

export const REPORTING_RULE = 'reporting_devices > 90% of baseline';
const LEAST_SHARE = 0.9;
const MINUTE_MS = CONFIDENCE_SPEC.intervalMs;
const STABLE_DEVICES = 400;
const SITES = 40;
const SITE_OUTAGE_MINUTES = 15;
/** An outage lasts longer than the time after which a device is silent. */
const [LEAST_OUTAGE, MEAN_OF_REST] = [SILENT_INTERVALS + 1, 14];
/** Outages before the opening leave some silent when it opens. */
const FROM_MINUTE = -60;
export const SHOWN_MINUTE = 30;

export interface SilenceScenario {
  readonly title: string;
  /** Outages of each device in an hour. */
  readonly outages: number;
  /** Which sites go off for a quarter of an hour: so large a part of all, or the one that all devices of the candidate are at. */
  readonly sitesOff?: number | 'candidate';
  /** The share of its devices that the candidate silences for good, within so many minutes. */
  readonly silences?: { readonly share: number; readonly within: number };
  readonly devices: readonly number[];
}

const LARGE = [10, 50, 200];

export const SILENCE_SCENARIOS: Readonly<Record<string, SilenceScenario>> = {
  'outages 2%': { title: 'outages, 2% of devices an hour', outages: 0.02, devices: DEVICES },
  'outages 10%': { title: '10%', outages: 0.1, devices: DEVICES },
  'outages 30%': { title: '30%', outages: 0.3, devices: DEVICES },
  'sites off': { title: '30% of all sites off for 15 min', outages: 0.02, sitesOff: 0.3, devices: [...DEVICES, 200] },
  'one site': {
    title: "the canary's one site off for 15 min",
    outages: 0.02,
    sitesOff: 'candidate',
    devices: [...DEVICES, 200],
  },
  '10% silenced': {
    title: 'candidate silences 10% in 30 min',
    outages: 0.1,
    silences: { share: 0.1, within: 30 },
    devices: LARGE,
  },
  '20% silenced': { title: '20% in 30 min', outages: 0.1, silences: { share: 0.2, within: 30 }, devices: LARGE },
  '40% silenced': { title: '40% in 30 min', outages: 0.1, silences: { share: 0.4, within: 30 }, devices: LARGE },
  '40% at once': { title: '40% in 2 min', outages: 0.1, silences: { share: 0.4, within: 2 }, devices: LARGE },
};

interface Silent {
  readonly from: number;
  readonly until: number;
}

function exponential(mean: number, random: RandomStream): number {
  return -mean * Math.log(1 - random.next());
}

/** When a device is not heard of, in minutes since the opening. */
function silencesOf({ outages, silences }: SilenceScenario, isCandidate: boolean, random: RandomStream): Silent[] {
  const all: Silent[] = [];
  const mean = 60 / outages;
  for (let at = FROM_MINUTE + exponential(mean, random); at < MINUTES; ) {
    const until = at + LEAST_OUTAGE + exponential(MEAN_OF_REST, random);
    all.push({ from: at, until });
    at = until + exponential(mean, random);
  }
  if (isCandidate && silences !== undefined && random.next() < silences.share)
    all.push({ from: silences.within * random.next(), until: Number.POSITIVE_INFINITY });
  return all;
}

/** In order, those that overlap as one: a device is heard again once the last of them is over. */
function merged(silences: readonly Silent[]): Silent[] {
  const all: Silent[] = [];
  for (const next of silences.toSorted((a, b) => a.from - b.from)) {
    const last = all.at(-1);
    if (last === undefined || next.from > last.until) all.push(next);
    else all[all.length - 1] = { from: last.from, until: Math.max(last.until, next.until) };
  }
  return all;
}

export interface SilentDevice {
  readonly name: string;
  readonly isCandidate: boolean;
  readonly silences: readonly Silent[];
}

/** What the service knows at a minute of a device that took its version when the stage opened; a test holds it to `countHeard`. */
export function heardAt({ name, isCandidate, silences }: SilentDevice, minute: number): HeardDevice {
  const known = silences.filter(({ from, until }) => from + SILENT_INTERVALS < minute && until > 0);
  const [first] = known;
  const isSilent = known.some(({ until }) => until > minute);
  return {
    ...{ name, fromMs: 0, isSilent, isYoung: isCandidate && !isSilent && minute < SILENT_INTERVALS },
    ...{ isAfter: true, isInBoth: false },
    fellMs: first === undefined ? null : Math.max(0, first.from + SILENT_INTERVALS) * MINUTE_MS,
  };
}

export function makeSilences(
  scenario: SilenceScenario,
  {
    count,
    isCandidate,
    sites,
  }: { readonly count: number; readonly isCandidate: boolean; readonly sites: readonly Silent[] },
  random: RandomStream,
): SilentDevice[] {
  const isAlone = scenario.sitesOff === 'candidate';
  return Array.from({ length: count }, (_, i) => {
    const own = silencesOf(scenario, isCandidate, random);
    const site = isAlone ? (isCandidate ? sites[0] : undefined) : sites[Math.floor(SITES * random.next())];
    const name = `${isCandidate ? 'c' : 's'}${i}`;
    return { name, isCandidate, silences: merged(site === undefined ? own : [...own, site]) };
  });
}

function runSilence(scenario: SilenceScenario, count: number, random: RandomStream): RunOutcome {
  const { sitesOff = 0, silences } = scenario;
  const off = sitesOff === 'candidate' ? 1 : Math.round(sitesOff * SITES);
  const at = 5 + 30 * random.next();
  const sites = Array.from({ length: off }, () => ({ from: at, until: at + SITE_OUTAGE_MINUTES }));
  const candidate = makeSilences(scenario, { count, isCandidate: true, sites }, random);
  const stable = makeSilences(scenario, { count: STABLE_DEVICES, isCandidate: false, sites }, random);
  const rules = oneOf(REPORTING_RULE);
  const none = emptyArmTallies(CONFIDENCE_SPEC, 'candidate');
  const watches = { rule: new Watch(), bare: new Watch(), held: new Watch() };
  for (let minute = 1; minute <= MINUTES; minute++) {
    const seen = (devices: readonly SilentDevice[]) => devices.map((one) => heardAt(one, minute));
    const heard = {
      ...{ candidate: seen(candidate), stable: seen(stable) },
      ...{ isByHash: false, openedMs: 0, openMs: minute * MINUTE_MS, intervalMs: MINUTE_MS },
    };
    const [found] = judgeStage({
      ...questionAt(minute, { rules, candidate: none, baseline: none }),
      heard: () => heard,
    }).rules;
    assertInvariant(found !== undefined, 'a rule has a verdict');
    watches.rule.see(minute, found.verdict);
    const on = heard.candidate.filter(({ isSilent }) => !isSilent).length;
    watches.bare.see(minute, on < LEAST_SHARE * count ? 'fail' : 'pass');
    const isStopped = watches.rule.isOver || !found.within;
    if (minute === SHOWN_MINUTE) watches.held.see(minute, isStopped ? 'fail' : 'pass');
  }
  return {
    isTrulyOver: silences !== undefined && silences.share > 1 - LEAST_SHARE,
    judges: { rule: watches.rule.outcome, bare: watches.bare.outcome, held: watches.held.outcome },
    because: [],
  };
}

export const SILENCE_SIMULATION: Simulation = {
  ...{ setup: 'reporting', share: 0.3 },
  cells: Object.entries(SILENCE_SCENARIOS).flatMap(([scenario, { devices }]) =>
    devices.map((count) => ({ scenario, devices: count, factor: 1 })),
  ),
  begin: (name) => {
    const scenario = SILENCE_SCENARIOS[name];
    assertInvariant(scenario !== undefined, `there is a scenario ${name}`);
    return ({ devices }, random) => runSilence(scenario, devices, random);
  },
};
