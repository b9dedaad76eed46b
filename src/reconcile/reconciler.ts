// Owns the loop: fetch, observe, decide, commit, push, publish. Level-triggered: a cycle that is lost is simply done again.
import { type BackOff, backOffMs } from '../base/back-off.ts';
import type { Clock } from '../base/clock.ts';
import { formatError, toCodedError } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import type { RandomStream } from '../base/random.ts';
import type { Directive } from '../contract/directive.ts';
import type { FetchOutcome, ManifestsRepository } from '../git/manifests-repository.ts';
import { decide, type Plan } from '../rollout/decide.ts';
import type { FleetStore, Publication as PublicationRecord } from '../store/fleet-store.ts';
import { Brakes } from './brakes.ts';
import type { Executor, PushedStep } from './carry-out.ts';
import type { Observation, Observer } from './observe.ts';
import type { Publisher } from './publisher.ts';
import { NOTHING_YET, type ServiceView, type SourceState } from './service-view.ts';

export interface ReconcilerParts {
  readonly repository: ManifestsRepository;
  readonly observer: Observer;
  readonly executor: Executor;
  readonly publisher: Publisher;
  readonly store: FleetStore;
  readonly clock: Clock;
  readonly random: RandomStream;
  readonly logger: Logger;
}

export interface ReconcilerSettings {
  /** How often the remote is asked when no webhook says so. */
  readonly pollMs: number;
  /** How often measurements are judged in between. */
  readonly tickMs: number;
  /** How long a rollback may wait for its push before the brake is published. */
  readonly brakeAfterMs: number;
}

export const DEFAULT_RECONCILER_SETTINGS: ReconcilerSettings = { pollMs: 30_000, tickMs: 2_000, brakeAfterMs: 120_000 };

/** What one cycle did. */
export type Cycle =
  | { readonly kind: 'no-source'; readonly source: SourceState }
  | { readonly kind: 'stepped'; readonly plan: Plan; readonly commits: readonly PushedStep[] }
  /** Steps are decided and not on the branch. */
  | { readonly kind: 'unpushed'; readonly plan: Plan; readonly reason: string }
  | { readonly kind: 'in-step'; readonly plan: Plan };

const PUSH_BACK_OFF: BackOff = { firstMs: 500, capMs: 30_000 };
/** One wake may follow up so many commits at once before the loop takes breath. */
const MOST_CYCLES_IN_A_ROW = 20;

export interface ReconcilerEvents {
  readonly onSteps?: (steps: readonly PushedStep[]) => void;
  readonly onPublished?: (sequence: number) => void;
  readonly onObserved?: (observation: Observation) => void;
}

export class Reconciler {
  readonly #parts: ReconcilerParts;
  readonly #settings: ReconcilerSettings;
  readonly #events: ReconcilerEvents;
  readonly #brakes: Brakes;
  #head: string | null = null;
  #view: ServiceView = NOTHING_YET;
  #wake: AbortController = new AbortController();
  #fetchAt = 0;
  #failedPushes = 0;
  #pushAgainAt = 0;

  constructor(parts: ReconcilerParts, settings: ReconcilerSettings, events: ReconcilerEvents = {}) {
    this.#parts = parts;
    this.#settings = settings;
    this.#events = events;
    this.#brakes = new Brakes(parts.store, settings.brakeAfterMs);
  }

  view(): ServiceView {
    return this.#view;
  }

  /** Takes note that the repository may have changed; the loop acts at its own pace. */
  wake(): void {
    this.#fetchAt = 0;
    this.#wake.abort();
  }

