// Owns a version's manifest on the device: fetched with its signature, verified, parsed, and checked against this device.
import { formatError, toCodedError } from '../../../src/base/errors.ts';
import { digestOf, hexOf } from '../../../src/contract/digest.ts';
import { chooseVariant } from '../../../src/contract/manifest/choose-variant.ts';
import { parseManifest } from '../../../src/contract/manifest/parse-manifest.ts';
import { findUnfitParameters } from '../../../src/contract/parameter-limits.ts';
import type { DeviceFacts } from '../../../src/contract/selector.ts';
import type { Purpose, RefusalCode } from '../../../src/contract/trust/verifier.ts';
import type { ModelFile, ModelManifest } from '../../../src/contract/types.generated.ts';
import { ask, describeAnswer, joinUrl, retryAfterMs } from '../link/http.ts';
import { type Goal, isUnbackedStepDown, stepDownRefusal } from '../record/model-record.ts';
import { later, type SupplyOptions, type SupplyProblem, type SupplyRequest, sourceOf } from './supply-request.ts';

const MOST_DOCUMENT_BYTES = 256 * 1024;
const DOCUMENT_TIMEOUT_MS = 30_000;

type Admission = { readonly kind: 'admitted'; readonly files: readonly ModelFile[] } | SupplyProblem;

interface Documents {
  readonly manifest: Buffer;
  readonly signature: Buffer | undefined;
  /** Who sent them; for people. */
  readonly from: string;
}

/** What a host can do to a signature on the way. It speaks for the version only when it is whole. */
const DAMAGED: ReadonlySet<RefusalCode> = new Set(['SIGNATURE_MISSING', 'SIGNATURE_UNREADABLE', 'SIGNATURE_WRONG']);
/** One changed bit can make these of a good signature, too: they are believed when they come again. */
const DOUBTFUL: ReadonlySet<RefusalCode> = new Set(['SIGNER_UNKNOWN', 'SIGNATURE_UNSUPPORTED']);

/** The files of the variant for this device, once the manifest is verified and kept in the slot. */
export async function admitManifest(request: SupplyRequest, options: SupplyOptions): Promise<Admission> {
  const { slot, slots } = request;
  const kept = request.part === null ? undefined : await slots.readManifest(slot);
  const known = kept && judge({ ...kept, from: 'It was kept here' }, request, options);
  if (known !== undefined && known.kind !== 'later') return known;
  const documents = await fetchDocuments(request, options);
  if ('kind' in documents) return documents;
  const admission = judge(documents, request, options);
  if (admission.kind === 'admitted') await slots.writeManifest(slot, documents.manifest, documents.signature);
  return admission;
}

function judge(documents: Documents, request: SupplyRequest, { verifier, nowMs }: SupplyOptions): Admission {
  const { goal, facts, fingerprint, model } = request;
  const underThese = { kind: 'circumstances', were: fingerprint } as const;
  const digest = digestOf(documents.manifest);
  if (digest !== goal.digest)
    return later(`The manifest's digest is ${digest}, not ${goal.digest}. ${documents.from}.`, null, 'corrupt');
  const question = { model, now: nowMs(), purpose: purposeOf(goal) };
  const verification = verifier.verifyModel(documents.manifest, documents.signature, question);
  if (verification.kind === 'refused') {
    const { code, reason } = verification;
    const isHosts = DAMAGED.has(code) || (DOUBTFUL.has(code) && request.wrongAnswers === 0);
    if (isHosts) return later(`${code}: ${reason} ${documents.from}.`, null, 'signature');
    const isUndated = code === 'SIGNER_EXPIRED' && goal.arm === 'stable' && goal.backing === 'unsigned';
    const expiry = isUndated ? ({ kind: 'backing', were: fingerprint } as const) : underThese;
    return { kind: 'failed', reason: 'signature', message: `${code}: ${reason}`, expiry };
  }
  const read = readManifest(verification.value.value, goal, model, facts);
  if (read.kind === 'refused')
    return { kind: 'failed', reason: 'incompatible', message: read.message, expiry: underThese };
  const [unfit] = findUnfitParameters(read.manifest, request.parameters);
  // Going back must not fail for them: the version serves with those that fit.
  if (unfit !== undefined && goal.arm === 'candidate')
    return { kind: 'failed', reason: 'incompatible', message: unfit.message, expiry: underThese };
  if (isUnbackedStepDown(request, goal, read.manifest.metadata.sequence ?? 0))
    return stepDownRefusal(goal, fingerprint);
  return { kind: 'admitted', files: read.files };
}

/** That stable was admitted before its signer's end, the reconciler's signature says; without it the bundle has to say so itself. */
function purposeOf({ arm, backing }: Goal): Purpose {
  if (arm === 'candidate') return 'admit';
  return backing === 'signed' ? 'keep' : 'dated';
}

type ManifestReading =
  | { readonly kind: 'read'; readonly files: readonly ModelFile[]; readonly manifest: ModelManifest }
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
  return { kind: 'read', files, manifest };
}

function pathOf({ digest }: Pick<Goal, 'digest'>): string {
  return `manifests/${hexOf(digest)}.yaml`;
}

async function fetchDocuments(
  { goal, signal, turn }: SupplyRequest,
  { sources, clock, nowMs }: SupplyOptions,
): Promise<Documents | SupplyProblem> {
  const path = pathOf(goal);
  const limits = { timeoutMs: DOCUMENT_TIMEOUT_MS, mostBytes: MOST_DOCUMENT_BYTES, signal };
  const get = (name: string) => ask({ url: joinUrl(sourceOf(sources, turn), name), ...limits }, clock);
  const [manifest, signature] = await Promise.all([get(path), get(`${path}.sigstore.json`)]);
  const failure = [manifest, signature].find(
    (answer) => answer.status !== 200 && !(answer === signature && answer.status === 404),
  );
  if (failure !== undefined)
    return later(`The server answered ${failure.status} for ${path}.`, retryAfterMs(failure.headers, nowMs()));
  const from = describeAnswer(digestOf(manifest.body) === goal.digest ? signature : manifest);
  return { manifest: manifest.body, signature: signature.status === 200 ? signature.body : undefined, from };
}
