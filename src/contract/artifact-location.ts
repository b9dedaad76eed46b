// Owns the messages by which a device asks the service for the address of a file in a private bucket, and what the device takes for an answer.
import { parseInstant } from '../base/clock.ts';
import { CodedError } from '../base/errors.ts';
import { isLoopbackHost } from '../base/loopback.ts';
import type { Digest } from './digest.ts';

/** The request is a DSSE envelope of this type, signed by the device's key under its id, as reports are. */
export const LOCATION_PAYLOAD_TYPE = 'application/vnd.slipway.artifact-location+json';
/** The answer to a request of another time. It has the service's time in its `Date`, and the device asks again by that. */
export const LOCATION_TIME = 'LOCATION_TIME';

const MOST_URL_CHARACTERS = 8_192;

export interface LocationRequest {
  readonly device: string;
  /** Digest of the manifest that names the file. */
  readonly manifest: Digest;
  /** Digest of the file. */
  readonly artifact: Digest;
  /** When it was signed, in milliseconds since 1970. */
  readonly atMs: number;
}

export interface ArtifactLocation {
  /** A pre-signed address: whoever has it can read the file until it expires. */
  readonly url: string;
  readonly expiresAtMs: number;
}

/** The payload that is signed: `device`, `manifest`, `artifact` and `at`. */
export function locationPayload({ device, manifest, artifact, atMs }: LocationRequest): Buffer {
  return Buffer.from(JSON.stringify({ device, manifest, artifact, at: new Date(atMs).toISOString() }));
}

/** Throws LOCATION_ANSWER for what no service answers: a page, or an address where others could read along. The address is never quoted. */
export function parseLocation(value: unknown): ArtifactLocation {
  const { url, expiresAt } = Object(value) as Record<string, unknown>;
  const expiresAtMs = typeof expiresAt === 'string' ? parseInstant(expiresAt) : undefined;
  const isAddress = typeof url === 'string' && url.length <= MOST_URL_CHARACTERS && isConfidential(url);
  if (isAddress && expiresAtMs !== undefined) return { url, expiresAtMs };
  throw new CodedError({
    code: 'LOCATION_ANSWER',
    kind: 'retry-later',
    message: isAddress ? 'The answer does not say when the address expires.' : 'The answer holds no https address.',
    remedy: 'Check that `server` is the address of the Slipway service, and that the bucket is reached by https.',
  });
}

/** Can nobody on the way read along? So it is over https, and on one machine. */
export function isConfidential(address: string): boolean {
  if (!URL.canParse(address)) return false;
  const { protocol, hostname, username, password } = new URL(address);
  const isSecret = protocol === 'https:' || (protocol === 'http:' && isLoopbackHost(hostname));
  return isSecret && username === '' && password === '';
}
