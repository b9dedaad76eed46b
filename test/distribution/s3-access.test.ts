// What requests to S3 promise: the signatures that AWS's own client computes, the right host, and addresses that mean one object.
import { expect, test } from 'vitest';
import {
  formatS3Address,
  parseS3Address,
  presignedGet,
  type S3Access,
  s3Url,
  signS3Request,
} from '../../src/distribution/s3-access.ts';

/** The keys of the examples in the S3 API reference. */
const EXAMPLE: S3Access = {
  endpoint: null,
  region: 'us-east-1',
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
};
const AT_MS = Date.parse('2013-05-24T00:00:00Z');
const EMPTY = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

test("signatures are those of AWS's own client", async () => {
  // Computed by botocore 1.43: S3SigV4QueryAuth and S3SigV4Auth, at this instant.
  const url = await presignedGet(
    EXAMPLE,
    { bucket: 'examplebucket', key: 'test.txt' },
    { expiresSeconds: 86_400, atMs: AT_MS },
  );
  expect(new URL(url).searchParams.get('X-Amz-Signature')).toBe(
    '762f4fcbacec730d460b0e337f554e569e4fe98643baefad7af1276fe3084e7f',
  );
  const signed = await signS3Request(EXAMPLE, {
    method: 'PUT',
    address: { bucket: 'examplebucket', key: 'a/b.c' },
    query: { uploadId: 'x+y/z=', partNumber: '7' },
    headers: { 'x-amz-checksum-sha256': 'abc=' },
    bodySha256: EMPTY,
    atMs: AT_MS,
  });
  expect(signed.headers.authorization).toMatch(
    /Signature=3030b09decc6bc0e3c45ee292f2b930bcb834f3a8ddcb2688c4f2839bab3339c$/,
  );
});

test('AWS is asked at the host of the bucket, others in the path', () => {
  const at = (endpoint: string | null, region: string, bucket: string): string =>
    s3Url({ endpoint, region }, { bucket, key: 'models/a' }).href;
  expect(at(null, 'eu-west-1', 'ours')).toBe('https://ours.s3.eu-west-1.amazonaws.com/models/a');
  expect(at(null, 'cn-north-1', 'ours')).toBe('https://ours.s3.cn-north-1.amazonaws.com.cn/models/a');
  expect(at(null, 'eu-west-1', 'our.models')).toBe('https://s3.eu-west-1.amazonaws.com/our.models/models/a');
  expect(at('https://minio.example:9000/', 'x', 'ours')).toBe('https://minio.example:9000/ours/models/a');
});

test('a pre-signed address expires within the week that S3 allows, and carries the token of temporary credentials', async () => {
  const access = { ...EXAMPLE, sessionToken: 'a/b+c=' };
  const url = new URL(await presignedGet(access, { bucket: 'ours', key: 'k' }, { expiresSeconds: 1e9, atMs: AT_MS }));
  expect(url.searchParams.get('X-Amz-Expires')).toBe('604800');
  expect(url.searchParams.get('X-Amz-Security-Token')).toBe('a/b+c=');
});

test('an address means one object: what clients would encode or resolve in different ways is refused', () => {
  for (const [text, address] of [
    ['s3://ours', { bucket: 'ours', key: '' }],
    ['s3://ours/', { bucket: 'ours', key: '' }],
    ['s3://ours/models/v1/', { bucket: 'ours', key: 'models/v1' }],
  ] as const)
    expect(parseS3Address(text)).toEqual(address);
  expect(formatS3Address({ bucket: 'ours', key: 'models' })).toBe('s3://ours/models');
  for (const text of [
    ...[
      's3://',
      's3:///models',
      's3://Ours/models',
      's3://ou/../x',
      's3://ours/../x',
      's3://ours/a/./b',
      's3://ours/a//b',
    ],
    ...['s3://ours/a%2Fb', 's3://ours/a b', 's3://ours/a?b', 's3://ours/a#b', 's3://ours/a+b', 's3://user@ours/a'],
    ...['https://ours/a', 's3://ours/a\nb', `s3://ours/${'a'.repeat(901)}`, 's3://127.0.0.1:80/x'],
  ])
    expect(() => parseS3Address(text), text).toThrow(expect.objectContaining({ code: 'S3_ADDRESS' }));
});
