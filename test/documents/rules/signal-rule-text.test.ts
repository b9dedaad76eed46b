// Laws of the text of rules about outside signals.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TextError } from '../../../src/contract/source/text-error.ts';
import { keepsTo, parseSignalLimit, parseSignalPass } from '../../../src/documents/rules/signal-rule-text.ts';

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

const PARSERS = { limit: parseSignalLimit, pass: parseSignalPass };
const NAME_AND_LIMIT = '`checkout_errors < 0.5% for 5m`';
const NAME_AND_PASSES = '`fraud_desk passes`';
const LONG = `${'x'.repeat(64)} < 1`;

test.each([
  ['limit', ' error_rate < 5%', 'RULE_SIGNAL_NAME', 2, 'a name of its own'],
  ['limit', 'x < 5 ms', 'RULE_UNIT', 7, "in the query's own unit"],
  ['limit', 'x < 5ms for ever', 'RULE_UNIT', 6, "in the query's own unit"],
  ['limit', 'x = 5', 'RULE_SYNTAX', 3, NAME_AND_LIMIT],
  ['limit', 'x < ', 'RULE_SYNTAX', 5, NAME_AND_LIMIT],
  ['limit', 'x < low', 'RULE_SYNTAX', 5, NAME_AND_LIMIT],
  ['limit', 'x < 2x baseline', 'RULE_SYNTAX', 5, NAME_AND_LIMIT],
  ['limit', 'x < 25.5 x baseline', 'RULE_SYNTAX', 5, NAME_AND_LIMIT],
  ['limit', 'x < 1e3', 'RULE_SYNTAX', 5, NAME_AND_LIMIT],
  ['limit', 'x < 0,5%', 'RULE_SYNTAX', 6, 'Write `x < 0.5%`.'],
  ['limit', 'x < 1 for', 'RULE_SYNTAX', 7, NAME_AND_LIMIT],
  ['limit', 'x < 1 for 5 minutes', 'RULE_SYNTAX', 11, 'Write `x < 1 for 5m`.'],
  ['limit', ' x < 5%  for ever ', 'DURATION_SYNTAX', 14, 'Write `x < 5%  for 5m`.'],
  ['limit', 'x < 5 or so', 'RULE_SYNTAX', 10, NAME_AND_LIMIT],
  ['limit', 'x passes', 'RULE_SYNTAX', 3, NAME_AND_LIMIT],
  ['limit', '  < 5', 'RULE_SYNTAX', 3, NAME_AND_LIMIT],
  ['limit', LONG, 'RULE_SYNTAX', 1, NAME_AND_LIMIT],
  ['limit', `x < 5${' '.repeat(196)}`, 'RULE_SYNTAX', 201, NAME_AND_LIMIT],
  ['limit', '', 'RULE_SYNTAX', 1, NAME_AND_LIMIT],
  ['pass', 'latency_p95 passes', 'RULE_SIGNAL_NAME', 1, 'a name of its own'],
  ['pass', 'x < 5%', 'RULE_SYNTAX', 3, NAME_AND_PASSES],
  ['pass', 'x passed', 'RULE_SYNTAX', 3, NAME_AND_PASSES],
  ['pass', 'x passes well', 'RULE_SYNTAX', 10, NAME_AND_PASSES],
  ['pass', 'x passes for', 'RULE_SYNTAX', 10, NAME_AND_PASSES],
  ['pass', 'x passes for 1 hour', 'RULE_SYNTAX', 14, 'Write `x passes for 1h`.'],
  ['pass', 'x passes for now', 'DURATION_SYNTAX', 14, 'Write `x passes for 5m`.'],
  ['pass', '', 'RULE_SYNTAX', 1, NAME_AND_PASSES],
] as const)('as a %s, %j is refused with %s at column %i', (kind, text, code, column, remedy) => {
  expect.assertions(2);
  try {
    PARSERS[kind](text);
  } catch (error) {
    expect(error).toMatchObject({ code, column });
    expect((error as TextError).remedy).toContain(remedy);
  }
});

test('any text gives a rule or a TextError, in no time', () => {
  const piece = fc.constantFrom(
    'queue',
    'passes',
    '<',
    '5',
    '0,5',
    '%',
    'ms',
    '2x',
    'baseline',
    'for',
    '5m',
    '5 minutes',
    '1.',
    '[a]',
  );
  const texts = fc.oneof(
    fc.string(),
    fc.array(piece).map((all) => all.join(' ')),
    fc.array(piece).map((all) => all.join('')),
  );
  fc.assert(
    fc.property(texts, (text) => {
      for (const parse of [parseSignalLimit, parseSignalPass]) {
        try {
          expect(parse(text).source).toBe(text.trim());
        } catch (error) {
          expect(error).toBeInstanceOf(TextError);
          expect((error as TextError).column).toBeLessThanOrEqual(text.length + 1);
          const advised = /^Write `(.*)`\.$/.exec((error as TextError).remedy ?? '')?.[1];
          if (advised !== undefined) expect(() => parse(advised)).not.toThrow();
        }
      }
    }),
    { numRuns: 5000 },
  );
  expect(() => parseSignalLimit(`x <${' '.repeat(1_000_000)}`)).toThrow(TextError);
});
