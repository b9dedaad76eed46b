// Proves that the reconciler's signature on an entry, or on labels, covers all of it, also what an older device does not know.
import { describe, expect, test } from 'vitest';
import type { DirectiveEntry } from '../../src/contract/directive.ts';
import { encodeDirective, parseDirective } from '../../src/contract/directive-json.ts';
import { backingOf, labelsBackingOf } from '../../src/contract/step-signature.ts';
import { reconcilerKeysOf } from '../../src/contract/trust/keys.ts';
import { createReconcilerSigner } from '../../src/signing/evidence-signer.ts';
import { entry } from '../distribution/publication-world.ts';
import { makeKey } from '../support/trust.ts';

const own = makeKey();
const keys = reconcilerKeysOf([{ key: own.publicKey }]);
const signer = createReconcilerSigner(own.key);

/** The entry as a device reads it. */
function read(one: DirectiveEntry): DirectiveEntry {
  return parseDirective(encodeDirective({ kind: 'Directive', entries: [one] })).entries[0]!;
}

describe('an entry', () => {
  test('that the reconciler signed is signed on the device, too', () => {
    expect(backingOf(read(signer.signEntry(entry())), keys)).toBe('signed');
  });

  test('is unsigned without a signature, by another key, and unchecked where no key is known', () => {
    expect(backingOf(read(entry()), keys)).toBe('unsigned');
    expect(backingOf(read(createReconcilerSigner(makeKey().key).signEntry(entry())), keys)).toBe('unsigned');
    expect(backingOf(read(signer.signEntry(entry())), new Map())).toBe('unchecked');
  });

  test.each<[string, Partial<DirectiveEntry>]>([
    ['emergency', { emergency: true }],
    ['revision', { revision: 2 }],
    ['cohort', { cohort: { cut: 0, select: null, devices: [] } }],
    ['parameters', { stable: { ...entry().stable!, parameters: { threshold: 0 } } }],
  ])('is unsigned once its %s changed', (_, change) => {
    expect(backingOf(read({ ...signer.signEntry(entry()), ...change }), keys)).toBe('unsigned');
  });

  test('signed anew replaces its signature, and fields of a newer service are covered as well', () => {
    const twice = signer.signEntry(signer.signEntry(entry()));
    expect(backingOf(read(twice), keys)).toBe('signed');
    const newer = signer.signEntry({ ...entry(), hold: 'x' } as DirectiveEntry);
    const bytes = Buffer.from(JSON.stringify({ kind: 'Directive', entries: [newer] }));
    expect(backingOf(parseDirective(bytes).entries[0]!, keys)).toBe('signed');
    const bent = Buffer.from(bytes.toString().replace('"hold":"x"', '"hold":"y"'));
    expect(backingOf(parseDirective(bent).entries[0]!, keys)).toBe('unsigned');
  });
});

test('labels are signed as the device reads them, and no longer once a device is named for others, left out or all are gone', () => {
  const bound = [{ labels: { customer: 'acme' }, devices: ['a', 'b'] }];
  const signed = signer.signLabels({ kind: 'Directive', entries: [], bound });
  const readAgain = parseDirective(encodeDirective(signed));
  expect(labelsBackingOf(readAgain, keys)).toBe('signed');
  const others = [[{ ...bound[0]!, devices: ['a', 'c'] }], [{ ...bound[0]!, devices: ['a'] }], []];
  for (const other of others) expect(labelsBackingOf({ ...readAgain, bound: other }, keys)).toBe('unsigned');
  expect(labelsBackingOf({ bound }, keys)).toBe('unsigned');
  expect(labelsBackingOf(signer.signLabels({ kind: 'Directive', entries: [] }), keys)).toBe('signed');
});
