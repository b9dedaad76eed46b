// Laws of rules as people write them.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TextError } from '../../../src/contract/source/text-error.ts';
import { RULE_METRICS } from '../../../src/documents/rules/metric-catalogue.ts';
import { exampleRule } from '../../../src/documents/rules/metric-examples.ts';
import { oldNameIn, parseRule } from '../../../src/documents/rules/rule-text.ts';

test.each([
  [
    'error_rate < 0.5%',
    { metric: 'error_rate', comparison: '<', limit: { kind: 'absolute', value: 0.005, unit: 'ratio' } },
  ],
  [
    'cpu < 85% for 5m',
    { metric: 'cpu', comparison: '<', limit: { kind: 'absolute', value: 0.85, unit: 'ratio' }, sustainedMs: 300_000 },
  ],
  [
    'temperature < 80C',
    { metric: 'temperature', comparison: '<', limit: { kind: 'absolute', value: 80, unit: 'celsius' } },
  ],
  [
    'battery_drain < 1.3x baseline',
    { metric: 'battery_drain', comparison: '<', limit: { kind: 'baseline', factor: 1.3 } },
  ],
  [
    'answering_devices > 90% of baseline',
    { metric: 'answering_devices', comparison: '>', limit: { kind: 'baseline', factor: 0.9 } },
  ],
  [
    'reporting_devices > 90% of baseline',
    { metric: 'reporting_devices', comparison: '>', limit: { kind: 'baseline', factor: 0.9 } },
  ],
  ['throughput > 0.8x baseline', { metric: 'throughput', comparison: '>', limit: { kind: 'baseline', factor: 0.8 } }],
  [
    'gauge[queue_depth] < 5 for 1h',
    {
      ...{ metric: 'gauge', ofClass: 'queue_depth', comparison: '<', sustainedMs: 3_600_000 },
      limit: { kind: 'absolute', value: 5, unit: 'count' },
    },
  ],
  [
    'input[temperature] < 85 for 5m',
    {
      ...{ metric: 'input', ofClass: 'temperature', comparison: '<', sustainedMs: 300_000 },
      limit: { kind: 'absolute', value: 85, unit: 'count' },
    },
  ],
  [
    'input[x[3]] > 0.8x baseline',
    { metric: 'input', ofClass: 'x[3]', comparison: '>', limit: { kind: 'baseline', factor: 0.8 } },
  ],
  [
    'input[serving/image:0] < 1.2x baseline, floor 2.5',
    {
      ...{ metric: 'input', ofClass: 'serving/image:0', comparison: '<' },
      limit: { kind: 'baseline', factor: 1.2, floor: 2.5 },
    },
  ],
  [
    'recall[receipt] > 90%',
    { metric: 'recall', ofClass: 'receipt', comparison: '>', limit: { kind: 'absolute', value: 0.9, unit: 'ratio' } },
  ],
  ['accuracy > 0.98x baseline', { metric: 'accuracy', comparison: '>', limit: { kind: 'baseline', factor: 0.98 } }],
  ['latency_p95 < 2x baseline', { metric: 'latency_p95', comparison: '<', limit: { kind: 'baseline', factor: 2 } }],
  [
    'latency_p95 < 2x baseline, floor 5ms',
    { metric: 'latency_p95', comparison: '<', limit: { kind: 'baseline', factor: 2, floor: 5 } },
  ],
  [
    'latency_p99<=1.5s',
    { metric: 'latency_p99', comparison: '<=', limit: { kind: 'absolute', value: 1500, unit: 'ms' } },
  ],
  [
    'undelivered_devices < 5%, floor 2 devices after 30m',
    {
      metric: 'undelivered_devices',
      comparison: '<',
      limit: { kind: 'absolute', value: 0.05, unit: 'ratio', floor: 2 },
      afterMs: 1_800_000,
    },
  ],
  [
    'unknown_rate < 1.5x baseline, floor 0.1 %',
    { metric: 'unknown_rate', comparison: '<', limit: { kind: 'baseline', factor: 1.5, floor: 0.001 } },
  ],
  [
    '  failed_devices < 5 %',
    { metric: 'failed_devices', comparison: '<', limit: { kind: 'absolute', value: 0.05, unit: 'ratio' } },
  ],
  [
    'error_rate <= 0%',
    { metric: 'error_rate', comparison: '<=', limit: { kind: 'absolute', value: 0, unit: 'ratio' } },
  ],
  [
    'confidence_drift < 0.1',
    { metric: 'confidence_drift', comparison: '<', limit: { kind: 'absolute', value: 0.1, unit: 'divergence' } },
  ],
  [
    'class_drift < 0.05 KL',
    {
      metric: 'class_drift',
      comparison: '<',
      limit: { kind: 'absolute', value: 0.05, unit: 'divergence' },
      scale: 'kl',
    },
  ],
  [
    'vanished_classes == 0',
    { metric: 'vanished_classes', comparison: '==', limit: { kind: 'absolute', value: 0, unit: 'count' } },
  ],
  [
    'class_share[till receipt] > 0.5x baseline',
    { metric: 'class_share', ofClass: 'till receipt', comparison: '>', limit: { kind: 'baseline', factor: 0.5 } },
  ],
  [
    'error_rate[timeout] < 0.1%',
    {
      metric: 'error_rate',
      ofClass: 'timeout',
      comparison: '<',
      limit: { kind: 'absolute', value: 0.001, unit: 'ratio' },
    },
  ],
  [
    'counter[alerts] >= 2/min',
    {
      metric: 'counter',
      ofClass: 'alerts',
      comparison: '>=',
      limit: { kind: 'absolute', value: 120, unit: 'per-hour' },
    },
  ],
  [
    'restarts < 2x baseline, floor 1/d',
    { metric: 'restarts', comparison: '<', limit: { kind: 'baseline', factor: 2, floor: 1 / 24 } },
  ],
  [
    'class_share[photo]<10%',
    {
      metric: 'class_share',
      ofClass: 'photo',
      comparison: '<',
      limit: { kind: 'absolute', value: 0.1, unit: 'ratio' },
    },
  ],
])('%s', (text, expected) => {
  const goodSide = expected.comparison.startsWith('>') ? 'above' : 'below';
  expect(parseRule(text)).toEqual({ ...expected, goodSide, source: text.trim() });
});

