// Owns the trust policy: which keys and identities may sign which models and policies, and which keys are the reconciler's.
import type { KeyObject } from 'node:crypto';
import { parseInstant } from '../../base/clock.ts';
import { CodedError, formatError, toCodedError } from '../../base/errors.ts';
import { findPatternProblem, matchesIdentityGlob, PATTERN_REMEDY } from './identity-glob.ts';
import { keyIdOf, parsePublicKey, type ReconcilerKeys, reconcilerKeysOf } from './keys.ts';
import { matchesGlob } from './name-glob.ts';
import { parseTrustedRoot, type SigstoreRoot } from './trusted-root.ts';

export const MOST_SIGNERS = 256;

/** A public key: inline, or in a file named relative to the policy's file. */
export interface KeySource {
  readonly key?: string;
  readonly publicKey?: string;
}

/** An identity that Sigstore's certificates state: exact, or a glob that the whole identity must fit. */
export interface KeylessSource {
  readonly issuer: string;
  readonly identity?: string;
  readonly identityPattern?: string;
}

export interface SignerSource extends KeySource {
  readonly name: string;
  readonly keyless?: KeylessSource;
  readonly notAfter?: string;
  readonly revoked?: boolean;
  readonly models?: readonly string[];
  readonly policies?: readonly string[];
  readonly require?: readonly Proof[];
}

/** What a key's signature may have to prove besides: that a transparency log has it, and when it was made. */
export type Proof = 'log' | 'timestamp';

/** The parsed document (`kind: TrustPolicy`). */
export interface TrustPolicySource {
  readonly spec: {
    readonly trustedRoot?: string;
    readonly signers?: readonly SignerSource[];
    readonly reconciler?: readonly (KeySource & { readonly notAfter?: string })[];
  };
}

export type SignerIdentity =
  | { readonly kind: 'key'; readonly keyId: string; readonly key: KeyObject }
  | { readonly kind: 'keyless'; readonly issuer: string; readonly matches: (identity: string) => boolean };

export interface TrustedSigner {
  readonly name: string;
  readonly identity: SignerIdentity;
  /** Milliseconds since 1970 after which new documents are refused; null = no end. */
  readonly notAfterMs: number | null;
  /** Nothing that it ever signed is trusted any more. */
  readonly revoked: boolean;
  /** Globs of the names that it may sign; none = may sign none. */
  readonly models: readonly string[];
  readonly policies: readonly string[];
  /** Proofs without which its signatures are refused. */
  readonly requires: readonly Proof[];
}

export interface TrustPolicy {
  readonly root: SigstoreRoot | null;
  readonly signers: readonly TrustedSigner[];
  /** Keys of the reconciler by key id: evidence and commits. */
  readonly reconciler: ReconcilerKeys;
}

/** Files that the policy names, as it names them. */
export function filesOf(source: TrustPolicySource): readonly string[] {
  const { trustedRoot, signers = [], reconciler = [] } = source.spec;
  const keys = [...signers, ...reconciler].flatMap(({ key }) => (key === undefined ? [] : [key]));
  return [...new Set(trustedRoot === undefined ? keys : [trustedRoot, ...keys])];
}

export function maySign(signer: TrustedSigner, what: 'models' | 'policies', name: string): boolean {
  return signer[what].some((glob) => matchesGlob(glob, name));
}

function policyError(message: string, remedy: string, cause?: unknown): CodedError {
  return new CodedError({ code: 'TRUST_POLICY_SIGNER', message, remedy, cause });
}

function resolveKey(source: KeySource, files: ReadonlyMap<string, Uint8Array>, who: string): KeyObject {
  if (source.publicKey !== undefined) return parsePublicKey(source.publicKey, `The key of ${who}`);
  const bytes = source.key === undefined ? undefined : files.get(source.key);
  if (bytes === undefined)
    throw policyError(`${who} has no key.`, 'Give `key: <file>` or `publicKey: |` with a PEM block.');
  return parsePublicKey(Buffer.from(bytes).toString('latin1'), `The key of ${who} (${source.key})`);
}

function identityMatcher(keyless: KeylessSource, who: string): (identity: string) => boolean {
  const { issuer, identity: exact, identityPattern: pattern } = keyless;
  if (issuer === '')
    throw policyError(`${who} has no issuer.`, 'Name the issuer of the identity: `issuer: https://…`.');
  if (exact !== undefined && pattern === undefined && exact !== '') return (identity) => identity === exact;
  if (exact !== undefined || pattern === undefined || pattern === '') {
    throw policyError(
      `${who} needs exactly one of \`identity\` and \`identityPattern\`.`,
      'Prefer `identity`, the exact text.',
    );
  }
  const problem = findPatternProblem(pattern);
  if (problem !== undefined) throw policyError(`The identity pattern of ${who} ${problem}.`, PATTERN_REMEDY);
  return (identity) => matchesIdentityGlob(pattern, identity);
}

