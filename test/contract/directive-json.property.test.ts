// What holds for a directive's bytes: the way there and back changes nothing, and no bytes at all break the reader.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CodedError } from '../../src/base/errors.ts';
import { digestOf } from '../../src/contract/digest.ts';
import { type Directive, type DirectiveEntry, MOST_REVISION } from '../../src/contract/directive.ts';
import { encodeDirective, MOST_DIRECTIVE_BYTES, parseDirective } from '../../src/contract/directive-json.ts';
import { isNameable } from '../../src/contract/group-exception.ts';
import { BUCKETS } from '../../src/contract/membership.ts';
import { directiveAt, entry } from '../distribution/publication-world.ts';

const text = fc.string({ unit: 'binary', maxLength: 30 });
const scalar = fc.oneof(
  text,
  fc.boolean(),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => (n === 0 ? 0 : n)),
);
const parameters = fc.dictionary(
  text.filter((name) => name !== '__proto__'),
  scalar,
  { maxKeys: 4, noNullPrototype: true },
);
const selector = fc.constantFrom('*', 'region:eu-west AND hw:rev2', 'NOT (a:1 OR b:[1 TO 2])', 'id:"ü"');
const count = fc.nat({ max: MOST_REVISION });
const choice = { version: text, digest: text.map((one) => digestOf(one)), parameters };
const cohort = fc.record({
  cut: fc.integer({ min: 0, max: BUCKETS }),
  select: fc.option(selector),
  devices: fc.array(text, { maxLength: 3 }),
});
const stable = fc.option(fc.record({ ...choice, target: selector }));
const exceptions = fc.array(
  fc.record({
    group: text.map((one) => `hw:_${one}`).filter(isNameable),
    kind: fc.constantFrom('rolled-back', 'held', 'behind'),
    cohort: fc.option(cohort),
    stable,
  }),
  { maxLength: 3 },
);
const plainEntries = fc.record({
  rollout: text,
  revision: count,
  model: text,
  target: selector,
  stage: fc.option(text),
  cohort,
  salt: text,
  candidate: fc.option(fc.record({ ...choice, attempt: count })),
  stable,
  spreadMs: count,
  emergency: fc.boolean(),
});
const entries: fc.Arbitrary<DirectiveEntry> = fc
  .tuple(plainEntries, fc.option(exceptions))
  .map(([entry, all]) => (all === null ? entry : { ...entry, exceptions: all }));
const directives = fc
  .uniqueArray(entries, { selector: (one) => one.rollout, maxLength: 5 })
  .map((list): Directive => ({ kind: 'Directive', entries: list }));

function sorted({ entries: list }: Directive): Directive {
  return { kind: 'Directive', entries: [...list].sort((a, b) => (a.rollout < b.rollout ? -1 : 1)) };
}

/** Parses, or says under which code it was refused; anything else that is thrown fails the test. */
function codeOf(bytes: Uint8Array): string {
  try {
    parseDirective(bytes);
    return 'read';
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    expect(error.message.length).toBeLessThan(300);
    return error.code;
  }
}

describe('the bytes of a directive', () => {
  it('read back give the directive', () => {
    fc.assert(
      fc.property(directives, (directive) => {
        expect(parseDirective(encodeDirective(directive))).toEqual(sorted(directive));
      }),
    );
  });

  it('are the same for the same content, in whatever order it was put together', () => {
    fc.assert(
      fc.property(directives, (directive) => {
        const turned = directive.entries.map(
          (one) => Object.fromEntries(Object.entries(one).reverse()) as unknown as DirectiveEntry,
        );
        expect(encodeDirective({ kind: 'Directive', entries: turned.reverse() })).toEqual(encodeDirective(directive));
      }),
    );
  });

  it('leave out what this version does not know, and keep the rest', () => {
    const [one] = directiveAt(1).entries;
    const newer = { kind: 'Directive', fresh: 1, entries: [{ ...one, fresh: { x: [1] } }] };
    expect(parseDirective(Buffer.from(JSON.stringify(newer)))).toEqual(directiveAt(1));
  });

  it('are read whole where one selector can match nothing', () => {
    const [one] = directiveAt(1).entries;
    const entries = [{ ...one, target: 'fw:[5 TO 1]' } as DirectiveEntry];
    expect(parseDirective(encodeDirective({ kind: 'Directive', entries })).entries).toEqual(entries);
  });

  it('hold parameters under any name, without touching prototypes', () => {
    const bytes = encodeDirective(directiveAt(1))
      .toString('utf8')
      .replace('"parameters":{}', '"parameters":{"__proto__":1}');
    const [one] = parseDirective(Buffer.from(bytes)).entries;
    expect(Object.keys(one?.candidate?.parameters ?? {})).toEqual(['__proto__']);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });
});

