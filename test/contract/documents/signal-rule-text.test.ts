// Laws of the text of rules about outside signals.
import { expect, test } from 'vitest';
import { keepsTo, parseSignalLimit, parseSignalPass } from '../../../src/contract/documents/signal-rule-text.ts';

test('a limit in percent is held against a fraction, one without a unit against the number as it is', () => {
  expect(parseSignalLimit(' errors < 0.5% for 1m ')).toEqual({
    name: 'errors',
    demand: { kind: 'limit', comparison: '<', limit: 0.005, unit: 'ratio' },
    sustainedMs: 60_000,
    source: 'errors < 0.5% for 1m',
  });
  expect(parseSignalLimit('temperature_change >= -2.5').demand).toMatchObject({ limit: -2.5, unit: 'count' });
});

test('a number counts after five minutes unless the rule says otherwise, a judgement at once', () => {
  expect(parseSignalLimit('queue < 5').sustainedMs).toBe(300_000);
  expect(parseSignalPass('desk passes').sustainedMs).toBe(0);
  expect(parseSignalPass('desk passes for 1h30m').sustainedMs).toBe(5_400_000);
});

test.each([
  ['<', [false, false, true]],
  ['<=', [false, true, true]],
  ['>', [true, false, false]],
  ['>=', [true, true, false]],
  ['==', [false, true, false]],
] as const)('%s means what it says', (comparison, [above, at, below]) => {
  const demand = { kind: 'limit', comparison, limit: 5, unit: 'count' } as const;
  expect([6, 5, 4].map((value) => keepsTo(demand, value))).toEqual([above, at, below]);
});

test.each([
  'error_rate < 5%',
  'x < 5 ms',
  'x = 5',
  'x < ',
  'x < 2x baseline',
  `${'x'.repeat(64)} < 1`,
  'x < 1e3',
  'x < 1 for',
  '',
])('%s is refused', (text) => {
  expect(() => parseSignalLimit(text)).toThrow();
  expect(() => parseSignalPass(text)).toThrow();
});
