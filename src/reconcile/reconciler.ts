// Owns the loop: fetch, observe, decide, prepare, land, publish. Level-triggered: a cycle that is lost is simply done again.
import { assertNever, type CodedError, toCodedError } from '../base/errors.ts';
import type { Directive } from '../contract/directive.ts';
import { withBound } from '../measurement/fleet-words.ts';
import { type Decisions, decide, type Plan } from '../rollout/decide.ts';
import { takesBackFrom } from '../rollout/directive-of.ts';
import type { Snapshot } from '../snapshot/snapshot.ts';
import type { Publication as PublicationRecord } from '../store/reconciler-state.ts';
import { EmergencyRollbacks } from './emergency-rollbacks.ts';
import type { WrittenStep } from './landing.ts';
import type { Observation } from './observe.ts';
import { applyWatchChanges } from './prepare-windows.ts';
import { PushPace, type StepsOfCycle } from './push-pace.ts';
import type { ReconcilerParts } from './reconciler-parts.ts';
import { rememberSeen } from './remember-seen.ts';
import { NOTHING_YET, observedView, type ServiceView, type SourceState, troubleOf } from './service-view.ts';
import { SourceFollower } from './source-follower.ts';

export interface ReconcilerSettings {
  /** How often the remote is asked when no webhook says so. */
  readonly pollMs: number;
  /** How often measurements are judged in between. */
  readonly tickMs: number;
  /** How long a rollback may wait for its commit on the branch before devices get it without. */
  readonly emergencyAfterMs: number;
}

/** One wake may follow up so many commits at once before the loop takes breath. */
const MOST_CYCLES_IN_A_ROW = 20;
/** How long the loop waits for the remote's answer before it goes on with what it knows. */
const PATIENCE_MS = 5_000;

/** What one cycle did. */
export type Cycle = { readonly kind: 'no-source'; readonly source: SourceState } | StepsOfCycle;

export interface ReconcilerEvents {
  readonly onSteps?: (steps: readonly WrittenStep[]) => void;
  readonly onPublished?: (sequence: number) => void;
  readonly onObserved?: (observation: Observation) => void;
  /** A cycle is over, however it ended: what the service says of itself now. */
  readonly onShown?: (view: ServiceView) => void;
}

/** What is published when a cycle begins. */
interface Before {
  readonly record: PublicationRecord;
  readonly published: Directive | null;
}

/** What became of a plan. */
interface Acted {
  readonly kind: 'acted';
  readonly cycle: StepsOfCycle;
  readonly observation: Observation;
  /** What is published now. */
  readonly before: Before;
}

type Outcome =
  | Acted
  | { readonly kind: 'no-source' }
  /** Another process has seen more: what was observed here is not to be acted on. */
  | { readonly kind: 'overtaken'; readonly cycle: Cycle }
  | { readonly kind: 'failed'; readonly thrown: unknown };

export class Reconciler {
  readonly #parts: ReconcilerParts;
  #settings: ReconcilerSettings;
  readonly #events: ReconcilerEvents;
  readonly #emergencies: EmergencyRollbacks;
  readonly #source: SourceFollower;
  readonly #pace: PushPace;
  #view: ServiceView = NOTHING_YET;
  /** When the present cycle began, on the monotonic clock. */
  #startedMs = 0;
  #wake: AbortController = new AbortController();
  #decisions: Decisions = new Map();
  /** Why a window could not be prepared in the last cycle; null when all were. */
  #unprepared: CodedError | null = null;

  constructor(parts: ReconcilerParts, settings: ReconcilerSettings, events: ReconcilerEvents = {}) {
    this.#parts = parts;
    this.#settings = settings;
    this.#events = events;
    this.#emergencies = new EmergencyRollbacks(parts.store, () => this.#settings.emergencyAfterMs);
    this.#source = new SourceFollower(parts, () => this.#settings.pollMs);
    this.#pace = new PushPace(parts, this.#source);
  }

  view(): ServiceView {
    return this.#view;
  }

