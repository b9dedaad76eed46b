// Owns a running service as a place for artifacts: an upload that was cut goes on where it was.
import { bearerHeader } from '../base/secret-file.ts';
import { withoutSecrets } from '../base/without-secrets.ts';
import { type Digest, hexOf } from '../contract/digest.ts';
import { findServiceError } from '../contract/fleet-messages.ts';
import type { Artifact, ArtifactStore, Say, StoredArtifact } from './artifact-store.ts';
import { readMeasured } from './artifacts.ts';
import type { OutgoingRequest, ReceivedAnswer, StreamedBody } from './upload/send-request.ts';
import { answerUnusable, isWebPage, refusalOf, type Tried } from './upload/upload-problems.ts';
import { UploadProgress, withProgress } from './upload/upload-progress.ts';
import { sendOnce, type UploadTerms, withTries } from './upload/upload-tries.ts';

export interface ServiceArtifactStoreOptions {
  /** Without a slash at its end. */
  readonly server: string;
  /** Asked for each request; null for none. */
  readonly token: () => string | null;
  readonly terms: UploadTerms;
}

/** What the service has of an artifact. */
interface Received {
  readonly isWhole: boolean;
  readonly bytes: number;
}

/** A try that brought less counts as one without progress. */
const PROGRESS_BYTES = 1024 * 1024;

export class ServiceArtifactStore implements ArtifactStore {
  readonly place: string;
  readonly #options: ServiceArtifactStoreOptions;

  constructor(options: ServiceArtifactStoreOptions) {
    this.place = options.server;
    this.#options = options;
  }

  urlOf(digest: Digest): string {
    return `artifacts/${hexOf(digest)}`;
  }

  async holds({ digest }: Artifact): Promise<boolean> {
    return (await withTries(this.place, this.#options.terms, () => this.#ask(digest))).isWhole;
  }

  async put(file: string, artifact: Artifact, say: Say): Promise<StoredArtifact> {
    const { clock } = this.#options.terms;
    const url = this.urlOf(artifact.digest);
    const progress = new UploadProgress({ file, sizeBytes: artifact.sizeBytes, clock, say });
    let sends = 0;
    let farthest = 0;
    let wasDiscarded = false;
    return await withTries<StoredArtifact>(this.place, this.#options.terms, async () => {
      const asked = await this.#ask(artifact.digest);
      if (asked.kind === 'again') return asked;
      // The answer to an earlier try may have been lost.
      if (asked.value.isWhole) return { kind: 'done', value: { url, isNew: sends > 0 } };
      const from = asked.value.bytes < artifact.sizeBytes ? asked.value.bytes : 0;
      const hasProgress = from - farthest >= PROGRESS_BYTES;
      farthest = Math.max(farthest, from);
      sends++;
      const chunks = (): AsyncIterable<Uint8Array> => withProgress(readMeasured(file, artifact, from), progress, from);
      const sent = await this.#send(artifact, from, { sizeBytes: artifact.sizeBytes - from, chunks });
      if (sent.kind === 'again') return { ...sent, hasProgress };
      if (sent.value.status === 200 || sent.value.status === 201)
        return { kind: 'done', value: { url, isNew: sends > 1 || sent.value.status === 201 } };
      // Wrong bytes of an earlier upload, or damaged on their way: the service discarded them, and gets the whole once more.
      if (sent.value.status === 422 && wasDiscarded) return this.#refusal(sent.value);
      wasDiscarded ||= sent.value.status === 422;
      return { ...this.#refusal({ ...sent.value, status: 503 }), hasProgress };
    });
  }

  /** The answer when it is one of storing; 409 and 422 among them. */
  async #send({ digest, sizeBytes }: Artifact, from: number, body: StreamedBody): Promise<Tried<ReceivedAnswer>> {
    const range = from === 0 ? {} : { 'content-range': `bytes ${from}-${sizeBytes - 1}/${sizeBytes}` };
    const headers = { 'content-type': 'application/octet-stream', ...range };
    const tried = await this.#request(digest, { method: 'PUT', headers, body });
    if (tried.kind === 'again') return tried;
    const answer = tried.value;
    if (isWebPage(answer)) throw answerUnusable(this.place, 'a web page answered in place of the service');
    return [200, 201, 202, 409, 422].includes(answer.status) ? tried : this.#refusal(answer);
  }

  /** With GET, whose refusals say more than those of HEAD. */
  async #ask(digest: Digest): Promise<Tried<Received>> {
    const tried = await this.#request(digest, { method: 'GET', headers: {}, body: null });
    if (tried.kind === 'again') return tried;
    const { status, headers } = tried.value;
    const offset = headers['upload-offset'];
    if ((status === 200 || status === 404) && typeof offset === 'string' && /^\d{1,15}$/.test(offset))
      return { kind: 'done', value: { isWhole: status === 200, bytes: Number(offset) } };
    if (status === 200 || status === 404)
      throw answerUnusable(this.place, 'it is no Slipway service that takes uploads');
    return this.#refusal(tried.value);
  }

  #refusal(answer: ReceivedAnswer): Tried<never> {
    const error = findServiceError(Buffer.from(answer.text));
    const token = this.#options.token();
    const said = error === undefined ? null : `${error.code}, ${error.message}`;
    return refusalOf(this.place, answer, said && withoutSecrets(said, token === null ? [] : [token]));
  }

  #request(digest: Digest, asked: Omit<OutgoingRequest, 'url'>): Promise<Tried<ReceivedAnswer>> {
    const { server, token, terms } = this.#options;
    const url = `${server}/v1/artifacts/${digest}`;
    return sendOnce(this.place, { ...asked, url, headers: { ...asked.headers, ...bearerHeader(token()) } }, terms);
  }
}
