// Proves that a pattern of identities fits what its author sees in it, and takes no time whatever it is held against.
import { expect, test } from 'vitest';
import { findPatternProblem, matchesIdentityGlob } from '../../../src/contract/trust/identity-glob.ts';

const RELEASE = 'https://github.com/acme/*/.github/workflows/release.yml@refs/heads/main';

test.each<[string, string, boolean]>([
  [RELEASE, 'https://github.com/acme/models/.github/workflows/release.yml@refs/heads/main', true],
  [RELEASE, 'https://github.com/acme/a/b/.github/workflows/release.yml@refs/heads/main', false],
  [RELEASE, 'https://github.com/acme/models/.github/workflows/release.yml@refs/heads/main2', false],
  [RELEASE, 'https://githubxcom/acme/models/.github/workflows/release.yml@refs/heads/main', false],
  [RELEASE, 'https://github.com/acme/x@y/.github/workflows/release.yml@refs/heads/main', false],
  [RELEASE, 'x https://github.com/acme/models/.github/workflows/release.yml@refs/heads/main', false],
  ['https://gitlab.com/acme/**', 'https://gitlab.com/acme/a/b//ci.yml@refs/heads/x/y', true],
  ['https://gitlab.com/acme/**', 'https://gitlab.com/acmes/a', false],
  ['*@acme.example', 'ci@acme.example', true],
  ['*@acme.example', 'ci@evil.example@acme.example', false],
  ['*@acme.example', 'https://evil.example/ci@acme.example', false],
  ['spiffe://acme.example/ns/*/sa/ci', 'spiffe://acme.example/ns/build/sa/ci', true],
  ['https://github.com/org', 'https://github.com/org', true],
  ['https://github.com/org', 'https://github.com/org/x', false],
])('%s against %s: %s', (pattern, identity, fits) => {
  expect(findPatternProblem(pattern)).toBeUndefined();
  expect(matchesIdentityGlob(pattern, identity)).toBe(fits);
});

test('the worst patterns against the worst identities end, and an identity that is too long fits none', () => {
  const pattern = `https://a.example/acme/${'**a'.repeat(300)}`;
  expect(matchesIdentityGlob(pattern, `https://a.example/acme/${'a'.repeat(2000)}b`)).toBe(false);
  expect(matchesIdentityGlob('https://a.example/acme/**', `https://a.example/acme/${'a'.repeat(3000)}`)).toBe(false);
});
