// Owns bringing one version into a slot: manifest, space, every file checked as it arrives, and the seal at the end.
import { copyFile, mkdir, stat } from 'node:fs/promises';
import { formatInLine, toCodedError } from '../../../src/base/errors.ts';
import { type Digest, hexOf } from '../../../src/contract/digest.ts';
import type { ModelFile } from '../../../src/contract/types.generated.ts';
import type { CredentialsFor } from '../link/artifact-credentials.ts';
import { download } from '../link/download.ts';
import { joinUrl } from '../link/http.ts';
import { freeBytesOf, isDiskFull } from '../record/disk-reserve.ts';
import { type Failed, failedForGood, otherSlot } from '../record/model-record.ts';
import { digestOfFile, type Slots } from '../record/slots.ts';
import { admitManifest, readManifest } from './admit-manifest.ts';
import {
  type Later,
  later,
  type SupplyOptions,
  type SupplyProblem,
  type SupplyRequest,
  sourceOf,
} from './supply-request.ts';

const SPACE_MARGIN_BYTES = 1024 * 1024;

/** What requests for documents end with, in the words of reports; all else is the network. */
const REASONS: ReadonlyMap<string, Later['reason']> = new Map([
  ['AGENT_HTTP_TIMEOUT', 'timeout'],
  ['AGENT_HTTP_LENGTH', 'corrupt'],
]);

/** One try to bring a version into an idle slot. Bytes that are there and right are kept. */
export async function supply(
  request: SupplyRequest,
  options: SupplyOptions,
): Promise<{ readonly kind: 'fetched' } | SupplyProblem> {
  const { slots, slot, part, signal } = request;
  if (part === null) await slots.clear(slot);
  await slots.prepare(slot);
  try {
    const admitted = await admitManifest(request, options);
    if (admitted.kind !== 'admitted') return admitted;
    const { files } = admitted;
    const lack = await findLackOfSpace(files, request, options.reserveBytes);
    if (lack !== undefined) return lack;
    for (const file of files) {
      const problem = await supplyFile(file, request, options);
      if (problem !== undefined) return problem;
      if (signal.aborted) return later('stopped');
    }
    return { kind: 'fetched' };
  } catch (error) {
    if (isDiskFull(error)) return storageFull('The disk is full.', 0);
    const coded = toCodedError(error, 'AGENT_SUPPLY');
    return later(coded.message, null, REASONS.get(coded.code) ?? 'network');
  }
}

function storageFull(message: string, needBytes: number): SupplyProblem {
  const expiry = { kind: 'space', needBytes: needBytes + SPACE_MARGIN_BYTES } as const;
  return { kind: 'failed', reason: 'storage-full', message, expiry };
}

async function findLackOfSpace(
  files: readonly ModelFile[],
  { slots, slot }: Pick<SupplyRequest, 'slots' | 'slot'>,
  reserveBytes: number,
): Promise<SupplyProblem | undefined> {
  let need = reserveBytes;
  for (const file of files) need += Math.max(0, file.sizeBytes - (await sizeOfFile(slots.filePath(slot, file.name))));
  const free = await freeBytesOf(slots.path(slot));
  if (free >= need) return undefined;
  const message = `The disk needs ${mebibytes(need)} free, ${mebibytes(reserveBytes)} of it in reserve, and has ${mebibytes(free)}.`;
  return storageFull(message, need);
}

function mebibytes(bytes: number): string {
  return `${Math.ceil(bytes / 1024 / 1024).toLocaleString('en')} MiB`;
}

async function sizeOfFile(file: string): Promise<number> {
  return stat(file).then(
    ({ size }) => size,
    () => 0,
  );
}

