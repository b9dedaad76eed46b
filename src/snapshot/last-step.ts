// Owns finding the last step of a rollout in Git: its evidence, whether the reconciler signed it, and its commit.

import { CodedError } from '../base/errors.ts';
import { digestOf } from '../contract/digest.ts';
import type { ReconcilerKeys } from '../contract/trust/keys.ts';
import { EVIDENCE_PREDICATE_TYPE, parseStatement } from '../contract/trust/statement.ts';
import { verifyEvidence } from '../contract/trust/verifier.ts';
import type { ManifestsRepository } from '../git/manifests-repository.ts';
import { MEASURED_STEPS } from '../rollout/transition.ts';
import { type EvidencePredicate, parseEvidence, payloadOf } from './evidence.ts';
import { evidenceFiles, readEvidence } from './evidence-files.ts';

/** Steps that are looked through for one that rests on measurements. */
const MOST_STEPS = 50;
const MOST_COMMITS = 20_000;

export type EvidenceSignature =
  | { readonly kind: 'good'; readonly keyId: string }
  | { readonly kind: 'bad'; readonly reason: string }
  /** No trust policy says whose keys count. */
  | { readonly kind: 'unknown' };

export interface FoundStep {
  readonly file: string;
  readonly predicate: EvidencePredicate;
  readonly signature: EvidenceSignature;
  /** Null when no commit of the branch's newest names its evidence. */
  readonly commit: string | null;
}

interface SignedStep extends Omit<FoundStep, 'commit'> {
  /** Of the file, as the step's commit names it. */
  readonly digest: string;
}

export interface FoundSteps {
  /** Null before the first. */
  readonly newest: FoundStep | null;
  /** The newest that rests on measurements; may be the same. */
  readonly measured: FoundStep | null;
  /** Newer evidence than these that the reconciler did not sign: it is not believed. */
  readonly refused: { readonly file: string; readonly reason: string } | null;
}

export interface StepQuestion {
  readonly repository: ManifestsRepository;
  readonly head: string;
  readonly evidenceFolder: string;
  readonly rollout: string;
  readonly keys: ReconcilerKeys | null;
}

/** The predicate of an envelope, whoever signed it. */
function predicateOf(bytes: Uint8Array): EvidencePredicate | undefined {
  const payload = payloadOf(bytes);
  const read = payload === undefined ? undefined : parseStatement(payload, EVIDENCE_PREDICATE_TYPE);
  return read?.kind === 'read' ? parseEvidence(read.statement) : undefined;
}

function signatureOf(bytes: Uint8Array, keys: StepQuestion['keys']): EvidenceSignature {
  if (keys === null) return { kind: 'unknown' };
  const check = verifyEvidence(bytes, keys);
  return check.kind === 'verified' ? { kind: 'good', keyId: check.keyId } : { kind: 'bad', reason: check.reason };
}

/** Nothing for what is too large to be evidence: one such file must not hide the others. */
async function bytesOf(repository: StepQuestion['repository'], oid: string): Promise<Uint8Array> {
  const read = await readEvidence(repository, oid);
  return read.kind === 'read' ? read.bytes : new Uint8Array();
}

async function* newestEvidence({ repository, head, evidenceFolder, rollout }: StepQuestion) {
  const files = evidenceFiles(await repository.readTree(head), evidenceFolder, rollout);
  for (const { path, oid } of files.reverse().slice(0, MOST_STEPS))
    yield { file: path, bytes: await bytesOf(repository, oid) };
}

/** The newest steps of a rollout. Throws EVIDENCE_UNREADABLE when there is evidence, and none of it can be read. */
export async function findSteps(question: StepQuestion): Promise<FoundSteps> {
  const { rollout, keys } = question;
  let newest: SignedStep | null = null;
  let measured: SignedStep | null = null;
  let unread = '';
  let refused: FoundSteps['refused'] = null;
  for await (const { file, bytes } of newestEvidence(question)) {
    const predicate = predicateOf(bytes);
    if (predicate === undefined || predicate.rollout !== rollout) {
      unread = file;
      continue;
    }
    const step = { file, predicate, signature: signatureOf(bytes, keys), digest: digestOf(bytes) };
    if (step.signature.kind === 'bad') {
      refused ??= { file, reason: step.signature.reason };
      continue;
    }
    newest ??= step;
    const isMeasured = MEASURED_STEPS.has(predicate.transition.kind) && predicate.verdict !== null;
    if (!isMeasured) continue;
    measured = step;
    break;
  }
  if (newest === null && unread !== '') throw unreadable(unread);
  const commits = newest === null ? new Map<string, string>() : await commitsOf(question);
  const found = (step: SignedStep | null): FoundStep | null => {
    if (step === null) return null;
    const { digest, ...rest } = step;
    return { ...rest, commit: commits.get(digest) ?? null };
  };
  return { newest: found(newest), measured: found(measured), refused };
}

/** The commits of a rollout's steps by the digest of their evidence. The oldest counts: a person may have copied trailers into a later one. */
async function commitsOf({ repository, head, rollout }: StepQuestion): Promise<Map<string, string>> {
  const byEvidence = new Map<string, string>();
  for (const { oid, trailers } of await repository.log(head, MOST_COMMITS)) {
    if (trailers.get('Slipway-Rollout')?.at(-1) !== rollout) continue;
    const evidence = trailers.get('Slipway-Evidence')?.at(-1);
    if (evidence !== undefined) byEvidence.set(evidence, oid);
  }
  return byEvidence;
}

function unreadable(file: string): CodedError {
  return new CodedError({
    code: 'EVIDENCE_UNREADABLE',
    message: `${file} is not evidence of Slipway.`,
    remedy: '`slipway history` shows which commits the reconciler signed.',
    at: { file, line: 1, column: 1 },
  });
}
