// Owns that evidence stays: a step's file, or a document beside it, that was deleted or changed is noticed and put back as it was, from the mirror.
import { toCodedError } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import { digestOf } from '../contract/digest.ts';
import type { RolloutStatus } from '../documents/types.generated.ts';
import { findInTree, type ManifestsRepository } from '../git/manifests-repository.ts';
import type { RolloutFacts } from '../rollout/rollout-facts.ts';
import type { EvidenceDocuments } from '../snapshot/evidence.ts';
import { type EvidenceFile, evidenceFiles } from '../snapshot/evidence-files.ts';
import { copyPath, readCopy } from '../snapshot/policies-in-force.ts';
import type { Snapshot } from '../snapshot/snapshot.ts';
import type { ProvenStep, StatusClaims } from '../snapshot/status-claims.ts';

/** Steps of a rollout whose evidence is not as it was signed. */
export interface EvidenceGap {
  readonly rollout: string;
  readonly revisions: readonly number[];
}

export type PutBack =
  | { readonly kind: 'none' }
  | { readonly kind: 'pushed'; readonly head: string }
  | { readonly kind: 'lost'; readonly reason: string };

export interface EvidenceKeeperParts {
  readonly repository: ManifestsRepository;
  readonly claims: StatusClaims;
  readonly logger: Logger;
}

type Place = Pick<EvidenceFile, 'path' | 'oid'>;
/** A document beside evidence, as the step named it. */
interface Copy {
  readonly path: string;
  readonly digest: string;
}
type Seen = Pick<Snapshot, 'commit' | 'tree' | 'layout'>;

/** Files that one look verifies; a large repository takes some looks after a start. */
const MOST_VERIFIED = 200;
const MOST_COMMITS = 20_000;
/** Files in one commit; hosts refuse a push that takes too long. */
const MOST_PUT_BACK = 200;
/** Walks through the history in one look: judging waits for it. */
const MOST_SEARCHES = 4;
const MOST_GAPS = 50;
const COPY_LIMIT_BYTES = 1024 * 1024;
/** The newest steps of a rollout among whose files a document is looked for. */
const MOST_STEPS_SEARCHED = 20;

export class EvidenceKeeper {
  readonly #parts: EvidenceKeeperParts;
  /** By rollout and revision: the signed file. Evidence never changes, so any other content is a change by someone else. */
  readonly #signed = new Map<string, Map<number, Place>>();
  /** Numbers that no step has, or whose evidence the history does not hold either. */
  readonly #given = new Set<string>();
  readonly #refused = new Set<string>();
  /** By rollout: what was missing, and can't be put back, while its revision and its folder are as they were. */
  readonly #settled = new Map<string, { readonly state: string; readonly revisions: readonly number[] }>();
  #gaps: readonly EvidenceGap[] = [];

  constructor(parts: EvidenceKeeperParts) {
    this.#parts = parts;
  }

  /** As of the last look. */
  get gaps(): readonly EvidenceGap[] {
    return this.#gaps;
  }

