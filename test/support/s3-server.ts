// A strict S3 in memory: it checks signatures, digests and parts as S3 does, and can misbehave on demand.
import { createHash, createHmac, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { S3Access } from '../../src/distribution/s3-access.ts';

export interface S3Received {
  readonly method: string;
  readonly key: string;
  readonly query: URLSearchParams;
  readonly request: IncomingMessage;
  readonly body: Buffer;
}

/** Answers the request itself and says true, or leaves it to the store. Asked before the body is read, and after. */
export type S3Misbehaviour = (received: S3Received, response: ServerResponse, isRead: boolean) => boolean;

interface Upload {
  readonly key: string;
  readonly initiated: string;
  readonly parts: Map<number, Buffer>;
}

export const ACCESS_KEY = 'AKTEST';
export const SECRET_KEY = 'secret/of+tests';

const sha256 = (bytes: Buffer | string): string => createHash('sha256').update(bytes).digest('hex');
const md5 = (bytes: Buffer): string => createHash('md5').update(bytes).digest('hex');
const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();
const encoded = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`);

export class S3Server implements AsyncDisposable {
  readonly bucket = 'ours';
  readonly objects = new Map<string, { readonly bytes: Buffer; readonly sha256: string | undefined }>();
  readonly uploads = new Map<string, Upload>();
  readonly asked: string[] = [];
  nowMs: () => number = () => Date.now();
  /** Region of the bucket. */
  region = 'eu-test-1';
  misbehave: S3Misbehaviour = () => false;
  readonly #server = createServer((request, response) => void this.#receive(request, response));

  static async start(): Promise<S3Server> {
    const server = new S3Server();
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve));
    return server;
  }

  get access(): S3Access {
    const { port } = this.#server.address() as AddressInfo;
    const endpoint = `http://127.0.0.1:${port}`;
    return { endpoint, region: 'eu-test-1', accessKeyId: ACCESS_KEY, secretAccessKey: SECRET_KEY };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams: query } = new URL(request.url ?? '/', 'http://host');
    const [, bucket = '', ...rest] = decodeURIComponent(pathname).split('/');
    const { method = '' } = request;
    const key = rest.join('/');
    this.asked.push(`${method} ${[...query.keys()].filter((one) => !one.startsWith('X-Amz')).join('&')}`.trim());
    const received = { method, key, query, request, body: Buffer.alloc(0) };
    request.on('error', () => undefined);
    if (this.misbehave(received, response, false)) return;
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk);
    } catch {
      return; // cut: nothing is stored
    }
    const body = Buffer.concat(chunks);
    if (this.misbehave({ ...received, body }, response, true)) return;
    const refusal = this.#refusal(request, body, pathname);
    if (refusal !== null) return sendError(response, ...refusal);
    if (bucket !== this.bucket) return sendError(response, 404, 'NoSuchBucket');
    this.#answer({ ...received, body }, response);
  }

  /** As S3 checks a request before it does anything. */
  #refusal({ headers, method, url }: IncomingMessage, body: Buffer, pathname: string): [number, string] | null {
    const [, scope = '', names = '', signature] =
      /^AWS4-HMAC-SHA256 Credential=([^,]+), SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/.exec(
        headers.authorization ?? '',
      ) ?? [];
    const [id, day = '', region = '', service, end] = scope.split('/');
    if (signature === undefined || service !== 's3' || end !== 'aws4_request') return [403, 'AccessDenied'];
    if (id !== ACCESS_KEY) return [403, 'InvalidAccessKeyId'];
    if (region !== this.region) return [400, 'AuthorizationHeaderMalformed'];
    const stamp = String(headers['x-amz-date']);
    const atMs = Date.parse(stamp.replace(/^(....)(..)(..)T(..)(..)(..)Z$/, '$1-$2-$3T$4:$5:$6Z'));
    if (!(Math.abs(this.nowMs() - atMs) <= 15 * 60_000)) return [403, 'RequestTimeTooSkewed'];
    const query = [...new URL(url ?? '/', 'http://host').searchParams]
      .map(([name, value]) => `${encoded(name)}=${encoded(value)}`)
      .sort();
    const signed = names.split(';').map((name) => `${name}:${headers[name]}\n`);
    const path = decodeURIComponent(pathname).split('/').map(encoded).join('/');
    const content = String(headers['x-amz-content-sha256']);
    const canonical = [method, path, query.join('&'), signed.join(''), names, content].join('\n');
    const text = ['AWS4-HMAC-SHA256', stamp, `${day}/${region}/s3/aws4_request`, sha256(canonical)].join('\n');
    const key = [day, region, 's3', 'aws4_request'].reduce<string | Buffer>(hmac, `AWS4${SECRET_KEY}`);
    if (createHmac('sha256', key).update(text).digest('hex') !== signature) return [403, 'SignatureDoesNotMatch'];
    if (sha256(body) !== content) return [400, 'XAmzContentSHA256Mismatch'];
    const checksum = headers['x-amz-checksum-sha256'];
    return checksum === undefined || checksum === base64Of(body) ? null : [400, 'BadDigest'];
  }

  #answer({ method, key, query, request, body }: S3Received, response: ServerResponse): unknown {
    const upload = this.uploads.get(query.get('uploadId') ?? '');
    const isOfUpload = query.has('uploadId');
    if (isOfUpload && upload?.key !== key) return sendError(response, 404, 'NoSuchUpload');
    if (method === 'GET' && query.has('uploads')) return this.#list(query.get('prefix') ?? '', response);
    if (method === 'HEAD') return this.#head(key, request, response);
    if (method === 'POST' && query.has('uploads')) {
      const id = `${randomUUID()}+/=`;
      this.uploads.set(id, { key, initiated: new Date(this.nowMs()).toISOString(), parts: new Map() });
      return sendXml(
        response,
        `<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`,
      );
    }
    if (method === 'PUT' && upload !== undefined) {
      upload.parts.set(Number(query.get('partNumber')), body);
      return response.writeHead(200, { etag: `"${md5(body)}"` }).end();
    }
    if (method === 'DELETE' && upload !== undefined) {
      this.uploads.delete(query.get('uploadId') ?? '');
      return response.writeHead(204).end();
    }
    if (method === 'POST' && upload !== undefined)
      return this.#join(upload, query.get('uploadId') ?? '', body, response);
    if (method !== 'PUT') return sendError(response, 405, 'MethodNotAllowed');
    this.objects.set(key, { bytes: body, sha256: request.headers['x-amz-checksum-sha256'] as string | undefined });
    return response.writeHead(200, { etag: `"${md5(body)}"` }).end();
  }

  #head(key: string, request: IncomingMessage, response: ServerResponse): unknown {
    const found = this.objects.get(key);
    if (found === undefined) return response.writeHead(404).end();
    const asksChecksum = request.headers['x-amz-checksum-mode'] === 'ENABLED' && found.sha256 !== undefined;
    const checksum = asksChecksum ? { 'x-amz-checksum-sha256': found.sha256 } : {};
    return response.writeHead(200, { 'content-length': found.bytes.length, ...checksum }).end();
  }

  #list(prefix: string, response: ServerResponse): void {
    const found = [...this.uploads].filter(([, { key }]) => key.startsWith(prefix));
    const lines = found.map(
      ([id, { key, initiated }]) =>
        `<Upload><Key>${key}</Key><UploadId>${id}</UploadId><Initiated>${initiated}</Initiated></Upload>`,
    );
    sendXml(response, `<ListMultipartUploadsResult>${lines.join('')}</ListMultipartUploadsResult>`);
  }

  #join({ key, parts }: Upload, id: string, body: Buffer, response: ServerResponse): unknown {
    const listed = [...body.toString().matchAll(/<PartNumber>(\d+)<\/PartNumber><ETag>([^<]+)<\/ETag>/g)];
    const bytes = listed.map(([, number, etag]) => {
      const part = parts.get(Number(number));
      return part !== undefined && etag === `"${md5(part)}"` ? part : null;
    });
    if (bytes.includes(null)) return sendError(response, 400, 'InvalidPart');
    this.objects.set(key, { bytes: Buffer.concat(bytes as Buffer[]), sha256: undefined });
    this.uploads.delete(id);
    return sendXml(
      response,
      `<CompleteMultipartUploadResult><ETag>"x-${listed.length}"</ETag></CompleteMultipartUploadResult>`,
    );
  }
}

function base64Of(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('base64');
}

export function sendXml(response: ServerResponse, xml: string, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/xml' }).end(`<?xml version="1.0"?>\n${xml}`);
}

export function sendError(response: ServerResponse, status: number, code: string, message = 'as S3 says it'): void {
  sendXml(response, `<Error><Code>${code}</Code><Message>${message}</Message></Error>`, status);
}
