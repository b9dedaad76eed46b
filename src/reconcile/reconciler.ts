// Owns the loop: fetch, observe, decide, commit, push, publish. Level-triggered: a cycle that is lost is simply done again.
import { type BackOff, backOffMs } from '../base/back-off.ts';
import type { Clock } from '../base/clock.ts';
import { type CodedError, formatError, toCodedError } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import type { RandomStream } from '../base/random.ts';
import type { Directive } from '../contract/directive.ts';
import type { ManifestsRepository } from '../git/manifests-repository.ts';
import type { DeclaredWatch } from '../measurement/declared-watch.ts';
import { type Decisions, decide, type Plan } from '../rollout/decide.ts';
import { takesBack } from '../rollout/transition.ts';
import type { Snapshot } from '../snapshot/snapshot.ts';
import { documentErrors } from '../snapshot/snapshot-index.ts';
import type { FleetStore, Publication as PublicationRecord } from '../store/fleet-store.ts';
import { Brakes } from './brakes.ts';
import type { Executor, PushedStep } from './carry-out.ts';
import type { Notices } from './notices.ts';
import type { Observation, Observer } from './observe.ts';
import { applyWatchChanges, type WindowKeeping } from './prepare-windows.ts';
import type { Publisher } from './publisher.ts';
import { NOTHING_YET, type ServiceView, type SourceState } from './service-view.ts';
import { SourceFollower } from './source-follower.ts';

export interface ReconcilerParts {
  readonly repository: ManifestsRepository;
  readonly observer: Observer;
  readonly windows: WindowKeeping;
  readonly executor: Executor;
  readonly publisher: Publisher;
  readonly store: FleetStore;
  readonly notices: Notices;
  readonly declared: DeclaredWatch;
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
/** More would make a push that hosts and the mirror's own bounds refuse. */
const MOST_STEPS_A_PUSH = 200;
/** How long the loop waits for the remote's answer before it goes on with what it knows. */
const PATIENCE_MS = 5_000;

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
  readonly #source: SourceFollower;
  #judgedHead: string | null = null;
  #view: ServiceView = NOTHING_YET;
  #wake: AbortController = new AbortController();
  #unwritten: CodedError | null = null;
  #decisions: Decisions = new Map();
  #failedPushes = 0;
  #pushAgainAt = 0;

  constructor(parts: ReconcilerParts, settings: ReconcilerSettings, events: ReconcilerEvents = {}) {
    this.#parts = parts;
    this.#settings = settings;
    this.#events = events;
    this.#brakes = new Brakes(parts.store, settings.brakeAfterMs);
    this.#source = new SourceFollower(parts, settings.pollMs);
  }

  view(): ServiceView {
    return this.#view;
  }

  /** Takes note that the repository may have changed; the loop acts at its own pace. */
  wake(): void {
    this.#source.askSoon();
    this.#wake.abort();
  }

  /** Runs until the signal; no error of a cycle ends it. */
  async run(signal: AbortSignal): Promise<void> {
    this.#source.recall();
    while (!signal.aborted) {
      this.#wake = new AbortController();
      await this.#cyclesInARow(signal);
      const pause = this.#settings.tickMs * (0.75 + this.#parts.random.next() / 2);
      await this.#parts.clock.sleep(pause, AbortSignal.any([signal, this.#wake.signal]));
    }
    await this.#source.settled();
  }

