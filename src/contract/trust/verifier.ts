// Owns the judgement over documents: the only maker of `Verified`, for models, policies and evidence.
import { createHash, type KeyObject } from 'node:crypto';
import { parseInstant, toIsoSeconds } from '../../base/clock.ts';
import { type Digest, digestOf } from '../digest.ts';
import { printable, verifyDsse } from './dsse.ts';
import { countsAt, type ReconcilerKeys } from './keys.ts';
import {
  checkBlobSignature,
  checkStatement,
  type Expectation,
  type Proven,
  type Refused,
  type SignatureCheck,
  type SignatureRefusalCode,
  type SignedBy,
} from './sigstore.ts';
import { EVIDENCE_PREDICATE_TYPE, IN_TOTO_PAYLOAD_TYPE, type InTotoStatement, parseStatement } from './statement.ts';
import { maySign, type Proof, type TrustedSigner, type TrustPolicy } from './trust-policy.ts';

declare const seal: unique symbol;

/** Something that a trusted signer signed. Other code can't make one: it takes it from a verifier. */
export interface Verified<T> {
  readonly [seal]: true;
  readonly value: T;
  /** Of the signed bytes. */
  readonly digest: Digest;
  /** Name and identity of the signer, for people. */
  readonly signer: string;
}

export type RefusalCode =
  | SignatureRefusalCode
  /** Trusted, but not for this name. */
  | 'SIGNER_NOT_ALLOWED'
  /** Past the end date: what was admitted before stays verifiable. */
  | 'SIGNER_EXPIRED'
  /** The log entry or timestamp that the signer's signatures must carry is not there. */
  | 'PROOF_MISSING'
  | 'SIGNER_REVOKED';

/** `signer`: its name in the trust policy, where it has one. */
export type Refusal = Refused<RefusalCode> & { readonly signer?: string };
export type Verification<T> =
  | { readonly kind: 'verified'; readonly value: Verified<T>; readonly signer: string }
  | Refusal;

/**
 * `admit`: may it start anew? The signer's end date counts. `keep`: something else proves that it was admitted in time, so the end date does
 * not count. `dated`: nothing else does, so it counts unless a signed time in the signature itself lies before it. Revocation counts in all.
 */
export type Purpose = 'admit' | 'keep' | 'dated';

export interface Question {
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly purpose: Purpose;
}

/** What a parser makes of verified bytes is as trustworthy as they are. What `parse` throws is thrown on. */
export function parseVerified<T>(bytes: Verified<Buffer>, parse: (bytes: Buffer) => T): Verified<T> {
  return sealed(parse(bytes.value), bytes.digest, bytes.signer);
}

function sealed<T>(value: T, digest: Digest, signer: string): Verified<T> {
  return { value, digest, signer } as Verified<T>;
}

function isSigner(signer: TrustedSigner, by: SignedBy): boolean {
  const { identity } = signer;
  if (identity.kind === 'key') return by.kind === 'key' && by.keyId === identity.keyId;
  return by.kind === 'keyless' && by.issuer === identity.issuer && identity.matches(by.identity);
}

function describe(by: SignedBy): string {
  return by.kind === 'key' ? `key ${by.keyId}` : `${printable(by.identity)}, issued by ${printable(by.issuer)}`;
}

/**
 * Judges signed documents under one trust policy; for another policy, make another verifier. Bytes are verified, then parsed.
 * Remembers who signed what (which time can't change), never whether that suffices (which it can).
 */
export class DocumentVerifier {
  readonly #policy: TrustPolicy;
  readonly #expected: Expectation;
  readonly #cache = new Map<string, SignatureCheck>();
  readonly #cacheEntries: number;

  constructor(policy: TrustPolicy, options: { readonly cacheEntries?: number } = {}) {
    this.#policy = policy;
    this.#cacheEntries = options.cacheEntries ?? 4096;
    const keys = policy.signers.flatMap(({ identity }): [string, KeyObject][] =>
      identity.kind === 'key' ? [[identity.keyId, identity.key]] : [],
    );
    const isKeyless = policy.signers.some(({ identity }) => identity.kind === 'keyless');
    this.#expected = { keys: new Map(keys), root: isKeyless ? policy.root : null, proofs: policy.root };
  }

