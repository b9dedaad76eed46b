// Laws of words: numbers as people read them, and text of others that never leaves its place.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { asReason, clipped, oneLine } from '../../src/base/plain-text.ts';
import { countOf, formatAmount, formatBounds, formatCount, listed } from '../../src/wording/amounts.ts';
import { wrapped } from '../../src/wording/wrapped.ts';

it('thousands are grouped, units follow, and one thing is one', () => {
  expect([0, 999, 1000, 12480, 1234567].map(formatCount)).toEqual(['0', '999', '1,000', '12,480', '1,234,567']);
  expect([countOf(1, 'device'), countOf(2003, 'device')]).toEqual(['1 device', '2,003 devices']);
  expect(formatAmount(0.0021, 'ratio')).toBe('0.21%');
  expect(formatAmount(131.2, 'ms')).toBe('131 ms');
  expect(formatAmount(12_345, 'ms')).toBe('12.3 s');
  expect(formatBounds(0.0021, 0.0014, 0.0031, 'ratio')).toBe('(0.14–0.31)');
  // Bounds are in the unit of their value, also where they cross it.
  expect(formatBounds(12_000, 9_000, 13_000, 'ms')).toBe('(9–13)');
  expect(listed(['a'], 'or')).toBe('a');
  expect(listed(['a', 'b', 'c'], 'and')).toBe('a, b and c');
  expect(listed(['a', 'b', 'c', 'd'], 'and', 2)).toBe('a, b and 2 more');
});

const hostile = fc.string({ unit: 'binary', maxLength: 400 });

it('text of others is one line of visible characters', () => {
  expect(oneLine('a\r\nSlipway-Kind: x\u0000\u001b[31m\u009b2J\u202eb\ud800')).toBe('a Slipway-Kind: x [31m 2J b');
  fc.assert(
    fc.property(hostile, (text) => {
      expect(oneLine(text)).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
      expect(oneLine(text).isWellFormed()).toBe(true);
    }),
  );
});

it('a reason fits its place and is never empty', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 3000 }), (text) => {
      const reason = asReason(text);
      expect(reason.length).toBeGreaterThan(0);
      expect(reason.length).toBeLessThanOrEqual(500);
      expect(reason.isWellFormed()).toBe(true);
    }),
  );
});

it('a cut goes between characters', () => {
  expect(clipped('ab😀cd', 4)).toBe('ab…');
  expect(clipped('abcd', 4)).toBe('abcd');
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 1, max: 30 }), (text, most) => {
      expect(clipped(text, most).length).toBeLessThanOrEqual(Math.max(most, 1));
      expect(clipped(text, most).isWellFormed()).toBe(true);
    }),
  );
});

it('prose is broken at 80 characters, never between a number and its unit, and loses nothing', () => {
  const prose = fc.array(
    fc.constantFrom('a', 'device', '12,480', '0.5%', 'inferences', '30 min', '131 ms', 'x'.repeat(90)),
    {
      minLength: 1,
      maxLength: 60,
    },
  );
  fc.assert(
    fc.property(prose, (words) => {
      const lines = wrapped(words.join(' '));
      expect(lines.join(' ')).toBe(words.join(' '));
      for (const line of lines) expect(line.length <= 80 || !line.includes(' ')).toBe(true);
      for (const line of lines.slice(1)) expect(line).not.toMatch(/^(ms|min)/);
    }),
  );
});
