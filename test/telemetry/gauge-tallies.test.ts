// Laws of what windows keep of gauges, labels, downloads and feedback: order, repetition and halves don't matter, and more of the bad never looks better.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DeviceReport, ModelInterval } from '../../src/contract/report.ts';
import type { EventMeasure } from '../../src/telemetry/event-counts.ts';
import { foldReport } from '../../src/telemetry/fold-report.ts';
import { decodeGauges, encodeGauges } from '../../src/telemetry/gauge-codec.ts';
import type { GaugeSpec } from '../../src/telemetry/gauge-readings.ts';
import { NO_GAUGE } from '../../src/telemetry/gauge-tallies.ts';
import { hashRow } from '../../src/telemetry/groups.ts';
import { measureAt } from '../../src/telemetry/rate-sums.ts';
import { decodeSummary, encodeSummary } from '../../src/telemetry/tally-codec.ts';
import {
  applyFold,
  emptyWindowTallies,
  mergeWindowTallies,
  type WindowTallies,
} from '../../src/telemetry/window-tallies.ts';
import { makeInterval, makeReport, makeSpec, STABLE } from './false-reports.ts';

const MINUTE = 60_000;
const CPU: GaugeSpec = { gauge: 'cpu', limit: 0.85, bad: 'above' };
const GAUGES: readonly GaugeSpec[] = [
  CPU,
  { gauge: 'throughput', limit: null, bad: 'below' },
  { gauge: 'own:queue', limit: 5, bad: 'above' },
];
const EVENTS: readonly EventMeasure[] = [
  'download',
  'apply',
  'complaint',
  'anomaly',
  'wrong',
  'imprecise:a',
  'missed:a',
  'confused:a',
];
const SPEC = makeSpec({ gauges: GAUGES, events: EVENTS, classes: [], histograms: [] });
const FIRST = 4 - 2 + SPEC.edges.length; // error, unknown and the edges come first

/** The minute's report of a device whose processor was so busy. */
function at(minute: number, cpu: number, over: Partial<ModelInterval> = {}, device = 'd'): DeviceReport {
  const startedAt = new Date(minute * MINUTE).toISOString();
  const summary = { min: cpu, mean: cpu, max: cpu, samples: 12 };
  const interval = makeInterval({ servedMs: MINUTE, inferences: 60, ...over });
  return {
    ...makeReport(device, [interval], minute + 1),
    startedAt,
    gauges: { cpu: summary, queue: { ...summary, mean: 10 * cpu, max: 10 * cpu } },
  };
}

function tell(reports: readonly DeviceReport[], spec = SPEC): WindowTallies {
  const tallies = emptyWindowTallies(spec);
  for (const report of reports)
    for (const folded of foldReport(spec, report, Date.parse(report.startedAt) + MINUTE)) applyFold(tallies, folded);
  return tallies;
}

/** Reports of two seconds, of which those with a sample (each five seconds) hold a reading. */
function shortReports(seconds: number, cpu: (second: number) => number): DeviceReport[] {
  return Array.from({ length: seconds / 2 }, (_, i) => {
    const [fromMs, endsAt] = [i * 2000, i * 2 + 2];
    const samples = Math.floor(endsAt / 5) - Math.floor((endsAt - 2) / 5);
    const summary = { min: cpu(endsAt), mean: cpu(endsAt), max: cpu(endsAt), samples };
    const report = makeReport('d', [makeInterval({ servedMs: 2000, inferences: 2 })], i + 1);
    const startedAt = new Date(fromMs).toISOString();
    return { ...report, startedAt, durationMs: 2000, gauges: samples === 0 ? {} : { cpu: summary } };
  });
}

function tellShort(reports: readonly DeviceReport[]) {
  const spec = { ...SPEC, intervalMs: 2000 };
  const tallies = emptyWindowTallies(spec);
  for (const report of reports)
    for (const folded of foldReport(spec, report, Date.parse(report.startedAt) + 2000)) applyFold(tallies, folded);
  return tallies.candidate.gauges.devices.get('d')?.[0];
}

