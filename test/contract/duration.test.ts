// Laws of durations and percentages as people write them.
import { expect, test } from 'vitest';
import { formatDuration, parseDurationMs, parsePercent } from '../../src/contract/duration.ts';

test.each([
  ['30m', 1_800_000],
  ['1h30m', 5_400_000],
  ['500ms', 500],
  ['1.5h', 5_400_000],
  ['7d', 604_800_000],
  ['0s', 0],
])('%s is %i ms', (text, ms) => {
  expect(parseDurationMs(text)).toBe(ms);
});

test.each(['', '30', 'm', '30 m', '-5m', '30min', '1e3s', '99999999d', `${'1s'.repeat(40)}`])(
  '%j is no duration',
  (text) => {
    expect(() => parseDurationMs(text)).toThrow(expect.objectContaining({ code: 'DURATION_SYNTAX' }));
  },
);

test.each([
  [450, '450 ms'],
  [45_000, '45 s'],
  [1_800_000, '30 min'],
  [5_400_000, '1 h 30 min'],
  [3_599_600, '1 h'],
  [2 * 86_400_000, '2 d'],
  [90_061_000, '1 d 1 h'],
])('%i ms reads %s', (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});

test.each([
  ['1%', 0.01],
  ['0.5%', 0.005],
  ['100 %', 1],
  ['0%', 0],
])('%s is %d', (text, fraction) => {
  expect(parsePercent(text)).toBe(fraction);
});

test.each(['101%', '1', '-1%', '%', '1e1%', ''])('%j is no percentage', (text) => {
  expect(() => parsePercent(text)).toThrow(expect.objectContaining({ code: 'PERCENT_SYNTAX' }));
});
