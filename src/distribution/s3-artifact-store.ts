// Owns a bucket of S3 as a place for artifacts.
import { CodedError } from '../base/errors.ts';
import { type Digest, hexOf } from '../contract/digest.ts';
import type { Artifact, ArtifactStore, Say, StoredArtifact } from './artifact-store.ts';
import { readMeasured } from './artifacts.ts';
import { formatS3Address, type S3Access, type S3Address } from './s3-access.ts';
import { S3Client } from './upload/s3-client.ts';
import { PART_BYTES, uploadInParts } from './upload/s3-parts.ts';
import type { ReceivedAnswer } from './upload/send-request.ts';
import { answerUnusable, incomplete, NOT_S3 } from './upload/upload-problems.ts';
import { UploadProgress } from './upload/upload-progress.ts';
import type { UploadTerms } from './upload/upload-tries.ts';

export interface S3ArtifactStoreOptions {
  /** Asked for each request: credentials may be renewed meanwhile. */
  readonly access: () => S3Access;
  /** The bucket, and the prefix under which artifacts lie. */
  readonly prefix: S3Address;
  /** Where devices fetch the artifacts without credentials; null: they ask the service for addresses. */
  readonly publicUrl: string | null;
  readonly terms: UploadTerms;
  /** Files of more than this go in parts. */
  readonly partBytes?: number;
}

/** `unknown` to credentials that may not read. */
type Found = 'there' | 'absent' | 'unknown';

export class S3ArtifactStore implements ArtifactStore {
  readonly place: string;
  readonly #options: S3ArtifactStoreOptions;
  readonly #client: S3Client;

  constructor(options: S3ArtifactStoreOptions) {
    const { access, prefix, terms } = options;
    this.#options = options;
    this.place = formatS3Address(prefix);
    this.#client = new S3Client({ place: this.place, access, terms });
  }

  urlOf(digest: Digest): string {
    const { publicUrl } = this.#options;
    return publicUrl === null ? formatS3Address(this.#addressOf(digest)) : publicUrl + hexOf(digest);
  }

  async holds(artifact: Artifact): Promise<boolean> {
    return (await this.#find(artifact)) === 'there';
  }

  async put(file: string, artifact: Artifact, say: Say): Promise<StoredArtifact> {
    const url = this.urlOf(artifact.digest);
    if (await this.holds(artifact)) return { url, isNew: false };
    const { terms, partBytes = PART_BYTES } = this.#options;
    const address = this.#addressOf(artifact.digest);
    if (artifact.sizeBytes <= partBytes) await this.#putWhole(file, artifact);
    else {
      const progress = new UploadProgress({ file, sizeBytes: artifact.sizeBytes, clock: terms.clock, say });
      const order = { file, artifact, address, partBytes, signal: terms.signal, progress, say };
      await uploadInParts(this.#client, order).catch(async (error: unknown) => {
        // The answer to the last request may have been lost.
        const mayBeThere = error instanceof CodedError && error.code.startsWith('UPLOAD_') && !terms.signal.aborted;
        if (!(mayBeThere && (await this.holds(artifact).catch(() => false)))) throw error;
      });
    }
    if ((await this.#find(artifact)) === 'absent') throw incomplete(this.place);
    return { url, isNew: true };
  }

  #addressOf(digest: Digest): S3Address {
    const { bucket, key } = this.#options.prefix;
    return { bucket, key: key === '' ? hexOf(digest) : `${key}/${hexOf(digest)}` };
  }

  /** By size, and by the digest where the store keeps one of the whole. */
  async #find({ digest, sizeBytes }: Artifact): Promise<Found> {
    const answer = await this.#client.request({
      method: 'HEAD',
      address: this.#addressOf(digest),
      headers: { 'x-amz-checksum-mode': 'ENABLED' },
      accepts: [400, 403, 404, 405],
    });
    if (answer.status === 404) return 'absent';
    if (answer.status >= 400) return 'unknown';
    const checksum = answer.headers['x-amz-checksum-sha256'];
    const isOther = typeof checksum === 'string' && !checksum.includes('-') && checksum !== base64Of(digest);
    return Number(answer.headers['content-length']) === sizeBytes && !isOther ? 'there' : 'absent';
  }

  async #putWhole(file: string, artifact: Artifact): Promise<void> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of readMeasured(file, artifact)) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const address = this.#addressOf(artifact.digest);
    const put = (more: Readonly<Record<string, string>>): Promise<ReceivedAnswer> => {
      const headers = { 'content-type': 'application/octet-stream', ...more };
      return this.#client.request({ method: 'PUT', address, headers, body });
    };
    const answer = await put({ 'x-amz-checksum-sha256': base64Of(artifact.digest) }).catch((error: unknown) => {
      // A few stores take no checksums; the signature holds the digest of the body as well.
      if (error instanceof CodedError && error.code === 'UPLOAD_NOT_TAKEN' && /checksum/i.test(error.message))
        return put({});
      throw error;
    });
    if (answer.headers.etag === undefined) throw answerUnusable(this.place, NOT_S3);
  }
}

function base64Of(digest: Digest): string {
  return Buffer.from(hexOf(digest), 'hex').toString('base64');
}