describe('reports that are shorter than the time between readings', () => {
  it('are no pause: a device that is beyond its limit all the time is so without a break', () => {
    expect(tellShort(shortReports(120, () => 0.95))?.longestMs).toBeGreaterThanOrEqual(110_000);
  });

  it('are watched all the time: a device that is within its limit is known to be after as long', () => {
    const state = tellShort(shortReports(120, () => 0.2));
    expect(state?.longestMs).toBe(0);
    expect(state?.watchedMs).toBeGreaterThanOrEqual(110_000);
  });

  it('end a stretch when a reading within the limit, or silence, comes between', () => {
    const dips = shortReports(120, (second) => (second > 58 && second <= 66 ? 0.2 : 0.95));
    expect(tellShort(dips)?.longestMs).toBeLessThan(62_000);
    const silent = shortReports(120, () => 0.95).filter(({ startedAt }) => {
      const second = Date.parse(startedAt) / 1000;
      return second < 50 || second > 75;
    });
    expect(tellShort(silent)?.longestMs).toBeLessThan(62_000);
  });
});

function longestMinutes(reports: readonly DeviceReport[], gauge = 0): number {
  return (tell(reports).candidate.gauges.devices.get('d')?.[gauge]?.longestMs ?? 0) / MINUTE;
}

const busy = (minutes: readonly number[]) => minutes.map((minute) => at(minute, 0.9));

describe('how long a gauge was beyond its limit', () => {
  it('adds up over reports that follow each other, and starts anew after one within', () => {
    expect(longestMinutes(busy([0, 1, 2, 3, 4]))).toBe(5);
    expect(longestMinutes([...busy([0, 1]), at(2, 0.5), ...busy([3, 4, 5])])).toBe(3);
    expect(longestMinutes(busy([0, 1, 2]), 2)).toBe(3);
  });

  it('is not broken by two missing reports, and is by three', () => {
    expect(longestMinutes(busy([0, 1, 4, 5]))).toBe(6);
    expect(longestMinutes(busy([0, 1, 5, 6]))).toBe(2);
  });

  it('stays known when the device is well again for long', () => {
    const calm = Array.from({ length: 300 }, (_, i) => at(10 + i, i % 3 === 0 ? 0.9 : 0.2));
    const tallies = tell([...busy([0, 1, 2, 3, 4]), ...calm]);
    expect(tallies.candidate.gauges.devices.get('d')?.[0]).toMatchObject({ longestMs: 5 * MINUTE, reports: 305 });
    expect(tallies.candidate.gauges.devices.get('d')?.[0]?.spans.length).toBeLessThanOrEqual(8);
  });
});

/** Sums of readings are the same but for rounding. */
function rounded({ candidate }: WindowTallies) {
  const states = candidate.gauges.devices.get('d') ?? [];
  return states.map((state) => ({ ...state, total: Math.round(state.total * 1e6) }));
}

const minutes = fc.uniqueArray(fc.nat(7), { maxLength: 8 });
const levels = fc.array(fc.constantFrom(0.2, 0.9), { minLength: 8, maxLength: 8 });

