// Owns which private keys need a passphrase, and which of them can't be opened.
import { CodedError } from '../base/errors.ts';

/** Is it PEM that needs a passphrase: of OpenSSL (both forms), or of cosign? */
export function isEncrypted(pem: string): boolean {
  return /-----BEGIN ENCRYPTED|Proc-Type: 4,ENCRYPTED/.test(pem);
}

/** Throws KEY_ENCRYPTED for a key in cosign's own form of encryption. */
export function assertNotOfCosign(pem: string, source: string): void {
  if (!/-----BEGIN ENCRYPTED (?:COSIGN|SIGSTORE) PRIVATE KEY-----/.test(pem)) return;
  throw new CodedError({
    code: 'KEY_ENCRYPTED',
    message: `${source} is encrypted by cosign, in a form that is not read.`,
    remedy: 'Make a key with `slipway keygen`, or sign without one (--keyless).',
  });
}

export function wrongPassphrase(source: string): CodedError {
  return new CodedError({
    code: 'KEY_PASSPHRASE',
    message: `The passphrase does not open ${source}.`,
    remedy: 'Check the passphrase, and that the key file is complete.',
  });
}
