// The proof that private files reach devices and nobody else: a version whose file lies in a closed bucket alone goes through its stages, and a manifest that names a foreign bucket gets no address.
import { mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { seededRandom } from '../../src/base/random.ts';
import { digestOf, hexOf } from '../../src/contract/digest.ts';
import { parseS3Address } from '../../src/distribution/s3-access.ts';
import { S3ArtifactStore } from '../../src/distribution/s3-artifact-store.ts';
import { manifestText, rolloutText } from '../support/document-texts.ts';
import { answering, clock, Installation, openHost, running } from '../support/installation.ts';
import { constantClassifier } from '../support/onnx-fixture.ts';
import { PrivateBucket } from '../support/private-bucket.ts';
import { until } from '../support/until.ts';

const host = openHost();
const folder = mkdtempSync(path.join(os.tmpdir(), 'slipway-private-bucket-'));
let bucket: PrivateBucket;
beforeEach(async () => {
  bucket = await PrivateBucket.open(folder);
  Object.assign(process.env, bucket.environment);
});
afterEach(async () => {
  for (const name of Object.keys(bucket.environment)) delete process.env[name];
  await bucket[Symbol.asyncDispose]();
});
afterAll(async () => {
  await host.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A signed manifest whose file CI has put into the bucket `of`: ours, or one that nobody could enter. */
async function release(
  world: Installation,
  { version, answers, of = 'ours' }: { version: string; answers: number; of?: string },
) {
  const onnx = constantClassifier(answers, 200_000);
  const artifact = { digest: digestOf(onnx), sizeBytes: onnx.length };
  const file = path.join(folder, `${version}.onnx`);
  await writeFile(file, onnx);
  const store = new S3ArtifactStore({
    access: () => bucket.access,
    prefix: parseS3Address(`s3://${of}/prod`),
    publicUrl: null,
    terms: { clock, random: seededRandom('private-bucket', version), signal: new AbortController().signal },
  });
  if (of === 'ours') await store.put(file, artifact, () => undefined);
  const facts = { model: 'door', version, answers, artifact: artifact.digest, sizeBytes: onnx.length };
  const text = manifestText({ ...facts, sequence: Number(version[0]) });
  const stated = text.replace(`artifacts/${hexOf(artifact.digest)}`, store.urlOf(artifact.digest));
  return world.signed(`models/door/${version}.yaml`, stated);
}

test('a version in a closed bucket goes to every device and is run; one in a foreign bucket goes to none, and says why', {
  timeout: 240_000,
}, async () => {
  await using world = await Installation.open();
  await world.pushStart();
  await world.startService({ artifacts: 's3://ours/prod' });
  const agents = await Promise.all(['a', 'b'].map((id) => world.startAgent(host, { id: `door-${id}` })));
  const versions = () => agents.map(({ agent }) => running(agent, 'door') ?? 'nothing');
  const traffic = setInterval(() => agents.map(({ agent }) => answering(agent, 'door').catch(() => undefined)), 100);
  await using _traffic = { [Symbol.asyncDispose]: async () => clearInterval(traffic) };
  await world.push('roll out', [
    ...(await release(world, { version: '1.0.0', answers: 0 })),
    ['rollouts/doors.yaml', rolloutText('doors', 'door', '1.0.0')],
  ]);
  await until(() => versions().every((one) => one === '1.0.0'), versions);
  await until(async () => (await world.outlook('doors'))?.stable === '1.0.0', versions);
  expect(bucket.reads.map(({ status }) => status)).toEqual([200, 200]);

  // A person who may write manifests, and not read the other bucket, asks for a file there.
  await world.push('roll out', [
    ...(await release(world, { version: '2.0.0', answers: 1, of: 'theirs' })),
    world.asking('doors', '2.0.0'),
  ]);
  await until(() => world.log.filter((line) => line.includes('LOCATION_OUTSIDE')).length >= 2, versions);
  expect(versions()).toEqual(['1.0.0', '1.0.0']);
  expect(bucket.reads).toHaveLength(2);
  const headers = { authorization: `Bearer ${world.set.viewerToken}` };
  const metrics = await (await fetch(`${world.service.url}/metrics`, { headers })).text();
  expect(metrics).toContain('slipway_artifact_locations_total{answer="located"} 2');

  await world.push('roll out', [
    ...(await release(world, { version: '3.0.0', answers: 2 })),
    world.asking('doors', '3.0.0'),
  ]);
  await until(() => versions().every((one) => one === '3.0.0'), versions);
  expect(world.log.join('')).not.toMatch(/X-Amz-|S3RVER/);
});
