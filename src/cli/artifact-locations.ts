// Owns choosing how the service finds and signs addresses of private files.
import { CodedError, toCodedError } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import { PresignedPlace } from '../distribution/presigned-place.ts';
import { PublishedArtifacts } from '../distribution/published-artifacts.ts';
import { parseS3Address } from '../distribution/s3-access.ts';
import type { ArtifactLocationsParts } from '../fleet-api/artifact-locations.ts';
import { s3AccessOfEnvironment } from './s3-settings.ts';

export interface LocationOptions {
  /** `s3://bucket/prefix`; null for none. */
  readonly place: string | null;
  readonly insecureHttp: boolean;
  readonly publicationFolder: string;
  readonly logger: Logger;
}

/** Throws S3_ADDRESS, S3_CREDENTIALS, S3_ENDPOINT or SETTING_SECRET: a service that can't sign should not seem to. */
export function openLocations(options: LocationOptions): Pick<ArtifactLocationsParts, 'findAddress' | 'presign'> {
  const { place, insecureHttp, publicationFolder, logger } = options;
  const published = new PublishedArtifacts(publicationFolder);
  const findAddress = published.findAddress.bind(published);
  if (place === null) return { findAddress, presign: null };
  const access = () => s3AccessOfEnvironment(insecureHttp);
  access();
  const signed = new PresignedPlace(parseS3Address(place), access);
  return {
    findAddress,
    presign: (address, nowMs) =>
      signed.presign(address, nowMs).catch((thrown: unknown) => {
        const cause = toCodedError(thrown);
        logger.error('no address of a private file could be signed', { error: cause });
        throw new CodedError({
          code: 'LOCATION_CREDENTIALS',
          kind: 'retry-later',
          message: 'The service can not sign addresses of private files now. Its log says why.',
          cause,
        });
      }),
  };
}