  /** Looks, and puts back what can be put back by one commit. */
  async keep(
    rollouts: readonly Pick<RolloutFacts, 'name' | 'claim'>[],
    snapshot: Seen,
    { now, signal }: { readonly now: number; readonly signal: AbortSignal },
  ): Promise<PutBack> {
    const budget = { left: MOST_VERIFIED };
    const searches = { left: MOST_SEARCHES };
    const gaps: EvidenceGap[] = [];
    const changes = new Map<string, Uint8Array>();
    for (const { name, claim } of rollouts) {
      // In another repository, or before this history, nothing of it is missed, and nothing is to be written there.
      if (claim.kind !== 'authentic' || findInTree(snapshot.tree, claim.status.evidence)?.kind !== 'blob') continue;
      const state = stateOf(name, claim.status, snapshot);
      const settled = this.#settled.get(name);
      if (settled?.state === state) {
        if (settled.revisions.length > 0) gaps.push({ rollout: name, revisions: settled.revisions });
        continue;
      }
      const { size: before } = changes;
      const missing = await this.#missingOf(name, claim.status.revision, snapshot, budget);
      const lost = await this.#lostCopies(name, claim.status, snapshot);
      const revisions = lost.length === 0 ? missing : [...new Set([claim.status.revision, ...missing])];
      if (revisions.length > 0) gaps.push({ rollout: name, revisions });
      for (const copy of lost) {
        const bytes = await this.#searchCopy(name, copy, snapshot, searches);
        if (bytes !== undefined && changes.size < MOST_PUT_BACK && !isFolder(copy.path, snapshot))
          changes.set(copy.path, bytes);
      }
      for (const revision of missing) {
        if (changes.size >= MOST_PUT_BACK) break;
        const known = this.#signed.get(name)?.get(revision);
        const found = known ?? (await this.#search(name, revision, snapshot, searches));
        if (found === undefined) continue;
        const path = `${snapshot.layout.evidence}/${name}/${found.path.slice(found.path.lastIndexOf('/') + 1)}`;
        if (!isFolder(path, snapshot)) changes.set(path, await this.#read(found));
      }
      const isLooked = budget.left > 0 && searches.left > 0;
      if (isLooked && changes.size === before) this.#settled.set(name, { state, revisions });
    }
    this.#gaps = gaps.slice(0, MOST_GAPS);
    return changes.size === 0 ? { kind: 'none' } : this.#push(changes, snapshot, now, signal);
  }

  async #missingOf(name: string, revision: number, snapshot: Seen, budget: { left: number }): Promise<number[]> {
    const signed = this.#signed.get(name) ?? new Map<number, Place>();
    this.#signed.set(name, signed);
    const there = Map.groupBy(evidenceFiles(snapshot.tree, snapshot.layout.evidence, name), (one) => one.revision);
    const missing: number[] = [];
    for (let number = revision; number > 0; number--) {
      const files = there.get(number) ?? [];
      const known = signed.get(number);
      if (known !== undefined) {
        if (!files.some(({ oid }) => oid === known.oid)) missing.push(number);
      } else if (files.length > 0) await this.#learn(name, files, signed, budget);
      else if (!(await this.#isGiven(name, number, signed))) missing.push(number);
    }
    return missing;
  }

  /** Of the newest step: a later one has what it needs put there anew. */
  async #lostCopies(name: string, { evidence }: RolloutStatus, { tree, layout }: Seen): Promise<Copy[]> {
    const { claims, repository } = this.#parts;
    const found = findInTree(tree, evidence);
    const step = found?.kind === 'blob' ? await claims.stepOf(name, found.oid) : undefined;
    const copies = step === undefined ? [] : copiesIn(step.predicate.documents, `${layout.evidence}/${name}`);
    const lost: Copy[] = [];
    for (const copy of copies) if ((await readAs(copy, tree, repository)) === undefined) lost.push(copy);
    return lost;
  }

  async #searchCopy(
    name: string,
    copy: Copy,
    { commit: head }: Seen,
    searches: { left: number },
  ): Promise<Uint8Array | undefined> {
    const { repository } = this.#parts;
    const key = `searched ${copy.path} ${copy.digest}`;
    if (this.#given.has(key) || searches.left-- <= 0) return undefined;
    const log = await repository.log(head, MOST_COMMITS);
    const steps = log.filter(({ trailers }) => trailers.get('Slipway-Rollout')?.at(-1) === name);
    for (const { oid } of steps.slice(0, MOST_STEPS_SEARCHED)) {
      const bytes = await readAs(copy, await repository.readTree(oid), repository);
      if (bytes !== undefined) return bytes;
    }
    this.#given.add(key);
    return undefined;
  }

  /** Notes the file that the reconciler signed; others may lie beside it. */
  async #learn(name: string, files: readonly EvidenceFile[], signed: Map<number, Place>, budget: { left: number }) {
    for (const { revision, path, oid } of files) {
      if (this.#refused.has(oid) || budget.left-- <= 0) continue;
      const step = await this.#parts.claims.stepOf(name, oid);
      if (step?.predicate.revision === revision) signed.set(revision, { path, oid });
      else this.#refused.add(oid);
    }
  }

  /** Below the step that adopted another history, that history's numbers are not this one's. */
  async #isGiven(name: string, revision: number, signed: ReadonlyMap<number, Place>): Promise<boolean> {
    const key = `${name} ${revision}`;
    const above = signed.get(revision + 1);
    if (this.#given.has(key)) return true;
    const isBelowGiven = this.#given.has(`${name} ${revision + 1}`);
    const step = above === undefined ? undefined : await this.#parts.claims.stepOf(name, above.oid);
    // Nothing is known of the step above yet: the next look knows more.
    if (step === undefined && !isBelowGiven) return true;
    if (step?.predicate.transition.kind !== 'adopt' && !isBelowGiven) return false;
    this.#given.add(key);
    return true;
  }

  /** After a restart: the commit of the step has the file. */
  async #search(
    name: string,
    revision: number,
    { commit: head, layout }: Seen,
    searches: { left: number },
  ): Promise<Place | undefined> {
    const { repository, claims } = this.#parts;
    const key = `searched ${name} ${revision} ${layout.evidence}`;
    if (this.#given.has(key) || searches.left-- <= 0) return undefined;
    for (const { oid: commit, trailers } of await repository.log(head, MOST_COMMITS)) {
      const transition = trailers.get('Slipway-Transition')?.at(-1) ?? '';
      const isStep = trailers.get('Slipway-Rollout')?.at(-1) === name && transition.startsWith(`${revision} `);
      if (!isStep) continue;
      const files = evidenceFiles(await repository.readTree(commit), layout.evidence, name);
      for (const { path, oid } of files.filter((one) => one.revision === revision)) {
        const step: ProvenStep | undefined = await claims.stepOf(name, oid);
        if (step?.predicate.revision === revision) return { path, oid };
      }
    }
    this.#given.add(key);
    return undefined;
  }

  #read({ oid }: Place): Promise<Uint8Array> {
    return this.#parts.repository.readBlob(oid, Number.MAX_SAFE_INTEGER);
  }

  async #push(
    changes: ReadonlyMap<string, Uint8Array>,
    { commit: parent }: Seen,
    atMs: number,
    signal: AbortSignal,
  ): Promise<PutBack> {
    const { repository, logger } = this.#parts;
    const paths = [...changes.keys()];
    const list = paths.map((path) => `* ${path}`).join('\n');
    const message = `evidence: put back what was deleted or changed\n\nEvidence of steps never changes. These files are as they were signed again:\n${list}\n`;
    try {
      const commit = await repository.commit({ parent, changes, message, atMs });
      const outcome = await repository.push(commit, parent, signal);
      if (outcome.kind !== 'pushed')
        return { kind: 'lost', reason: outcome.kind === 'refused' ? outcome.reason : outcome.error.message };
      logger.warn('evidence was deleted or changed, and is put back', { files: paths, commit });
      return { kind: 'pushed', head: commit };
    } catch (thrown) {
      return { kind: 'lost', reason: toCodedError(thrown).message };
    }
  }
}

