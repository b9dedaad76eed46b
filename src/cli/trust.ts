// Owns reading the trust policy that a command is given.

import { readFileIfPresent } from '../base/durable-file.ts';
import { CodedError } from '../base/errors.ts';
import { parseDocument } from '../contract/documents/parse-document.ts';
import { readTrustPolicy } from '../contract/trust/read-trust-policy.ts';
import type { TrustPolicy } from '../contract/trust/trust-policy.ts';

/** The trust policy in a file. Throws its located errors, the first one as the error. */
export async function loadTrustPolicy(file: string): Promise<TrustPolicy> {
  const bytes = await readFileIfPresent(file);
  if (bytes === undefined) {
    throw new CodedError({
      code: 'TRUST_POLICY_MISSING',
      message: `${file} is not there.`,
      remedy: 'Run `slipway init`, or name the trust policy with --trust.',
    });
  }
  const parsed = parseDocument(file, bytes);
  if (parsed.kind === 'broken')
    throw parsed.errors[0] ?? new CodedError({ code: 'TRUST_POLICY_BROKEN', message: `${file} can't be read.` });
  if (parsed.document.kind !== 'TrustPolicy') {
    throw new CodedError({
      code: 'TRUST_POLICY_KIND',
      message: `${file} holds a ${parsed.document.kind}.`,
      remedy: 'Name a TrustPolicy.',
    });
  }
  return readTrustPolicy(parsed.document, file);
}
