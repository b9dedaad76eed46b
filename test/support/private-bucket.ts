// Owns a private bucket for tests: s3rver holds the objects, and before it stands what s3rver leaves out: nobody reads without a right signature in time.
import { createHash, createHmac } from 'node:crypto';
import http, { type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import S3rver from 's3rver';
import { type S3Access, signS3Request } from '../../src/distribution/s3-access.ts';

/** s3rver knows this account alone. */
const ACCOUNT = 'S3RVER';
const REGION = 'eu-test-1';

export interface BucketRead {
  readonly key: string;
  readonly range: string | undefined;
  /** Differs for each address that was signed. */
  readonly signature: string | null;
  status: number;
}

/** What happens to a read that the bucket would answer. */
export type BucketMischief = (
  read: BucketRead,
) => { readonly cutAfterBytes?: number; readonly status?: number } | undefined;

export class PrivateBucket implements AsyncDisposable {
  readonly bucket = 'ours';
  readonly reads: BucketRead[] = [];
  mischief: BucketMischief = () => undefined;
  readonly #store: S3rver;
  readonly #storePort: number;
  readonly #front: Server;

  private constructor(store: S3rver, storePort: number) {
    this.#store = store;
    this.#storePort = storePort;
    this.#front = http.createServer((request, response) => this.#answer(request, response));
  }

  /** `directory` is its own. */
  static async open(directory: string): Promise<PrivateBucket> {
    const options = { address: '127.0.0.1', port: 0, silent: true, directory, configureBuckets: [{ name: 'ours' }] };
    const store = new S3rver(options);
    const { port } = await store.run();
    const bucket = new PrivateBucket(store, port);
    await new Promise<void>((resolve) => bucket.#front.listen(0, '127.0.0.1', resolve));
    return bucket;
  }

  get access(): S3Access {
    const { port } = this.#front.address() as AddressInfo;
    const endpoint = `http://127.0.0.1:${port}`;
    return { endpoint, region: REGION, accessKeyId: ACCOUNT, secretAccessKey: ACCOUNT };
  }

  /** As the environment of a service has it. */
  get environment(): Readonly<Record<string, string>> {
    const { endpoint } = this.access;
    const account = { AWS_ACCESS_KEY_ID: ACCOUNT, AWS_SECRET_ACCESS_KEY: ACCOUNT, AWS_REGION: REGION };
    return { ...account, AWS_ENDPOINT_URL_S3: endpoint ?? '' };
  }

  /** As the environment of a runner has it, which may write too. */
  get writerEnvironment(): Readonly<Record<string, string>> {
    return { ...this.environment, AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${this.#storePort}` };
  }

  async put(key: string, bytes: Buffer): Promise<void> {
    const address = { bucket: this.bucket, key };
    const bodySha256 = createHash('sha256').update(bytes).digest('hex');
    const order = { method: 'PUT', address, query: {}, headers: {}, bodySha256, atMs: Date.now() } as const;
    const access = { ...this.access, endpoint: `http://127.0.0.1:${this.#storePort}` };
    const { url, headers } = await signS3Request(access, order);
    const answer = await fetch(url, { method: 'PUT', headers: { ...headers }, body: new Uint8Array(bytes) });
    if (!answer.ok) throw new Error(`the bucket answered ${answer.status}`);
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    if (request.method === 'GET') this.#answerRead(request, response);
    else if (request.headers.authorization?.includes(`Credential=${ACCOUNT}/`)) this.#take(request, response);
    else refuse(response, 403, 'AccessDenied');
  }

  /** What an account asks for but to read, as s3rver takes it. */
  #take(request: IncomingMessage, response: ServerResponse): void {
    const { url, method, headers } = request;
    const passed = http.request(`http://127.0.0.1:${this.#storePort}${url}`, { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    });
    request.pipe(passed);
  }

  #answerRead(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? '/', `http://${request.headers.host}`);
    const key = url.pathname.replace(/^\/ours\//, '');
    const signature = url.searchParams.get('X-Amz-Signature');
    const read: BucketRead = { key, range: request.headers.range, signature, status: 0 };
    this.reads.push(read);
    response.on('close', () => {
      read.status = response.statusCode;
    });
    const refusal = findRefusal(request, url);
    const { cutAfterBytes, status } = (refusal === undefined && this.mischief(read)) || {};
    if (refusal !== undefined) refuse(response, 403, refusal);
    else if (status !== undefined) refuse(response, status, 'SlowDown');
    else this.#pass(request, response, cutAfterBytes);
  }

  #pass({ url, headers }: IncomingMessage, response: ServerResponse, cutAfterBytes = Number.POSITIVE_INFINITY): void {
    const kept = Object.fromEntries(
      ['range', 'if-range'].flatMap((name) => (headers[name] ? [[name, headers[name]]] : [])),
    );
    http.get(`http://127.0.0.1:${this.#storePort}${url}`, { headers: kept }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      let sentBytes = 0;
      answer.on('data', (chunk: Buffer) => {
        const part = chunk.subarray(0, Math.max(0, cutAfterBytes - sentBytes));
        sentBytes += part.length;
        if (part.length === chunk.length) response.write(part);
        else response.write(part, () => setTimeout(() => response.destroy(), 20));
      });
      answer.on('end', () => response.end());
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#front.closeAllConnections();
    await new Promise((resolve) => this.#front.close(resolve));
    await this.#store.close();
  }
}

/** As S3 judges a pre-signed GET: by everything in the address, and by the time. */
function findRefusal({ headers }: IncomingMessage, { pathname, searchParams }: URL): string | undefined {
  const stated = (name: string): string => searchParams.get(`X-Amz-${name}`) ?? '';
  // As S3 does: two ways of proof are none.
  if (headers.authorization !== undefined) return 'InvalidArgument';
  const [id, day = '', region = '', service, end] = stated('Credential').split('/');
  if (id !== ACCOUNT || region !== REGION || service !== 's3' || end !== 'aws4_request') return 'AccessDenied';
  const signedAtMs = Date.parse(stated('Date').replace(/^(....)(..)(..)T(..)(..)(..)Z$/, '$1-$2-$3T$4:$5:$6Z'));
  if (!(Date.now() < signedAtMs + Number(stated('Expires')) * 1000)) return 'AccessDenied';
  const encoded = (text: string): string =>
    encodeURIComponent(text).replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`);
  const query = [...searchParams]
    .filter(([name]) => name !== 'X-Amz-Signature')
    .map(([name, value]) => `${encoded(name)}=${encoded(value)}`)
    .sort();
  const canonical = ['GET', pathname, query.join('&'), `host:${headers.host}\n`, 'host', 'UNSIGNED-PAYLOAD'].join('\n');
  const digest = createHash('sha256').update(canonical).digest('hex');
  const text = ['AWS4-HMAC-SHA256', stated('Date'), `${day}/${region}/s3/aws4_request`, digest].join('\n');
  const hmac = (key: string | Buffer, part: string): Buffer => createHmac('sha256', key).update(part).digest();
  const key = [day, region, 's3', 'aws4_request'].reduce<string | Buffer>(hmac, `AWS4${ACCOUNT}`);
  return hmac(key, text).toString('hex') === stated('Signature') ? undefined : 'SignatureDoesNotMatch';
}

function refuse(response: ServerResponse, status: number, code: string): void {
  const page = `<?xml version="1.0"?>\n<Error><Code>${code}</Code><Message>No.</Message></Error>`;
  response.writeHead(status, { 'content-type': 'application/xml' }).end(page);
}
