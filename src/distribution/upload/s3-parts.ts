// Owns uploads to S3 in parts: several at once, joined only when all of the file went there, and none left behind after a failure.
import { CodedError } from '../../base/errors.ts';
import type { Artifact, Say } from '../artifact-store.ts';
import { readMeasured } from '../artifacts.ts';
import { formatS3Address, type S3Address } from '../s3-access.ts';
import { type S3Client, xmlText } from './s3-client.ts';
import { answerUnusable, NOT_S3 } from './upload-problems.ts';
import type { UploadProgress } from './upload-progress.ts';

const MiB = 1024 * 1024;
export const PART_BYTES = 16 * MiB;
/** As S3 limits it. */
const MOST_PARTS = 10_000;
const MOST_BYTES_AT_ONCE = 64 * MiB;
const MOST_AT_ONCE = 4;
/** Another runner may be uploading the same file; after a day it isn't. */
const STRAY_AFTER_MS = 24 * 3_600_000;
const MOST_STRAYS = 20;
/** Nobody waits long for the tidying after a failure. */
const TIDYING = { signal: new AbortController().signal, quietMs: 10_000, answerMs: 15_000, mostTries: 3 };

export interface PartsOrder {
  readonly file: string;
  readonly artifact: Artifact;
  readonly address: S3Address;
  /** `PART_BYTES` unless a test has other ideas; large files have larger ones. */
  readonly partBytes: number;
  readonly signal: AbortSignal;
  readonly progress: UploadProgress;
  readonly say: Say;
}

interface Part {
  readonly number: number;
  readonly etag: string;
}

function partBytesOf({ artifact, partBytes }: PartsOrder): number {
  const leastBytes = Math.ceil(artifact.sizeBytes / MOST_PARTS);
  return leastBytes <= partBytes ? partBytes : Math.ceil(leastBytes / MiB) * MiB;
}

/** Throws UPLOAD_…, ARTIFACT_UNREADABLE or ARTIFACT_CHANGED. */
export async function uploadInParts(client: S3Client, order: PartsOrder): Promise<void> {
  const { address, say } = order;
  await abortStrays(client, address);
  const headers = { 'content-type': 'application/octet-stream' };
  const created = await client.request({ method: 'POST', address, query: { uploads: '' }, headers });
  const uploadId = xmlText(created.text, 'UploadId');
  if (uploadId === null) throw answerUnusable(client.place, NOT_S3);
  try {
    const parts = await sendParts(client, order, uploadId);
    await complete(client, { address, uploadId, parts });
  } catch (error) {
    const aborted = client.on(TIDYING).request({ method: 'DELETE', address, query: { uploadId }, accepts: [404] });
    await aborted.catch(() =>
      say(
        `${formatS3Address(address)} may have parts left of this upload: a lifecycle rule of the bucket removes them`,
      ),
    );
    throw error;
  }
}

/** Each part is in memory while it is on its way, so that it can be signed and sent again. */
async function* partsOf(order: PartsOrder): AsyncGenerator<Buffer> {
  const partBytes = partBytesOf(order);
  let chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of readMeasured(order.file, order.artifact)) {
    for (let at = 0; at < chunk.length; ) {
      const taken = chunk.subarray(at, at + partBytes - length);
      chunks.push(taken);
      at += taken.length;
      length += taken.length;
      if (length < partBytes) continue;
      yield Buffer.concat(chunks);
      chunks = [];
      length = 0;
    }
  }
  if (length > 0) yield Buffer.concat(chunks);
}

async function sendParts(client: S3Client, order: PartsOrder, uploadId: string): Promise<Part[]> {
  const { address, progress } = order;
  const mostAtOnce = Math.max(1, Math.min(MOST_AT_ONCE, Math.floor(MOST_BYTES_AT_ONCE / partBytesOf(order))));
  const stop = new AbortController();
  const bounded = client.on({ signal: AbortSignal.any([order.signal, stop.signal]) });
  const parts: Part[] = [];
  const running = new Set<Promise<void>>();
  const failures: unknown[] = [];
  let doneBytes = 0;
  const send = async (number: number, body: Buffer): Promise<void> => {
    const query = { partNumber: String(number), uploadId };
    const { headers } = await bounded.request({ method: 'PUT', address, query, body });
    if (headers.etag === undefined) throw answerUnusable(client.place, NOT_S3);
    parts.push({ number, etag: headers.etag });
    doneBytes += body.length;
    progress.at(doneBytes);
  };
  try {
    let number = 0;
    for await (const body of partsOf(order)) {
      const one: Promise<void> = send(++number, body)
        .catch((error) => void failures.push(error))
        .finally(() => running.delete(one));
      running.add(one);
      if (running.size >= mostAtOnce) await Promise.race(running);
      if (failures.length > 0) break;
    }
    while (running.size > 0 && failures.length === 0) await Promise.race(running);
  } finally {
    stop.abort();
    await Promise.all(running);
  }
  if (failures.length > 0) throw failures[0];
  return parts.sort((a, b) => a.number - b.number);
}

/** Joins the parts. A try whose answer was lost may have joined them already: the caller looks whether the file is there. */
async function complete(
  client: S3Client,
  {
    address,
    uploadId,
    parts,
  }: { readonly address: S3Address; readonly uploadId: string; readonly parts: readonly Part[] },
): Promise<void> {
  const escaped = (text: string): string =>
    text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  const lines = parts.map(
    ({ number, etag }) => `<Part><PartNumber>${number}</PartNumber><ETag>${escaped(etag)}</ETag></Part>`,
  );
  const body = Buffer.from(`<CompleteMultipartUpload>${lines.join('')}</CompleteMultipartUpload>`);
  const headers = { 'content-type': 'application/xml' };
  const answer = await client.request({ method: 'POST', address, query: { uploadId }, headers, body });
  if (xmlText(answer.text, 'ETag') === null) throw answerUnusable(client.place, NOT_S3);
}

/** Removes what killed uploads of this very file left more than a day ago, where we may. */
async function abortStrays(client: S3Client, address: S3Address): Promise<void> {
  const { bucket, key } = address;
  try {
    const { text } = await client
      .on({ mostTries: 1 })
      .request({ method: 'GET', address: { bucket, key: '' }, query: { uploads: '', prefix: key } });
    const uploads = text.split('<Upload>').slice(1, 1 + MOST_STRAYS);
    for (const one of uploads) {
      const [uploadId, begun] = [xmlText(one, 'UploadId'), Date.parse(xmlText(one, 'Initiated') ?? '')];
      const isStray = xmlText(one, 'Key') === key && client.now() - begun > STRAY_AFTER_MS;
      if (uploadId !== null && isStray)
        await client.request({ method: 'DELETE', address, query: { uploadId }, accepts: [404] });
    }
  } catch (error) {
    // Few may list a bucket, and not every store can: the upload itself says what is wrong.
    if (!(error instanceof CodedError)) throw error;
  }
}
