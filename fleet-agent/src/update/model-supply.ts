// Owns bringing one version into a slot: manifest, signature, compatibility, space, then every file, checked as it comes.
import { copyFile, mkdir, stat, statfs } from 'node:fs/promises';
import type { BackOff } from '../../../src/base/back-off.ts';
import type { Clock } from '../../../src/base/clock.ts';
import { formatError, toCodedError } from '../../../src/base/errors.ts';
import { type Digest, digestOf, hexOf } from '../../../src/contract/digest.ts';
import type { DeviceFacts } from '../../../src/contract/selector.ts';
import type { DocumentVerifier } from '../../../src/contract/trust/verifier.ts';
import type { ModelFile, ModelManifest } from '../../../src/contract/types.generated.ts';
import { download } from '../link/download.ts';
import { ask, joinUrl, retryAfterMs } from '../link/http.ts';
import { chooseVariant } from '../model/choose-variant.ts';
import { isDiskFull } from '../record/disk-reserve.ts';
import { type DownloadPart, type Goal, otherSlot, type SlotName } from '../record/model-record.ts';
import { digestOfFile, type Seal, type Slots } from '../record/slots.ts';
import type { FailureFacts } from './update-step.ts';

export interface SupplyOptions {
  /** Where manifests and artifacts lie: the published folder's address. */
  readonly distributionUrl: string;
  readonly verifier: Pick<DocumentVerifier, 'verifyModel'>;
  /** Throws a CodedError for bytes that are no manifest. */
  readonly parseManifest: (bytes: Buffer, name: string) => ModelManifest;
  /** Left free beside the model's files, in bytes. */
  readonly reserveBytes: number;
  readonly bytesPerSecondMost: number | null;
  readonly clock: Clock;
  /** Wall-clock time that never goes back, in milliseconds since 1970. */
  readonly nowMs: () => number;
}

export const DOWNLOAD_BACK_OFF: BackOff = { firstMs: 2000, capMs: 300_000 };
const MOST_DOCUMENT_BYTES = 256 * 1024;
const DOCUMENT_TIMEOUT_MS = 30_000;
/** A host that gave no signature, or a page of its own instead of the manifest, is asked again after this. */
const WRONG_DOCUMENT_MS = 60 * 60_000;

export type SupplyResult = { readonly kind: 'fetched' } | ({ readonly kind: 'failed' } & FailureFacts) | Later;

/** Nothing is wrong with the version: try again. `afterMs` is what the server asked for. */
export interface Later {
  readonly kind: 'later';
  readonly reason: 'network' | 'timeout' | 'corrupt';
  readonly message: string;
  readonly afterMs: number | null;
}

function later(message: string, afterMs: number | null = null, reason: Later['reason'] = 'network'): Later {
  return { kind: 'later', reason, message, afterMs };
}

export interface SupplyRequest {
  readonly model: string;
  readonly goal: Goal;
  readonly slot: SlotName;
  readonly slots: Slots;
  readonly part: DownloadPart | null;
  readonly facts: DeviceFacts;
  /** Names the circumstances under which a refusal holds. */
  readonly fingerprint: string;
  readonly onFlushed: (part: DownloadPart) => Promise<void>;
  readonly signal: AbortSignal;
}

/** One try to bring a version into an idle slot. Bytes that are there and right are kept. */
export async function supply(request: SupplyRequest, options: SupplyOptions): Promise<SupplyResult> {
  const { slots, slot, part, signal } = request;
  if (part === null) await slots.clear(slot);
  await slots.prepare(slot);
  try {
    const admitted = await admitManifest(request, options);
    if (admitted.kind !== 'admitted') return admitted;
    const { files } = admitted;
    const lack = await findLackOfSpace(slots, slot, files, options.reserveBytes);
    if (lack !== undefined) return lack;
    for (const file of files) {
      const result = await supplyFile(file, request, options);
      if (result !== undefined) return result;
      if (signal.aborted) return later('stopped');
    }
    return { kind: 'fetched' };
  } catch (error) {
    if (isDiskFull(error)) return storageFull('The disk is full.', 0);
    const coded = toCodedError(error, 'AGENT_SUPPLY');
    return later(coded.message, null, coded.code === 'AGENT_HTTP_TIMEOUT' ? 'timeout' : 'network');
  }
}