function resolveIdentity(
  source: SignerSource,
  files: ReadonlyMap<string, Uint8Array>,
  hasRoot: boolean,
): SignerIdentity {
  const who = `signer "${source.name}"`;
  const { keyless } = source;
  const ways = [source.key, source.publicKey, keyless].filter((way) => way !== undefined).length;
  if (ways !== 1) {
    throw policyError(
      `${who} needs exactly one of key, publicKey and keyless.`,
      'List the others as separate signers.',
    );
  }
  if (keyless === undefined) {
    const key = resolveKey(source, files, who);
    return { kind: 'key', keyId: keyIdOf(key), key };
  }
  if (!hasRoot) {
    throw policyError(
      `${who} is keyless, but there is no usable trusted root.`,
      'Give `trustedRoot: trusted_root.json`.',
    );
  }
  return { kind: 'keyless', issuer: keyless.issuer, matches: identityMatcher(keyless, who) };
}

function buildSigner(source: SignerSource, files: ReadonlyMap<string, Uint8Array>, hasRoot: boolean): TrustedSigner {
  const { name, notAfter } = source;
  const notAfterMs = notAfter === undefined ? null : parseInstant(notAfter);
  if (notAfterMs === undefined) {
    throw policyError(
      `notAfter of signer "${name}" is not a time: "${notAfter}".`,
      'Write it like 2027-01-01T00:00:00Z.',
    );
  }
  const requires = source.require ?? [];
  if (requires.length > 0 && !hasRoot) {
    throw policyError(
      `signer "${name}" has to prove its signatures, but there is no usable trusted root to check that by.`,
      'Give `trustedRoot: trusted_root.json`.',
    );
  }
  return {
    name,
    identity: resolveIdentity(source, files, hasRoot),
    notAfterMs,
    revoked: source.revoked ?? false,
    models: source.models ?? [],
    policies: source.policies ?? [],
    requires,
  };
}

/** One error for all that is wrong with a trust policy: the only one itself, else TRUST_POLICY_PROBLEMS that lists them. */
export function combineErrors(errors: readonly [CodedError, ...CodedError[]]): CodedError {
  if (errors.length === 1) return errors[0];
  return new CodedError({
    code: 'TRUST_POLICY_PROBLEMS',
    message: `The trust policy has ${errors.length} problems:\n${errors.map(formatError).join('\n')}`,
    cause: new AggregateError(errors),
  });
}

/** Runs the parts and reports everything that is wrong with them at once. */
class Problems {
  readonly #found: CodedError[] = [];

  try<T>(part: () => T): T | undefined {
    try {
      return part();
    } catch (error) {
      this.#found.push(toCodedError(error));
      return undefined;
    }
  }

  throwAny(): void {
    const [first, ...others] = this.#found;
    if (first !== undefined) throw combineErrors([first, ...others]);
  }
}

function assertSeparate(signers: readonly TrustedSigner[], reconciler: ReconcilerKeys): void {
  const names = new Set<string>();
  for (const { name, identity } of signers) {
    if (names.has(name))
      throw policyError(`Two signers are named "${name}".`, 'Give each a unique name: reports show it.');
    names.add(name);
    if (identity.kind === 'key' && reconciler.has(identity.keyId)) {
      throw policyError(
        `signer "${name}" has the reconciler's key, so whoever steals this one key runs any model.`,
        'Give signers and reconciler different keys.',
      );
    }
  }
}

/**
 * The policy of a parsed document. `files` holds the contents of `filesOf(source)`.
 * Throws TRUST_POLICY_SIGNER, TRUST_KEY_…, TRUST_ROOT_…, or TRUST_POLICY_PROBLEMS that lists several.
 */
export function buildTrustPolicy(source: TrustPolicySource, files: ReadonlyMap<string, Uint8Array>): TrustPolicy {
  const { trustedRoot, signers: signerSources = [], reconciler: reconcilerSources = [] } = source.spec;
  if (signerSources.length > MOST_SIGNERS || reconcilerSources.length > MOST_SIGNERS) {
    throw policyError(
      `The trust policy lists more than ${MOST_SIGNERS} signers.`,
      'Use identity patterns or fewer keys.',
    );
  }
  const problems = new Problems();
  const root =
    trustedRoot === undefined
      ? null
      : (problems.try(() => parseTrustedRoot(files.get(trustedRoot), trustedRoot)) ?? null);
  const signers = signerSources.flatMap(
    (signer) => problems.try(() => buildSigner(signer, files, root !== null)) ?? [],
  );
  const keys = reconcilerSources.flatMap(({ notAfter, ...source }, i) => {
    const key = problems.try(() => resolveKey(source, files, `reconciler key ${i + 1}`));
    return key === undefined ? [] : [{ key, notAfter }];
  });
  const reconciler = problems.try(() => reconcilerKeysOf(keys)) ?? new Map();
  problems.try(() => assertSeparate(signers, reconciler));
  problems.throwAny();
  return { root, signers, reconciler };
}
