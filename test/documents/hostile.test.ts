// Laws of hostile documents: each is refused with a located error, fast, and nothing else happens.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseDocument } from '../../src/documents/parse-document.ts';

/** Far above what it takes, far below what would hold up the service. */
const KINDS = 'apiVersion: slipway.dev/v1alpha1\nkind: Rollout\n';
const MANY = 100_000;

const bomb = Array.from({ length: 30 }, (_, i) => `l${i}: &l${i} [${`*l${i - 1},`.repeat(i === 0 ? 0 : 9)}]`).join(
  '\n',
);
const keys = (count: number): string => Array.from({ length: count }, (_, i) => `k${i}: ${i}`).join('\n');

const HOSTILE: readonly (readonly [string, string | Uint8Array, string])[] = [
  ['a bomb of aliases', KINDS + bomb, 'DOCUMENT_ALIAS'],
  ['ten megabytes', new Uint8Array(10 * 1024 * 1024).fill(0x61), 'DOCUMENT_TOO_LARGE'],
  ['10,000 levels of lists', `${KINDS}spec: ${'['.repeat(10_000)}${']'.repeat(10_000)}`, 'DOCUMENT_TOO_DEEP'],
  ['10,000 levels of maps', `${KINDS}spec: ${'{a: '.repeat(10_000)}`, 'DOCUMENT_TOO_DEEP'],
  ['10,000 levels of dashes', `${'- '.repeat(10_000)}x`, 'DOCUMENT_TOO_DEEP'],
  ['10,000 levels of question marks', `${'? '.repeat(10_000)}x`, 'DOCUMENT_TOO_DEEP'],
  [
    '600 levels of indentation',
    Array.from({ length: 600 }, (_, i) => `${' '.repeat(i)}a:`).join('\n'),
    'DOCUMENT_TOO_DEEP',
  ],
  ['brackets only', '['.repeat(256 * 1024), 'DOCUMENT_TOO_DEEP'],
  ['closing brackets only', ']'.repeat(256 * 1024), 'DOCUMENT_TOO_MANY_NODES'],
  ['quotes only', '"'.repeat(256 * 1024), 'DOCUMENT_TOO_MANY_NODES'],
  ['100,000 keys', keys(MANY), 'DOCUMENT_TOO_LARGE'],
  ['20,000 keys', keys(20_000), 'DOCUMENT_TOO_MANY_NODES'],
  [
    '10,000 unknown fields',
    `${KINDS}metadata: { name: a }\nspec: { model: m, version: latest, target: "*" }\n${keys(10_000)}`,
    'DOCUMENT_UNKNOWN_FIELD',
  ],
  ['one key 10,000 times', 'a: 1\n'.repeat(10_000), 'DOCUMENT_DUPLICATE_FIELD'],
  ['an anchor', `${KINDS}metadata: &a {}`, 'DOCUMENT_ALIAS'],
  ['an anchor on the root', '&a\nkind: Rollout', 'DOCUMENT_ALIAS'],
  ['a merge key', `${KINDS}<<: { a: 1 }`, 'DOCUMENT_UNKNOWN_FIELD'],
  ['a tag', `${KINDS}spec: !!js/function "x"`, 'DOCUMENT_TAG'],
  ['a tag on the root', '!x\nkind: Rollout', 'DOCUMENT_TAG'],
  ['a NUL byte', `${KINDS}a: "\0"`, 'DOCUMENT_CHARACTER'],
  ['an escape sequence for terminals', `${KINDS}a: "\u001b[2J"`, 'DOCUMENT_CHARACTER'],
  ['a lone carriage return', `${KINDS}a: 1\rb: 2`, 'DOCUMENT_CHARACTER'],
  ['bytes that are no UTF-8', new Uint8Array([...Buffer.from(KINDS), 0xff]), 'DOCUMENT_ENCODING'],
  ['an overlong slash', new Uint8Array([...Buffer.from(KINDS), 0xc0, 0xaf]), 'DOCUMENT_ENCODING'],
  ['UTF-16', Buffer.from(KINDS, 'utf16le'), 'DOCUMENT_CHARACTER'],
  ['a byte order mark', `\uFEFF${KINDS}`, 'DOCUMENT_ENCODING'],
  ['a second document', `${KINDS}---\n${KINDS}`, 'DOCUMENT_MULTIPLE'],
  ['another version of YAML', `%YAML 1.1\n---\n${KINDS}`, 'DOCUMENT_TAG'],
  [
    'fields of the prototype',
    `${KINDS}__proto__: { a: 1 }\nconstructor: { prototype: { a: 1 } }`,
    'DOCUMENT_UNKNOWN_FIELD',
  ],
  [
    'a field that begins with a question mark',
    `? apiVersion\n: slipway.dev/v1alpha1\n? kind\n: Rollout`,
    'DOCUMENT_FIELD_NAME',
  ],
  [
    'folders that climb out',
    `apiVersion: slipway.dev/v1alpha1\nkind: Repository\nspec: { layout: { models: a/../../b } }`,
    'DOCUMENT_FIELD_VALUE',
  ],
  [
    'folders in one another',
    `apiVersion: slipway.dev/v1alpha1\nkind: Repository\nspec: { layout: { models: rollouts/models } }`,
    'REPOSITORY_LAYOUT',
  ],
  ['a kind of the prototype', 'kind: constructor', 'DOCUMENT_KIND'],
  ['a kind that is a map', 'kind: { toString: 1 }', 'DOCUMENT_KIND'],
  ['a number that is none', `${KINDS}a: .nan`, 'DOCUMENT_NUMBER'],
  ['a number that is too large', `${KINDS}a: 1e999`, 'DOCUMENT_NUMBER'],
  [
    'a name that climbs',
    `${KINDS}metadata: { name: ../../x }\nspec: { model: m, version: latest, target: "*" }`,
    'DOCUMENT_FIELD_VALUE',
  ],
  [
    'a long selector',
    `${KINDS}metadata: { name: a }\nspec: { model: m, version: latest, target: "${'('.repeat(1000)}" }`,
    'SELECTOR_SYNTAX',
  ],
  ['text', 'hello', 'DOCUMENT_FIELD_TYPE'],
];