  async #cyclesInARow(signal: AbortSignal): Promise<void> {
    for (let i = 0; i < MOST_CYCLES_IN_A_ROW && !signal.aborted; i++) {
      try {
        const cycle = await this.cycle(signal, PATIENCE_MS);
        if (cycle.kind !== 'stepped') return;
      } catch (thrown) {
        if (signal.aborted) return;
        const error = toCodedError(thrown, 'RECONCILE_FAILED');
        await this.#show({ ...this.#view, trouble: troubleOf(error) });
        if (error.kind === 'bug') this.#parts.logger.error('cycle failed', { error, stack: stackOf(thrown) });
        else this.#parts.logger.warn('cycle failed', { error });
        return;
      }
    }
  }

  /** One cycle. After `stepped`, another one publishes what was pushed. Waits for a slow remote as long as told, else to its end. */
  async cycle(signal: AbortSignal, patienceMs: number = Number.POSITIVE_INFINITY): Promise<Cycle> {
    const { clock, store } = this.#parts;
    const head = await this.#follow(signal, patienceMs);
    const record = await store.readPublication();
    const published = record.directive ?? (await this.#parts.publisher.findPublished());
    if (head === null) {
      if (record.directive !== null) await this.#publish(record.directive, null, record);
      await this.#show({ ...this.#view, cycledAtMs: clock.now(), trouble: null });
      return { kind: 'no-source', source: this.#source.state };
    }
    const observation = await this.#observe(head, record, published);
    this.#events.onObserved?.(observation);
    const plan = decide(observation.facts, this.#decisions);
    this.#decisions = plan.decisions;
    await this.#prepare(observation);
    if (!(await this.#remember(observation))) {
      const reason = 'another process has seen more; looking again';
      this.#parts.logger.warn(reason);
      this.wake();
      return { kind: 'unpushed', plan, reason };
    }
    const cycle = await this.#carryOut(plan, observation, published, signal);
    if (cycle.kind !== 'stepped') {
      await this.#publish(await this.#brakes.apply(plan.directive), observation.snapshot, record, published);
    }
    await this.#tell(await this.#viewOf(plan, observation), observation, published);
    return cycle;
  }

  /** Before anything of it is published: no report about what is published must find its window closed. */
  async #prepare({ wanted }: Observation): Promise<void> {
    await this.#parts.windows.prepare(wanted);
    await applyWatchChanges(this.#parts.store, wanted.changes);
  }

  /** The view after a cycle that observed nothing. */
  async #show(view: ServiceView): Promise<void> {
    this.#view = view;
    this.#view = { ...view, alerts: await this.#parts.notices.noteBlind(view) };
  }

  /** The view after a cycle, with the alerts that follow from it. */
  async #tell(view: ServiceView, observation: Observation, published: Directive | null): Promise<void> {
    const { store, notices, declared } = this.#parts;
    const offDeclared = await declared.look(published, observation.fleet);
    const seen = { ...view, offDeclared };
    const brakes = await store.readBrakes();
    const alerts = await notices.note({ observation, view: seen, brakes, offDeclared, watched: observation.watched });
    this.#view = { ...seen, alerts };
  }

  /** What can't be observed must not stop the renewal of what is published, nor a brake. */
  async #observe(head: string, record: PublicationRecord, published: Directive | null): Promise<Observation> {
    try {
      return await this.#parts.observer.observe(head, published, this.#parts.clock.now(), this.#decisions);
    } catch (error) {
      if (record.directive !== null) await this.#publish(await this.#brakes.apply(record.directive), null, record);
      throw error;
    }
  }

  /** What the next cycle would do, without doing it. */
  async dryRun(
    signal: AbortSignal,
  ): Promise<{ readonly source: SourceState; readonly plan: Plan | null; readonly observation: Observation | null }> {
    const head = await this.#follow(signal, Number.POSITIVE_INFINITY);
    const source = this.#source.state;
    if (head === null) return { source, plan: null, observation: null };
    const published =
      (await this.#parts.store.readPublication()).directive ?? (await this.#parts.publisher.findPublished());
    const observation = await this.#parts.observer.observe(head, published, this.#parts.clock.now());
    return { source, plan: decide(observation.facts), observation };
  }

  async #follow(signal: AbortSignal, patienceMs: number): Promise<string | null> {
    await this.#source.follow(signal, patienceMs);
    const { head, state } = this.#source;
    if (head !== this.#judgedHead) this.#failedPushes = 0;
    this.#judgedHead = head;
    this.#view = { ...this.#view, source: state };
    return head;
  }

  /**
   * The highest authentic status of each rollout that stands on the branch: the floor below which nothing goes. False when another process
   * has meanwhile seen a higher one, or another one of the same number: what was observed here is not to be acted on.
   */
  async #remember({ snapshot, facts }: Observation): Promise<boolean> {
    let isNewest = true;
    for (const { name, claim, seen, publishedRevision } of facts.rollouts) {
      if (claim.kind !== 'authentic' || claim.status.revision < publishedRevision) continue;
      if (seen !== null && claim.status.revision <= seen.revision) continue;
      const answer = await this.#parts.store.recordSeen(name, {
        revision: claim.status.revision,
        commit: snapshot.commit,
        status: JSON.parse(JSON.stringify(claim.status)),
      });
      isNewest &&= answer === 'recorded';
    }
    return isNewest;
  }

  async #carryOut(
    plan: Plan,
    observation: Observation,
    published: Directive | null,
    signal: AbortSignal,
  ): Promise<Cycle> {
    if (plan.steps.length === 0) {
      this.#unwritten = null;
      await this.#brakes.noteUnpushed([], published, this.#parts.clock.now());
      return { kind: 'in-step', plan };
    }
    const { clock, executor, logger } = this.#parts;
    const isAway = this.#source.state.kind !== 'followed' || this.#source.isAsking;
    const isHeldBack = isAway || clock.monotonicMs() < this.#pushAgainAt;
    const now = Math.max(clock.now(), ...observation.facts.rollouts.map((facts) => facts.now));
    const outcome = isHeldBack
      ? {
          kind: 'lost' as const,
          reason: isAway ? 'the repository is away' : 'the last push failed; the next one waits',
        }
      : await executor
          .carryOut({ steps: firstSteps(plan.steps), snapshot: observation.snapshot, now, signal })
          .catch(asUnwritten);
    this.#unwritten = outcome.kind === 'unwritten' ? outcome.error : null;
    if (outcome.kind === 'unwritten') {
      await this.#brakes.noteUnpushed(plan.steps, published, clock.now());
      return { kind: 'unpushed', plan, reason: outcome.error.message };
    }
    if (outcome.kind === 'lost') {
      await this.#afterLostPush(plan, published, outcome.reason, isHeldBack);
      return { kind: 'unpushed', plan, reason: outcome.reason };
    }
    this.#failedPushes = 0;
    const last = outcome.commits.at(-1);
    if (last !== undefined) this.#source.moveTo(last.commit);
    await this.#brakes.noteUnpushed([], published, clock.now());
    for (const { step, commit } of outcome.commits) {
      logger.info('step', {
        rollout: step.rollout,
        kind: step.kind,
        from: step.from,
        to: step.to,
        reason: step.reason.kind,
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
    this.#source.askSoon();
    if (this.#failedPushes > 0)
      this.#pushAgainAt = clock.monotonicMs() + backOffMs(this.#failedPushes, PUSH_BACK_OFF, random);
    this.#failedPushes++;
    this.#wake.abort();
  }

  async #publish(
    directive: Directive,
    snapshot: Snapshot | null,
    record: PublicationRecord,
    published: Directive | null = record.directive,
  ): Promise<void> {
    const outcome = await this.#parts.publisher.publish({ directive, published, record, snapshot });
    if (outcome.kind === 'published') {
      this.#parts.logger.info('published', { sequence: outcome.sequence, rollouts: directive.entries.length });
      this.#events.onPublished?.(outcome.sequence);
    }
    if (outcome.kind === 'lost') this.#wake.abort();
  }

  async #viewOf(plan: Plan, { snapshot, fleet }: Observation): Promise<ServiceView> {
    return {
      source: this.#source.state,
      commit: snapshot.commit,
      outlooks: plan.outlooks,
      problems: documentErrors(snapshot).slice(0, 100).map(formatError),
      contradicting: fleet.contradicting,
      refusing: fleet.refusing,
      brakes: [...(await this.#parts.store.readBrakes()).keys()],
      offDeclared: this.#view.offDeclared,
      alerts: this.#view.alerts,
      publishedSequence: (await this.#parts.store.readPublication()).sequence,
      cycledAtMs: this.#parts.clock.now(),
      trouble: this.#unwritten === null ? null : troubleOf(this.#unwritten),
    };
  }
}

/** Devices that have a bad candidate come first; the rest follows in the next cycles at once. */
function firstSteps(steps: Plan['steps']): Plan['steps'] {
  const [back, others] = [steps.filter(takesBack), steps.filter((one) => !takesBack(one))];
  return [...back, ...others].slice(0, MOST_STEPS_A_PUSH);
}

/** Whatever keeps the steps from being written, the rollbacks among them wait, and the brake counts that. */
function asUnwritten(thrown: unknown): { readonly kind: 'unwritten'; readonly error: CodedError } {
  return { kind: 'unwritten', error: toCodedError(thrown, 'STEP_NOT_WRITTEN') };
}

function troubleOf({ code, message, remedy }: CodedError): NonNullable<ServiceView['trouble']> {
  return { code, message, remedy: remedy ?? null };
}

/** A bug is told with where it happened. */
function stackOf(thrown: unknown): string | undefined {
  return thrown instanceof Error ? thrown.stack : undefined;
}