function storageFull(message: string, needBytes: number): SupplyResult {
  return {
    kind: 'failed',
    reason: 'storage-full',
    message,
    lapse: { kind: 'space', needBytes: needBytes + 1024 * 1024 },
  };
}

type Admission =
  | { readonly kind: 'admitted'; readonly files: readonly ModelFile[] }
  | Exclude<SupplyResult, { kind: 'fetched' }>;

/** Manifest and signature, fetched, verified, parsed and held against this device. */
async function admitManifest(request: SupplyRequest, options: SupplyOptions): Promise<Admission> {
  const { goal, slot, slots, facts, fingerprint, model } = request;
  const underThese = { kind: 'circumstances', were: fingerprint } as const;
  const forNow = { kind: 'time', untilMs: options.nowMs() + WRONG_DOCUMENT_MS } as const;
  const kept = request.part === null ? undefined : await slots.readManifest(slot);
  const documents = kept ?? (await fetchDocuments(request, options));
  if ('kind' in documents) return documents;
  if (digestOf(documents.manifest) !== goal.digest) {
    const message = `The manifest's digest is ${digestOf(documents.manifest)}, not ${goal.digest}.`;
    return { kind: 'failed', reason: 'corrupt', message, lapse: forNow };
  }
  const question = { model, now: options.nowMs(), purpose: goal.arm === 'candidate' ? 'admit' : 'keep' } as const;
  const verification = options.verifier.verifyModel(documents.manifest, documents.signature, question);
  if (verification.kind === 'refused') {
    return {
      kind: 'failed',
      reason: 'signature',
      message: `${verification.code}: ${verification.reason}`,
      lapse: verification.code === 'SIGNATURE_MISSING' ? forNow : underThese,
    };
  }
  const read = readManifest(verification.value.value, goal, model, facts, options);
  if (read.kind === 'refused')
    return { kind: 'failed', reason: 'incompatible', message: read.message, lapse: underThese };
  if (kept === undefined) await slots.writeManifest(slot, documents.manifest, documents.signature);
  return { kind: 'admitted', files: read.files };
}

type ManifestReading =
  | { readonly kind: 'read'; readonly manifest: ModelManifest; readonly files: readonly ModelFile[] }
  | { readonly kind: 'refused'; readonly message: string };

/** The manifest as this device sees it. */
export function readManifest(
  bytes: Buffer,
  goal: Pick<Goal, 'version' | 'digest'>,
  model: string,
  facts: DeviceFacts,
  options: Pick<SupplyOptions, 'parseManifest'>,
): ManifestReading {
  let manifest: ModelManifest;
  try {
    manifest = options.parseManifest(bytes, `manifests/${hexOf(goal.digest)}.yaml`);
  } catch (error) {
    return { kind: 'refused', message: formatError(toCodedError(error, 'AGENT_MANIFEST')) };
  }
  const { name, version } = manifest.metadata;
  if (name !== model || version !== goal.version) {
    return { kind: 'refused', message: `The manifest is of ${name} ${version}, not of ${model} ${goal.version}.` };
  }
  const choice = chooseVariant(manifest, facts);
  if (choice.kind === 'incompatible') return { kind: 'refused', message: choice.message };
  const { files } = choice.variant;
  if (new Set(files.map((file) => file.name)).size !== files.length) {
    return { kind: 'refused', message: 'Two files of the variant have the same name.' };
  }
  return { kind: 'read', manifest, files };
}

