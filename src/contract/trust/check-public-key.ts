// Owns the check that a public key in a document is one.
import { CodedError } from '../../base/errors.ts';
import type { FieldPath } from '../source/document-source.ts';
import type { Problem } from '../source/problem.ts';
import { parsePublicKey } from './keys.ts';

/** Why the PEM text is no P-256 public key, under the code of the key parser; none when it is one or is left out. */
export function checkPublicKey(pem: string | undefined, owner: string, path: FieldPath): Problem[] {
  if (pem === undefined) return [];
  try {
    parsePublicKey(pem, `The key of "${owner}"`);
    return [];
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    const { code, message, remedy = 'Give a P-256 public key in PEM form.' } = error;
    return [{ code, path, message, remedy }];
  }
}
