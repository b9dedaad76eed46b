// Owns whether what rolls is still trusted: its manifest and policy as they were admitted, judged by the trust of now.
import { digestOf } from '../contract/digest.ts';
import type { DocumentVerifier, Verification } from '../contract/trust/verifier.ts';
import type { RolloutStatus } from '../documents/types.generated.ts';
import { findInTree, type ManifestsRepository, type Tree } from '../git/manifests-repository.ts';
import type { InForce, Standing } from '../rollout/rollout-facts.ts';
import { copyPath, evidenceFolders, findPolicy, readCopy } from './policies-in-force.ts';
import type { ModelDocument, Snapshot } from './snapshot.ts';
import { standingOf, type VersionDocument } from './standing.ts';

const COPY_LIMIT_BYTES = 1024 * 1024;
const MOST_COPIES = 2048;

/** A document with the signature that lay beside it. */
interface Signed {
  readonly bytes: Uint8Array;
  readonly bundle: Uint8Array | undefined;
}

export interface AdmissionQuestion {
  readonly rollout: string;
  readonly model: string;
  readonly status: RolloutStatus;
  /** Name of the policy in force; null when it can't be read. */
  readonly policy: string | null;
  readonly versions: readonly VersionDocument[];
  readonly snapshot: Snapshot;
  /** Where copies are looked for, the first that has them counts. */
  readonly trees: readonly Tree[];
  /** Milliseconds since 1970. */
  readonly now: number;
}

type Judge = (document: Signed) => Verification<Buffer>;

/** Of several the one that decides: a revocation, else an admission. */
function deciding(standings: readonly Standing[], code: string): Standing {
  const revoked = standings.find((one) => one.kind === 'refused' && one.revoked);
  const admitted = standings.find((one) => one.kind === 'admitted');
  return revoked ?? admitted ?? standings[0] ?? { kind: 'refused', code, signer: null, revoked: false };
}

export class Admissions {
  readonly #repository: ManifestsRepository;
  /** By object ids of copy and bundle: bytes never change. */
  readonly #copies = new Map<string, Signed>();

  constructor(repository: ManifestsRepository) {
    this.#repository = repository;
  }

  /** The standing of candidate and policy: by HEAD where it still has the very same document, and by the copies beside the evidence. */
  async judge(question: AdmissionQuestion, verifier: DocumentVerifier): Promise<InForce | undefined> {
    const { status, model, policy, versions, snapshot, now } = question;
    const { candidate } = status;
    if (candidate === null) return undefined;
    const purpose = 'keep' as const;
    const inHead = versions.find(
      (one): one is ModelDocument => one.kind === 'model' && one.digest === candidate.digest,
    );
    const ofModel: Judge = ({ bytes, bundle }) => verifier.verifyModel(bytes, bundle, { now, purpose, model });
    const pinned = status.policy === null ? undefined : findPolicy(snapshot, status.policy);
    const ofPolicy: Judge = ({ bytes, bundle }) =>
      verifier.verifyPolicy(bytes, bundle, { now, purpose, policy: policy ?? '' });
    return {
      candidate: await this.#standing(question, 'model', candidate.digest, inHead, ofModel),
      policy:
        status.policy === null || policy === null
          ? // Without a policy that can be read the walk waits for that, whoever signed it.
            { kind: 'admitted', signer: '' }
          : await this.#standing(question, 'policy', status.policy, pinned, ofPolicy),
    };
  }

  /** Of what is stable, by its copy, where HEAD has lost the manifest; undefined where HEAD has it or nobody does. */
  async judgeStable(question: AdmissionQuestion, verifier: DocumentVerifier): Promise<Standing | undefined> {
    const { status, versions, model, now } = question;
    const { stable } = status;
    if (stable === null || versions.some((one) => one.kind === 'model' && one.digest === stable.digest))
      return undefined;
    const copy = await this.#findCopy(question, 'model', stable.digest);
    if (copy === undefined) return undefined;
    return standingOf(verifier.verifyModel(copy.bytes, copy.bundle, { now, purpose: 'keep', model }));
  }

  async #standing(
    question: AdmissionQuestion,
    kind: 'model' | 'policy',
    digest: string,
    inHead: Signed | undefined,
    judge: Judge,
  ): Promise<Standing> {
    const copy = await this.#findCopy(question, kind, digest);
    const found = [inHead, copy].filter((one) => one !== undefined).map((one) => standingOf(judge(one)));
    return deciding(found, kind === 'model' ? 'MANIFEST_COPY_MISSING' : 'POLICY_COPY_MISSING');
  }

  async #findCopy(
    { rollout, status, snapshot, trees }: AdmissionQuestion,
    kind: 'model' | 'policy',
    digest: string,
  ): Promise<Signed | undefined> {
    for (const tree of trees) {
      for (const folder of evidenceFolders(rollout, status, snapshot.layout)) {
        const path = copyPath(folder, digest, kind);
        const [document, bundle] = [findInTree(tree, path), findInTree(tree, `${path}.sigstore.json`)];
        if (document?.kind !== 'blob') continue;
        const read = await this.#read(document.oid, bundle?.kind === 'blob' ? bundle.oid : null);
        if (read !== undefined && digestOf(read.bytes) === digest) return read;
      }
    }
    return undefined;
  }

  /** Undefined for what can't be read: whoever can push may have put anything there. */
  async #read(oid: string, bundleOid: string | null): Promise<Signed | undefined> {
    const key = `${oid} ${bundleOid}`;
    const known = this.#copies.get(key);
    if (known !== undefined) return known;
    const bytes = await readCopy(this.#repository, oid, COPY_LIMIT_BYTES);
    if (bytes === undefined) return undefined;
    const bundle = bundleOid === null ? undefined : await readCopy(this.#repository, bundleOid, COPY_LIMIT_BYTES);
    if (this.#copies.size >= MOST_COPIES) this.#copies.clear();
    this.#copies.set(key, { bytes, bundle });
    return { bytes, bundle };
  }
}