/** Undefined when the file is there and right. */
async function supplyFile(
  file: ModelFile,
  request: SupplyRequest,
  options: SupplyOptions,
): Promise<SupplyProblem | undefined> {
  const { throttle, clock } = options;
  const { slots, slot, part, signal, onFlushed } = request;
  const { name, sizeBytes } = file;
  const target = slots.filePath(slot, name);
  const digest = file.digest as Digest;
  if ((await digestOfFile(target)) === digest) return undefined;
  if (await copyFromOtherSlot(file, request, target)) return undefined;
  const source = await findSource(file, request, options);
  if (source.kind !== 'found') return source;
  const { address: url, ...access } = source;
  const isPart = part?.name === name;
  const result = await download({
    ...{ ...access, file: target, digest, sizeBytes, throttle, clock, signal },
    offset: isPart ? part.offset : 0,
    // What another host calls its representation says nothing here; the digest of the whole does.
    etag: isPart && part.url === url ? part.etag : null,
    onFlushed: (offset, etag) => onFlushed({ name, url, offset, etag }),
  });
  switch (result.kind) {
    case 'done':
      return undefined;
    case 'cut':
      return later(result.message, result.retryAfterMs, result.isTimeout ? 'timeout' : 'network');
    case 'full':
      return storageFull(result.message, sizeBytes);
    case 'wrong':
      return later(`${name}: ${result.message}`, null, 'corrupt');
  }
}

type Source =
  | {
      readonly kind: 'found';
      /** As the manifest or the publication has it: the only one that is kept or logged. */
      readonly address: string;
      /** Where it can be had now. */
      readonly url: string;
      readonly credentials: CredentialsFor | null;
    }
  | Later;

/** The source whose turn it is. A private bucket is entered by an address that the service signs, anew for each try. */
async function findSource(
  file: ModelFile,
  { goal, turn, signal }: Pick<SupplyRequest, 'goal' | 'turn' | 'signal'>,
  { sources, locator, credentials }: SupplyOptions,
): Promise<Source> {
  const addresses = addressesOf(file, sources);
  const address = sourceOf(addresses, turn);
  if (!address.startsWith('s3:')) {
    const isStated = address === addresses[0];
    return { kind: 'found', address, url: address, credentials: isStated ? credentials : null };
  }
  const wanted = { manifest: goal.digest, artifact: file.digest as Digest };
  const located = await locator.locate(wanted, signal);
  if (located.kind === 'failed') return later(`${address}: ${formatInLine(located.error)}`, located.retryAfterMs);
  return { kind: 'found', address, url: located.url, credentials: null };
}

/** Where the file may be had: at the address that the manifest gives, and by its digest in every published folder. */
function addressesOf({ url, digest }: ModelFile, sources: SupplyOptions['sources']): readonly [string, ...string[]] {
  const stated = new URL(url, joinUrl(sources[0], '')).href;
  const published = sources.map((source) => joinUrl(source, `artifacts/${hexOf(digest as Digest)}`));
  return [stated, ...published.filter((address) => address !== stated)];
}

/** Files that did not change between versions are not downloaded again. */
async function copyFromOtherSlot(file: ModelFile, request: SupplyRequest, target: string): Promise<boolean> {
  const { slots, slot } = request;
  const source = slots.filePath(otherSlot(slot), file.name);
  if ((await digestOfFile(source)) !== file.digest) return false;
  await mkdir(slots.path(slot, 'files'), { recursive: true });
  await copyFile(source, target);
  return (await digestOfFile(target)) === file.digest;
}

/** Seals a slot whose files are all there. */
export async function stage(
  { model, goal, slot, facts }: Pick<SupplyRequest, 'model' | 'goal' | 'slot' | 'facts'>,
  slots: Slots,
  nowMs: number,
): Promise<{ readonly kind: 'staged'; readonly sequence: number } | Failed> {
  const kept = await slots.readManifest(slot);
  const read = kept === undefined ? undefined : readManifest(kept.manifest, goal, model, facts);
  if (read?.kind !== 'read') return failedForGood('corrupt', read?.message ?? 'The manifest is missing from the slot.');
  const files = read.files.map(({ role, name, digest, sizeBytes }) => ({
    ...{ role, name, sizeBytes },
    digest: digest as Digest,
  }));
  const { digest, version, rollout, arm } = goal;
  await slots.seal(slot, { digest, version, rollout, arm, verifiedAt: new Date(nowMs).toISOString(), files });
  return { kind: 'staged', sequence: read.manifest.metadata.sequence ?? 0 };
}