describe('folding', () => {
  it('is the same in any order, and when halves are merged', () => {
    fc.assert(
      fc.property(minutes, levels, fc.nat(8), (order, cpu, cut) => {
        const reports = order.map((minute) =>
          at(minute, cpu[minute] ?? 0, { userReports: minute, transfers: { download: { done: 1, network: minute } } }),
        );
        const whole = tell([...reports].sort((a, b) => a.sequence - b.sequence));
        const halves = tell(reports.slice(0, cut));
        mergeWindowTallies(halves, tell(reports.slice(cut)));
        for (const other of [tell(reports), halves]) {
          expect(rounded(other)).toEqual(rounded(whole));
          expect(other.candidate.read('d')).toEqual(whole.candidate.read('d'));
        }
      }),
      { numRuns: 500 },
    );
  });

  it('a report beyond the limit where one was within never shortens the longest time', () => {
    fc.assert(
      fc.property(levels, fc.nat(7), (cpu, worse) => {
        const before = cpu.map((value, minute) => at(minute, value));
        const after = before.map((report, minute) => (minute === worse ? at(minute, 0.95) : report));
        expect(longestMinutes(after)).toBeGreaterThanOrEqual(longestMinutes(before));
      }),
    );
  });

  it('what is stored is what was there', () => {
    fc.assert(
      fc.property(levels, (cpu) => {
        const tallies = tell(cpu.map((value, minute) => at(minute, value)));
        const states = tallies.candidate.gauges.devices.get('d') ?? [];
        expect(decodeGauges(encodeGauges(states))).toEqual(states);
        expect(decodeSummary(encodeSummary(tallies.candidate.summary)).gauges).toEqual(
          tallies.candidate.summary.gauges,
        );
      }),
    );
  });

  it('keeps the mean of each device, weighed, and the sums of the arm', () => {
    const { candidate, stable } = tell([
      at(0, 0.2),
      at(1, 0.4),
      at(0, 1, {}, 'e'),
      at(0, 0.5, { arm: 'stable', digest: STABLE }, 's'),
    ]);
    const state = candidate.gauges.devices.get('d')?.[0];
    expect((state?.total ?? 0) / (state?.weight ?? 1)).toBeCloseTo(0.3, 12);
    expect(candidate.summary.gauges.get('cpu')).toEqual({ total: 12 * (0.2 + 0.4 + 1), weight: 36 });
    expect(candidate.summary.gauges.get('throughput')).toEqual({ total: 3 * MINUTE, weight: 3 * MINUTE });
    expect(stable.summary.gauges.get('cpu')).toEqual({ total: 6, weight: 12 });
    expect(stable.gauges.specs.map(({ gauge }) => gauge)).toEqual(['throughput']);
    expect(stable.gauges.devices.get('s')?.[0]).toMatchObject({ total: MINUTE, weight: MINUTE, reports: 1 });
  });

  it('a report that tells of both arms says nothing of either about the device', () => {
    const both = { ...at(0, 1), intervals: [makeInterval(), makeInterval({ arm: 'stable', digest: STABLE })] };
    const { candidate, stable } = tell([both]);
    expect([candidate.gauges.devices.size, candidate.summary.gauges.size, stable.summary.gauges.size]).toEqual([
      0, 0, 0,
    ]);
  });

  it('an input is read from the intervals of its arm alone, each value weighing once, and from no gauge of the same name', () => {
    const spec = makeSpec({ gauges: [{ gauge: 'input:cpu', limit: null, bad: 'above' }] });
    const asked = (mean: number, samples: number): Partial<ModelInterval> => ({
      features: { cpu: { min: -9, mean, max: 9, samples }, other: { min: 1, mean: 1, max: 1, samples: 1 } },
    });
    const report = at(0, 0.9);
    const intervals = [asked(-2, 30), asked(4, 10), {}, { ...asked(9, 1), rollout: 'us' }].map((over) =>
      makeInterval(over),
    );
    const { candidate, stable } = tell([{ ...report, intervals: [...intervals] }, at(0, 0.9, {}, 'silent')], spec);
    expect([...candidate.gauges.devices.keys()]).toEqual(['d']);
    expect(candidate.gauges.devices.get('d')?.[0]).toMatchObject({ total: -20, weight: 40, reports: 1 });
    expect(stable.gauges.devices.size).toBe(0);
  });

  it('a name that JavaScript knows is no gauge, no input and no class of a report that does not have it', () => {
    const spec = makeSpec({
      gauges: [
        { gauge: 'own:constructor', limit: 1, bad: 'above' },
        { gauge: 'input:constructor', limit: 1, bad: 'above' },
      ],
      events: ['missed:constructor'],
    });
    const { candidate } = tell([at(0, 1, { labels: {}, features: {} })], spec);
    expect(candidate.gauges.devices.size).toBe(0);
  });
});

describe('labels, downloads and feedback', () => {
  const labels = { a: { predicted: 5, actual: 4, correct: 3 }, b: { predicted: 1, actual: 2, correct: 0 } };
  const sums = (over: Partial<ModelInterval>, measure: EventMeasure) => {
    const row = tell([at(0, 0.1, over)]).candidate.read('d');
    const { bad, trials } = measureAt(row?.whole ?? new Float64Array(0), FIRST + EVENTS.indexOf(measure));
    return [bad, trials];
  };

  it('are counted by what each means', () => {
    expect(sums({ labels }, 'wrong')).toEqual([3, 6]);
    expect(sums({ labels }, 'imprecise:a')).toEqual([2, 5]);
    expect(sums({ labels }, 'missed:a')).toEqual([1, 4]);
    expect(sums({ labels }, 'confused:a')).toEqual([3, 6]);
    expect(sums({ transfers: { download: { done: 1, network: 2, timeout: 1 } } }, 'download')).toEqual([3, 4]);
    // What a host sent says nothing of the version: a portal before three canary devices is no reason to take it back.
    expect(sums({ transfers: { download: { done: 1, corrupt: 4, signature: 2 } } }, 'download')).toEqual([0, 1]);
    expect(sums({ transfers: { apply: { done: 1, trial: 2 } } }, 'apply')).toEqual([2, 3]);
    expect(sums({ userReports: 2 }, 'complaint')).toEqual([2, 60]);
  });

  it('count in a report without an inference, and never more than there is', () => {
    expect(sums({ inferences: 0, anomalies: 3 }, 'anomaly')).toEqual([3, 3]);
    expect(sums({ inferences: 0, labels }, 'wrong')).toEqual([3, 6]);
  });

  it('of stable never count to the candidate', () => {
    const { candidate, stable } = tell([at(0, 1, { arm: 'stable', digest: STABLE, labels, userReports: 9 })]);
    expect(candidate.names).toEqual([]);
    expect(measureAt(stable.read('d')?.whole ?? new Float64Array(0), 3 + EVENTS.indexOf('complaint')).bad).toBe(9);
  });
});