test.each([
  ['gauge[signal_dbm] > -80', -80, 'count'],
  ['temperature < -5C', -5, 'celsius'],
  ['gauge[drift] >= 0', 0, 'count'],
  ['input[x[12]] >= -2.5', -2.5, 'count'],
])('%s: gauges, inputs and temperatures can be below zero', (text, value, unit) => {
  expect(parseRule(text).limit).toEqual({ kind: 'absolute', value, unit });
});

test('a value of another unit is told what was expected', () => {
  const message = '`counter` is a number of events in a time (such as `3/h`), and "3/hour" is not.';
  expect(() => parseRule('counter[alerts] < 3/hour')).toThrow(message);
});

test.each([
  ['', 'RULE_SYNTAX', 1, 'Write `<metric>'],
  ['error_rate', 'RULE_SYNTAX', 11, '`error_rate < 0.5%`'],
  ['error_rate < ', 'RULE_SYNTAX', 14, '`error_rate < 0.5%`'],
  ['error_rate is low', 'RULE_SYNTAX', 12, '`error_rate < 0.5%`'],
  ['error_rate < 0,5%', 'RULE_SYNTAX', 15, 'Write `error_rate < 0.5%`.'],
  ['latency_p95 < 2 x baseline', 'RULE_SYNTAX', 15, 'Write `latency_p95 < 2x baseline`.'],
  ['error_rate < 2 x baseline', 'RULE_SYNTAX', 14, 'Write `error_rate < 2x baseline, floor 0.1%`.'],
  ['latency_p95 < 2x the baseline', 'RULE_SYNTAX', 15, 'Write `latency_p95 < 2x baseline`.'],
  ['latency_p95 < 200% of the baseline', 'RULE_SYNTAX', 15, 'Write `latency_p95 < 2x baseline`.'],
  ['answering_devices > 90%', 'RULE_LIMIT', 21, 'Write `answering_devices > 90% of baseline`.'],
  ['reporting_devices > 90%', 'RULE_LIMIT', 21, 'Write `reporting_devices > 90% of baseline`.'],
  ['reporting_devices > 110% of baseline', 'RULE_BASELINE', 21, 'Write `reporting_devices > 90% of baseline`.'],
  ['reporting_devices < 90% of baseline', 'RULE_COMPARISON', 19, 'Write `reporting_devices > 90% of baseline`.'],
  ['latency_p95 < 2x baseline floor 5ms', 'RULE_SYNTAX', 26, 'Write `latency_p95 < 2x baseline, floor 5ms`.'],
  ['cpu < 85% for 5 minutes', 'RULE_SYNTAX', 15, 'Write `cpu < 85% for 5m`.'],
  ['cpu < 85% for ever', 'DURATION_SYNTAX', 15, 'Write `cpu < 85% for 5m`.'],
  ['fraud_desk passes', 'RULE_SYNTAX', 1, '`{ rule: fraud_desk passes, webhook: fraud-desk }`'],
  ['p95_latency < 1ms', 'RULE_METRIC', 1, 'Write `latency_p95 < 1ms`.'],
  ['avg_latency < 1ms', 'RULE_METRIC', 1, 'Write `latency_mean < 1ms`.'],
  ['free_disk > 10%', 'RULE_METRIC', 1, 'Write `disk_free > 10%`.'],
  ['install_success > 99%', 'RULE_METRIC', 1, 'Write `apply_success > 99%`.'],
  ['counter[alerts] < 3', 'RULE_UNIT', 19, 'Write `counter[alerts] < 3/h`.'],
  ['counter[alerts] < 3 per hour', 'RULE_SYNTAX', 20, 'Write `counter[alerts] < 3/h`.'],
  ['counter[alerts] < 5%', 'RULE_UNIT', 19, 'counter[alerts] < 2x baseline'],
  ['counter[alerts] < 9999999/h', 'RULE_UNIT', 19, 'counter[alerts] < 2x baseline'],
  ['counter < 3/h', 'RULE_CLASS', 1, 'Write `counter[alerts] < 3/h`.'],
  ['counter[Some Alerts] < 3/h', 'RULE_CLASS', 9, 'Write `counter[alerts] < 3/h`.'],
  [`counter[${'a'.repeat(41)}] < 3/h`, 'RULE_CLASS', 9, 'Write `counter[alerts] < 3/h`.'],
  ['restarts < 2x baseline', 'RULE_FLOOR', 12, 'Write `restarts < 2x baseline, floor 0.1/h`.'],
  ['restarts > 1/d', 'RULE_COMPARISON', 10, 'Write `restarts < 1/d`.'],
  ['error_rate[oom] < 0.1%', 'RULE_CLASS', 12, 'Write `error_rate[out-of-memory] < 0.1%`.'],
  ['error_rate[tiemout] < 0.1%', 'RULE_CLASS', 12, 'Write `error_rate[timeout] < 0.1%`.'],
  ['npu_usage < 85%', 'RULE_METRIC', 1, 'Write `npu < 85%`.'],
  ['reboots < 1/d', 'RULE_METRIC', 1, 'Write `restarts < 1/d`.'],
  ['cpu_usage < 85%', 'RULE_METRIC', 1, 'Write `cpu < 85%`.'],
  ['queue_depth < 5', 'RULE_METRIC', 1, '`gauge[queue_depth]`'],
  ['error_rate == 0', 'RULE_COMPARISON', 12, 'Write `error_rate <= 0%`.'],
  ['failed_devices == 0', 'RULE_COMPARISON', 16, 'Write `failed_devices <= 0%`.'],
  ['error_rate == 2x baseline, floor 1%', 'RULE_COMPARISON', 12, 'Write `error_rate < 2x baseline, floor 1%`.'],
  ['cpu > 85% for 5m', 'RULE_COMPARISON', 5, 'Write `cpu < 85% for 5m`.'],
  ['error_rate < 0.005', 'RULE_UNIT', 14, 'Write `error_rate < 0.5%`.'],
  ['error_rate < 0.5', 'RULE_UNIT', 14, 'Write `error_rate < 50%`, or `error_rate < 0.5%`.'],
  ['latency_p95 < 150', 'RULE_UNIT', 15, 'Write `latency_p95 < 150ms`.'],
  ['latency_p95 < 2x baseline, floor 1%', 'RULE_UNIT', 34, '`latency_p95 < 2x baseline, floor 5ms`.'],
  ['error_rate < 2x baseline, floor 0.01', 'RULE_UNIT', 33, 'Write `error_rate < 2x baseline, floor 1%`.'],
  ['class_share["cheque"] > 1%', 'RULE_CLASS', 13, 'Write `class_share[cheque] > 1%`.'],
  ['class_share[receipt] < 2x baseline', 'RULE_FLOOR', 24, 'Write `class_share[receipt] < 2x baseline, floor 0.1%`.'],
  ['cpu < -5%', 'RULE_LIMIT', 7, 'Write `cpu < 5%`.'],
  ['eror_rate < 1%', 'RULE_METRIC', 1, 'Write `error_rate < 1%`.'],
  ['confidance_loss < 10%', 'RULE_METRIC', 1, 'Write `confidence_loss < 10%`.'],
  ['latency-p95 < 1ms', 'RULE_METRIC', 1, 'Write `latency_p95 < 1ms`.'],
  ['cheese < 1%', 'RULE_METRIC', 1, 'Known metrics: error_rate'],
  ['__proto__ < 1%', 'RULE_METRIC', 1, 'Known metrics'],
  ['error_rate < 5', 'RULE_UNIT', 14, 'error_rate < 5%'],
  ['error_rate < 5ms', 'RULE_UNIT', 14, 'error_rate < 0.5%'],
  ['error_rate < 500%', 'RULE_UNIT', 14, 'error_rate < 0.5%'],
  ['latency_p95 < 5%', 'RULE_UNIT', 15, 'latency_p95 < 150ms'],
  ['error_rate < 0%', 'RULE_LIMIT', 14, '<= 0%'],
  ['error_rate > 1%', 'RULE_COMPARISON', 12, 'error_rate < 1%'],
  ['error_rate < 2x baseline', 'RULE_FLOOR', 14, 'error_rate < 2x baseline, floor 0.1%'],
  ['failed_devices < 5%, floor 10%', 'RULE_FLOOR', 28, 'Write `failed_devices < 5%, floor 2 devices`.'],
  ['failed_devices < 5%, floor 1 devices', 'RULE_FLOOR', 28, 'Write `failed_devices < 5%, floor 2 devices`.'],
  [
    'undelivered_devices < 5%, floor 2% after 30m',
    'RULE_FLOOR',
    33,
    'Write `undelivered_devices < 5%, floor 2 devices after 30m`.',
  ],
  ['error_rate < 1%, floor 1%', 'RULE_FLOOR', 24, 'Write `error_rate < 1%`.'],
  ['error_rate < 0x baseline, floor 1%', 'RULE_BASELINE', 14, 'Write `error_rate < 2x baseline, floor 1%`.'],
  ['failed_devices < 2x baseline', 'RULE_BASELINE', 18, 'Write it as in `failed_devices < 5%`.'],
  ['vanished_classes == 1', 'RULE_LIMIT', 21, '== 0'],
  ['vanished_classes < 1', 'RULE_COMPARISON', 18, 'vanished_classes == 0'],
  ['class_drift < 5%', 'RULE_UNIT', 15, 'class_drift < 0.1'],
  ['class_drift < 2x baseline', 'RULE_BASELINE', 15, 'Write it as in `class_drift < 0.1`.'],
  ['class_share > 1%', 'RULE_CLASS', 1, 'class_share[receipt] > 1%'],
  ['class_share > nothing', 'RULE_SYNTAX', 15, 'class_share[receipt] > 0.5x baseline'],
  ['class_share[ ] > 1%', 'RULE_CLASS', 13, 'class_share[receipt]'],
  ['class_share[\u200b] > 1%', 'RULE_SYNTAX', 12, 'class_share[receipt]'],
  ['class_share[a\u202eb] > 1%', 'RULE_SYNTAX', 12, 'class_share[receipt]'],
  ['class_share[a\u2028b] > 1%', 'RULE_SYNTAX', 12, 'class_share[receipt]'],
  ['error_rate[a] < 1%', 'RULE_CLASS', 12, 'Write `error_rate < 1%`.'],
  ['class_share[a] > 0.5x baseline, floor 1%', 'RULE_FLOOR', 18, 'Write `class_share[a] > 0.5x baseline`.'],
  ['class_share[a] < 2x baseline', 'RULE_FLOOR', 18, 'floor 0.1%'],
  ['class_share[a] >= 100%', 'RULE_LIMIT', 19, 'Write `class_share[a] >= 99%`.'],
  ['class_share[a] > 0%', 'RULE_LIMIT', 18, 'Write it as in `class_share[a] > 0.5x baseline`.'],
  ['error_rate < 1% for 5m', 'RULE_SUSTAINED', 21, 'Write `error_rate < 1%`.'],
  ['load_time < 2s for 5m', 'RULE_SUSTAINED', 20, 'Write `load_time < 2s`.'],
  ['cpu < 2x baseline for 5m', 'RULE_SUSTAINED', 23, 'Write `cpu < 2x baseline`.'],
  ['undelivered_devices < 5%', 'RULE_AFTER', 23, 'Write `undelivered_devices < 5% after 30m`.'],
  ['undelivered_devices < 5% after 0m', 'RULE_AFTER', 32, 'Write `undelivered_devices < 5% after 30m`.'],
  ['undelivered_devices < 5% after soon', 'DURATION_SYNTAX', 32, 'Write `undelivered_devices < 5% after 30m`.'],
  ['undelivered_devices < 5% for 30m', 'RULE_SUSTAINED', 30, 'undelivered_devices < 5% after 30m'],
  ['undelivered_devices < 5 after 30m', 'RULE_UNIT', 23, 'Write `undelivered_devices < 5% after 30m`.'],
  ['failed_devices < 5% after 30m', 'RULE_AFTER', 27, 'Write `failed_devices < 5%`.'],
  ['cpu < 90% after 5m', 'RULE_AFTER', 17, 'Write `cpu < 90% for 5m`.'],
  ['failed_devices < 5% floor 2 devices', 'RULE_SYNTAX', 20, 'Write `failed_devices < 5%, floor 2 devices`.'],
  ['latency_p95 < 2x', 'RULE_UNIT', 15, 'Write `latency_p95 < 2x baseline`.'],
  ['latency_p95 < 2x baseline, floor 2x', 'RULE_UNIT', 34, 'Write `latency_p95 < 2x baseline, floor 5ms`.'],
  [
    'error_rate[timeout] < 0.1% of baseline',
    ...(['RULE_FLOOR', 23] as const),
    'Write `error_rate[timeout] < 0.1%`, or `error_rate[timeout] < 0.1% of baseline, floor 0.1%`.',
  ],
  ['gauge < 5', 'RULE_CLASS', 1, 'gauge[queue_depth] < 5'],
  ['gauge[Queue Depth] < 5', 'RULE_CLASS', 7, 'gauge[queue_depth] < 5'],
  ['recall > 90%', 'RULE_CLASS', 1, 'recall[receipt]'],
  ['input < 5', 'RULE_CLASS', 1, 'Write `input[amount] < 5`.'],
  ['input[ ] < 5', 'RULE_CLASS', 7, 'input[amount] < 5'],
  ['input["amount"] < 5', 'RULE_CLASS', 7, 'Write `input[amount] < 5`.'],
  ['input[x[3] < 5', 'RULE_SYNTAX', 6, 'input[amount] < 1.2x baseline'],
  ['input[x[y]] < 5', 'RULE_SYNTAX', 6, 'input[amount] < 1.2x baseline'],
  ['input[temperature] < 85C', 'RULE_UNIT', 22, 'Write `input[temperature] < 85`.'],
  ['input[temperature] < 85 °C for 5m', 'RULE_UNIT', 22, 'Write `input[temperature] < 85 for 5m`.'],
  ['input[amount] == 5', 'RULE_COMPARISON', 15, 'Write `input[amount] < 5`.'],
  ['input[amount] < 2x baseline for 5m', 'RULE_SUSTAINED', 33, 'Write `input[amount] < 2x baseline`.'],
  ['input[amount] > 2x baseline, floor 5', 'RULE_FLOOR', 17, 'Write `input[amount] > 2x baseline`.'],
  ['input[amount] < 2x baseline, floor -5', 'RULE_LIMIT', 36, 'floor 5'],
  ['amount < 5', 'RULE_METRIC', 1, '`input[amount]`'],
  ['cpu > 85%', 'RULE_COMPARISON', 5, 'cpu < 85%'],
  ['temperature < 80', 'RULE_UNIT', 15, '80C'],
])('%j is refused with %s at column %i', (text, code, column, remedy) => {
  expect.assertions(3);
  try {
    parseRule(text);
  } catch (error) {
    expect((error as TextError).code).toBe(code);
    expect((error as TextError).column).toBe(column);
    expect((error as TextError).remedy).toContain(remedy);
  }
});

