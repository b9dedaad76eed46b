// Laws of metrics: the text that a scrape reads holds whatever labels say, and stays bounded.
import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Metrics } from '../../src/base/metrics.ts';
import { findPromtool, requireService } from '../support/prometheus.ts';

const promtool = findPromtool();
requireService(promtool, 'promtool', 'PROMTOOL_BIN');

test('what is gone leaves no series behind', () => {
  const metrics = new Metrics();
  let there = ['a', 'b'];
  metrics.reading('slipway_things', 'Things.', () => there.map((name) => ({ value: 1, labels: { name } })));
  expect(metrics.write()).toContain('slipway_things{name="b"} 1\n');
  there = ['a'];
  expect(metrics.write()).not.toContain('name="b"');
});

test('a value that is no number, and labels that came before, are left out', () => {
  const metrics = new Metrics();
  metrics.reading('slipway_things', 'Things.', () => [
    { value: Number.NaN },
    { value: null, labels: { name: 'a' } },
    { value: Number.POSITIVE_INFINITY, labels: { name: 'b' } },
    { value: 1, labels: { name: 'c' } },
    { value: 2, labels: { name: 'c' } },
  ]);
  expect(metrics.write().match(/^slipway_things.*$/gm)).toEqual(['slipway_things{name="c"} 1']);
});

test('a scrape is bounded, and a metric says what was left out', () => {
  const metrics = new Metrics();
  metrics.reading('slipway_many', 'Many.', function* () {
    for (let i = 0; i < 10_000; i++) yield { value: i, labels: { rollout: `r${i}` } };
  });
  const counter = metrics.counter('slipway_seen_total', 'Seen.');
  for (let i = 0; i < 1_200; i++) counter.add({ who: `w${i}` });
  const text = metrics.write();
  expect(text.match(/^slipway_many\{/gm)).toHaveLength(5_000);
  expect(text).toContain('slipway_metrics_series_left_out{metric="slipway_many"} 5000\n');
  expect(text).toContain('slipway_seen_total{who="other"} 200\n');
  expect(text).toContain('slipway_metrics_series_left_out{metric="slipway_seen_total"} 1\n');
});

test.skipIf(promtool === undefined)('promtool reads the text, whatever labels say', () => {
  const hostile = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: fc.constantFrom('\n', '\r', '"', '\\', '\ud800', '{', '}', '\u202e', '<script>', 'a') }),
    fc.string({ minLength: 190, maxLength: 20_000, size: 'max' }),
  );
  const metrics = new Metrics();
  const names = fc.sample(hostile, { numRuns: 300, seed: 11 });
  metrics.reading('slipway_things', 'Things of each name.', () =>
    names.map((name, i) => ({ value: i / 7, labels: { name } })),
  );
  const histogram = metrics.histogram('slipway_time_seconds', 'Time of each name.', [0.1, 1]);
  for (const name of names) histogram.observe(0.5, { name });
  expect(checkMetrics(metrics.write())).toBe('');
  expect(
    Math.max(
      ...metrics
        .write()
        .split('\n')
        .map((line) => line.length),
    ),
  ).toBeLessThan(500);
});

function checkMetrics(text: string): string {
  return execFileSync(promtool ?? '', ['check', 'metrics'], { input: text, encoding: 'utf8', stdio: 'pipe' });
}
