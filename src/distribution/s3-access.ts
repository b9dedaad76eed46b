// Owns who we are to an S3 store: its addresses, and requests signed with our credentials.
import { AwsV4Signer } from 'aws4fetch';
import { CodedError } from '../base/errors.ts';

export interface S3Access {
  /** Null for AWS itself. Elsewhere requests name the bucket in the path. */
  readonly endpoint: string | null;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Of temporary credentials. */
  readonly sessionToken?: string | undefined;
}

export interface S3Address {
  readonly bucket: string;
  /** Of an object, or a prefix without a slash at its end; '' for the whole bucket. */
  readonly key: string;
}

export interface S3Request {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  readonly address: S3Address;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
  /** In hexadecimal: the store refuses another body. */
  readonly bodySha256: string;
  readonly atMs: number;
}

export interface SignedS3Request {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
/** Characters that no S3 client encodes in two ways. */
const KEY = /^[A-Za-z0-9_-][A-Za-z0-9._-]*(?:\/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$/;
const MOST_KEY = 900;
/** As S3 limits it. */
const LONGEST_SECONDS = 7 * 24 * 3600;

/** Of `s3://bucket` or `s3://bucket/key`. Throws S3_ADDRESS. */
export function parseS3Address(text: string): S3Address {
  const [, bucket = '', key = ''] = /^s3:\/\/([^/]*)(?:\/(.*?))?\/?$/s.exec(text) ?? [];
  if (BUCKET.test(bucket) && (key === '' || (KEY.test(key) && key.length <= MOST_KEY))) return { bucket, key };
  throw new CodedError({
    code: 'S3_ADDRESS',
    message: `${JSON.stringify(text.slice(0, 200))} is not an address of S3.`,
    remedy: 'Write it like s3://bucket/prefix, with letters, digits and . _ - in the prefix.',
  });
}

export function formatS3Address({ bucket, key }: S3Address): string {
  return key === '' ? `s3://${bucket}` : `s3://${bucket}/${key}`;
}

/** Where requests for the bucket or object go. */
export function s3Url({ endpoint, region }: Pick<S3Access, 'endpoint' | 'region'>, { bucket, key }: S3Address): URL {
  if (endpoint !== null) return new URL(`${endpoint.replace(/\/+$/, '')}/${bucket}/${key}`);
  const host = `s3.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`;
  // A certificate of AWS is for one label before its name.
  return new URL(bucket.includes('.') ? `https://${host}/${bucket}/${key}` : `https://${bucket}.${host}/${key}`);
}

function signerOf(access: S3Access, url: URL, request: Pick<S3Request, 'method' | 'atMs'>): SignerOptions {
  const { region, accessKeyId, secretAccessKey, sessionToken } = access;
  const datetime = new Date(request.atMs).toISOString().replace(/[:-]|\.\d{3}/g, '');
  const who = { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
  return { ...who, method: request.method, url: url.href, service: 's3', region, datetime };
}

type SignerOptions = ConstructorParameters<typeof AwsV4Signer>[0];

/** All headers are signed but those that a proxy may change. */
export async function signS3Request(access: S3Access, request: S3Request): Promise<SignedS3Request> {
  const url = s3Url(access, request.address);
  for (const [name, value] of Object.entries(request.query)) url.searchParams.set(name, value);
  const headers = { ...request.headers, 'x-amz-content-sha256': request.bodySha256 };
  const signed = await new AwsV4Signer({ ...signerOf(access, url, request), headers }).sign();
  return { url: signed.url.href, headers: Object.fromEntries(signed.headers) };
}

/** An address under which anybody may fetch the object until it expires. It is a credential: it belongs into no log. */
export async function presignedGet(
  access: S3Access,
  address: S3Address,
  { expiresSeconds, atMs }: { readonly expiresSeconds: number; readonly atMs: number },
): Promise<string> {
  const url = s3Url(access, address);
  url.searchParams.set('X-Amz-Expires', String(Math.max(1, Math.min(Math.floor(expiresSeconds), LONGEST_SECONDS))));
  const signer = new AwsV4Signer({ ...signerOf(access, url, { method: 'GET', atMs }), signQuery: true });
  return (await signer.sign()).url.href;
}
