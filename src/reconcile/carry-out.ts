// Owns carrying out a plan: one commit a step, pushed together by compare-and-swap. It makes no choices.
import { assertInvariant, CodedError, toCodedError } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import { type Digest, digestOf } from '../contract/digest.ts';
import { spliceSpec, spliceStatus } from '../documents/edit-rollout.ts';
import { parseDocument } from '../documents/parse-document.ts';
import type { ManifestsRepository } from '../git/manifests-repository.ts';
import type { Transition } from '../rollout/transition.ts';
import type { ReconcilerSigner } from '../signing/evidence-signer.ts';
import { evidenceOf } from '../snapshot/evidence.ts';
import type { Snapshot } from '../snapshot/snapshot.ts';
import { rolloutsByName } from '../snapshot/snapshot-index.ts';
import { commitMessage } from '../wording/commit-message.ts';
import { copiesOf, previousStatement } from './evidence-copies.ts';

export interface CarryOutFacts {
  readonly steps: readonly Transition[];
  readonly snapshot: Snapshot;
  readonly now: number;
  readonly signal: AbortSignal;
}

/** `lost`: the branch may have moved; whatever happened, the next cycle reads it and decides again. */
export type CarriedOut =
  | { readonly kind: 'pushed'; readonly commits: readonly PushedStep[] }
  | { readonly kind: 'lost'; readonly reason: string }
  /** No step could be written as a commit; nothing was sent. */
  | { readonly kind: 'unwritten'; readonly error: CodedError };

export interface PushedStep {
  readonly commit: string;
  /** Digest of its evidence file: names the step on the branch, whatever became of the commit's own id. */
  readonly evidence: Digest;
  readonly step: Transition;
}

/** A rollback looks back at most this far for the commit that it reverts. */
const MOST_HISTORY = 500;

export class Executor {
  readonly #repository: ManifestsRepository;
  readonly #signer: ReconcilerSigner;
  readonly #logger: Logger;

  constructor(repository: ManifestsRepository, signer: ReconcilerSigner, logger: Logger) {
    this.#repository = repository;
    this.#signer = signer;
    this.#logger = logger;
  }

  /**
   * Writes a chain of commits on the observed head and pushes it. Nothing is visible to others before the push. A step that can't be written
   * holds up no other rollout's.
   */
  async carryOut({ steps, snapshot, now, signal }: CarryOutFacts): Promise<CarriedOut> {
    const pushed: PushedStep[] = [];
    let head = snapshot.commit;
    let unwritten: CodedError | undefined;
    for (const step of steps) {
      const written = await this.#tryCommit(step, snapshot, head, now);
      if (written instanceof CodedError) {
        unwritten = written;
        continue;
      }
      pushed.push(written);
      head = written.commit;
    }
    if (pushed.length === 0 && unwritten !== undefined) return { kind: 'unwritten', error: unwritten };
    const outcome = await this.#repository.push(head, snapshot.commit, signal);
    switch (outcome.kind) {
      case 'pushed':
        return { kind: 'pushed', commits: pushed };
      case 'refused':
        return { kind: 'lost', reason: outcome.reason };
      case 'unknown':
        return this.#lookForThem(pushed, snapshot.commit, outcome.error.message, signal);
    }
  }

  /** The answer to the push was lost: the branch itself says whether the steps are on it, by trailer and evidence. */
  async #lookForThem(
    steps: readonly PushedStep[],
    observed: string,
    reason: string,
    signal: AbortSignal,
  ): Promise<CarriedOut> {
    const fetched = await this.#repository.fetch(signal);
    if (fetched.kind !== 'head') return { kind: 'lost', reason };
    const since = await this.#repository.logUntil(fetched.commit, observed, MOST_HISTORY);
    const evidence = new Set(since.flatMap((commit) => commit.trailers.get('Slipway-Evidence') ?? []));
    const landed = steps.every((one) => evidence.has(one.evidence));
    return landed ? { kind: 'pushed', commits: steps } : { kind: 'lost', reason };
  }

  async #tryCommit(
    step: Transition,
    snapshot: Snapshot,
    parent: string,
    now: number,
  ): Promise<PushedStep | CodedError> {
    try {
      return await this.#commit(step, snapshot, parent, now);
    } catch (thrown) {
      const error = toCodedError(thrown, 'STEP_NOT_WRITTEN');
      if (error.kind === 'retry-later') throw error;
      this.#logger.error('step can not be written', { rollout: step.rollout, kind: step.kind, error });
      return error;
    }
  }

  async #commit(step: Transition, snapshot: Snapshot, parent: string, now: number): Promise<PushedStep> {
    const document = rolloutsByName(snapshot).get(step.rollout);
    assertInvariant(document?.kind === 'rollout', `a step is only decided for a readable rollout: ${step.rollout}`);
    const { documents, changes: copies } = await copiesOf(step, snapshot, this.#repository);
    const previous = await previousStatement(step, snapshot, this.#repository);
    const facts = { observed: snapshot.commit, now, previous, documents };
    const evidence = this.#signer.signEvidence(evidenceOf(step, facts));
    const text = spliceStatus(spliceSpec(document.text, step.spec), step.next);
    assertReadable(document.path, text);
    const changes = new Map<string, Uint8Array | null>([
      [document.path, Buffer.from(text)],
      [step.next.evidence, Buffer.from(evidence)],
      ...copies,
    ]);
    const reverts = step.kind === 'roll-back' ? await this.#findStart(step, snapshot.commit) : null;
    const digest = digestOf(evidence);
    const message = commitMessage({ transition: step, observed: snapshot.commit, evidenceDigest: digest, reverts });
    const commit = await this.#repository.commit({ parent, changes, message, atMs: now });
    this.#logger.debug('step written', { rollout: step.rollout, kind: step.kind, commit });
    return { commit, evidence: digest, step };
  }

  /** The commit that started what is rolled back. */
  async #findStart(step: Transition, head: string): Promise<string | null> {
    const history = await this.#repository.log(head, MOST_HISTORY);
    const isStart = (trailers: ReadonlyMap<string, readonly string[]>): boolean =>
      trailers.get('Slipway-Rollout')?.[0] === step.rollout && trailers.get('Slipway-Kind')?.[0] === 'start';
    return history.find((commit) => isStart(commit.trailers))?.oid ?? null;
  }
}

/** What this service could not read again would end its own control over the rollout: such a step is not written. */
function assertReadable(file: string, text: string): void {
  const parsed = parseDocument(file, Buffer.from(text));
  if (parsed.kind === 'parsed') return;
  const [first] = parsed.errors;
  throw new CodedError({
    code: 'STEP_UNREADABLE',
    kind: 'bug',
    message: `With the step, ${file} could not be read again: ${first?.message ?? 'it is broken'}`,
    ...(first === undefined ? {} : { cause: first }),
  });
}