describe('reading hostile bytes', () => {
  it('throws DIRECTIVE_UNREADABLE and nothing else, whatever they are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(codeOf(bytes)).toBe('DIRECTIVE_UNREADABLE');
      }),
    );
    fc.assert(
      fc.property(fc.json(), (json) => {
        expect(codeOf(Buffer.from(json))).toBe('DIRECTIVE_UNREADABLE');
      }),
    );
  });

  it('survives any one value in the place of another', () => {
    const places: (readonly (string | number)[])[] = [];
    const walk = (value: unknown, path: readonly (string | number)[]): void => {
      places.push(path);
      if (value !== null && typeof value === 'object')
        for (const [name, member] of Object.entries(value)) walk(member, [...path, name]);
    };
    const [one] = directiveAt(1).entries;
    const whole = { kind: 'Directive', entries: [{ ...one, cohort: { cut: 5, select: 'a:b', devices: ['x'] } }] };
    walk(whole, []);
    const put = (value: unknown, path: readonly (string | number)[], given: unknown): unknown => {
      const [name, ...rest] = path;
      if (name === undefined) return given;
      const copy = (Array.isArray(value) ? [...value] : { ...(value as object) }) as Record<string, unknown>;
      copy[name] = put(copy[name], rest, given);
      return copy;
    };
    fc.assert(
      fc.property(fc.constantFrom(...places), fc.jsonValue(), (place, given) => {
        expect(['read', 'DIRECTIVE_UNREADABLE']).toContain(
          codeOf(Buffer.from(JSON.stringify(put(whole, place, given)))),
        );
      }),
      { numRuns: 1000 },
    );
  });

  it.each([
    ['NaN in place of a count', (one: DirectiveEntry) => ({ ...one, revision: Number.NaN })],
    ['a fraction of a revision', (one: DirectiveEntry) => ({ ...one, revision: 1.5 })],
    ['a negative revision', (one: DirectiveEntry) => ({ ...one, revision: -1 })],
    ['a revision that no report may name', (one: DirectiveEntry) => ({ ...one, revision: MOST_REVISION + 1 })],
    [
      'an attempt that no report may name',
      (one: DirectiveEntry) => ({ ...one, candidate: { ...one.stable, attempt: MOST_REVISION + 1 } }),
    ],
    ['a cut above all buckets', (one: DirectiveEntry) => ({ ...one, cohort: { ...one.cohort, cut: BUCKETS + 1 } })],
    [
      'a digest in capitals',
      (one: DirectiveEntry) => ({ ...one, stable: { ...one.stable, digest: one.stable?.digest.toUpperCase() } }),
    ],
    ['a target that is no selector', (one: DirectiveEntry) => ({ ...one, target: 'region:(' })],
    [
      'a stable target that is no selector',
      (one: DirectiveEntry) => ({ ...one, stable: { ...one.stable, target: 'AND' } }),
    ],
    ['a cohort whose selector is none', (one: DirectiveEntry) => ({ ...one, cohort: { ...one.cohort, select: 'x:' } })],
    [
      'a parameter that is a list',
      (one: DirectiveEntry) => ({ ...one, candidate: { ...one.candidate, parameters: { a: [1] } } }),
    ],
    ['a text without end', (one: DirectiveEntry) => ({ ...one, salt: 'x'.repeat(5000) })],
    [
      'too many listed devices',
      (one: DirectiveEntry) => ({ ...one, cohort: { ...one.cohort, devices: Array(10_001).fill('x') } }),
    ],
    ['an emergency that is no yes or no', (one: DirectiveEntry) => ({ ...one, emergency: 'false' })],
    [
      'a parameter with a name without end',
      (one: DirectiveEntry) => ({ ...one, candidate: { ...one.candidate, parameters: { ['x'.repeat(9999)]: [] } } }),
    ],
  ])('refuses %s', (_what, spoil) => {
    const spoilt = { kind: 'Directive', entries: [spoil(entry())] };
    expect(codeOf(Buffer.from(JSON.stringify(spoilt)))).toBe('DIRECTIVE_UNREADABLE');
    expect(() => encodeDirective(spoilt as unknown as Directive)).toThrow(/^(?!.*undefined)/);
  });

  it('refuses one rollout twice', () => {
    const twice = { kind: 'Directive', entries: [entry(), entry({ revision: 2 })] } as const;
    expect(codeOf(Buffer.from(JSON.stringify(twice)))).toBe('DIRECTIVE_UNREADABLE');
  });

  it('is bounded: too many bytes, too many entries and nesting without end are refused quickly', () => {
    expect(codeOf(Buffer.alloc(MOST_DIRECTIVE_BYTES + 1, ' '))).toBe('DIRECTIVE_UNREADABLE');
    expect(codeOf(Buffer.from('['.repeat(MOST_DIRECTIVE_BYTES)))).toBe('DIRECTIVE_UNREADABLE');
    expect(codeOf(Buffer.from(`${'['.repeat(2_000_000)}${']'.repeat(2_000_000)}`))).toBe('DIRECTIVE_UNREADABLE');
    expect(codeOf(Buffer.from(`{"kind":"Directive","entries":[${'0,'.repeat(10_000)}0]}`))).toBe(
      'DIRECTIVE_UNREADABLE',
    );
    const large = Array.from({ length: 9000 }, (_, i) => entry({ rollout: `r${i}`, salt: 'x'.repeat(4000) }));
    expect(() => encodeDirective({ kind: 'Directive', entries: large })).toThrow(/more than 4194304/);
  });
});