  /** Goes by other settings from the next look on. */
  useSettings(settings: ReconcilerSettings): void {
    this.#settings = settings;
    this.#wake.abort();
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
        const isKnown = this.#view.trouble?.code === error.code;
        await this.#show({ ...this.#view, trouble: troubleOf(error) });
        if (isKnown) return; // what lasts would fill the log at each tick
        if (error.kind === 'bug')
          this.#parts.logger.error('cycle failed', { error, stack: (Object(thrown) as Partial<Error>).stack });
        else this.#parts.logger.warn('cycle failed', { error });
        return;
      }
    }
  }

  /** One cycle. After `stepped`, another one publishes what landed. Waits for a slow remote as long as `patienceMs`, else to its end. */
  async cycle(signal: AbortSignal, patienceMs: number = Number.POSITIVE_INFINITY): Promise<Cycle> {
    this.#startedMs = this.#parts.clock.monotonicMs();
    const head = await this.#follow(signal, patienceMs);
    const atFirst = await this.#readPublished();
    const outcome: Outcome =
      head === null
        ? { kind: 'no-source' }
        : await this.#act(head, atFirst, signal).catch((thrown: unknown) => ({ kind: 'failed' as const, thrown }));
    const before = outcome.kind === 'acted' ? outcome.before : atFirst;
    await this.#publish(outcome, before);
    switch (outcome.kind) {
      case 'failed':
        throw outcome.thrown;
      case 'no-source':
        await this.#show({ ...this.#view, cycledAtMs: this.#parts.clock.now(), trouble: null });
        return { kind: 'no-source', source: this.#source.state };
      case 'overtaken':
        return outcome.cycle;
      case 'acted':
        await this.#notify(outcome);
        return outcome.cycle;
      default:
        return assertNever(outcome);
    }
  }

  async #act(head: string, atFirst: Before, signal: AbortSignal): Promise<Outcome> {
    const { observer, clock, logger, phases } = this.#parts;
    const observation = await observer.observe(head, atFirst.published, clock.now(), this.#decisions);
    const { snapshot, unread } = observation;
    if (unread !== null && this.#view.trouble?.code !== unread.code)
      logger.warn('the commit is not read; the last one that could be is judged', { error: unread });
    this.#events.onObserved?.(observation);
    const plan = phases.timeNow('decide', () => decide(observation.facts, this.#decisions));
    this.#decisions = plan.decisions;
    await this.#prepare(observation);
    if (!(await rememberSeen(this.#parts.store, observation))) {
      const reason = 'another process has seen more; looking again';
      logger.warn(reason);
      this.wake();
      return { kind: 'overtaken', cycle: { kind: 'not-landed', plan, reason, isLost: true } };
    }
    const wanted = withBound(plan.directive, observation.fleet.words);
    const before = await this.#publishReturns(wanted, snapshot, atFirst);
    const cycle = await this.#pace.carryOut(plan, observation, signal);
    if (cycle.kind === 'stepped') this.#events.onSteps?.(cycle.steps);
    // The branch may have moved: look at once.
    if (cycle.kind === 'not-landed' && cycle.isLost) this.#wake.abort();
    const landed = new Set(cycle.kind === 'stepped' ? cycle.steps.map(({ step }) => step.rollout) : []);
    await this.#emergencies.note({
      steps: plan.steps.filter(({ rollout }) => !landed.has(rollout)),
      outlooks: plan.outlooks,
      published: before.published,
      nowMs: clock.now(),
    });
    return { kind: 'acted', cycle, observation, before };
  }

  /** What the next cycle would do, without doing it. */
  async dryRun(
    signal: AbortSignal,
  ): Promise<{ readonly source: SourceState; readonly plan: Plan | null; readonly observation: Observation | null }> {
    const head = await this.#follow(signal, Number.POSITIVE_INFINITY);
    const source = this.#source.state;
    if (head === null) return { source, plan: null, observation: null };
    const { published } = await this.#readPublished();
    const observation = await this.#parts.observer.observe(head, published, this.#parts.clock.now());
    return { source, plan: decide(observation.facts), observation };
  }

  async #readPublished(): Promise<Before> {
    const record = await this.#parts.store.readPublication();
    return { record, published: record.directive ?? (await this.#parts.publisher.findPublished()) };
  }

  async #follow(signal: AbortSignal, patienceMs: number): Promise<string | null> {
    await this.#source.follow(signal, patienceMs);
    const { head, state } = this.#source;
    this.#view = { ...this.#view, source: state };
    return head;
  }

  /** Before anything of it is published: no report about what is published must find its window closed. */
  async #prepare({ wanted }: Observation): Promise<void> {
    const unprepared = await this.#parts.windows.prepare(wanted);
    for (const one of unprepared) this.#parts.logger.error("window can't be prepared", { ...one });
    this.#unprepared = unprepared[0]?.error ?? null;
    await applyWatchChanges(this.#parts.store, wanted.changes);
  }

  /** What can't be observed must not stop the renewal of what is published, nor an emergency rollback. */
  async #publish(outcome: Outcome, { record, published }: Before): Promise<void> {
    const isObserved = outcome.kind === 'acted';
    // What was pushed just now, or seen by another process, is published by the cycle that observes it.
    if (outcome.kind === 'overtaken' || (isObserved && outcome.cycle.kind === 'stepped')) return;
    const wanted = isObserved
      ? withBound(outcome.cycle.plan.directive, outcome.observation.fleet.words)
      : record.directive;
    if (wanted === null) return;
    await this.#publishDirective(wanted, isObserved ? outcome.observation.snapshot : null, { record, published });
  }

  /** What takes a candidate back is published before anything else is pushed: no other rollout's step may hold it up. */
  async #publishReturns(wanted: Directive, snapshot: Snapshot, before: Before): Promise<Before> {
    if (!takesBackFrom(before.published, wanted)) return before;
    await this.#publishDirective(wanted, snapshot, before);
    return this.#readPublished();
  }

  async #publishDirective(wanted: Directive, snapshot: Snapshot | null, { record, published }: Before): Promise<void> {
    const directive = await this.#emergencies.apply(wanted);
    const answer = await this.#parts.publisher.publish({ directive, published, record, snapshot });
    if (answer.kind === 'lost') this.#wake.abort();
    if (answer.kind !== 'published') return;
    this.#parts.logger.info('published', { sequence: answer.sequence, rollouts: directive.entries.length });
    this.#events.onPublished?.(answer.sequence);
  }

  /** The view after a cycle that observed nothing. */
  async #show(view: ServiceView): Promise<void> {
    this.#view = view;
    this.#showTo({ ...view, alerts: await this.#parts.notices.noteBlind(view) });
  }

  /** The view after a cycle, with the alerts that follow from it. */
  async #notify({ cycle, observation, before }: Acted): Promise<void> {
    const { store, notices, declared, clock } = this.#parts;
    const offDeclared = await declared.look(before.published, observation.fleet);
    const emergencyRollbacks = await this.#emergencies.inForce();
    const view: ServiceView = {
      ...observedView(observation, cycle.plan.outlooks),
      source: this.#source.state,
      refusedReports: this.#parts.refusedReports(),
      emergencyRollbacks: emergencyRollbacks.map(({ rollout }) => rollout),
      offDeclared,
      alerts: this.#view.alerts,
      publishedSequence: (await store.readPublication()).sequence,
      cycledAtMs: clock.now(),
      cycleMs: this.#view.cycleMs,
      trouble: troubleOf(observation.unread ?? this.#pace.unwritten ?? this.#unprepared),
    };
    const { watched } = observation;
    const alerts = await notices.note({ observation, view, emergencyRollbacks, offDeclared, watched });
    this.#showTo({ ...view, alerts });
  }

  #showTo(shown: ServiceView): void {
    const view = { ...shown, cycleMs: this.#parts.clock.monotonicMs() - this.#startedMs };
    this.#view = view;
    this.#events.onShown?.(view);
  }
}
