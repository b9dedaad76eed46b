// Owns what the reconciler signs with its one key: evidence, entries and labels of the directive (DSSE), and commits (SSH).
import { createPublicKey, type KeyObject } from 'node:crypto';
import { canonicalJson } from '../contract/digest.ts';
import type { Directive, DirectiveEntry } from '../contract/directive.ts';
import { signLabels, signStep } from '../contract/step-signature.ts';
import { signDsse } from '../contract/trust/dsse.ts';
import { assertP256, keyIdOf } from '../contract/trust/keys.ts';
import { IN_TOTO_PAYLOAD_TYPE, type InTotoStatement } from '../contract/trust/statement.ts';
import { signSsh } from './ssh-sign.ts';
import { formatAllowedSigner } from './ssh-signature.ts';

export interface ReconcilerSigner {
  readonly keyId: string;
  /** A line for Git's `gpg.ssh.allowedSignersFile`. */
  readonly allowedSignersLine: string;
  /** Text of an evidence file: a DSSE envelope around the statement's canonical JSON. */
  signEvidence(statement: InTotoStatement): string;
  /** The entry with this key's signature on it. */
  signEntry(entry: DirectiveEntry): DirectiveEntry;
  /** The directive with this key's signature on its labels. */
  signLabels(directive: Directive): Directive;
  /** Armored SSH signature over a commit object without its signature, for its `gpgsig` header. */
  signCommit(payload: string): string;
}

/** One that many hold while its key changes. */
export class ChangingSigner implements ReconcilerSigner {
  #now: ReconcilerSigner;

  constructor(first: ReconcilerSigner) {
    this.#now = first;
  }

  /** Signs with another key from now on. */
  use(next: ReconcilerSigner): void {
    this.#now = next;
  }

  get keyId(): string {
    return this.#now.keyId;
  }

  get allowedSignersLine(): string {
    return this.#now.allowedSignersLine;
  }

  signEvidence(statement: InTotoStatement): string {
    return this.#now.signEvidence(statement);
  }

  signEntry(entry: DirectiveEntry): DirectiveEntry {
    return this.#now.signEntry(entry);
  }

  signLabels(directive: Directive): Directive {
    return this.#now.signLabels(directive);
  }

  signCommit(payload: string): string {
    return this.#now.signCommit(payload);
  }
}

/** Signs with a P-256 private key in this process; throws TRUST_KEY_KIND for any other. `principal` is the name in the allowed signers file. */
export function createReconcilerSigner(key: KeyObject, principal = 'slipway'): ReconcilerSigner {
  assertP256(key, "The reconciler's key");
  const publicKey = createPublicKey(key);
  const keyId = keyIdOf(publicKey);
  return {
    keyId,
    allowedSignersLine: formatAllowedSigner(principal, publicKey),
    signEvidence(statement) {
      const payload = Buffer.from(canonicalJson(statement), 'utf8');
      return `${JSON.stringify(signDsse(IN_TOTO_PAYLOAD_TYPE, payload, { keyid: keyId, key }), null, 2)}\n`;
    },
    signEntry: (entry) => signStep(entry, { keyId, key }),
    signLabels: (directive) => signLabels(directive, { keyId, key }),
    signCommit: (payload) => signSsh(payload, key),
  };
}
