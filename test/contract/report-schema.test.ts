// Laws of the report's schema: it and the parser are of one mind about shapes and bounds; sums and orders are the parser's alone.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CodedError } from '../../src/base/errors.ts';
import { parseReport } from '../../src/contract/parse-report.ts';
import { FULL_INTERVAL, FULL_REPORT, objections } from './full-report.ts';

function codeOf(value: unknown): string {
  try {
    parseReport(Buffer.from(JSON.stringify(value)));
    return 'parsed';
  } catch (error) {
    return error instanceof CodedError ? error.code : `threw ${error}`;
  }
}

type Path = readonly (string | number)[];

function* pathsIn(value: unknown, at: Path = []): Generator<Path> {
  yield at;
  if (value === null || typeof value !== 'object') return;
  for (const [key, member] of Object.entries(value))
    yield* pathsIn(member, [...at, Array.isArray(value) ? Number(key) : key]);
}

function changed(value: unknown, [key, ...rest]: Path, change: (before: unknown) => unknown): unknown {
  if (key === undefined) return change(value);
  const copy = structuredClone(value) as Record<string | number, unknown>;
  const member = changed(copy[key], rest, change);
  if (member !== undefined) copy[key] = member;
  else if (Array.isArray(copy)) copy.splice(Number(key), 1);
  else delete copy[key];
  return copy;
}

const PATHS = [...pathsIn(FULL_REPORT)];
const hostile = fc.oneof(
  fc.constantFrom<unknown>(-1, 0.5, 1e16, -1e16, 2 ** 53, null, true, '', '\u0000', 'x'.repeat(600), [], {}, undefined),
  fc.constantFrom<unknown>('done', 'candidate', `sha256:${'0'.repeat(64)}`, '2026-13-45T00:00:00Z', 1, 12),
  fc.jsonValue({ maxDepth: 2 }),
);

describe('a report and its schema', () => {
  it('a report that says everything fits both, and is read as it was written', () => {
    expect(objections(FULL_REPORT)).toBe('');
    expect(parseReport(Buffer.from(JSON.stringify(FULL_REPORT)))).toEqual(FULL_REPORT);
  });

  it('a report of an agent that knows none of the optional parts fits both', () => {
    const { gauges: _gauges, intervals, ...old } = FULL_REPORT;
    const before = { ...old, intervals: intervals.slice(1) };
    expect(objections(before)).toBe('');
    expect(parseReport(Buffer.from(JSON.stringify(before)))).toEqual(before);
  });

  it('what the parser lets through fits the schema, and what fits the schema is refused for its numbers or dates alone', () => {
    fc.assert(
      fc.property(fc.constantFrom(...PATHS), hostile, (path, value) => {
        const forged = JSON.parse(JSON.stringify(changed(FULL_REPORT, path, () => value) ?? null)) as unknown;
        const code = codeOf(forged);
        const fits = objections(forged) === '';
        if (code === 'parsed') expect([path, objections(forged)]).toEqual([path, '']);
        else if (fits && code !== 'REPORT_NUMBERS') expect(['startedAt', 'at']).toContain(path.at(-1));
      }),
      { numRuns: 5000 },
    );
  });

  it.each<[string, object, string]>([
    ['a mean beyond its most', { gauges: { cpu: { min: 0, mean: 0.9, max: 0.5, samples: 3 } } }, 'REPORT_NUMBERS'],
    ['a gauge without a sample', { gauges: { cpu: { min: 0, mean: 0, max: 0, samples: 0 } } }, 'REPORT_NUMBERS'],
    ['more than all of the processor', { gauges: { cpu: { min: 0, mean: 0, max: 2, samples: 1 } } }, 'REPORT_NUMBERS'],
    ['a gauge of a name that is none', { gauges: { 'a b': { min: 0, mean: 0, max: 0, samples: 1 } } }, 'REPORT_SHAPE'],
    [
      'a gauge named like a prototype',
      JSON.parse('{"gauges":{"__proto__":{"min":0,"mean":0,"max":0,"samples":1}}}'),
      'REPORT_SHAPE',
    ],
    [
      'too many gauges',
      { gauges: Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`g${i}`, {}])) },
      'REPORT_BOUNDS',
    ],
  ])('%s is refused', (_, over, code) => {
    expect(codeOf({ ...FULL_REPORT, ...over })).toBe(code);
  });

  it.each<[string, object, string]>([
    ['more right answers than answers', { labels: { a: { predicted: 1, actual: 5, correct: 2 } } }, 'REPORT_NUMBERS'],
    [
      'labels of too many classes',
      { labels: Object.fromEntries(Array.from({ length: 66 }, (_, i) => [`c${i}`, {}])) },
      'REPORT_BOUNDS',
    ],
    [
      'too many inputs',
      { features: Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`c${i}`, {}])) },
      'REPORT_BOUNDS',
    ],
    ['an end that is none', { transfers: { download: { slow: 1 } } }, 'REPORT_SHAPE'],
    ['complaints below none', { userReports: -1 }, 'REPORT_NUMBERS'],
    ['a time served that is next to nothing', { servedMs: 5e-324 }, 'REPORT_NUMBERS'],
    ['a load of a year', { loadMs: { min: 0, mean: 0, max: 3e10, samples: 1 } }, 'REPORT_NUMBERS'],
  ])('an interval with %s is refused', (_, over, code) => {
    expect(codeOf({ ...FULL_REPORT, intervals: [{ ...FULL_INTERVAL, ...over }] })).toBe(code);
  });
});