  /** Runs until the signal; no error of a cycle ends it. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#wake = new AbortController();
      await this.#cyclesInARow(signal);
      const pause = this.#settings.tickMs * (0.75 + this.#parts.random.next() / 2);
      await this.#parts.clock.sleep(pause, AbortSignal.any([signal, this.#wake.signal]));
    }
  }

  async #cyclesInARow(signal: AbortSignal): Promise<void> {
    for (let i = 0; i < MOST_CYCLES_IN_A_ROW && !signal.aborted; i++) {
      try {
        const cycle = await this.cycle(signal);
        if (cycle.kind !== 'stepped') return;
      } catch (thrown) {
        if (signal.aborted) return;
        const error = toCodedError(thrown, 'RECONCILE_FAILED');
        this.#view = {
          ...this.#view,
          trouble: { code: error.code, message: error.message, remedy: error.remedy ?? null },
        };
        this.#parts.logger[error.kind === 'bug' ? 'error' : 'warn']('cycle failed', { error });
        return;
      }
    }
  }

  /** One cycle. After `stepped`, another one publishes what was pushed. */
  async cycle(signal: AbortSignal): Promise<Cycle> {
    const { clock, store, observer } = this.#parts;
    const source = await this.#follow(signal);
    const head = this.#head;
    if (head === null) {
      this.#view = { ...this.#view, source, cycledAtMs: clock.now(), trouble: null };
      return { kind: 'no-source', source };
    }
    const record = await store.readPublication();
    const published = record.directive ?? (await this.#parts.publisher.findPublished());
    const observation = await observer.observe(head, published, clock.now());
    this.#events.onObserved?.(observation);
    const plan = decide(observation.facts);
    await this.#remember(observation);
    const cycle = await this.#carryOut(plan, observation, source, published, signal);
    if (cycle.kind !== 'stepped') await this.#publish(plan, observation, record, published);
    this.#view = await this.#viewOf(plan, observation, source);
    return cycle;
  }

  /** What the next cycle would do, without doing it. */
  async dryRun(
    signal: AbortSignal,
  ): Promise<{ readonly source: SourceState; readonly plan: Plan | null; readonly observation: Observation | null }> {
    const source = await this.#follow(signal);
    if (this.#head === null) return { source, plan: null, observation: null };
    const published =
      (await this.#parts.store.readPublication()).directive ?? (await this.#parts.publisher.findPublished());
    const observation = await this.#parts.observer.observe(this.#head, published, this.#parts.clock.now());
    return { source, plan: decide(observation.facts), observation };
  }

  /** Asks the remote when it is time to; otherwise what is known stands. */
  async #follow(signal: AbortSignal): Promise<SourceState> {
    const { clock, random, repository } = this.#parts;
    const nowMs = clock.monotonicMs();
    if (nowMs < this.#fetchAt) return this.#view.source;
    this.#fetchAt = nowMs + this.#settings.pollMs * (0.75 + random.next() / 2);
    return this.#sourceOf(await repository.fetch(signal));
  }

  #sourceOf(outcome: FetchOutcome): SourceState {
    const { logger, clock } = this.#parts;
    const before = this.#view.source;
    switch (outcome.kind) {
      case 'head':
        if (this.#head !== outcome.commit) this.#failedPushes = 0;
        this.#head = outcome.commit;
        return { kind: 'followed', commit: outcome.commit, atMs: clock.now() };
      case 'empty':
        if (before.kind !== 'empty') logger.warn('the repository is empty');
        return { kind: 'empty' };
      case 'branch-missing':
        if (before.kind !== 'branch-missing') logger.warn('the branch is missing', { branch: outcome.branch });
        return { kind: 'branch-missing', branch: outcome.branch, others: outcome.others };
      case 'failed': {
        if (before.kind !== 'away') logger.warn('the repository can not be read', { error: outcome.error });
        const sinceMs = before.kind === 'away' ? before.sinceMs : clock.now();
        return {
          kind: 'away',
          problem: outcome.problem,
          reason: outcome.error.message,
          remedy: outcome.error.remedy ?? null,
          sinceMs,
        };
      }
    }
  }

  /** The highest authentic status of each rollout that stands on the branch: the floor below which nothing goes. */
  async #remember({ snapshot, facts }: Observation): Promise<void> {
    for (const { name, claim, seen, publishedRevision } of facts.rollouts) {
      if (claim.kind !== 'authentic' || claim.status.revision < publishedRevision) continue;
      if (seen !== null && claim.status.revision <= seen.revision) continue;
      await this.#parts.store.recordSeen(name, {
        revision: claim.status.revision,
        commit: snapshot.commit,
        status: JSON.parse(JSON.stringify(claim.status)),
      });
    }
  }

