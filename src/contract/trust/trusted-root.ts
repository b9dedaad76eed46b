// Owns the Sigstore trusted root: parsed once, and refused when the library would read a hole in it as trust.
import { TrustedRoot } from '@sigstore/protobuf-specs';
import { type TrustMaterial, toTrustMaterial } from '@sigstore/verify';
import { CodedError } from '../../base/errors.ts';

export const MOST_ROOT_BYTES = 1_048_576;
const MEDIA_TYPE = /^application\/vnd\.dev\.sigstore\.trustedroot(\+json;version=0\.[12]|\.v0\.[12]\+json)$/;

/** Certificate authorities, logs and timestamp authorities that keyless signatures are checked against. */
export type SigstoreRoot = Omit<TrustMaterial, 'publicKey'>;

/** `source` names the file for people. Throws TRUST_ROOT_UNREADABLE or TRUST_ROOT_INCOMPLETE. */
export function parseTrustedRoot(bytes: Uint8Array | undefined, source: string): SigstoreRoot {
  const unreadable = (problem: string, cause?: unknown): CodedError =>
    new CodedError({
      code: 'TRUST_ROOT_UNREADABLE',
      message: `The trusted root ${source} ${problem}.`,
      remedy: 'Get one with `cosign trusted-root create`, or `gh attestation trusted-root`.',
      cause,
    });
  if (bytes === undefined) throw unreadable('was not found');
  if (bytes.length > MOST_ROOT_BYTES) throw unreadable(`exceeds ${MOST_ROOT_BYTES} bytes`);
  let root: TrustedRoot;
  try {
    root = TrustedRoot.fromJSON(JSON.parse(Buffer.from(bytes).toString('utf8')));
  } catch (error) {
    throw unreadable('is not JSON of a trusted root', error);
  }
  if (!MEDIA_TYPE.test(root.mediaType))
    throw unreadable(`has the unknown media type "${root.mediaType.slice(0, 100)}"`);
  assertComplete(root, source);
  try {
    return toTrustMaterial(root);
  } catch (error) {
    throw unreadable('holds a damaged key or certificate', error);
  }
}

/**
 * The protobuf reader drops what it can't type, silently, and the library takes a missing validity for "always":
 * a misspelt `validFor` would revive every key that was ever retired.
 */
function assertComplete(root: TrustedRoot, source: string): void {
  const incomplete = (what: string): CodedError =>
    new CodedError({
      code: 'TRUST_ROOT_INCOMPLETE',
      message: `The trusted root ${source} ${what}.`,
      remedy: 'Download it again from its publisher; do not edit it by hand.',
    });
  for (const log of [...root.tlogs, ...root.ctlogs]) {
    if (log.publicKey?.validFor?.start === undefined)
      throw incomplete(`does not say from when the log ${log.baseUrl} is valid`);
  }
  for (const authority of [...root.certificateAuthorities, ...root.timestampAuthorities]) {
    if (authority.validFor?.start === undefined)
      throw incomplete(`does not say from when the authority ${authority.uri} is valid`);
    if (authority.certChain === undefined || authority.certChain.certificates.length === 0) {
      throw incomplete(`has no certificate for the authority ${authority.uri}`);
    }
  }
  if (root.certificateAuthorities.length === 0 || root.tlogs.length === 0) {
    throw incomplete('names no certificate authority or no transparency log');
  }
}
