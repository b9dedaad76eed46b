// Laws of the order of versions.
import fc from 'fast-check';
import semver from 'semver';
import { expect, test } from 'vitest';
import {
  compareVersions,
  isMajorStep,
  isVersion,
  isVersionRange,
  satisfiesRange,
  satisfiesRangeLoosely,
} from '../../src/contract/model-version.ts';

test.each([
  ['1.0.0', '1.0.1'],
  ['1.9.0', '1.10.0'],
  ['1.0.0-alpha', '1.0.0-alpha.1'],
  ['1.0.0-rc1', '1.0.0'],
  ['1.0.0-rc2', '1.0.0-rc10'],
  ['2025.12.01', '2026.01.10-rc1'],
  ['2026.01.10-rc1', '2026.01.10'],
  ['2025-04-14T16-38-25', '2025-04-14T16-38-26'],
  ['2025-04-14T16-38-25', '2025-04-15'],
  ['v1.2', '1.3'],
  ['99999999999999999998', '99999999999999999999'],
])('%s comes before %s', (a, b) => {
  expect(compareVersions(a, b)).toBeLessThan(0);
  expect(compareVersions(b, a)).toBeGreaterThan(0);
});

test('missing numbers count as 0', () => {
  expect(compareVersions('3.0', '3.0.0')).toBe(0);
});

const freeForm = fc.stringMatching(/^[0-9a-c.+-]{1,8}$/);

test('the order is total: antisymmetric and transitive for any texts', () => {
  fc.assert(
    fc.property(freeForm, freeForm, freeForm, (a, b, c) => {
      expect(Math.sign(compareVersions(a, b))).toBe(-Math.sign(compareVersions(b, a)) + 0);
      if (compareVersions(a, b) <= 0 && compareVersions(b, c) <= 0)
        expect(compareVersions(a, c)).toBeLessThanOrEqual(0);
    }),
    { numRuns: 5000 },
  );
});

test('SemVer versions stand in the order of SemVer', () => {
  const number = fc.nat(20);
  const version = fc
    .tuple(number, number, number, fc.constantFrom('', '-alpha', '-beta', '-rc.1', '-rc.2', '-rc.10', '-1', '+build'))
    .map(([a, b, c, suffix]) => `${a}.${b}.${c}${suffix}`);
  fc.assert(
    fc.property(version, version, (a, b) => {
      expect(Math.sign(compareVersions(a, b))).toBe(semver.compare(a, b));
    }),
    { numRuns: 3000 },
  );
});

test('ranges are distinguished from versions', () => {
  for (const range of ['>=1.2 <2', '^1.4.0', '~1.4', '1.x', '1.2.X', '1.x || 3.x', '*'])
    expect(isVersionRange(range)).toBe(true);
  for (const other of ['latest', '1.2.3', '2026.01.10-rc1', '2025-04-14T16-38-25', 'x y', '1.0.0-rc.xl'])
    expect(isVersionRange(other)).toBe(false);
  expect(satisfiesRange('1.3.0', '>=1.2 <2')).toBe(true);
  expect(satisfiesRange('2026.01.10-rc1', '*')).toBe(false);
});

test('what devices report need not be SemVer', () => {
  expect(satisfiesRangeLoosely('2.1', '>=2 <4')).toBe(true);
  expect(satisfiesRangeLoosely('v3', '>=2 <4')).toBe(true);
  expect(satisfiesRangeLoosely('4.0', '>=2 <4')).toBe(false);
  expect(satisfiesRangeLoosely('unknown', '*')).toBe(false);
  expect(satisfiesRangeLoosely('1'.repeat(100_000), '*')).toBe(false);
});

test('a version is a safe file name', () => {
  for (const good of ['1.0.0', '2026.01.10-rc1', '1.0.0+build5', 'a']) expect(isVersion(good)).toBe(true);
  for (const bad of ['', '..', '.hidden', 'a/b', 'a\\b', 'latest', 'a b', '1.0.', 'x'.repeat(200)])
    expect(isVersion(bad)).toBe(false);
});

test('a major step is known for SemVer only', () => {
  expect(isMajorStep('1.4.0', '2.0.0')).toBe(true);
  expect(isMajorStep('1.4.0', '1.5.0')).toBe(false);
  expect(isMajorStep('0.4.0', '0.5.0')).toBe(true);
  expect(isMajorStep('2026.01.10-rc1', '2.0.0')).toBeUndefined();
});
