// Laws of the chart of values over time: total over what can be missing, nothing left out of its table, gaps never closed.
import fc from 'fast-check';
import { html } from 'htm/preact';
import { render } from 'preact-render-to-string';
import { expect, test } from 'vitest';
import type { ChartPoint, LineChartProps } from '../../../src/dashboard/charts/chart-values.ts';
import { LineChart, walked } from '../../../src/dashboard/charts/line-chart.ts';
import { timeAxis } from '../../../src/dashboard/charts/plot.ts';

const START = Date.UTC(2026, 2, 3, 11);
const MINUTE = 60_000;

function pointAt(minute: number, estimate: number | null, rest: Partial<ChartPoint> = {}): ChartPoint {
  return { atMs: START + minute * MINUTE, estimate, low: null, high: null, baseline: null, limit: 0.5, ...rest };
}

function drawn(points: readonly ChartPoint[], rest: Partial<LineChartProps> = {}): string {
  const axis = timeAxis(points.map(({ atMs }) => atMs));
  const props = {
    id: 'r0',
    name: 'error_rate',
    points,
    axis,
    goodSide: 'below',
    format: String,
    gapText: 'no answer',
    ...rest,
  };
  return render(html`<${LineChart} ...${props} />`);
}

function pathOf(text: string, name: string): string {
  return new RegExp(`<path class="${name}" d="([^"]*)"`).exec(text)?.[1] ?? '';
}

const anyNumber = fc.oneof(
  fc.double(),
  fc.constant(null),
  fc.constantFrom(NaN, Infinity, -Infinity, 0, -0, 1e308, 5e-324),
);
const anyTime = fc.oneof(fc.integer({ min: START, max: START + 1e7 }), fc.double(), fc.constantFrom(NaN, 8.7e15, -1));
const anyPoint: fc.Arbitrary<ChartPoint> = fc.record({
  ...{ atMs: anyTime, estimate: anyNumber, low: anyNumber, high: anyNumber, baseline: anyNumber, limit: anyNumber },
  ...{ baselineLow: anyNumber, baselineHigh: anyNumber },
});

test('whatever is measured, no attribute is NaN, infinite or undefined, and every point is in the table', () => {
  fc.assert(
    fc.property(
      fc.array(anyPoint, { maxLength: 30 }),
      fc.constantFrom('below', 'above', null),
      anyTime,
      (points, goodSide, at) => {
        const marks = [{ atMs: at, letter: 'A' }];
        const text = drawn(points, { goodSide, marks, cursorAtMs: at, decided: { atMs: at, as: 'pass' }, height: 228 });
        for (const [, value] of text.matchAll(/ [a-zA-Z-]+="([^"]*)"/g))
          expect(value).not.toMatch(/NaN|Infinity|undefined|null/);
        expect(text.match(/<tr><th scope="row">/g) ?? []).toHaveLength(points.length);
      },
    ),
  );
});

test('a gap breaks the line, and is hatched with the reason', () => {
  const points = [
    pointAt(0, 0.1),
    pointAt(10, 0.2),
    pointAt(20, null),
    pointAt(40, null),
    pointAt(50, 0.3),
    pointAt(60, 0.2),
  ];
  const text = drawn(points);
  expect(pathOf(text, 'e').match(/M/g)).toHaveLength(2);
  expect(text).toContain('url(#gaps)');
  expect(text).toContain('>no answer</text>');
  expect(pathOf(drawn(points.filter(({ estimate }) => estimate !== null)), 'e').match(/M/g)).toHaveLength(1);
});

test('what is missing is no zero: not in the line, not in the table', () => {
  const text = drawn([pointAt(0, null, { limit: null }), pointAt(10, null, { limit: null })]);
  expect(pathOf(text, 'e')).toBe('');
  expect(text).toContain('>no answer</text>');
  expect(text).not.toMatch(/<td[^>]*>0</);
  expect(drawn([])).toContain('>no answer</text>');
});

test('one point alone is a dot, and an early wide band does not flatten the rest', () => {
  expect(drawn([pointAt(0, 0.1)])).toContain('<circle class="pt"');
  const wide = pointAt(0, 0.4, { low: 0, high: 900 });
  const calm = pointAt(10, 0.4, { low: 0.3, high: 0.6 });
  const height = (text: string) => Number(/,(\d+(\.\d+)?)/.exec(pathOf(text, 'e'))?.[1]);
  expect(height(drawn([wide, calm]))).toBeLessThan(60);
});

test('the field beyond the limit is above it where low values are good, below it where high ones are, nowhere without a side', () => {
  const points = [pointAt(0, 0.1, { low: 0.05, high: 0.7 }), pointAt(10, 0.2, { low: 0.1, high: 0.8 })];
  const far = (goodSide: LineChartProps['goodSide']) =>
    /id="r0-far"[^>]*><path d="([^"]*)"/.exec(drawn(points, { goodSide }))?.[1];
  expect(far('below')).toMatch(/^M0,0L/);
  expect(far('above')).toMatch(/^M0,82L/);
  expect(far(null)).toBeUndefined();
  expect(drawn(points, { goodSide: null })).not.toContain('class="over"');
});

test('marks too close to tell apart share a place, and none is lost', () => {
  const marks = [0, 0.1, 30].map((minute, i) => ({ atMs: START + minute * MINUTE, letter: 'ABC'[i]! }));
  expect(drawn([pointAt(0, 1), pointAt(60, 1)], { marks })).toMatch(/>AB<\/text>.*>C<\/text>/s);
});

test('arrow keys walk the points from the newest, stop at the ends, and Escape leaves', () => {
  const points = [0, 10, 20].map((minute) => pointAt(minute, 1));
  const [first, middle, last] = points.map(({ atMs }) => atMs);
  expect(walked(points, null, 'ArrowLeft')).toBe(last);
  expect(walked(points, last!, 'ArrowLeft')).toBe(middle);
  expect(walked(points, first!, 'ArrowLeft')).toBe(first);
  expect(walked(points, last!, 'ArrowRight')).toBe(last);
  expect(walked(points, last!, 'Home')).toBe(first);
  expect(walked(points, last!, 'Escape')).toBeNull();
  expect(walked(points, last!, 'x')).toBeUndefined();
  expect(walked([], null, 'ArrowLeft')).toBeUndefined();
});

test('ticks of a short time tell seconds: no two read the same', () => {
  const at = (second: number) => ({ ...pointAt(0, 1), atMs: START + second * 1_000 });
  const ticks = [...drawn([at(0), at(90)]).matchAll(/text-anchor="middle">(\d\d:[\d:]+)</g)].map(([, text]) => text);
  expect(ticks.length).toBeGreaterThan(2);
  expect(new Set(ticks).size).toBe(ticks.length);
});
