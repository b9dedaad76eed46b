// Owns reading a trust policy's bytes where its first problem is enough.

import { fitsTrustPolicyDocument } from '../schema-checks.generated.ts';
import { readDocument } from '../source/read-document.ts';
import type { TrustPolicyDocument } from '../types.generated.ts';
import { checkTrustPolicy } from './check-trust-policy.ts';

/** Throws the first problem of bytes that are no trust policy; `file` names them in it. */
export function parseTrustPolicy(bytes: Uint8Array, file: string): TrustPolicyDocument {
  return readDocument<TrustPolicyDocument>(file, bytes, {
    kind: 'TrustPolicy',
    fits: fitsTrustPolicyDocument,
    checkMeaning: checkTrustPolicy,
  });
}