/** Nothing can be put back there until a person moves the folder: it is left out, and missed. */
function isFolder(path: string, { tree }: Seen): boolean {
  return findInTree(tree, path)?.kind === 'tree';
}

/** The same as long as nothing changed that a look would notice. */
function stateOf(name: string, { revision }: RolloutStatus, { tree, layout }: Seen): string {
  const folder = findInTree(tree, `${layout.evidence}/${name}`);
  return `${revision} ${folder?.kind === 'tree' ? folder.tree.oid : ''}`;
}

function copiesIn(documents: EvidenceDocuments, folder: string): Copy[] {
  const { manifest, manifestBundle, policy, policyBundle } = documents;
  const beside = (kind: 'model' | 'policy', digest: string | null, bundle: string | null): Copy[] => {
    const path = copyPath(folder, digest ?? '', kind);
    const all = [
      { path, digest },
      { path: `${path}.sigstore.json`, digest: bundle },
    ];
    return all.flatMap((one) => (digest && one.digest ? [{ path: one.path, digest: one.digest }] : []));
  };
  return [...beside('model', manifest, manifestBundle), ...beside('policy', policy, policyBundle)];
}

/** Undefined unless the tree has the very document there. */
async function readAs({ path, digest }: Copy, tree: Seen['tree'], repository: ManifestsRepository) {
  const found = findInTree(tree, path);
  const bytes = found?.kind === 'blob' ? await readCopy(repository, found.oid, COPY_LIMIT_BYTES) : undefined;
  return bytes !== undefined && digestOf(bytes) === digest ? bytes : undefined;
}
