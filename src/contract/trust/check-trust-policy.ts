// Owns what a trust policy must mean beyond its schema: every signer is exactly one key or one identity.

import type { FieldPath } from '../source/document-source.ts';
import type { Problem } from '../source/problem.ts';
import type { KeylessIdentity, TrustedSigner, TrustPolicyDocument } from '../types.generated.ts';
import { checkPublicKey } from './check-public-key.ts';
import { findPatternProblem, PATTERN_REMEDY } from './identity-glob.ts';

export function checkTrustPolicy({ spec }: TrustPolicyDocument): Problem[] {
  const seen = new Set<string>();
  const keys = (spec.reconciler ?? []).flatMap((one, index) =>
    checkPublicKey(one.publicKey, 'reconciler', ['spec', 'reconciler', index, 'publicKey']),
  );
  const signers = (spec.signers ?? []).flatMap((signer, index) => {
    const path = ['spec', 'signers', index];
    const problems = [
      ...checkSigner(signer, path),
      ...checkPublicKey(signer.publicKey, signer.name, [...path, 'publicKey']),
    ];
    if (spec.trustedRoot === undefined && (signer.keyless !== undefined || (signer.require ?? []).length > 0))
      problems.push(rootMissing(signer, path));
    if (signer.keyless !== undefined) problems.push(...checkKeyless(signer.keyless, [...path, 'keyless']));
    if (seen.has(signer.name)) {
      const message = `Two signers are named "${signer.name}".`;
      problems.push({
        code: 'TRUST_SIGNER_NAME',
        path: [...path, 'name'],
        message,
        remedy: 'Give each a unique name.',
      });
    }
    seen.add(signer.name);
    return problems;
  });
  return [...signers, ...keys];
}

function checkSigner(signer: TrustedSigner, path: FieldPath): Problem[] {
  const given = [signer.key, signer.publicKey, signer.keyless].filter((one) => one !== undefined).length;
  if (given === 1) return [];
  const message = `The signer "${signer.name}" has ${given === 0 ? 'none' : `${given}`} of \`key\`, \`publicKey\` and \`keyless\`.`;
  return [{ code: 'TRUST_SIGNER_IDENTITY', path, message, remedy: 'Give exactly one of them.' }];
}

function rootMissing({ keyless }: TrustedSigner, path: FieldPath): Problem {
  const what = keyless === undefined ? "What a signer has to prove (`require`) can't" : "A keyless signer can't";
  return {
    code: 'TRUST_ROOT_MISSING',
    path: [...path, keyless === undefined ? 'require' : 'keyless'],
    message: `${what} be checked without \`spec.trustedRoot\`.`,
    remedy: 'Add `trustedRoot: trusted_root.json` to `spec`.',
  };
}

function checkKeyless(keyless: KeylessIdentity, path: FieldPath): Problem[] {
  const problems: Problem[] = [];
  if ((keyless.identity === undefined) === (keyless.identityPattern === undefined)) {
    // An issuer alone would trust everyone who can log in there.
    const message = 'A keyless signer needs exactly one of `identity` and `identityPattern`.';
    problems.push({ code: 'TRUST_SIGNER_IDENTITY', path, message, remedy: 'Add `identity: …`, or keep one of them.' });
  }
  const problem = keyless.identityPattern === undefined ? undefined : findPatternProblem(keyless.identityPattern);
  if (problem !== undefined) {
    const message = `\`${keyless.identityPattern?.slice(0, 60)}\` ${problem}.`;
    const at = [...path, 'identityPattern'];
    problems.push({ code: 'TRUST_SIGNER_PATTERN', path: at, message, remedy: PATTERN_REMEDY });
  }
  return problems;
}