  async #carryOut(
    plan: Plan,
    observation: Observation,
    source: SourceState,
    published: Directive | null,
    signal: AbortSignal,
  ): Promise<Cycle> {
    if (plan.steps.length === 0) {
      await this.#brakes.noteUnpushed([], published, this.#parts.clock.now());
      return { kind: 'in-step', plan };
    }
    const { clock, executor, logger } = this.#parts;
    const isHeldBack = source.kind !== 'followed' || clock.monotonicMs() < this.#pushAgainAt;
    const now = Math.max(clock.now(), ...observation.facts.rollouts.map((facts) => facts.now));
    const outcome = isHeldBack
      ? { kind: 'lost' as const, reason: 'the repository is away' }
      : await executor.carryOut({ steps: plan.steps, snapshot: observation.snapshot, now, signal });
    if (outcome.kind === 'lost') {
      await this.#afterLostPush(plan, published, outcome.reason, isHeldBack);
      return { kind: 'unpushed', plan, reason: outcome.reason };
    }
    this.#failedPushes = 0;
    this.#head = outcome.commits.at(-1)?.commit ?? this.#head;
    await this.#brakes.noteUnpushed([], published, clock.now());
    for (const { step, commit } of outcome.commits) {
      logger.info('step', {
        rollout: step.rollout,
        kind: step.kind,
        from: step.from,
        to: step.to,
        reason: step.reason,
        commit,
      });
    }
    this.#events.onSteps?.(outcome.commits);
    return { kind: 'stepped', plan, commits: outcome.commits };
  }

  /** The branch may have moved: look at once. When it did not, the same push would fail again: wait longer each time. */
  async #afterLostPush(plan: Plan, published: Directive | null, reason: string, isHeldBack: boolean): Promise<void> {
    const { clock, random, logger } = this.#parts;
    await this.#brakes.noteUnpushed(plan.steps, published, clock.now());
    if (isHeldBack) return;
    logger.warn('push lost, deciding again', { reason });
    this.#fetchAt = 0;
    if (this.#failedPushes > 0)
      this.#pushAgainAt = clock.monotonicMs() + backOffMs(this.#failedPushes, PUSH_BACK_OFF, random);
    this.#failedPushes++;
    this.#wake.abort();
  }

  async #publish(
    plan: Plan,
    { snapshot }: Observation,
    record: PublicationRecord,
    published: Directive | null,
  ): Promise<void> {
    const directive = await this.#brakes.apply(plan.directive);
    const outcome = await this.#parts.publisher.publish({ directive, published, record, snapshot });
    if (outcome.kind === 'published') {
      this.#parts.logger.info('published', { sequence: outcome.sequence, rollouts: directive.entries.length });
      this.#events.onPublished?.(outcome.sequence);
    }
    if (outcome.kind === 'lost') this.#wake.abort();
  }

  async #viewOf(plan: Plan, { snapshot, fleet }: Observation, source: SourceState): Promise<ServiceView> {
    const documents = [
      ...snapshot.models.values(),
      ...snapshot.policies.values(),
      ...snapshot.rollouts.values(),
      ...snapshot.groups.values(),
    ];
    const errors = documents.flatMap((document) => (document.kind === 'broken' ? document.errors : []));
    return {
      source,
      commit: snapshot.commit,
      outlooks: plan.outlooks,
      problems: [...snapshot.problems, ...errors].slice(0, 100).map(formatError),
      contradicting: fleet.contradicting,
      refusing: fleet.refusing,
      brakes: [...(await this.#parts.store.readBrakes()).keys()],
      publishedSequence: (await this.#parts.store.readPublication()).sequence,
      cycledAtMs: this.#parts.clock.now(),
      trouble: null,
    };
  }
}
