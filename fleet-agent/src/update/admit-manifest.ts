// Owns a version's manifest on the device: fetched with its signature, verified, parsed, and checked against this device.
import { formatError, toCodedError } from '../../../src/base/errors.ts';
import { digestOf, hexOf } from '../../../src/contract/digest.ts';
import { parseManifest } from '../../../src/contract/manifest/parse-manifest.ts';
import type { DeviceFacts } from '../../../src/contract/selector.ts';
import type { ModelFile, ModelManifest } from '../../../src/contract/types.generated.ts';
import { ask, joinUrl, retryAfterMs } from '../link/http.ts';
import { chooseVariant } from '../model/choose-variant.ts';
import type { Goal } from '../record/model-record.ts';
import { later, type SupplyOptions, type SupplyProblem, type SupplyRequest } from './supply-request.ts';

const MOST_DOCUMENT_BYTES = 256 * 1024;
const DOCUMENT_TIMEOUT_MS = 30_000;
/** A host that gave no signature, or a page of its own instead of the manifest, is asked again after this. */
const WRONG_DOCUMENT_MS = 60 * 60_000;

type Admission = { readonly kind: 'admitted'; readonly files: readonly ModelFile[] } | SupplyProblem;

/** The files of the variant for this device, once the manifest is verified and kept in the slot. */
export async function admitManifest(request: SupplyRequest, options: SupplyOptions): Promise<Admission> {
  const { goal, slot, slots, facts, fingerprint, model } = request;
  const underThese = { kind: 'circumstances', were: fingerprint } as const;
  const forNow = { kind: 'time', untilMs: options.nowMs() + WRONG_DOCUMENT_MS } as const;
  const kept = request.part === null ? undefined : await slots.readManifest(slot);
  const documents = kept ?? (await fetchDocuments(request, options));
  if ('kind' in documents) return documents;
  const digest = digestOf(documents.manifest);
  if (digest !== goal.digest) {
    const message = `The manifest's digest is ${digest}, not ${goal.digest}.`;
    return { kind: 'failed', reason: 'corrupt', message, expiry: forNow };
  }
  const question = { model, now: options.nowMs(), purpose: goal.arm === 'candidate' ? 'admit' : 'keep' } as const;
  const verification = options.verifier.verifyModel(documents.manifest, documents.signature, question);
  if (verification.kind === 'refused') {
    const { code, reason } = verification;
    const expiry = code === 'SIGNATURE_MISSING' ? forNow : underThese;
    return { kind: 'failed', reason: 'signature', message: `${code}: ${reason}`, expiry };
  }
  const read = readManifest(verification.value.value, goal, model, facts);
  if (read.kind === 'refused')
    return { kind: 'failed', reason: 'incompatible', message: read.message, expiry: underThese };
  if (kept === undefined) await slots.writeManifest(slot, documents.manifest, documents.signature);
  return { kind: 'admitted', files: read.files };
}

type ManifestReading =
  | { readonly kind: 'read'; readonly files: readonly ModelFile[] }
  | { readonly kind: 'refused'; readonly message: string };

/** The manifest as this device sees it. */
export function readManifest(
  bytes: Buffer,
  goal: Pick<Goal, 'version' | 'digest'>,
  model: string,
  facts: DeviceFacts,
): ManifestReading {
  let manifest: ModelManifest;
  try {
    manifest = parseManifest(bytes, pathOf(goal));
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
  return { kind: 'read', files };
}

function pathOf({ digest }: Pick<Goal, 'digest'>): string {
  return `manifests/${hexOf(digest)}.yaml`;
}

async function fetchDocuments(
  { goal, signal }: SupplyRequest,
  { distributionUrl, clock, nowMs }: SupplyOptions,
): Promise<{ manifest: Buffer; signature: Buffer | undefined } | SupplyProblem> {
  const path = pathOf(goal);
  const limits = { timeoutMs: DOCUMENT_TIMEOUT_MS, mostBytes: MOST_DOCUMENT_BYTES, signal };
  const get = (name: string) => ask({ url: joinUrl(distributionUrl, name), ...limits }, clock);
  const [manifest, signature] = await Promise.all([get(path), get(`${path}.sigstore.json`)]);
  const failure = [manifest, signature].find(
    (answer) => answer.status !== 200 && !(answer === signature && answer.status === 404),
  );
  if (failure !== undefined)
    return later(`The server answered ${failure.status} for ${path}.`, retryAfterMs(failure.headers, nowMs()));
  return { manifest: manifest.body, signature: signature.status === 200 ? signature.body : undefined };
}
