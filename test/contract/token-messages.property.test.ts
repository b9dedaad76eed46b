// What the messages about tokens promise: the parsers take what the schema takes and nothing else, and every answer can be read back.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ApiToken, TOKEN_SCOPES } from '../../src/contract/api-token.ts';
import {
  apiTokenToJson,
  findTokenFacts,
  parseApiTokenRequest,
  parseEnrolmentTokenRequest,
} from '../../src/contract/token-messages.ts';
import { NOW } from '../store/reports.ts';

const schema = JSON.parse(
  readFileSync(path.join(import.meta.dirname, '../../schemas/token-messages.schema.json'), 'utf8'),
) as object;
const ajv = new Ajv2020({ strict: true, allowUnionTypes: true, strictRequired: false, strictTypes: false });
ajv.addSchema(schema, 'messages');
const fits = (name: string, value: unknown): boolean => ajv.validate(`messages#/$defs/${name}`, value) === true;

function takes(parse: (value: unknown) => unknown, value: unknown): boolean {
  try {
    parse(value);
    return true;
  } catch (error) {
    expect(error).toMatchObject({ code: 'TOKEN_ORDER', kind: 'fix-input' });
    return false;
  }
}

/** Now and then something else in the place of what fits. */
const or = <T>(good: fc.Arbitrary<T>): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 6, arbitrary: good }, { weight: 1, arbitrary: fc.jsonValue() });
const withStrangers = (message: fc.Arbitrary<object>): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 6, arbitrary: message }, { weight: 1, arbitrary: message.map((one) => ({ ...one, uses: 3 })) });
const duration = fc.constantFrom('24h', '90d', '1h30m', '1.5s', '2w', '3 d', '90', '-1d', 'forever', '');
const anyName = fc.oneof(
  fc.string({ maxLength: 110, unit: 'grapheme-ascii' }),
  fc.string({ maxLength: 12, unit: 'binary' }),
  fc.constantFrom('ci', ' ci', 'ci ', 'a\nb', 'a\u2028b', 'a\u200bb', '\u0000', 'Größe 7', ''),
);

const apiToken = fc.record(
  {
    name: or(anyName),
    scopes: or(fc.array(fc.constantFrom(...TOKEN_SCOPES, 'root'), { maxLength: 4 })),
    expires: or(fc.oneof(duration, fc.constant('never'))),
  },
  { requiredKeys: ['name', 'scopes'] },
);
const enrolmentToken = fc.record(
  {
    count: or(fc.integer({ min: -1, max: 10_001 })),
    expires: or(duration),
    device: or(fc.constantFrom('d1', '', '-d', 'a b', 'x'.repeat(128), 'x'.repeat(129))),
    labels: or(
      fc.dictionary(
        fc.constantFrom('hw', 'site', 'x'.repeat(129)),
        fc.string({ maxLength: 300, unit: 'grapheme-ascii' }),
      ),
    ),
  },
  { requiredKeys: [] },
);

describe.each([
  { name: 'ApiTokenRequest', parse: parseApiTokenRequest, message: apiToken },
  { name: 'EnrolmentTokenRequest', parse: parseEnrolmentTokenRequest, message: enrolmentToken },
])('$name', ({ name, parse, message }) => {
  it('is taken exactly when it fits the schema', () => {
    const counts = { taken: 0, refused: 0 };
    fc.assert(
      fc.property(or(withStrangers(message)), (value) => {
        const isTaken = takes(parse, value);
        counts[isTaken ? 'taken' : 'refused'] += 1;
        expect([value, isTaken]).toEqual([value, fits(name, value)]);
      }),
      { numRuns: 2_000 },
    );
    expect(Math.min(counts.taken, counts.refused)).toBeGreaterThan(50);
  });
});

it('a token lasts as long as it says, at most ten years and at least a second', () => {
  expect(parseApiTokenRequest({ name: 'ci', scopes: ['view'] }).lifetimeMs).toBe(90 * 86_400_000);
  expect(parseApiTokenRequest({ name: 'ci', scopes: ['view'], expires: 'never' }).lifetimeMs).toBeNull();
  expect(parseEnrolmentTokenRequest({})).toEqual({ count: 1, lifetimeMs: 86_400_000, labels: {} });
  for (const expires of ['999ms', '0s', '600w', 'never'])
    expect(takes(parseEnrolmentTokenRequest, { expires })).toBe(false);
});

const instant = fc.integer({ min: 0, max: 4_000_000 }).map((seconds) => NOW + seconds * 1000);
const instantOrNull = fc.option(instant);
const token: fc.Arbitrary<ApiToken> = fc.record({
  id: fc.stringMatching(/^[0-9a-f]{12}$/),
  name: fc.constantFrom('ci', 'Größe 7'),
  scopes: fc.subarray([...TOKEN_SCOPES], { minLength: 1 }),
  createdBy: fc.constantFrom('home', 'environment', '0123456789ab'),
  createdAtMs: instant,
  ...{ expiresAtMs: instantOrNull, lastUsedAtMs: instantOrNull, revokedAtMs: instantOrNull },
});

it('what is known of a token is read back as it was', () => {
  fc.assert(
    fc.property(token, (known) => {
      const shown = apiTokenToJson(known);
      expect(fits('ApiToken', shown)).toBe(true);
      expect(findTokenFacts(JSON.parse(JSON.stringify(shown)))).toEqual(known);
    }),
  );
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(findTokenFacts(value)).toBeUndefined();
    }),
  );
});