  /** Keys of the reconciler by key id. */
  get reconcilerKeys(): ReconcilerKeys {
    return this.#policy.reconciler;
  }

  /**
   * May these bytes be the manifest of `model`? `signature` is what lies beside them: a Sigstore bundle, a plain signature of
   * `cosign sign-blob --key`, or undefined when there is none. The caller still has to see that the manifest names `model`.
   */
  verifyModel(
    bytes: Uint8Array,
    signature: Uint8Array | string | undefined,
    question: Question & { readonly model: string },
  ): Verification<Buffer> {
    return this.#verify(bytes, signature, question, 'models', question.model);
  }

  /** May these bytes be the policy `policy`? As `verifyModel`. */
  verifyPolicy(
    bytes: Uint8Array,
    signature: Uint8Array | string | undefined,
    question: Question & { readonly policy: string },
  ): Verification<Buffer> {
    return this.#verify(bytes, signature, question, 'policies', question.policy);
  }

  /**
   * A signed attestation of `predicateType` about the manifest with this digest (build provenance, test results), from someone
   * who may sign `model`. Not cached.
   */
  verifyAttestation(
    signature: Uint8Array | string,
    question: Question & { readonly model: string; readonly predicateType: string; readonly subject: Digest },
  ): Verification<InTotoStatement> {
    const text = textOf(signature);
    const want = { predicateType: question.predicateType, subject: question.subject.slice('sha256:'.length) };
    const check = checkStatement(text, want, this.#expected);
    if (check.kind === 'refused') return check;
    const judged = this.#judge(check, question, 'models', question.model);
    if (judged.kind === 'refused') return judged;
    return { kind: 'verified', value: sealed(check.statement, question.subject, judged.signer), signer: judged.signer };
  }

  #verify(
    bytes: Uint8Array,
    signature: Uint8Array | string | undefined,
    question: Question,
    what: 'models' | 'policies',
    name: string,
  ): Verification<Buffer> {
    if (signature === undefined) return { kind: 'refused', code: 'SIGNATURE_MISSING', reason: 'It is not signed.' };
    const copy = Buffer.from(bytes); // what is returned is what was verified, whatever becomes of the caller's buffer
    const check = this.#check(textOf(signature), copy);
    if (check.kind === 'refused') return check;
    const judged = this.#judge(check, question, what, name);
    if (judged.kind === 'refused') return judged;
    return { kind: 'verified', value: sealed(copy, digestOf(copy), judged.signer), signer: judged.signer };
  }

  /** Who signed it, from memory if it was asked before; the oldest answers are forgotten first. */
  #check(signature: string, bytes: Buffer): SignatureCheck {
    const id = createHash('sha256').update(digestOf(bytes)).update(signature).digest('base64');
    const known = this.#cache.get(id);
    const check = known ?? checkBlobSignature(signature, bytes, this.#expected);
    this.#cache.delete(id);
    this.#cache.set(id, check);
    for (const oldest of this.#cache.keys()) {
      if (this.#cache.size <= this.#cacheEntries) break;
      this.#cache.delete(oldest);
    }
    return check;
  }

  /** Of all signers that this identity is, one that may sign suffices, unless one of them is revoked. */
  #judge(
    { by, proven }: { readonly by: SignedBy; readonly proven: Proven },
    question: Question,
    what: 'models' | 'policies',
    name: string,
  ): { kind: 'allowed'; signer: string } | Refusal {
    const refuse = (code: RefusalCode, reason: string, signer?: string): Refusal => {
      return { kind: 'refused', code, reason, ...(signer === undefined ? {} : { signer }) };
    };
    const signers = this.#policy.signers.filter((signer) => isSigner(signer, by));
    const [first] = signers;
    if (first === undefined)
      return refuse('SIGNER_UNKNOWN', `It is signed by ${describe(by)}, who is not in the trust policy.`);
    const revoked = signers.find((signer) => signer.revoked);
    if (revoked !== undefined)
      return refuse('SIGNER_REVOKED', `Its signer "${revoked.name}" (${describe(by)}) is revoked.`, revoked.name);
    const allowed = signers.filter((signer) => maySign(signer, what, name));
    const [anyAllowed] = allowed;
    if (anyAllowed === undefined) {
      const kind = what === 'models' ? 'model' : 'policy';
      return refuse(
        'SIGNER_NOT_ALLOWED',
        `Its signer "${first.name}" (${describe(by)}) may not sign the ${kind} "${printable(name)}".`,
        first.name,
      );
    }
    const proving = allowed.filter(({ requires }) => requires.every((proof) => hasProof(proven, proof)));
    const [anyProving] = proving;
    if (anyProving === undefined) {
      const wanted = anyAllowed.requires.map((proof) => PROOFS[proof]).join(' and ');
      return refuse(
        'PROOF_MISSING',
        `Its signer "${anyAllowed.name}" must prove its signatures by ${wanted}.`,
        anyAllowed.name,
      );
    }
    const { now, purpose } = question;
    const datedMs = purpose === 'dated' && proven.atMs !== null ? Math.min(now, proven.atMs) : now;
    const inTime =
      purpose === 'keep' ? anyProving : proving.find(({ notAfterMs }) => notAfterMs === null || datedMs <= notAfterMs);
    if (inTime === undefined) {
      const end = toIsoSeconds(anyProving.notAfterMs ?? 0);
      const undated = purpose === 'dated' ? ', and nothing here proves that it was admitted before' : '';
      return refuse(
        'SIGNER_EXPIRED',
        `Its signer "${anyProving.name}" may not sign anything new since ${end}${undated}.`,
        anyProving.name,
      );
    }
    return { kind: 'allowed', signer: `${inTime.name} (${describe(by)})` };
  }
}