async function fetchDocuments(
  request: SupplyRequest,
  options: SupplyOptions,
): Promise<{ manifest: Buffer; signature: Buffer | undefined } | Exclude<SupplyResult, { kind: 'fetched' }>> {
  const path = `manifests/${hexOf(request.goal.digest)}.yaml`;
  const get = (name: string) => {
    const url = joinUrl(options.distributionUrl, name);
    return ask(
      { url, timeoutMs: DOCUMENT_TIMEOUT_MS, mostBytes: MOST_DOCUMENT_BYTES, signal: request.signal },
      options.clock,
    );
  };
  const [manifest, signature] = await Promise.all([get(path), get(`${path}.sigstore.json`)]);
  const failed = [manifest, signature].find(
    (answer) => answer.status !== 200 && !(answer === signature && answer.status === 404),
  );
  if (failed !== undefined) {
    return later(`The server answered ${failed.status} for ${path}.`, retryAfterMs(failed.headers, options.nowMs()));
  }
  return { manifest: manifest.body, signature: signature.status === 200 ? signature.body : undefined };
}

async function findLackOfSpace(
  slots: Slots,
  slot: SlotName,
  files: readonly ModelFile[],
  reserveBytes: number,
): Promise<SupplyResult | undefined> {
  let need = reserveBytes;
  for (const file of files) need += Math.max(0, file.sizeBytes - (await sizeOfFile(slots.filePath(slot, file.name))));
  const free = await freeBytesOf(slots.path(slot));
  if (free >= need) return undefined;
  return storageFull(`${need} bytes of disk are needed (${reserveBytes} of them in reserve), ${free} are free.`, need);
}

async function sizeOfFile(file: string): Promise<number> {
  return stat(file).then(
    ({ size }) => size,
    () => 0,
  );
}

/** Bytes free for the agent on the disk that holds the folder. */
export async function freeBytesOf(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

/** Undefined when the file is there and right. */
async function supplyFile(
  file: ModelFile,
  request: SupplyRequest,
  options: SupplyOptions,
): Promise<SupplyResult | undefined> {
  const { slots, slot, part, signal, onFlushed } = request;
  const target = slots.filePath(slot, file.name);
  const digest = file.digest as Digest;
  if ((await digestOfFile(target)) === digest) return undefined;
  if (await copyFromOtherSlot(file, request, target)) return undefined;
  const isPart = part?.name === file.name;
  const result = await download({
    url: new URL(file.url, `${options.distributionUrl.replace(/\/+$/, '')}/`).href,
    file: target,
    digest,
    sizeBytes: file.sizeBytes,
    offset: isPart ? part.offset : 0,
    etag: isPart ? part.etag : null,
    onFlushed: (offset, etag) => onFlushed({ name: file.name, offset, etag }),
    bytesPerSecondMost: options.bytesPerSecondMost,
    clock: options.clock,
    signal,
  });
  switch (result.kind) {
    case 'done':
      return undefined;
    case 'cut':
      return later(result.message, result.retryAfterMs, result.isTimeout ? 'timeout' : 'network');
    case 'full':
      return storageFull(result.message, file.sizeBytes);
    case 'corrupt':
      if (!result.wasResumed)
        return {
          kind: 'failed',
          reason: 'corrupt',
          message: `${file.name}: ${result.message}`,
          lapse: { kind: 'never' },
        };
      await onFlushed({ name: file.name, offset: 0, etag: null });
      return later(`${file.name}: the part kept from before does not fit; it is fetched anew.`, null, 'corrupt');
  }
}

/** Files that did not change between versions are not fetched again. */
async function copyFromOtherSlot(file: ModelFile, request: SupplyRequest, target: string): Promise<boolean> {
  const { slots, slot } = request;
  const other = otherSlot(slot);
  const source = slots.filePath(other, file.name);
  if ((await digestOfFile(source)) !== file.digest) return false;
  await mkdir(slots.path(slot, 'files'), { recursive: true });
  await copyFile(source, target);
  return (await digestOfFile(target)) === file.digest;
}

/** The seal of a slot whose files are all there. */
export function sealOf(goal: Goal, files: readonly ModelFile[], verifiedAt: string): Seal {
  const sealed = files.map(({ role, name, digest, sizeBytes }) => ({
    role,
    name,
    digest: digest as Digest,
    sizeBytes,
  }));
  return { digest: goal.digest, version: goal.version, rollout: goal.rollout, verifiedAt, files: sealed };
}
