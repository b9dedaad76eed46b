// Owns the settings of S3: the usual variables of the environment, so that what works for other tools works here.
import process from 'node:process';
import { CodedError } from '../base/errors.ts';
import { isLoopbackHost } from '../base/loopback.ts';
import type { S3Access } from '../distribution/s3-access.ts';
import { secretOf } from './settings.ts';

function needed(variable: string): string {
  const value = secretOf(variable);
  if (value !== null) return value;
  throw new CodedError({
    code: 'S3_CREDENTIALS',
    message: `${variable} is not set.`,
    remedy: 'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or each with _FILE and the path of a file that holds it.',
  });
}

/** Null for AWS itself. Throws S3_ENDPOINT for what is no address, and for plain http to another machine. */
function endpointOf(insecureHttp: boolean): string | null {
  const { AWS_ENDPOINT_URL_S3: own = '', AWS_ENDPOINT_URL: general = '' } = process.env;
  const text = own || general;
  if (text === '') return null;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isPlain = url !== undefined && `${url.username}${url.password}${url.search}${url.hash}` === '';
  if (!isPlain || !['https:', 'http:'].includes(url.protocol))
    throw new CodedError({
      code: 'S3_ENDPOINT',
      message: 'AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL is not the address of a store.',
      remedy: 'Write it like https://s3.example.com, without credentials.',
    });
  if (url.protocol === 'https:' || insecureHttp || isLoopbackHost(url.hostname)) return text;
  throw new CodedError({
    code: 'S3_ENDPOINT',
    message: `Artifacts would go to ${url.host} over plain HTTP.`,
    remedy: 'Use https://, or pass --insecure-http if you trust the network.',
  });
}

/** As the environment says now: files may be replaced while the program runs. Throws S3_CREDENTIALS, S3_ENDPOINT or SETTING_SECRET. */
export function s3AccessOfEnvironment(insecureHttp: boolean): S3Access {
  const { AWS_REGION = '', AWS_DEFAULT_REGION = '' } = process.env;
  const sessionToken = secretOf('AWS_SESSION_TOKEN');
  return {
    endpoint: endpointOf(insecureHttp),
    region: AWS_REGION || AWS_DEFAULT_REGION || 'us-east-1',
    accessKeyId: needed('AWS_ACCESS_KEY_ID'),
    secretAccessKey: needed('AWS_SECRET_ACCESS_KEY'),
    ...(sessionToken === null ? {} : { sessionToken }),
  };
}
