// Owns what people are told of a document whose signature is refused: why, where, and what to do.
import { CodedError } from '../base/errors.ts';
import type { Refusal } from '../contract/trust/verifier.ts';

/** At the first line of the file: a signature is of the whole document. */
export function refusalError(refusal: Refusal, file: string): CodedError {
  const at = { file, line: 1, column: 1 };
  return new CodedError({ code: refusal.code, message: refusal.reason, remedy: remedyOf(refusal, file), at });
}

function remedyOf(refusal: Refusal, file: string): string {
  switch (refusal.code) {
    case 'SIGNATURE_MISSING':
      return `Sign it with \`slipway sign ${file} --key …\`, or let CI sign it.`;
    case 'SIGNER_EXPIRED':
    case 'SIGNER_REVOKED':
      return 'Sign it again with a key that the trust policy trusts.';
    case 'SIGNER_UNKNOWN':
    case 'SIGNER_NOT_ALLOWED':
      return 'Sign it with a key that the trust policy allows, or add this key there.';
    default:
      return 'If the document changed after it was signed, sign it again.';
  }
}
