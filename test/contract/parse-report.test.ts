// What the door for reports lets through, and what it never does.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CodedError } from '../../src/base/errors.ts';
import { parseReport } from '../../src/contract/parse-report.ts';
import { MOST_MODELS } from '../../src/contract/report.ts';
import { isDeviceId } from '../../src/contract/report-reader.ts';
import { interval, report } from '../store/reports.ts';

const bytes = (value: unknown): Uint8Array => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));

function codeOf(value: unknown): string {
  try {
    parseReport(bytes(value));
    return 'parsed';
  } catch (error) {
    return error instanceof CodedError ? error.code : `threw ${error}`;
  }
}

describe('parseReport', () => {
  it('gives back what an agent sends, without members that it does not know', () => {
    expect(parseReport(bytes(report()))).toEqual(report());
    expect(parseReport(bytes({ ...report(), later: 1, intervals: [{ ...interval(), later: 1 }] }))).toEqual(report());
  });

  it('counts kinds of errors that it does not know together, and never more of them than inferences', () => {
    const errors = { timeout: 1, novel: 2, newer: 3, application: 1 };
    const parsed = parseReport(bytes({ ...report(), intervals: [{ ...interval(), errors }] }));
    expect(parsed.intervals[0]?.errors).toEqual({ timeout: 1, application: 1, other: 5 });
    const many = Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`kind ${i}`, 0]));
    expect(codeOf({ ...report(), intervals: [{ ...interval(), errors: many }] })).toBe('REPORT_BOUNDS');
    expect(codeOf({ ...report(), intervals: [{ ...interval(), errors: { novel: 6, newer: 5 } }] })).toBe(
      'REPORT_NUMBERS',
    );
  });

  it('leaves out a gauge that older agents had in a unit of their own, and refuses what can’t be of all others', () => {
    const of = (mean: number) => ({ min: mean, mean, max: mean, samples: 1 });
    const parsed = parseReport(bytes({ ...report(), gauges: { npu: of(45), cpu: of(0.5) } }));
    expect(parsed.gauges).toEqual({ cpu: of(0.5) });
    expect(parseReport(bytes({ ...report(), gauges: { npu: of(0.45) } })).gauges).toEqual({ npu: of(0.45) });
    expect(codeOf({ ...report(), gauges: { cpu: of(45) } })).toBe('REPORT_NUMBERS');
  });

  it('takes a bounded number of counters with short names', () => {
    const told = (counters: unknown) => codeOf({ ...report(), intervals: [{ ...interval(), counters }] });
    const nine = Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`c${i}`, 0]));
    expect(told({ alerts: 3, [`a${'b'.repeat(39)}`]: 0 })).toBe('parsed');
    expect([told(nine), told({ ['a'.repeat(41)]: 1 }), told({ 'no name': 1 })]).toEqual([
      'REPORT_BOUNDS',
      'REPORT_SHAPE',
      'REPORT_SHAPE',
    ]);
    expect([told({ alerts: -1 }), told({ alerts: 1e10 }), told({ alerts: 0.5 })]).toEqual(
      Array(3).fill('REPORT_NUMBERS'),
    );
  });

  it('refuses numbers that can’t be', () => {
    const impossible = [
      { inferences: -1 },
      { inferences: 1.5 },
      { inferences: 2e9 },
      { inferences: null },
      { errors: { runtime: 11 } },
      { errors: { runtime: 6, timeout: 5 } },
      { errors: { runtime: -1 } },
      { unknown: 11 },
      { classes: { a: 6, b: 5 } },
      { confidence: [...new Array<number>(19).fill(0), 11] },
      { latencyMs: { zero: 6, buckets: [[1, 5]] } },
      {
        latencyMs: {
          zero: 0,
          buckets: [
            [1, 1],
            [1, 1],
          ],
        },
      },
      { latencyMs: { zero: 0, buckets: [[5000, 1]] } },
      { latencyMs: { zero: 0, buckets: [[0.5, 1]] } },
      { latencyMs: { zero: 0, buckets: [[1]] } },
    ];
    for (const over of impossible) {
      const forged = { ...report(), intervals: [{ ...interval(), ...over }] };
      expect([over, codeOf(forged)]).toEqual([over, 'REPORT_NUMBERS']);
    }
    expect(codeOf({ ...report(), sequence: 0 })).toBe('REPORT_NUMBERS');
    expect(codeOf(JSON.stringify(report()).replace('"durationMs":60000', '"durationMs":1e999'))).toBe('REPORT_NUMBERS');
  });

  it('refuses what is too much, and names that reach a prototype', () => {
    const many = <T>(n: number, one: T): T[] => new Array<T>(n).fill(one);
    const classes = Object.fromEntries(many(66, 0).map((_, i) => [`c${i}`, 0]));
    expect(codeOf({ ...report(), intervals: many(17, interval()) })).toBe('REPORT_BOUNDS');
    expect(codeOf({ ...report(), states: many(MOST_MODELS + 1, {}) })).toBe('REPORT_BOUNDS');
    expect(codeOf({ ...report(), outcomes: many(65, {}) })).toBe('REPORT_BOUNDS');
    expect(codeOf({ ...report(), intervals: [interval({ classes })] })).toBe('REPORT_BOUNDS');
    expect(codeOf({ ...report(), labels: { a: 'x'.repeat(257) } })).toBe('REPORT_BOUNDS');
    expect(codeOf(JSON.stringify(report()).replace('"region"', '"__proto__"'))).toBe('REPORT_SHAPE');
    expect(codeOf({ ...report(), device: 'a\nb' })).toBe('REPORT_SHAPE');
    expect(codeOf('[['.repeat(200_000))).toBe('REPORT_JSON');
    expect(codeOf(Buffer.from([0xff, 0xfe]).toString('latin1'))).toBe('REPORT_JSON');
  });

  it('throws a coded error or nothing, for any JSON in any member', () => {
    const places = fc.constantFrom(...Object.keys(report()));
    fc.assert(
      fc.property(places, fc.jsonValue(), (place, value) => {
        expect(codeOf({ ...report(), [place]: value })).toMatch(/^(parsed|REPORT_[A-Z]+)$/);
      }),
      { numRuns: 1000 },
    );
  });

  it('knows ids that may stand in addresses and hashes', () => {
    expect(['kiosk-001', 'a:b@c.d_e', 'x'.repeat(128)].every(isDeviceId)).toBe(true);
    expect(['', '-a', '#a', 'a b', 'a/b', 'a\n', 'x'.repeat(129), 1].some(isDeviceId)).toBe(false);
  });
});
