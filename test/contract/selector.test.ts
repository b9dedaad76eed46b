// Laws of target selectors: what they mean, what they refuse, and that hostile ones cost nothing.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkWrittenSelector, type DeviceFacts, matchesSelector, parseSelector } from '../../src/contract/selector.ts';
import { TextError } from '../../src/contract/source/text-error.ts';

const device: DeviceFacts = {
  id: 'kiosk-001',
  labels: { region: 'eu-west', hw: 'rev2', platform: 'label-wins', 'topology/zone': 'a' },
  properties: { platform: 'linux/arm64', freeDiskBytes: 5_000_000, firmware: '2.10', agent: '0.1.0', odd: 'unknown' },
};

function matches(text: string, facts = device): boolean {
  return matchesSelector(parseSelector(text), facts);
}

function problem(text: string, parse: (text: string) => unknown = parseSelector): TextError {
  try {
    parse(text);
  } catch (error) {
    if (error instanceof TextError) return error;
    throw error;
  }
  throw new Error(`${text} parsed`);
}

describe('what a selector means', () => {
  test.each([
    ['*', true],
    ['region:eu-west', true],
    ['region:eu-west AND hw:rev2', true],
    ['region:eu-west AND hw:rev3', false],
    ['hw:rev3 OR region:eu-west', true],
    ['NOT hw:rev3', true],
    ['NOT (hw:rev2 OR hw:rev3)', false],
    ['hw:(rev1 OR rev2)', true],
    ['hw:(rev1 OR rev3*)', false],
    ['region:eu*', true],
    ['region:us*', false],
    ['hw:*', true],
    ['missing:*', false],
    ['NOT missing:x', true],
    ['id:kiosk-001', true],
    ['id:(kiosk-002 OR kiosk-001)', true],
    ['topology/zone:a', true],
    ['platform:label-wins', true],
    ['platform:linux/arm64', false],
    ['freeDiskBytes:>=1000000', true],
    ['freeDiskBytes:<1000000', false],
    ['freeDiskBytes:5000000', true],
    ['freeDiskBytes:[1e6 TO *]', true],
    ['firmware:>2.9', true],
    ['firmware:2.1', false],
    ['firmware:[2.1 TO 3.0]', true],
    ['firmware:[2.1 TO 2.10]', true],
    ['firmware:[2.1 TO 2.10}', false],
    ['firmware:{2.10 TO *]', false],
    ['firmware:>=2.10.0', true],
    ['odd:>=1', false],
    ['odd:[* TO *]', false],
    ['region:"eu-west"', true],
    ['region:"eu*"', false],
    ['a:x OR region:eu-west AND hw:rev9', false],
    ['(a:x OR region:eu-west) AND hw:rev2', true],
    ['ANDroid:*', false],
  ])('%s is %s', (text, expected) => {
    expect(matches(text)).toBe(expected);
  });

  test('AND binds tighter than OR, NOT tightest', () => {
    expect(matches('hw:rev2 OR hw:rev2 AND hw:rev9')).toBe(true);
    expect(matches('NOT hw:rev9 AND hw:rev9')).toBe(false);
  });

  test('names from Object.prototype are no labels', () => {
    for (const name of ['__proto__', 'constructor', 'toString']) expect(matches(`${name}:*`)).toBe(false);
  });

  test('a label named id does not stand for the id', () => {
    expect(matches('id:other', { ...device, labels: { id: 'other' } })).toBe(false);
  });
});

describe('what a selector refuses', () => {
  test.each([
    ['', 1, 'the end'],
    ['region', 7, '`:`'],
    ['region:', 8, 'a value'],
    ['region:eu-west hw:rev2', 16, 'AND, OR or the end'],
    ['region:eu-west and hw:rev2', 16, 'AND, OR or the end'],
    ['(region:eu-west', 16, '`)`'],
    ['firmware:[2.1 3.0]', 15, 'TO'],
    ['firmware:>=high', 12, 'a number or a version'],
    ['hw:()', 5, 'a value'],
    ['hw:OR', 4, 'a value'],
    ['hw:"rev2', 4, 'not closed'],
    ['hw:rev2 AND', 12, 'a term'],
    [':x', 1, 'a term'],
  ])('%j fails at column %i and says %s', (text, column, words) => {
    const error = problem(text);
    expect(error.code).toBe('SELECTOR_SYNTAX');
    expect(error.column).toBe(column);
    expect(error.message).toContain(words);
    expect(error.remedy).toBeTruthy();
  });

  test('lower-case keywords get the hint to use capitals', () => {
    expect(problem('a:b and c:d').remedy).toContain('AND in capitals');
  });

  test.each([
    'firmware:[5 TO 1]',
    'firmware:{2 TO 2]',
    'freeDiskBytes:[6000000 TO 4000000]',
    'firmware:[v1.10 TO v1.9]',
  ])('%s is refused where people write it; in a directive it is understood, and matches nothing', (empty) => {
    expect(problem(empty, checkWrittenSelector).message).toContain('No value lies between');
    expect(matches(empty)).toBe(false);
    // As versions there is something between them.
    expect(() => checkWrittenSelector('firmware:[2.9 TO 2.10]')).not.toThrow();
    expect(matches('firmware:[2.9 TO 2.10]')).toBe(true);
  });

  test('long and deep ones are refused at once', () => {
    expect(problem('a:b OR '.repeat(200)).message).toContain('1024');
    expect(problem('('.repeat(500)).message).toContain('32 levels');
    expect(problem('NOT '.repeat(200)).message).toContain('32 levels');
    expect(problem(`a:${'x'.repeat(1_000_000)}`).code).toBe('SELECTOR_SYNTAX');
  });

  test('any text gives a selector or SELECTOR_SYNTAX inside the text, never anything else', () => {
    const piece = fc.constantFrom(
      'a',
      ':',
      'AND',
      'OR',
      'NOT',
      '(',
      ')',
      '[',
      '{',
      ']',
      '}',
      'TO',
      '*',
      '"',
      '\\',
      '>=',
      '<',
      ' ',
      '1.2',
      '😀',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(piece, { maxLength: 60 }).map((all) => all.join('')),
        ),
        (text) => {
          try {
            matchesSelector(parseSelector(text), device);
          } catch (error) {
            expect(error).toBeInstanceOf(TextError);
            expect((error as TextError).column).toBeLessThanOrEqual(text.length + 1);
          }
        },
      ),
      { numRuns: 3000 },
    );
  });
});

test('remembering selectors is bounded and never mixes them up', () => {
  for (let i = 0; i < 5000; i++) {
    expect(parseSelector(`hw:rev${i}`)).toEqual({
      kind: 'term',
      field: 'hw',
      tests: [{ kind: 'equals', text: `rev${i}` }],
    });
  }
  expect(parseSelector('hw:rev4999')).toBe(parseSelector('hw:rev4999'));
});
