// Owns telling a device where it can fetch a file of a private bucket now: for files of present versions alone, and to devices that signed for it.
import { type Clock, parseInstant } from '../base/clock.ts';
import type { Counter } from '../base/metrics.ts';
import { type ArtifactLocation, LOCATION_PAYLOAD_TYPE, LOCATION_TIME } from '../contract/artifact-location.ts';
import { type Digest, isDigest } from '../contract/digest.ts';
import type { ServiceError } from '../contract/fleet-messages.ts';
import type { DeviceSignatures, SignatureCheck } from './device-signatures.ts';
import type { RateLimiter } from './rate-limit.ts';

/** How far a request's time may be from ours: for so long whoever saw one can send it again. */
const MOST_AGE_MS = 5 * 60_000;

export interface ArtifactLocationsParts {
  readonly signatures: DeviceSignatures;
  readonly perDevice: RateLimiter;
  /** The address of a file in the manifest of a version that the present directive names; undefined when there is none. */
  readonly findAddress: (manifest: Digest, artifact: Digest) => Promise<string | undefined>;
  /** Signs for the service's own place: null for an address outside of it. Without it the service signs for nothing. */
  readonly presign: ((address: string, nowMs: number) => Promise<ArtifactLocation | null>) | null;
  readonly clock: Clock;
  readonly answers: Counter;
}

export type LocationOutcome =
  | { readonly kind: 'located'; readonly location: ArtifactLocation }
  | { readonly kind: 'refused'; readonly status: 400 | 401 | 403 | 404; readonly error: ServiceError }
  | { readonly kind: 'too-many'; readonly retryAfterSeconds: number };

export class ArtifactLocations {
  readonly #parts: ArtifactLocationsParts;

  constructor(parts: ArtifactLocationsParts) {
    this.#parts = parts;
  }

  /** `address` is the caller's. Throws what the store and `presign` throw. */
  async answer(envelope: unknown, address: string): Promise<LocationOutcome> {
    const outcome = await this.#answer(envelope, address);
    this.#parts.answers.add({ answer: outcome.kind === 'refused' ? outcome.error.code : outcome.kind });
    return outcome;
  }

  async #answer(envelope: unknown, address: string): Promise<LocationOutcome> {
    const { signatures, perDevice, findAddress, presign, clock } = this.#parts;
    const tired = signatures.waitSeconds(address);
    if (tired > 0) return { kind: 'too-many', retryAfterSeconds: tired };
    const check = await signatures.check(envelope, LOCATION_PAYLOAD_TYPE);
    if (check.kind === 'rejected') {
      signatures.charge(address, [check.reason]);
      return REJECTED[check.reason];
    }
    // After the signature: otherwise a stranger could use up a device's share.
    const retryAfterSeconds = perDevice.take(check.device, clock.monotonicMs());
    if (retryAfterSeconds > 0) return { kind: 'too-many', retryAfterSeconds };
    const request = parsePayload(check.payload);
    if (request === undefined) return NO_REQUEST;
    // Its own key vouches for a device alone.
    if (request.device !== check.device) return REJECTED['bad-signature'];
    if (Math.abs(clock.now() - request.atMs) > MOST_AGE_MS) return OTHER_TIME;
    if (presign === null) return NO_PLACE;
    const stated = await findAddress(request.manifest, request.artifact);
    if (stated === undefined) return NO_FILE;
    const location = await presign(stated, clock.now());
    return location === null ? OUTSIDE : { kind: 'located', location };
  }
}

interface Request {
  readonly device: unknown;
  readonly manifest: Digest;
  readonly artifact: Digest;
  readonly atMs: number;
}

function parsePayload(payload: Buffer): Request | undefined {
  try {
    const { device, manifest, artifact, at } = Object(JSON.parse(payload.toString('utf8'))) as Record<string, unknown>;
    const atMs = typeof at === 'string' ? parseInstant(at) : undefined;
    return isDigest(manifest) && isDigest(artifact) && atMs !== undefined
      ? { device, manifest, artifact, atMs }
      : undefined;
  } catch {
    return undefined;
  }
}

function refused(
  status: 400 | 401 | 403 | 404,
  code: string,
  message: string,
  remedy: string,
): LocationOutcome & { readonly kind: 'refused' } {
  return { kind: 'refused', status, error: { code, message, remedy } };
}

const NO_REQUEST = refused(
  400,
  'LOCATION_SHAPE',
  'The body is no signed request with `device`, `manifest`, `artifact` and `at`.',
  'Send a DSSE envelope as docs/reference/private-artifacts.md describes it.',
);
const NO_SIGNATURE = refused(
  401,
  'LOCATION_SIGNATURE',
  'The request is not signed by the key that the device enrolled with.',
  'Sign it with the device key, under the id of the device.',
);
const REJECTED: Readonly<Record<(SignatureCheck & { kind: 'rejected' })['reason'], LocationOutcome>> = {
  'bad-envelope': NO_REQUEST,
  'bad-signature': NO_SIGNATURE,
  'unknown-device': refused(401, 'LOCATION_UNKNOWN_DEVICE', 'The device is not enrolled.', 'Enrol it first.'),
  denied: refused(403, 'LOCATION_DENIED', 'The fleet documents turn the device away.', 'Take it off the deny list.'),
};
const OTHER_TIME = refused(
  400,
  LOCATION_TIME,
  'The time of the request is more than 5 minutes from that of the service.',
  "Ask again with the time in this answer's `Date`.",
);
const NO_PLACE = refused(
  404,
  'LOCATION_NO_PLACE',
  'The service signs for no private bucket.',
  'Start it with `--artifacts s3://bucket/prefix` and the credentials of a reader.',
);
const NO_FILE = refused(
  404,
  'LOCATION_UNKNOWN_FILE',
  'No version that the present directive names has this file.',
  'Follow the newest directive, and ask for the files of its versions.',
);
const OUTSIDE = refused(
  403,
  'LOCATION_OUTSIDE',
  'The file lies outside of the place that the service signs for.',
  'Store it below the place of `--artifacts`, or change that.',
);
