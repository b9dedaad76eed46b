// Laws of drafts: nobody can roll one out, and one that waits beside usable versions is passed over without a word.
import { expect, test } from 'vitest';
import { digestOf } from '../../src/contract/digest.ts';
import { resolveDesired } from '../../src/rollout/resolve-desired.ts';
import type { KnownVersion } from '../../src/rollout/rollout-facts.ts';
import { fixInWords } from '../../src/wording/fix-in-words.ts';
import { UNSIGNED, version } from './false-world.ts';

const draft = (name: string): KnownVersion => ({ version: name, digest: digestOf(name), standing: { kind: 'draft' } });
const ask = (desired: string, ...versions: KnownVersion[]) =>
  resolveDesired({ desired, versions, rejected: new Set(), held: [], published: [] });

test('a draft that is named, or that is all there is, is told as such', () => {
  const fix = { kind: 'version-draft', code: 'MODEL_VERSION_DRAFT', version: '2.0.0' } as const;
  expect(ask('2.0.0', version('1.0.0'), draft('2.0.0'))).toEqual({ kind: 'unusable', fix });
  expect(ask('latest', draft('2.0.0'))).toEqual({ kind: 'unusable', fix });
  expect(fixInWords(fix)).toMatch(/2\.0\.0 is a draft, and has no files yet.*package and sign the version/);
});

test('`latest` and ranges pass over a draft, and it hides no version that is refused', () => {
  for (const desired of ['latest', '>=1'])
    expect(ask(desired, version('1.0.0'), draft('2.0.0'))).toMatchObject({
      kind: 'resolved',
      known: { version: '1.0.0' },
      passedOver: null,
    });
  const refused = version('1.5.0', UNSIGNED);
  expect(ask('latest', version('1.0.0'), refused, draft('2.0.0'))).toMatchObject({
    passedOver: { kind: 'version-refused', version: '1.5.0' },
  });
});
