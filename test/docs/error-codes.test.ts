// Owns the laws of the page of error codes: none is missing, and none stands there that nothing throws.
import { globSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { errorCodes, findErrorCodeGaps } from '../../docs/error-codes-page.ts';
import { readErrorCodes } from '../../docs/read-error-codes.ts';

const sources = readErrorCodes();
const gapsWith = (more: Partial<typeof sources>) => findErrorCodeGaps({ ...sources, ...more }).join('\n');

describe('the page of error codes', () => {
  it('has a cause and a remedy for each code that a source makes, and no words for others', () => {
    expect(findErrorCodeGaps(sources)).toEqual([]);
    expect(errorCodes(sources).length).toBeGreaterThan(500);
  });

  it('has each code that a test expects, also those that are put together at run time', () => {
    const known = new Set(errorCodes(sources).map(({ code }) => code));
    const expected = globSync('test/**/*.test.ts').flatMap((file) => {
      const text = readFileSync(file, 'utf8');
      const found = text.matchAll(
        /(?:toMatchObject|toThrow\w*|objectContaining)\(\{[^}]{0,200}?\bcode: '([A-Z]+(?:_[A-Z0-9]+)+)'/g,
      );
      const own = new Set([...text.matchAll(/new CodedError\(\{ code: '(\w+)'/g)].map(([, code]) => code));
      return [...found].flatMap(([, code = '']) => (own.has(code) ? [] : [{ code, file }]));
    });
    expect(expected.length).toBeGreaterThan(300);
    expect(expected.filter(({ code }) => !known.has(code))).toEqual([]);
  });

  it('says what is missing: words, a remedy, a code that is asked for and never made, a name that is put together', () => {
    const made = [...sources.made, { code: 'NEW_CODE', file: 'src/a.ts', messages: [], remedies: [], kind: undefined }];
    expect(gapsWith({ made })).toMatch(/NEW_CODE has no cause[\s\S]*NEW_CODE has no remedy/);
    const fewer = sources.made.filter(({ code }) => code !== 'TUF_EXPIRED');
    expect(gapsWith({ made: fewer })).toMatch(/words for TUF_EXPIRED, which nothing throws/);
    expect(gapsWith({ askedFor: [{ code: 'NOT_MADE', file: 'src/a.ts' }] })).toMatch(/src\/a.ts asks for NOT_MADE/);
    expect(gapsWith({ built: [...sources.built, 'NEW_…'] })).toMatch(/put codes together as NEW_…/);
    expect(gapsWith({ made: sources.made.filter(({ code }) => code !== 'SETTING_UNKNOWN') })).toMatch(
      /speaks of SETTING_UNKNOWN, which nothing throws/,
    );
  });
});
