// Owns whether the documents of a commit may be used now, and what `decide()` learns of them.
import type { CodedError } from '../base/errors.ts';
import { type Digest, digestOf } from '../contract/digest.ts';
import { matchesGlob } from '../contract/trust/name-glob.ts';
import type { DocumentVerifier, Verification } from '../contract/trust/verifier.ts';
import { nameOfPath } from '../documents/repository-layout.ts';
import type { RolloutPolicy } from '../documents/types.generated.ts';
import type { DocumentProblem } from '../rollout/reasons.ts';
import type { KnownVersion, RolloutFacts, Standing, VersionStanding } from '../rollout/rollout-facts.ts';
import type { BrokenDocument, DraftDocument, ModelDocument, PolicyDocument } from './snapshot.ts';

export type VersionDocument = ModelDocument | DraftDocument | BrokenDocument;
export type NamedPolicy = PolicyDocument | BrokenDocument | undefined;

/** May the document start anew, asked at this time? */
export function standing(document: ModelDocument | PolicyDocument, verifier: DocumentVerifier, now: number): Standing {
  const { bytes, bundle } = document;
  const question = { now, purpose: 'admit' } as const;
  const answer =
    document.kind === 'model'
      ? verifier.verifyModel(bytes, bundle, { ...question, model: document.manifest.metadata.name })
      : verifier.verifyPolicy(bytes, bundle, { ...question, policy: document.policy.metadata.name });
  return standingOf(answer);
}

/** What a verifier's answer says of a document. */
export function standingOf(answer: Verification<Buffer>): Standing {
  if (answer.kind === 'verified') return { kind: 'admitted', signer: answer.signer };
  const { code, signer = null, reason: detail } = answer;
  return { kind: 'refused', code, signer, detail, revoked: code === 'SIGNER_REVOKED' };
}

/** The standings under one trust policy. All rollouts of a cycle ask for the same time: each document is verified once. */
export class Standings {
  readonly verifier: DocumentVerifier;
  readonly #last = new WeakMap<ModelDocument | PolicyDocument, { readonly now: number; readonly standing: Standing }>();

  constructor(verifier: DocumentVerifier) {
    this.verifier = verifier;
  }

  of(document: ModelDocument | PolicyDocument, now: number): Standing {
    const last = this.#last.get(document);
    if (last?.now === now) return last.standing;
    const answer = standing(document, this.verifier, now);
    this.#last.set(document, { now, standing: answer });
    return answer;
  }
}

/** A version whose signature is judged only when someone asks. */
class LazyVersion implements KnownVersion {
  readonly version: string;
  readonly digest: Digest;
  readonly #judge: () => Standing;
  #standing: Standing | undefined;

  constructor({ manifest, digest }: ModelDocument, judge: () => Standing) {
    this.version = manifest.metadata.version;
    this.digest = digest;
    this.#judge = judge;
  }

  get standing(): Standing {
    this.#standing ??= this.#judge();
    return this.#standing;
  }
}

/** A version that has no manifest is known all the same: a rollout that asks for it gets its problem. */
function unusableVersion(document: BrokenDocument | DraftDocument): KnownVersion {
  const digest = digestOf(`nothing: ${document.path}`); // of no content that anyone could have admitted
  const standing: VersionStanding =
    document.kind === 'draft' ? { kind: 'draft' } : { kind: 'broken', ...problemOf(document) };
  return { version: nameOfPath(document.path), digest, standing };
}

export function knownVersions(
  documents: readonly VersionDocument[],
  standings: Standings,
  now: number,
): KnownVersion[] {
  return documents.map((one) =>
    one.kind === 'model' ? new LazyVersion(one, () => standings.of(one, now)) : unusableVersion(one),
  );
}

function appliesTo(policy: RolloutPolicy, rollout: string): boolean {
  return (policy.spec.appliesTo?.rollouts ?? ['*']).some((glob) => matchesGlob(glob, rollout));
}

export function policyFacts(
  named: NamedPolicy,
  rollout: string,
  judge: (policy: PolicyDocument) => Standing,
): Pick<RolloutFacts, 'policy' | 'policyProblem'> {
  if (named === undefined) return { policy: null, policyProblem: null };
  if (named.kind === 'broken') return { policy: null, policyProblem: problemOf(named) };
  const { digest, policy } = named;
  if (appliesTo(policy, rollout)) return { policy: { digest, policy, standing: judge(named) }, policyProblem: null };
  const refused = { kind: 'refused', code: 'POLICY_NOT_FOR_ROLLOUT', signer: null, revoked: false } as const;
  return { policy: { digest, policy, standing: refused }, policyProblem: null };
}

/** The first of a document's problems, with its place. */
export function problemOf({ path, errors: [first, ...more] }: BrokenDocument): DocumentProblem {
  return { ...problemOfError(first, path), more: more.length };
}

export function problemOfError(error: CodedError | undefined, path: string): DocumentProblem {
  const { at, code = 'DOCUMENT_UNREADABLE', message, remedy } = error ?? {};
  const detail = {
    ...(message === undefined ? {} : { detail: message }),
    ...(remedy === undefined ? {} : { remedy }),
  };
  return { code, file: at?.file ?? path, line: at?.line ?? null, column: at?.column ?? null, more: 0, ...detail };
}