test.each(HOSTILE)('%s is refused at its place', (_name, content, code) => {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  const parsed = parseDocument('rollouts/a.yaml', bytes);
  expect(parsed.kind).toBe('broken');
  const errors = parsed.kind === 'broken' ? parsed.errors : [];
  expect(errors.map((error) => error.code)).toContain(code);
  expect(errors.length).toBeLessThanOrEqual(61);
  for (const { at, kind, message } of errors) {
    expect(at?.line).toBeGreaterThan(0);
    expect(at?.column).toBeGreaterThan(0);
    expect(kind).toBe('fix-input');
    expect(message.length).toBeLessThan(1000);
  }
  expect(({} as Record<string, unknown>).a).toBeUndefined();
});

test('any bytes give a document or located errors, never an exception', () => {
  const piece = fc.constantFrom(
    'kind: Rollout\n',
    'spec:',
    ' ',
    '\n',
    '  ',
    '- ',
    '? ',
    ': ',
    '{',
    '}',
    '[',
    ']',
    ',',
    '"',
    "'",
    '|',
    '>',
    '#',
    '&a',
    '*a',
    '!t',
    'a',
    '1',
    '~',
    '---',
    '...',
    '\t',
    '\r\n',
    '%',
    '@',
  );
  const text = fc.oneof(
    fc.array(piece, { maxLength: 60 }).map((all) => Buffer.from(all.join(''))),
    fc.uint8Array({ maxLength: 200 }),
    fc.string({ unit: 'binary' }).map((all) => Buffer.from(all)),
  );
  fc.assert(
    fc.property(text, fc.constantFrom('a.yaml', 'a.json'), (bytes, file) => {
      const parsed = parseDocument(file, bytes);
      if (parsed.kind === 'broken') {
        expect(parsed.errors.length).toBeGreaterThan(0);
        for (const { at } of parsed.errors)
          expect(at).toEqual({ file, line: expect.any(Number), column: expect.any(Number) });
      }
    }),
    { numRuns: 4000 },
  );
});

const EXAMPLES = path.join(import.meta.dirname, '../../examples/manifests');
const originals = readdirSync(EXAMPLES, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.yaml'))
  .map((file) => {
    const parsed = parseDocument(file, readFileSync(path.join(EXAMPLES, file)));
    if (parsed.kind === 'broken') throw new Error(`${file} is broken`);
    return [file.replace('.yaml', '.json'), JSON.stringify(parsed.document)] as const;
  });

/** All places in a value where another value could stand. */
function* places(value: unknown): Generator<[Record<string, unknown>, string]> {
  if (value === null || typeof value !== 'object') return;
  for (const [name, member] of Object.entries(value)) {
    yield [value as Record<string, unknown>, name];
    yield* places(member);
  }
}

test('any value in any place of any document gives a document or located errors', () => {
  const odd = fc.constantFrom<unknown>(
    null,
    true,
    0,
    -1,
    1.5,
    1e300,
    '',
    '*',
    'x',
    '\u0000',
    '__proto__',
    '10%',
    '5m',
    [],
    [[]],
    [null],
    {},
    { toString: 1 },
    { toString: '', valueOf: [] },
    { length: 3 },
    JSON.parse('{"__proto__": 1}'),
  );
  fc.assert(
    fc.property(fc.constantFrom(...originals), fc.nat(), odd, fc.boolean(), ([file, text], at, value, renames) => {
      const changed: unknown = JSON.parse(text);
      const all = [...places(changed)];
      const [owner, name] = all[at % all.length]!;
      if (renames) Object.defineProperty(owner, '__proto__', { value: owner[name], enumerable: true });
      owner[name] = value;
      const parsed = parseDocument(file, Buffer.from(JSON.stringify(changed)));
      if (parsed.kind === 'broken') for (const error of parsed.errors) expect(error.at?.file).toBe(file);
    }),
    { numRuns: 3000 },
  );
});

test('JSON is a document too, and its errors have places', () => {
  const good = {
    apiVersion: 'slipway.dev/v1alpha1',
    kind: 'Rollout',
    metadata: { name: 'a' },
    spec: { model: 'm', version: 'latest', target: '*' },
  };
  expect(parseDocument('rollouts/a.json', Buffer.from(JSON.stringify(good)))).toMatchObject({
    kind: 'parsed',
    document: good,
  });
  const text = JSON.stringify({ ...good, spec: { ...good.spec, target: 'a:b and c:d' } }, null, '\t');
  const parsed = parseDocument('rollouts/a.json', Buffer.from(text));
  expect(parsed.kind === 'broken' && parsed.errors[0]?.at).toEqual({ file: 'rollouts/a.json', line: 10, column: 18 });
});

test('a copy may have any name', () => {
  const text = `${KINDS}metadata: { name: a }\nspec: { model: m, version: latest, target: "*" }\n`;
  expect(parseDocument('copies/0123.yaml', Buffer.from(text)).kind).toBe('broken');
  expect(parseDocument('copies/0123.yaml', Buffer.from(text), { isCopy: true }).kind).toBe('parsed');
});
