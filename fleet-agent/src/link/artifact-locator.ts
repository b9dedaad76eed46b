// Owns asking the service for the present address of a file in a private bucket, signed by the device's key.
import { CodedError } from '../../../src/base/errors.ts';
import {
  LOCATION_PAYLOAD_TYPE,
  type LocationRequest,
  locationPayload,
} from '../../../src/contract/artifact-location.ts';
import { type DsseEnvelope, signDsse } from '../../../src/contract/trust/dsse.ts';
import type { Identity } from './identity.ts';
import type { LocationResult, ServiceLink } from './service-link.ts';

export interface ArtifactLocatorOptions {
  readonly link: ServiceLink | null;
  /** Null until the device's key can be read. */
  readonly identity: () => Pick<Identity, 'device' | 'key'> | null;
  /** Wall clock. */
  readonly nowMs: () => number;
}

export type WantedFile = Pick<LocationRequest, 'manifest' | 'artifact'>;

export class ArtifactLocator {
  readonly #options: ArtifactLocatorOptions;

  constructor(options: ArtifactLocatorOptions) {
    this.#options = options;
  }

  /** Never keeps an address: it is a credential, and a new one costs one request. Throws nothing but bugs. */
  async locate(file: WantedFile, signal: AbortSignal): Promise<Exclude<LocationResult, { kind: 'other-time' }>> {
    const { link, identity, nowMs } = this.#options;
    const own = identity();
    if (link === null || own === null) return { kind: 'failed', error: noService(link === null), retryAfterMs: null };
    const signedAt = (atMs: number): DsseEnvelope => {
      const payload = locationPayload({ device: own.device, ...file, atMs });
      return signDsse(LOCATION_PAYLOAD_TYPE, payload, { keyid: own.device, key: own.key });
    };
    const first = await link.locate(signedAt(nowMs()), signal);
    if (first.kind !== 'other-time') return first;
    // A device without a clock of its own goes by the service's.
    const second = await link.locate(signedAt(first.nowMs), signal);
    return second.kind === 'other-time' ? { kind: 'failed', error: second.error, retryAfterMs: null } : second;
  }
}

function noService(hasNoLink: boolean): CodedError {
  return new CodedError({
    code: 'AGENT_LOCATION',
    kind: 'retry-later',
    message: hasNoLink
      ? 'The file lies in a private bucket, and this device has no service to ask for its address.'
      : 'The file lies in a private bucket, and the device key to ask for its address with is not there.',
    remedy: hasNoLink
      ? 'Set `server`, or put the file into the publication.'
      : '`slipway-agent status` says what is wrong with the key.',
  });
}
