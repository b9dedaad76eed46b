// Laws of reading on devices: a device refuses what the service refuses, and names one of the problems that the service names.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CodedError } from '../../src/base/errors.ts';
import { parseManifest } from '../../src/contract/manifest/parse-manifest.ts';
import { parseTrustPolicy } from '../../src/contract/trust/parse-trust-policy.ts';
import { parseDocument } from '../../src/documents/parse-document.ts';

const ROOT = path.join(import.meta.dirname, '../..');

function filesBelow(folder: string): string[] {
  return readdirSync(path.join(ROOT, folder), { recursive: true, encoding: 'utf8' }).map((file) =>
    path.join(ROOT, folder, file),
  );
}

const KINDS = [
  {
    kind: 'ModelManifest',
    parse: parseManifest,
    good: filesBelow('examples/manifests/models').filter((file) => file.endsWith('.yaml')),
    bad: filesBelow('test/documents/golden/models').filter((file) => file.endsWith('.yaml')),
  },
  {
    kind: 'TrustPolicy',
    parse: parseTrustPolicy,
    good: [path.join(ROOT, 'examples/trust-policy.yaml')],
    bad: [path.join(ROOT, 'test/documents/golden/trust-policy.yaml')],
  },
] as const;

/** What is no document at all the service names better than devices do. */
const FOREIGN = /^DOCUMENT_(?:LFS|CONFLICT|TEMPLATE)$/;

/** How people would find it: its code and where it stands. */
function placed({ code, at }: CodedError): string {
  return `${code} ${at?.line}:${at?.column}`;
}

function problemOf(parse: () => unknown): CodedError | undefined {
  try {
    parse();
    return undefined;
  } catch (error) {
    if (error instanceof CodedError) return error;
    throw error;
  }
}

function expectSameJudgement(file: string, bytes: Buffer, parse: (bytes: Buffer, file: string) => unknown): boolean {
  const service = parseDocument(file, bytes, { isCopy: true });
  const device = problemOf(() => parse(bytes, file));
  if (service.kind === 'parsed') expect(device).toBeUndefined();
  else if (service.errors.some(({ code }) => FOREIGN.test(code))) expect(device).toBeDefined();
  else expect(service.errors.map(placed)).toContain(device && placed(device));
  return device !== undefined;
}

/** Values that a hostile or careless hand may put at any place. */
const anyValue = fc.oneof(
  ...[
    fc.string(),
    fc.integer(),
    fc.constantFrom(null, true, 0.5, -1, [], {}, [{}], 'latest', '>=1 <2', 'x'.repeat(300)),
  ],
  fc.constantFrom('😀'.repeat(128), '😀'.repeat(129), '5%', '1h', 'sha256:0'),
);

/** A copy with one field removed, replaced, renamed or added, at a place that the numbers choose. */
function changed(value: unknown, picks: readonly number[], to: unknown): unknown {
  if (value === null || typeof value !== 'object') return to;
  const entries = Object.entries(value);
  const [pick = 0, ...rest] = picks;
  const at = entries.length === 0 ? 0 : pick % entries.length;
  const [name = 'more', inner] = entries[at] ?? [];
  if (rest.length > 0) entries[at] = [name, changed(inner, rest, to)];
  else if (pick % 4 === 0) entries.splice(at, 1);
  else if (pick % 4 === 1) entries[at] = [name, to];
  else if (pick % 4 === 2) entries[at] = [`${name} x`, inner];
  else entries.push(['surplus', to]);
  return Array.isArray(value) ? entries.map(([, one]) => one) : Object.fromEntries(entries);
}

describe.each(KINDS)('$kind', ({ kind, parse, good, bad }) => {
  test.each(good)('%s is read as the service reads it', (file) => {
    const bytes = readFileSync(file);
    const parsed = parseDocument(file, bytes, { isCopy: true });
    expect(parse(bytes, file)).toEqual(parsed.kind === 'parsed' && parsed.document);
  });

  test.each(bad)('%s is refused for a problem that the service names', (file) => {
    expect(expectSameJudgement(file, readFileSync(file), parse)).toBe(true);
  });

  test('with any change is refused by the device exactly if the service refuses it, at a place that the service names', () => {
    const file = good[0]!;
    const parsed = parseDocument(file, readFileSync(file), { isCopy: true });
    const document = parsed.kind === 'parsed' ? parsed.document : {};
    const picks = fc.array(fc.nat(1000), { minLength: 1, maxLength: 7 });
    let refused = 0;
    let taken = 0;
    fc.assert(
      fc.property(fc.array(fc.tuple(picks, anyValue), { minLength: 1, maxLength: 2 }), (changes) => {
        const value = changes.reduce((now: unknown, [where, to]) => changed(now, where, to), document);
        // What has another kind is no question of this one.
        if ((value as { readonly kind?: unknown } | undefined)?.kind !== kind) return;
        if (expectSameJudgement('file.json', Buffer.from(JSON.stringify(value)), parse)) refused++;
        else taken++;
      }),
      { numRuns: 1500 },
    );
    expect(refused).toBeGreaterThan(200);
    expect(taken).toBeGreaterThan(20);
  });

  test('is refused when it is of another kind, or of none', () => {
    for (const text of ['kind: Rollout', 'kind: 5', 'a: 1', '- 1', '"text"', `kind: [${kind}]`])
      expect(problemOf(() => parse(Buffer.from(text), 'file.yaml'))?.code).toBe('DOCUMENT_KIND');
    expect(problemOf(() => parse(Buffer.from(''), 'file.yaml'))?.code).toBe('DOCUMENT_EMPTY');
  });
});
