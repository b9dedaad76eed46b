// Owns taking artifacts from publishers, over any transport: what an upload has to say, and what becomes of it.
import type { Logger } from '../base/logger.ts';
import type { Counter } from '../base/metrics.ts';
import type { Digest } from '../contract/digest.ts';

/** Larger than any model that a device holds. */
const MOST_ARTIFACT_BYTES = 50 * 1024 ** 3;

export interface Upload {
  readonly digest: Digest;
  /** Of the whole artifact. */
  readonly totalBytes: number;
  /** Where in it the body begins. */
  readonly startByte: number;
  readonly lengthBytes: number;
  /** Called once, when there is a place for the bytes. It ends early when the sender is gone. */
  readonly openBody: () => AsyncIterable<Uint8Array>;
}

export type UploadOutcome =
  | { readonly kind: 'stored'; readonly isNew: boolean; readonly sizeBytes: number }
  | { readonly kind: 'partial' | 'cut' | 'offset'; readonly receivedBytes: number }
  | { readonly kind: 'busy' | 'too-many' }
  | { readonly kind: 'digest'; readonly actual: Digest }
  | { readonly kind: 'quota'; readonly usedBytes: number; readonly quotaBytes: number }
  | { readonly kind: 'disk'; readonly freeBytes: number; readonly reservedBytes: number };

export type ArtifactState =
  | { readonly kind: 'whole'; readonly sizeBytes: number }
  | { readonly kind: 'partial'; readonly receivedBytes: number };

/** Where artifacts go: src/cli chooses. */
export interface ArtifactPlace {
  find(digest: Digest): Promise<ArtifactState>;
  receive(upload: Upload): Promise<UploadOutcome>;
}

export interface ArtifactIntakeParts {
  readonly place: ArtifactPlace;
  readonly logger: Logger;
  readonly answers: Counter;
  readonly bytes: Counter;
}

/** What an upload says of itself, in the words of HTTP. */
export interface StatedUpload {
  readonly contentLength: string | undefined;
  readonly contentRange: string | undefined;
}

export type StatedRange =
  | { readonly kind: 'range'; readonly startByte: number; readonly lengthBytes: number; readonly totalBytes: number }
  | { readonly kind: 'no-length' | 'wrong-range' }
  | { readonly kind: 'too-large'; readonly mostBytes: number };

/** Without a range, the body is the whole artifact. */
export function parseStatedRange({ contentLength, contentRange }: StatedUpload): StatedRange {
  if (!/^\d{1,15}$/.test(contentLength ?? '')) return { kind: 'no-length' };
  const lengthBytes = Number(contentLength);
  const [, first, last, total] =
    contentRange === undefined
      ? ['', '0', String(lengthBytes - 1), contentLength]
      : (/^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/.exec(contentRange) ?? []);
  const [startByte, endByte, totalBytes] = [Number(first), Number(last) + 1, Number(total)];
  if (endByte - startByte !== lengthBytes || endByte > totalBytes) return { kind: 'wrong-range' };
  if (totalBytes > MOST_ARTIFACT_BYTES) return { kind: 'too-large', mostBytes: MOST_ARTIFACT_BYTES };
  return { kind: 'range', startByte, lengthBytes, totalBytes };
}

export class ArtifactIntake {
  readonly #parts: ArtifactIntakeParts;

  constructor(parts: ArtifactIntakeParts) {
    this.#parts = parts;
  }

  find(digest: Digest): Promise<ArtifactState> {
    return this.#parts.place.find(digest);
  }

  /** `publisher` names whose upload it is, for the log. Throws what the place throws. */
  async take(upload: Upload, publisher: string): Promise<UploadOutcome> {
    const { place, logger, answers } = this.#parts;
    const { digest, openBody } = upload;
    const outcome = await place.receive({ ...upload, openBody: () => this.#counted(openBody()) });
    answers.add({ answer: outcome.kind === 'stored' && !outcome.isNew ? 'known' : outcome.kind });
    const facts = { ...outcome, digest, publisher };
    if (outcome.kind === 'stored' && outcome.isNew) logger.info('an artifact was stored', facts);
    else if (outcome.kind === 'digest')
      logger.warn('an upload has another digest than stated, and was discarded', facts);
    else if (outcome.kind === 'quota' || outcome.kind === 'disk')
      logger.warn('an upload was refused for lack of room', facts);
    return outcome;
  }

  async *#counted(body: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
    for await (const chunk of body) {
      this.#parts.bytes.add({}, chunk.length);
      yield chunk;
    }
  }
}
