// Owns judging one document and its signature by a trust policy, for whoever signs or verifies it.
import { SystemClock } from '../base/clock.ts';
import { CodedError } from '../base/errors.ts';
import type { DocumentVerifier, Purpose, Verification } from '../contract/trust/verifier.ts';
import { parseDocument } from '../documents/parse-document.ts';

export interface SignedKind {
  readonly kind: 'model' | 'policy';
  readonly name: string;
}

export interface JudgedDocument extends SignedKind {
  readonly file: string;
  readonly bytes: Buffer;
}

/** Model manifest or policy, and its name. Anything else is not signed. Throws its first problem, or SIGN_KIND. */
export function signedKind(file: string, bytes: Uint8Array): SignedKind {
  const parsed = parseDocument(file, bytes, { isCopy: true });
  if (parsed.kind === 'broken')
    throw parsed.errors[0] ?? new CodedError({ code: 'DOCUMENT_BROKEN', message: `${file} can't be used.` });
  const { document } = parsed;
  if (document.kind === 'ModelManifest') return { kind: 'model', name: document.metadata.name };
  if (document.kind === 'RolloutPolicy') return { kind: 'policy', name: document.metadata.name };
  throw new CodedError({
    code: 'SIGN_KIND',
    message: `${file} is a ${document.kind}; only model manifests and policies are signed.`,
    remedy: 'Pass a ModelManifest or a RolloutPolicy.',
  });
}

/** Could devices start with it now? `keep`: did a signer vouch for it, whose end date may have come since? */
export function judge(
  { kind, name, bytes }: Omit<JudgedDocument, 'file'>,
  bundle: Uint8Array | string | undefined,
  verifier: DocumentVerifier,
  purpose: Purpose = 'admit',
): Verification<Buffer> {
  const question = { now: new SystemClock().now(), purpose };
  return kind === 'model'
    ? verifier.verifyModel(bytes, bundle, { ...question, model: name })
    : verifier.verifyPolicy(bytes, bundle, { ...question, policy: name });
}

/** Throws SIGN_UNTRUSTED for a signature that the trust policy would refuse. */
export function assertTrusted(
  document: JudgedDocument,
  bundle: string,
  verifier: DocumentVerifier,
  purpose?: Purpose,
): void {
  const answer = judge(document, bundle, verifier, purpose);
  if (answer.kind === 'verified') return;
  throw new CodedError({
    code: 'SIGN_UNTRUSTED',
    message: `The trust policy would refuse the signature of ${document.file}, so nothing was written. ${answer.code}: ${answer.reason}`,
    remedy: 'Add the signer to the trust policy, or sign as one whom it lists.',
  });
}
