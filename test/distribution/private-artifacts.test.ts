// Laws of private files: only those of the present directive's versions have an address, and only one place in S3 is signed for.
import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { digestOf, hexOf } from '../../src/contract/digest.ts';
import { PresignedPlace } from '../../src/distribution/presigned-place.ts';
import type { PublishedDocument } from '../../src/distribution/publication.ts';
import { PublishedArtifacts } from '../../src/distribution/published-artifacts.ts';
import { parseS3Address, type S3Access } from '../../src/distribution/s3-access.ts';
import { document, entry, PublicationWorld } from './publication-world.ts';

const FILE = digestOf('model');
const URL_OF = (version: string) => `s3://ours/prod/${version}`;

function manifest(version: string): string {
  return JSON.stringify({
    ...{ apiVersion: 'slipway.dev/v1alpha1', kind: 'ModelManifest', metadata: { name: 'm', version } },
    spec: {
      framework: 'onnx',
      interface: {
        inputs: [{ name: 'x', type: 'float32', shape: [-1, 4] }],
        outputs: [{ name: 'y', type: 'float32', shape: [-1, 2] }],
      },
      variants: [
        {
          platform: 'any',
          files: [{ role: 'model', name: 'm.onnx', digest: FILE, sizeBytes: 1, url: URL_OF(version) }],
        },
      ],
    },
  });
}

const one = document(manifest('1.0.0'));
const two = document(manifest('2.0.0'));
const three = document(manifest('3.0.0'));

async function publish(
  world: PublicationWorld,
  { revision, candidate, stable }: { revision: number; candidate: PublishedDocument; stable: PublishedDocument },
): Promise<void> {
  const told = entry({
    revision,
    candidate: { version: 'c', digest: candidate.digest, parameters: {}, attempt: 1 },
    stable: { version: 's', digest: stable.digest, parameters: {}, target: '*' },
  });
  await world.publish({ kind: 'Directive', entries: [told] }, { documents: [one, two, three] });
}

test('candidate and stable of the present directive have addresses; versions before and others do not', async () => {
  await using world = await PublicationWorld.open();
  const published = new PublishedArtifacts(world.publication);
  expect(await published.findAddress(one.digest, FILE)).toBeUndefined();
  await publish(world, { revision: 1, candidate: two, stable: one });
  expect(await published.findAddress(one.digest, FILE)).toBe(URL_OF('1.0.0'));
  expect(await published.findAddress(two.digest, FILE)).toBe(URL_OF('2.0.0'));
  expect(await published.findAddress(three.digest, FILE)).toBeUndefined();
  expect(await published.findAddress(one.digest, digestOf('another'))).toBeUndefined();
  await publish(world, { revision: 2, candidate: three, stable: two });
  expect(await published.findAddress(one.digest, FILE)).toBeUndefined();
  expect(await published.findAddress(three.digest, FILE)).toBe(URL_OF('3.0.0'));
});

test('a manifest that was changed in its place has no addresses, and one that is missing neither', async () => {
  await using world = await PublicationWorld.open();
  await publish(world, { revision: 1, candidate: two, stable: one });
  const file = path.join(world.publication, 'manifests', `${hexOf(two.digest)}.yaml`);
  await writeFile(file, manifest('2.0.0').replaceAll('s3://ours/', 's3://theirs/'));
  const published = new PublishedArtifacts(world.publication);
  expect(await published.findAddress(two.digest, FILE)).toBeUndefined();
  await rm(file);
  expect(await published.findAddress(two.digest, FILE)).toBeUndefined();
});

const ACCESS: S3Access = { endpoint: null, region: 'eu-west-1', accessKeyId: 'AK', secretAccessKey: 's3cret' };
const NOW_MS = Date.parse('2026-11-30T12:00:00Z');

test('a file of the place is signed for, for 15 minutes, by the credentials of now', async () => {
  let accessKeyId = 'FIRST';
  const place = new PresignedPlace(parseS3Address('s3://ours/prod'), () => ({ ...ACCESS, accessKeyId }));
  const signed = await place.presign('s3://ours/prod/eu/0a', NOW_MS);
  const { hostname, pathname, searchParams } = new URL(signed?.url ?? '');
  expect([hostname, pathname]).toEqual(['ours.s3.eu-west-1.amazonaws.com', '/prod/eu/0a']);
  expect([searchParams.get('X-Amz-Expires'), signed?.expiresAtMs]).toEqual(['900', NOW_MS + 900_000]);
  expect(searchParams.get('X-Amz-Credential')).toContain('FIRST');
  accessKeyId = 'SECOND';
  expect((await place.presign('s3://ours/prod/eu/0a', NOW_MS))?.url).toContain('SECOND');
});

test.each([
  's3://theirs/prod/0a',
  's3://ours/prod',
  's3://ours/prod/',
  's3://ours/prod-too/0a',
  's3://ours/0a',
  's3://ours',
  's3://ours/prod/../secrets/0a',
  's3://ours/prod/%2e%2e/secrets/0a',
  's3://ours/prod//0a',
  'https://ours.s3.eu-west-1.amazonaws.com/prod/0a',
  'artifacts/0a',
  '',
])('nothing is signed for %j, which is outside of s3://ours/prod', async (address) => {
  const place = new PresignedPlace(parseS3Address('s3://ours/prod'), () => ACCESS);
  expect(await place.presign(address, NOW_MS)).toBeNull();
});

test('a whole bucket may be the place', async () => {
  const place = new PresignedPlace(parseS3Address('s3://ours'), () => ACCESS);
  expect((await place.presign('s3://ours/0a', NOW_MS))?.url).toContain('/0a?');
  expect(await place.presign('s3://ours', NOW_MS)).toBeNull();
});
