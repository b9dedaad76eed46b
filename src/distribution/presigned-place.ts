// Owns signing for one place in S3 and for nothing outside of it: no manifest makes the service sign for the bucket of somebody else.
import type { ArtifactLocation } from '../contract/artifact-location.ts';
import { parseS3Address, presignedGet, type S3Access, type S3Address } from './s3-access.ts';

/**
 * How long an address is good for. The store looks at it when a download begins, and a device asks anew for each try, so large files need
 * no more.
 */
const LIFETIME_MS = 15 * 60_000;

export class PresignedPlace {
  readonly #place: S3Address;
  readonly #access: () => S3Access;

  /** `access` is asked each time: credentials are rotated while the service runs. */
  constructor(place: S3Address, access: () => S3Access) {
    this.#place = place;
    this.#access = access;
  }

  /** An address that anybody can read the file by for a while; null for a file outside of the place. Throws what `access` throws. */
  async presign(address: string, nowMs: number): Promise<ArtifactLocation | null> {
    const file = findS3Address(address);
    const { bucket, key } = this.#place;
    const isInside = file?.bucket === bucket && file.key !== '' && (key === '' || file.key.startsWith(`${key}/`));
    if (!isInside) return null;
    const url = await presignedGet(this.#access(), file, { expiresSeconds: LIFETIME_MS / 1000, atMs: nowMs });
    return { url, expiresAtMs: nowMs + LIFETIME_MS };
  }
}

function findS3Address(address: string): S3Address | undefined {
  try {
    return parseS3Address(address);
  } catch {
    return undefined;
  }
}