test('any text gives a rule or a TextError, in no time', () => {
  const piece = fc.constantFrom(
    'error_rate',
    'latency_p95',
    'class_share[a]',
    'vanished_classes',
    '==',
    '<',
    '>=',
    '2x',
    'baseline',
    ',',
    'floor',
    '1%',
    '5ms',
    ' ',
    'for',
    '1.',
    '9',
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(piece).map((all) => all.join(' ')),
      ),
      (text) => {
        try {
          parseRule(text);
        } catch (error) {
          expect(error).toBeInstanceOf(TextError);
        }
      },
    ),
    { numRuns: 3000 },
  );
  expect(() => parseRule(`error_rate <${' '.repeat(1_000_000)}`)).toThrow(TextError);
  expect(() => parseRule(`error_rate < ${'1.'.repeat(90)}`)).toThrow(TextError);
});

test.each(RULE_METRICS)('the example of %s is a rule', (metric) => {
  expect(parseRule(exampleRule(metric)).metric).toBe(metric);
});

function rulesIn(remedy: string): string[] {
  return [...remedy.matchAll(/`([^`]+)`/g)].map(([, text = '']) => text).filter((text) => /^[a-z].*[<>=]/.test(text));
}

test('a rule that a remedy says to write is one that parses, and not the one refused', () => {
  const metric = fc.constantFrom(...RULE_METRICS, 'p95_latency', 'cpu_usage');
  const brackets = fc.constantFrom('', '', '[receipt]', '["cheque"]', '[ ]', '[queue_depth]', '[Queue Depth]');
  const comparison = fc.constantFrom('<', '<=', '>', '>=', '==', '=', '');
  const amount = fc.constantFrom('0', '1', '5', '0.005', '0.5', '-3', '200', '0,5', '1e3', '100', '9999');
  const unit = fc.constantFrom('', '%', 'ms', 'C', ' s', 'KL', 'x baseline', ' x baseline', '% of baseline', 'MB');
  const floor = fc.constantFrom('', '', ', floor 1%', ', floor 5ms', ', floor 3', ' floor 1%', ', floor -1%');
  const time = fc.constantFrom('', '', ' for 5m', ' for 5 minutes', ' for ever', ' for 0s');
  const rules = fc.tuple(metric, brackets, comparison, amount, unit, floor, time);
  let advised = 0;
  fc.assert(
    fc.property(rules, ([name, about, sign, value, suffix, ...rest]) => {
      const text = `${name}${about} ${sign} ${value}${suffix}${rest.join('')}`;
      try {
        parseRule(text);
      } catch (error) {
        for (const rule of rulesIn((error as TextError).remedy ?? '')) {
          expect(() => parseRule(rule), `${text} → ${rule}`).not.toThrow();
          expect(rule).not.toBe(text);
          advised++;
        }
      }
    }),
    { numRuns: 20_000 },
  );
  expect(advised).toBeGreaterThan(5000);
});

test('a metric by its old name is the same rule by its new one', () => {
  const rule = parseRule('download_tries > 99%');
  expect(parseRule('download_success > 99%')).toEqual(rule);
  expect(parseRule('  download_success > 99% ')).toEqual(rule);
  expect(oldNameIn(' download_success > 99%')).toEqual(['download_success', 'download_tries']);
  expect(oldNameIn('download_tries > 99%')).toBeUndefined();
  expect(() => parseRule('download_success < 99%')).toThrow(TextError);
});
