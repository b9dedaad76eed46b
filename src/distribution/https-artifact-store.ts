// Owns any server that takes files by PUT as a place for artifacts: WebDAV, Artifactory, packages of GitLab.
import { bearerHeader } from '../base/secret-file.ts';
import { type Digest, hexOf } from '../contract/digest.ts';
import type { Artifact, ArtifactStore, Say, StoredArtifact } from './artifact-store.ts';
import { readMeasured } from './artifacts.ts';
import type { OutgoingRequest, ReceivedAnswer } from './upload/send-request.ts';
import { answerUnusable, incomplete, isHtml, isWebPage, refusalOf } from './upload/upload-problems.ts';
import { UploadProgress, withProgress } from './upload/upload-progress.ts';
import { sendOnce, type UploadTerms, withTries } from './upload/upload-tries.ts';

export interface HttpsArtifactStoreOptions {
  /** Ends with a slash; the name of each file is its digest. */
  readonly prefix: string;
  /** Where devices fetch the artifacts, if elsewhere; ends with a slash. */
  readonly publicUrl: string | null;
  /** Asked for each request: a token, or `user:password`; null for none. */
  readonly credentials: () => string | null;
  readonly terms: UploadTerms;
}

/** `unknown` where the server doesn't say, or says it to others only. */
type Found = 'there' | 'absent' | 'unknown';

const FIRST_BYTE = { method: 'GET', headers: { range: 'bytes=0-0' }, body: null } as const;
const WEB_PAGE = 'a web page answered in its place';

export class HttpsArtifactStore implements ArtifactStore {
  readonly place: string;
  readonly #options: HttpsArtifactStoreOptions;

  constructor(options: HttpsArtifactStoreOptions) {
    this.place = options.prefix;
    this.#options = options;
  }

  urlOf(digest: Digest): string {
    return (this.#options.publicUrl ?? this.#options.prefix) + hexOf(digest);
  }

  async holds(artifact: Artifact): Promise<boolean> {
    return (await this.#find(artifact)) === 'there';
  }

  async put(file: string, artifact: Artifact, say: Say): Promise<StoredArtifact> {
    const url = this.urlOf(artifact.digest);
    if (await this.holds(artifact)) return { url, isNew: false };
    await this.#send(file, artifact, say);
    const found = await this.#find(artifact);
    if (found === 'absent') throw incomplete(this.place);
    if (found === 'unknown') say(`${this.place} took ${file}, and does not say what it has`);
    return { url, isNew: true };
  }

  async #send(file: string, artifact: Artifact, say: Say): Promise<void> {
    const { terms } = this.#options;
    const hex = hexOf(artifact.digest);
    const progress = new UploadProgress({ file, sizeBytes: artifact.sizeBytes, clock: terms.clock, say });
    const chunks = (): AsyncIterable<Uint8Array> => withProgress(readMeasured(file, artifact), progress);
    const put = {
      method: 'PUT',
      headers: {
        'content-type': 'application/octet-stream',
        // Servers that know them refuse other bytes: RFC 9530, and the own header of Artifactory.
        'repr-digest': `sha-256=:${Buffer.from(hex, 'hex').toString('base64')}:`,
        'x-checksum-sha256': hex,
      },
      body: { sizeBytes: artifact.sizeBytes, chunks },
    } as const;
    await withTries(this.place, terms, async () => {
      const tried = await this.#request(artifact.digest, put);
      if (tried.kind === 'again') return tried;
      const answer = tried.value;
      if (answer.status < 200 || answer.status > 299) return refusalOf(this.place, answer, null);
      if (isWebPage(answer) && answer.status === 200) throw answerUnusable(this.place, WEB_PAGE);
      return tried;
    });
  }

  #request(digest: Digest, asked: Omit<OutgoingRequest, 'url'>) {
    const { prefix, credentials, terms } = this.#options;
    const headers = { ...asked.headers, ...authorizationOf(credentials()) };
    return sendOnce(this.place, { ...asked, url: prefix + hexOf(digest), headers }, terms);
  }

  /** By size. Where HEAD is not known, the first byte tells the size as well. */
  async #find(artifact: Artifact): Promise<Found> {
    const head = await this.#read(artifact.digest, { method: 'HEAD', headers: {}, body: null });
    const answer = [405, 501].includes(head.status)
      ? await this.#read(artifact.digest, { ...FIRST_BYTE, headersOnly: true })
      : head;
    const { status, headers } = answer;
    if (status === 404 || status === 410) return 'absent';
    if ((status !== 200 && status !== 206) || isHtml(headers)) return 'unknown';
    const size = status === 206 ? headers['content-range']?.split('/')[1] : headers['content-length'];
    if (!/^\d{1,15}$/.test(size ?? '')) return 'unknown';
    return Number(size) === artifact.sizeBytes ? 'there' : 'absent';
  }

  /** Whatever the status, but for those that pass. */
  #read(digest: Digest, asked: Omit<OutgoingRequest, 'url'>): Promise<ReceivedAnswer> {
    return withTries(this.place, this.#options.terms, async () => {
      const tried = await this.#request(digest, asked);
      const passes = tried.kind === 'done' && [408, 429, 500, 502, 503, 504].includes(tried.value.status);
      return passes ? refusalOf(this.place, tried.value, null) : tried;
    });
  }
}

/** `user:password` goes as Basic, anything else as a bearer token. What can't stand in a header is left out. */
function authorizationOf(credentials: string | null): { readonly authorization?: string } {
  if (credentials === null) return {};
  if (credentials.includes(':')) return { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` };
  return bearerHeader(credentials) ?? {};
}
