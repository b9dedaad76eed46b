// Whom a stage takes in: devices that can run the version, and never others.
import { expect, test } from 'vitest';
import { digestOf } from '../../src/contract/digest.ts';
import { BUCKETS, bucketOf, listedHash } from '../../src/contract/membership.ts';
import { knownTarget } from '../../src/rollout/known-target.ts';
import { stagesOf } from '../../src/rollout/stages-of-policy.ts';
import { policyOf } from './false-world.ts';

const VERSION = digestOf('2.0.0');
const IDS = Array.from({ length: 50 }, (_, i) => `d${i}`);
const [CANARY] = stagesOf(policyOf('- { name: canary, size: { devices: 10 }, rules: [error_rate < 1%] }'));

test('a canary of ten has ten that can run the version, however many others there are', () => {
  const able = IDS.filter((_, i) => i % 3 === 0);
  const known = knownTarget((_target, _apart, version) => (version === VERSION ? able : IDS));
  const before = { cut: 0, select: null, devices: [] };
  const chosen = known.choose({ stage: CANARY!, target: '*', apart: [], before, salt: 's', version: VERSION });
  expect(chosen).toMatchObject({ known: 50, able: 17, unfit: 33, wanted: 10 });
  const { cut, devices } = chosen.cohort;
  const isIn = (id: string) => cut >= BUCKETS || bucketOf('s', id) < cut || devices.includes(listedHash('s', id));
  expect(able.filter(isIn)).toHaveLength(10);
  expect([known.count('*'), known.count('*', [], VERSION)]).toEqual([50, 17]);
});
