// Owns carrying out a plan: one commit a step, landed together. It makes no choices.
import { assertInvariant, CodedError, toCodedError } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import { digestOf } from '../contract/digest.ts';
import { MOST_PAYLOAD_BYTES } from '../contract/trust/dsse.ts';
import { spliceSpec, spliceStatus } from '../documents/edit-rollout.ts';
import { parseDocument } from '../documents/parse-document.ts';
import type { ManifestsRepository } from '../git/manifests-repository.ts';
import type { Transition } from '../rollout/transition.ts';
import type { ReconcilerSigner } from '../signing/evidence-signer.ts';
import { evidenceOf, payloadOf } from '../snapshot/evidence.ts';
import type { RolloutDocument, Snapshot } from '../snapshot/snapshot.ts';
import { rolloutsByName } from '../snapshot/snapshot-index.ts';
import type { StatusClaims } from '../snapshot/status-claims.ts';
import { commitMessage } from '../wording/commit-message.ts';
import { copiesOf, previousStatement } from './evidence-copies.ts';
import type { Landing, LandingAnswer, WrittenStep } from './landing.ts';

export interface CarryOutFacts {
  readonly steps: readonly Transition[];
  readonly snapshot: Snapshot;
  readonly now: number;
  readonly signal: AbortSignal;
}

export type CarriedOut =
  | LandingAnswer
  /** No step could be written as a commit; nothing was sent. */
  | { readonly kind: 'unwritten'; readonly error: CodedError };

/** The commit that a rollback reverts is looked for among so many at first, and at most: after a rewritten history nobody finds it. */
const FIRST_LOOK_BACK = 500;
const MOST_LOOK_BACK = 50_000;

export interface ExecutorParts {
  readonly repository: ManifestsRepository;
  readonly claims: StatusClaims;
  readonly signer: ReconcilerSigner;
  readonly landing: Landing;
  readonly logger: Logger;
  /** Where the project's runbooks are read, unless at their usual place. */
  readonly runbooks?: () => string | undefined;
}

export class Executor {
  readonly #parts: ExecutorParts;
  /** By rollout: why its step could not be written the last time. */
  readonly #unwritten = new Map<string, string>();

  constructor(parts: ExecutorParts) {
    this.#parts = parts;
  }

  /**
   * Writes a chain of commits on the observed head and has it landed. Nothing is visible to others before. A step that can't be written
   * holds up no other rollout's.
   */
  async carryOut({ steps, snapshot, now, signal }: CarryOutFacts): Promise<CarriedOut> {
    const written: WrittenStep[] = [];
    let head = snapshot.commit;
    let unwritten: CodedError | undefined;
    for (const step of steps) {
      const one = await this.#tryCommit(step, snapshot, head, now);
      if (one instanceof CodedError) {
        unwritten = one;
        continue;
      }
      written.push(one);
      head = one.commit;
    }
    if (written.length === 0 && unwritten !== undefined) return { kind: 'unwritten', error: unwritten };
    return this.#parts.landing.land({ steps: written, observed: snapshot.commit, signal });
  }

  async #tryCommit(
    step: Transition,
    snapshot: Snapshot,
    parent: string,
    now: number,
  ): Promise<WrittenStep | CodedError> {
    try {
      const written = await this.#commit(step, snapshot, parent, now);
      this.#unwritten.delete(step.rollout);
      return written;
    } catch (thrown) {
      const error = notWritten(step, thrown);
      if (error.kind === 'retry-later') throw error;
      const { rollout, kind } = step;
      if (this.#unwritten.get(rollout) !== error.message)
        this.#parts.logger.error("step can't be written", { rollout, kind, error });
      this.#unwritten.set(rollout, error.message);
      return error;
    }
  }

  async #commit(step: Transition, snapshot: Snapshot, parent: string, now: number): Promise<WrittenStep> {
    const document = rolloutsByName(snapshot).get(step.rollout);
    // Of a deleted rollout the evidence alone is written: whoever restores the file finds it there.
    assertInvariant(
      document?.kind !== 'broken',
      `a step is only landed for a rollout that can be written: ${step.rollout}`,
    );
    const { repository, signer } = this.#parts;
    const { documents, changes: copies } = await copiesOf(step, snapshot, repository);
    const previous = await previousStatement(step, snapshot, repository);
    const facts = { observed: snapshot.commit, now, previous, documents };
    const evidence = signer.signEvidence(evidenceOf(step, facts));
    assertVerifiable(step.next.evidence, evidence);
    const changes = new Map<string, Uint8Array | null>([
      ...(document === undefined ? [] : [stepIn(document, step)]),
      [step.next.evidence, Buffer.from(evidence)],
      ...copies,
    ]);
    const reverts = step.kind === 'roll-back' ? await this.#findStart(step, snapshot) : null;
    const digest = digestOf(evidence);
    const runbooks = this.#parts.runbooks?.();
    const message = commitMessage({
      ...{ transition: step, observed: snapshot.commit, evidenceDigest: digest, reverts },
      ...(runbooks === undefined ? {} : { runbooks }),
    });
    const commit = await this.#parts.repository.commit({ parent, changes, message, atMs: now });
    this.#parts.logger.debug('step written', { rollout: step.rollout, kind: step.kind, commit });
    return { commit, evidence: digest, step };
  }

  /** The commit by which the candidate started that is rolled back; null when it is not found: only the message names it. */
  async #findStart({ rollout, subject, next }: Transition, snapshot: Snapshot): Promise<string | null> {
    const { claims, repository } = this.#parts;
    if (subject === null) return null;
    const start = await claims.findStart(rollout, snapshot, subject, next.revision);
    if (start === null) return null;
    for (let most = FIRST_LOOK_BACK; most <= MOST_LOOK_BACK; most *= 10) {
      const history = await repository.logUntil(snapshot.commit, start.observed, most);
      if (history.length >= most && most < MOST_LOOK_BACK) continue;
      // The oldest of all: a person may have copied the trailers into a later commit.
      const found = history.findLast((commit) => commit.trailers.get('Slipway-Evidence')?.includes(start.evidence));
      return found?.oid ?? null;
    }
    return null;
  }
}

/** A bug says which step it keeps back: people read it beside the rollout's other facts. */
function notWritten({ rollout, kind }: Transition, thrown: unknown): CodedError {
  const error = toCodedError(thrown, 'STEP_NOT_WRITTEN');
  if (error.code !== 'STEP_NOT_WRITTEN') return error;
  return new CodedError({
    code: 'STEP_NOT_WRITTEN',
    kind: 'bug',
    message: `The step "${kind}" of ${rollout} can't be written: ${error.message}.`,
    remedy:
      "This is a bug in Slipway: report it with the service's log. Devices keep what they run; other rollouts go on.",
    cause: thrown,
  });
}

/** The rollout's file after the step. */
function stepIn({ path, text: before }: RolloutDocument, step: Transition): [string, Uint8Array] {
  const text = spliceStatus(spliceSpec(before, step.spec), step.next);
  assertReadable(path, text);
  return [path, Buffer.from(text)];
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

/** A status whose evidence is refused for its length is a forged one, and the next cycle would put the one before back: for ever. */
function assertVerifiable(file: string, evidence: string): void {
  const length = payloadOf(Buffer.from(evidence))?.length ?? 0;
  if (length <= MOST_PAYLOAD_BYTES) return;
  throw new CodedError({
    code: 'STEP_EVIDENCE_TOO_LARGE',
    kind: 'bug',
    message: `The evidence ${file} has ${length} bytes, more than the ${MOST_PAYLOAD_BYTES} that can be verified.`,
  });
}
