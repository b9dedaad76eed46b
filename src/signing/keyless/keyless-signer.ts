// Owns keyless signing: a key for one signature, a certificate for who shows an identity token, and witnesses of the time.
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { CodedError } from '../../base/errors.ts';
import { printable } from '../../contract/trust/dsse.ts';
import { checkBlobSignature } from '../../contract/trust/sigstore.ts';
import type { SigstoreRoot } from '../../contract/trust/trusted-root.ts';
import type { DocumentSigner } from '../document-signer.ts';
import { bundleText } from '../sign-document.ts';
import type { Network } from './exchange.ts';
import type { IdentityToken } from './identity-token.ts';
import { requestCertificate, requestLogEntry, requestTimestamp } from './services.ts';
import type { SigstoreServices } from './signing-config.ts';

export interface KeylessOptions {
  readonly token: IdentityToken;
  readonly services: SigstoreServices;
  /** What the services answer is held against it before anything is written. */
  readonly root: SigstoreRoot;
  readonly network: Network;
}

/** Its `sign` throws SIGN_SERVICE_…, and SIGN_UNVERIFIED when the services lie or the trusted root is another Sigstore's. */
export function createKeylessSigner({ token, services, root, network }: KeylessOptions): DocumentSigner {
  return {
    name: `${printable(token.subject)}, issued by ${printable(token.issuer)}`,
    async sign(bytes) {
      const key = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      const certificate = await requestCertificate(services.authority, key, token, network);
      const digest = createHash('sha256').update(bytes).digest();
      const what = { digest, signature: sign('sha256', bytes, key.privateKey), certificate };
      const [tlogEntries, stamps] = await Promise.all([
        Promise.all(services.logs.map((log) => requestLogEntry(log, what, network))),
        Promise.all(services.timestamps.map((url) => requestTimestamp(url, what, network))),
      ]);
      const bundle = bundleText({
        mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
        verificationMaterial: {
          certificate: { rawBytes: certificate.raw.toString('base64') },
          tlogEntries,
          timestampVerificationData: {
            rfc3161Timestamps: stamps.map((stamp) => ({ signedTimestamp: stamp.toString('base64') })),
          },
        },
        messageSignature: {
          messageDigest: { algorithm: 'SHA2_256', digest: digest.toString('base64') },
          signature: what.signature.toString('base64'),
        },
      });
      return { bundle, signer: verifiedSigner(bundle, bytes, root) };
    },
  };
}

function verifiedSigner(bundle: string, bytes: Uint8Array, root: SigstoreRoot): string {
  const check = checkBlobSignature(bundle, bytes, { keys: new Map(), root, proofs: null });
  if (check.kind === 'signed' && check.by.kind === 'keyless')
    return `${printable(check.by.identity)}, issued by ${printable(check.by.issuer)}`;
  const reason = check.kind === 'refused' ? ` ${check.reason}` : '';
  throw new CodedError({
    code: 'SIGN_UNVERIFIED',
    message: `What the services of Sigstore answered does not verify, so nothing was written.${reason}`,
    remedy:
      'Check that the trusted root (--trusted-root, or that of --trust) belongs to the signing config, and is new.',
  });
}
