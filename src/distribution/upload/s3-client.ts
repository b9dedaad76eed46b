// Owns single requests to an S3 store: signed anew for each try, and its refusals understood.
import { createHash } from 'node:crypto';
import { oneLine } from '../../base/plain-text.ts';
import { withoutSecrets } from '../../base/without-secrets.ts';
import { type S3Access, type S3Request, signS3Request } from '../s3-access.ts';
import type { OutgoingRequest, ReceivedAnswer } from './send-request.ts';
import {
  answerUnusable,
  clockWrong,
  credentialsRefused,
  isHtml,
  isWebPage,
  placeMissing,
  refusalOf,
  regionWrong,
  type Tried,
} from './upload-problems.ts';
import { sendOnce, type UploadTerms, withTries } from './upload-tries.ts';

export interface S3ClientOptions {
  /** For messages. */
  readonly place: string;
  /** Asked for each request: credentials may be renewed meanwhile. */
  readonly access: () => S3Access;
  readonly terms: UploadTerms;
}

export interface S3Asked extends Pick<S3Request, 'method' | 'address'> {
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** Statuses that are answers and no refusals, besides 2xx. */
  readonly accepts?: readonly number[];
}

interface S3Error {
  readonly code: string;
  readonly message: string;
  readonly region: string | null;
}

const PASSING = ['RequestTimeout', 'InternalError', 'SlowDown', 'ServiceUnavailable', 'OperationAborted'];
/** The bytes were changed on their way. */
const DAMAGED = ['BadDigest', 'XAmzContentSHA256Mismatch', 'IncompleteBody'];
const CREDENTIALS = ['AccessDenied', 'ExpiredToken', 'InvalidToken', 'InvalidAccessKeyId', 'SignatureDoesNotMatch'];
const EMPTY = new Uint8Array();

/** The text of the first element with this name; the answer is bounded already. */
export function xmlText(xml: string, name: string): string | null {
  const [, text] = new RegExp(`<${name}>([^<]{1,2000})</${name}>`).exec(xml) ?? [];
  const named: Record<string, string> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' };
  return text?.replace(/&(lt|gt|quot|apos|amp|#34);/g, (_, entity: string) => named[entity] ?? '"') ?? null;
}

/** Also in an answer with status 200: a store that joins parts sends the status before it knows. */
function errorIn({ text }: ReceivedAnswer): S3Error | null {
  const code = /<Error[\s>]/.test(text) ? xmlText(text, 'Code') : null;
  if (code === null) return null;
  return { code: oneLine(code), message: oneLine(xmlText(text, 'Message') ?? ''), region: xmlText(text, 'Region') };
}

/** Undefined for what is no name of a region: people are told to set it, and it must not be a line or a command of somebody else. */
function regionOf(said: unknown): string | undefined {
  return typeof said === 'string' && /^[A-Za-z0-9._-]{1,40}$/.test(said) ? said : undefined;
}

export class S3Client {
  readonly #options: S3ClientOptions;

  constructor(options: S3ClientOptions) {
    this.#options = options;
  }

  /** The same, on other terms. */
  on(terms: Partial<UploadTerms>): S3Client {
    return new S3Client({ ...this.#options, terms: { ...this.#options.terms, ...terms } });
  }

  get place(): string {
    return this.#options.place;
  }

  now(): number {
    return this.#options.terms.clock.now();
  }

  /** The answer with a status of 2xx or one that is accepted. Throws UPLOAD_…. */
  request(asked: S3Asked): Promise<ReceivedAnswer> {
    const { place, terms } = this.#options;
    return withTries(place, terms, async () => {
      const tried = await sendOnce(place, await this.#signed(asked), terms);
      return tried.kind === 'done' ? this.#judge(asked, tried.value) : tried;
    });
  }

  async #signed({ body = EMPTY, query = {}, headers = {}, ...asked }: S3Asked): Promise<OutgoingRequest> {
    const bodySha256 = createHash('sha256').update(body).digest('hex');
    const request = { ...asked, query, headers, bodySha256, atMs: this.now() };
    const { url, headers: all } = await signS3Request(this.#options.access(), request);
    const takesBody = asked.method === 'PUT' || asked.method === 'POST';
    return { method: asked.method, url, headers: all, body: takesBody ? body : null };
  }

  #judge({ method, accepts = [] }: S3Asked, answer: ReceivedAnswer): Tried<ReceivedAnswer> {
    if (accepts.includes(answer.status)) return { kind: 'done', value: answer };
    const error = errorIn(answer);
    if (answer.status < 200 || answer.status > 299 || error !== null) return this.#refusal(answer, error);
    const isPage = method === 'HEAD' ? isHtml(answer.headers) : isWebPage(answer);
    if (!isPage) return { kind: 'done', value: answer };
    throw answerUnusable(this.place, 'a web page answered in the place of S3');
  }

  #refusal(answer: ReceivedAnswer, error: S3Error | null): Tried<never> {
    const { place } = this;
    const { secretAccessKey, sessionToken = '' } = this.#options.access();
    const said =
      error === null ? null : withoutSecrets(`${error.code}, ${error.message}`, [secretAccessKey, sessionToken]);
    const region = regionOf(answer.headers['x-amz-bucket-region'] ?? error?.region);
    const code = error?.code ?? '';
    if (code === 'RequestTimeTooSkewed') throw clockWrong(place, answer.headers.date ?? 'no date');
    if (region !== undefined && ![200, 403].includes(answer.status)) throw regionWrong(place, region);
    if (CREDENTIALS.includes(code)) throw credentialsRefused(place, said);
    if (code === 'NoSuchBucket') throw placeMissing(place, said);
    if (code === 'EntityTooLarge') return refusalOf(place, { ...answer, status: 413 }, said);
    if (PASSING.includes(code) || DAMAGED.includes(code)) return refusalOf(place, { ...answer, status: 503 }, said);
    return refusalOf(place, answer, said);
  }
}