const PROOFS: Readonly<Record<Proof, string>> = {
  log: 'an entry in a transparency log',
  timestamp: 'a signed timestamp',
};

function hasProof({ isLogged, atMs }: Proven, proof: Proof): boolean {
  return proof === 'log' ? isLogged : atMs !== null;
}

function textOf(signature: Uint8Array | string): string {
  return typeof signature === 'string' ? signature : Buffer.from(signature).toString('utf8');
}

export type EvidenceProblem = 'EVIDENCE_UNREADABLE' | 'EVIDENCE_SIGNATURE' | 'EVIDENCE_KEY_UNKNOWN';

export type EvidenceCheck =
  | { readonly kind: 'verified'; readonly value: Verified<InTotoStatement>; readonly keyId: string }
  | { readonly kind: 'refused'; readonly code: EvidenceProblem; readonly reason: string };

/** The statement of an evidence file that one of the reconciler's keys signed. `Verified.digest` is that of the payload. Never throws. */
export function verifyEvidence(envelope: Uint8Array | string, reconciler: ReconcilerKeys): EvidenceCheck {
  let json: unknown;
  try {
    json = JSON.parse(textOf(envelope));
  } catch {
    return { kind: 'refused', code: 'EVIDENCE_UNREADABLE', reason: 'The evidence is not JSON.' };
  }
  const check = verifyDsse(json, (keyid) => reconciler.get(keyid)?.key, IN_TOTO_PAYLOAD_TYPE);
  if (check.kind === 'refused') {
    const code = check.isKeyUnknown === true ? 'EVIDENCE_KEY_UNKNOWN' : 'EVIDENCE_SIGNATURE';
    return { kind: 'refused', code, reason: `The evidence is refused: ${check.reason}.` };
  }
  const read = parseStatement(check.payload, EVIDENCE_PREDICATE_TYPE);
  if (read.kind === 'refused')
    return { kind: 'refused', code: 'EVIDENCE_UNREADABLE', reason: `The evidence is refused: ${read.reason}.` };
  const { decidedAt } = Object(read.statement.predicate) as { readonly decidedAt?: unknown };
  const key = reconciler.get(check.keyid);
  if (key !== undefined && !countsAt(key, parseInstant(String(decidedAt)) ?? Number.POSITIVE_INFINITY))
    return { kind: 'refused', code: 'EVIDENCE_KEY_UNKNOWN', reason: 'The evidence is refused: its key ended before.' };
  const digest = digestOf(check.payload);
  return {
    kind: 'verified',
    value: sealed(read.statement, digest, `reconciler (key ${check.keyid})`),
    keyId: check.keyid,
  };
}