describe('many devices', () => {
  const spec = makeSpec({ gauges: GAUGES, rows: { candidate: 'group', stable: 'group' } });
  const names = Array.from({ length: 9000 }, (_, i) => `device-${i}`);
  const followed = (tallies: WindowTallies) => [...tallies.candidate.gauges.devices.keys()].sort();

  it('are followed as a sample that has a bound', () => {
    const { devices, isSample } = tell(
      names.map((name) => at(0, 0.9, {}, name)),
      spec,
    ).candidate.gauges;
    expect(isSample).toBe(true);
    expect(devices.size).toBeLessThanOrEqual(4096);
    expect(devices.size).toBeGreaterThan(3000);
  });

  it('are the same sample, with all that it reported, in any order and in halves', () => {
    const few = Array.from({ length: 6 }, (_, group) =>
      names.filter((name) => hashRow(name, 4096) === rowAt(group)),
    ).flat();
    fc.assert(
      fc.property(fc.shuffledSubarray(few, { minLength: few.length }), fc.nat(few.length), (order, cut) => {
        const reports = order.flatMap((name) => [at(0, 0.9, {}, name), at(1, 0.9, {}, name)]);
        const whole = tell(
          [...reports].sort((a, b) => (a.device < b.device ? -1 : 1)),
          spec,
        );
        const halves = tell(reports.slice(0, cut), spec);
        mergeWindowTallies(halves, tell(reports.slice(cut), spec));
        expect(followed(halves)).toEqual(followed(whole));
        for (const [state] of halves.candidate.gauges.devices.values()) expect(state?.reports).toBe(2);
      }),
      { numRuns: 50 },
    );
  });

  it('few devices are all followed', () => {
    expect([...tell([at(0, 0.9, {}, 'x'), at(0, 0.1, {}, 'y')]).candidate.gauges.devices.keys()]).toEqual(['x', 'y']);
  });
});

function rowAt(group: number): string {
  return hashRow(`device-${group}`, 4096);
}

describe('times that a report claims', () => {
  const claim = (over: Partial<DeviceReport>) =>
    tell([{ ...at(4, 0.9), ...over }]).candidate.gauges.devices.get('d')?.[0];
  const RECEIVED = 5 * MINUTE;
  const received = (over: Partial<DeviceReport>) => {
    const tallies = emptyWindowTallies(SPEC);
    for (const one of foldReport(SPEC, { ...at(4, 0.9), ...over }, RECEIVED)) applyFold(tallies, one);
    return tallies.candidate.gauges.devices.get('d')?.[0];
  };

  it('are never longer than the stage is open, and never end after the receipt', () => {
    expect(received({ durationMs: 366 * 86_400_000 })).toMatchObject({ longestMs: RECEIVED, watchedMs: RECEIVED });
    expect(received({ startedAt: '2040-01-01T00:00:00Z' })?.spans).toEqual([
      { fromMs: 4 * MINUTE, toMs: RECEIVED, isBeyond: true },
    ]);
  });

  it('stay the device’s own where they are possible', () => {
    expect(claim({})?.spans).toEqual([{ fromMs: 4 * MINUTE, toMs: RECEIVED, isBeyond: true }]);
  });
});

describe('stored gauges', () => {
  it('that are not finite are not written', () => {
    expect(() => encodeGauges([{ ...NO_GAUGE, total: Number.POSITIVE_INFINITY }])).toThrow('finite');
  });
});
