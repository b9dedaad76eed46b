// Owns the signers of a trust policy as commands show them.
import { toIsoSeconds } from '../../base/clock.ts';
import type { TrustedSigner, TrustPolicy } from '../../contract/trust/trust-policy.ts';

export interface ShownSigner {
  readonly name: string;
  readonly who: string;
  readonly models: readonly string[];
  readonly policies: readonly string[];
  readonly notAfter: string | null;
  readonly revoked: boolean;
}

export function signersIn({ signers }: TrustPolicy): ShownSigner[] {
  return signers.map(({ name, identity, models, policies, notAfterMs, revoked }) => ({
    ...{ name, who: whoIs(identity), models, policies, revoked },
    notAfter: notAfterMs === null ? null : toIsoSeconds(notAfterMs),
  }));
}

function whoIs(identity: TrustedSigner['identity']): string {
  return identity.kind === 'key' ? `key ${identity.keyId.slice(0, 12)}` : `identity of ${identity.issuer}`;
}

export function signerRows(policy: TrustPolicy): string[][] {
  return signersIn(policy).map(({ name, who, models, policies, notAfter, revoked }) => [
    ...[name, who, models.join(' ') || '–', policies.join(' ') || '–'],
    revoked ? 'REVOKED' : (notAfter ?? 'no end'),
  ]);
}
