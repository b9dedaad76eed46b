// Owns reading a trust policy's bytes with every problem of it, in words.
import { assertInvariant, CodedError } from '../base/errors.ts';
import { combineErrors } from '../contract/trust/trust-policy.ts';
import type { TrustPolicyDocument } from '../contract/types.generated.ts';
import { parseDocument } from './parse-document.ts';

/** Throws every problem of bytes that are no trust policy, as one error. */
export function parseTrustPolicy(bytes: Uint8Array, file: string): TrustPolicyDocument {
  const parsed = parseDocument(file, bytes, { isCopy: true });
  if (parsed.kind === 'parsed') {
    if (parsed.document.kind === 'TrustPolicy') return parsed.document;
    throw new CodedError({
      code: 'DOCUMENT_KIND',
      message: `${file} is a ${parsed.document.kind}, not a TrustPolicy.`,
      remedy: 'Give the file that says who may sign.',
    });
  }
  const [first, ...others] = parsed.errors;
  assertInvariant(first !== undefined, 'a broken document has a problem');
  throw combineErrors([first, ...others]);
}
