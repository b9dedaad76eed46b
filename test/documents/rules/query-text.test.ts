// Laws of queries: a value fills its placeholder and nothing else, whatever it is.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fillQuery, PLACEHOLDERS, parseQuery, type QueryValues } from '../../../src/documents/rules/query-text.ts';

function valuesOf(value: string): QueryValues {
  return Object.fromEntries(PLACEHOLDERS.map((name) => [name, value])) as unknown as QueryValues;
}

/** What PromQL takes the first quoted text of a query to be, and what follows it. */
function firstString(query: string): { text: string; rest: string } {
  const found = /"((?:[^"\\\n]|\\.)*)"([\s\S]*)$/.exec(query);
  return { text: JSON.parse(`"${found?.[1] ?? ''}"`) as string, rest: found?.[2] ?? '' };
}

test('a filled value is the text that the query compares with, and never ends its quotes', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 100, unit: 'grapheme-ascii' }), (value) => {
      const filled = fillQuery(parseQuery('up{version="{{candidate.version}}"} > 0'), valuesOf(value));
      expect(firstString(filled)).toEqual({ text: value, rest: '} > 0' });
    }),
  );
});

test('in a regular expression a filled value matches itself and nothing else', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 40, unit: 'grapheme-ascii' }), fc.string(), (value, other) => {
      const filled = fillQuery(parseQuery('up{version =~ "{{ candidate.version }}|x"}'), valuesOf(value));
      const pattern = firstString(filled).text.replace(/\|x$/, '');
      expect(new RegExp(`^(?:${pattern})$`).test(value)).toBe(true);
      expect(new RegExp(`^(?:${pattern})$`).test(other)).toBe(other === value);
    }),
  );
});

test('a value is bounded', () => {
  expect(fillQuery(parseQuery('a{b="{{stage}}"}'), valuesOf('x'.repeat(10_000))).length).toBeLessThan(300);
});

test.each([
  ['sum({{rollout}})', 5],
  ['`{{rollout}}`', 2],
  ['"a" + {{rollout}} + "b"', 7],
  ['"{{nothing}}"', 2],
  ['"{{rollout"', 2],
  ['"\\"" + {{rollout}}', 8],
  ["# it's a comment\n{{rollout}}", 18],
  ['"{{rollout}}"'.repeat(21), 262],
  ['x'.repeat(4001), 4001],
])('%s is refused where it goes wrong, at column %i', (query, column) => {
  const refused = { column, message: expect.stringMatching(/placeholder|outside of quotes|longer/) };
  expect(() => parseQuery(query)).toThrow(expect.objectContaining(refused));
});

test.each([
  ['sum(up{', 7],
  ['sum(up', 4],
  ['up{a="b"', 3],
  ['up)', 3],
  ['sum(up]', 7],
  ['up{a="b}', 6],
  ["up{a='{{rollout}}}", 6],
])('%s is refused: a bracket or quotes stay open, at column %i', (query, column) => {
  expect(() => parseQuery(query)).toThrow(expect.objectContaining({ code: 'QUERY_SYNTAX', column }));
});

test.each(['up', 'up{a="b"}', "{a='{{rollout}}'}", '{a="\\"{{rollout}}"}', '# "\nup{a="{{stage}}"}', '{a=`b`}', ''])(
  '%s is a query',
  (query) => {
    expect(fillQuery(parseQuery(query), valuesOf('X'))).toBe(query.replace(/\{\{\w+\}\}/, 'X'));
  },
);

test.each([
  ['label_replace(x,"a","$1","b","{{stage}}(.*)")', 'label_replace(x,"a","$1","b","1\\\\.0(.*)")'],
  [
    'label_replace(f(x, y{a="b"}), "a", "$1", "b", "{{stage}}")',
    'label_replace(f(x, y{a="b"}), "a", "$1", "b", "1\\\\.0")',
  ],
  ['label_replace(x{a="{{stage}}"}, "a", "{{stage}}", "b", "c")', 'label_replace(x{a="1.0"}, "a", "1.0", "b", "c")'],
  ['label_join(x, "a", "b", "c", "{{stage}}")', 'label_join(x, "a", "b", "c", "1.0")'],
  ['my_label_replace(x, 1, 2, 3, "{{stage}}")', 'my_label_replace(x, 1, 2, 3, "1.0")'],
  ['x{v=~ # is it?\n"{{stage}}"}', 'x{v=~ # is it?\n"1\\\\.0"}'],
  ['x{v= # =~\n"{{stage}}"}', 'x{v= # =~\n"1.0"}'],
])('%s is filled by what its quotes hold: a pattern or plain text', (query, filled) => {
  expect(fillQuery(parseQuery(query), valuesOf('1.0'))).toBe(filled);
});

test('only the quotes that are open are escaped: PromQL knows no escape of the others in them', () => {
  expect(fillQuery(parseQuery('x{v="{{stage}}"}'), valuesOf(`it's "b\\"`))).toBe('x{v="it\'s \\"b\\\\\\""}');
  expect(fillQuery(parseQuery("x{v='{{stage}}'}"), valuesOf(`it's "b"`))).toBe(`x{v='it\\'s "b"'}`);
});
