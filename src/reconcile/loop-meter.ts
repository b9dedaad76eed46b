// Owns what metrics say of the loop itself: cycles, steps, the branch, the publication, and how long a change and a revert take.
import type { Clock } from '../base/clock.ts';
import type { Histogram, Metrics } from '../base/metrics.ts';
import type { Phase } from '../base/phases.ts';
import type { ManifestsRepository } from '../git/manifests-repository.ts';
import type { Outlook } from '../rollout/outlook.ts';
import { isInTrouble } from '../rollout/rollout-state.ts';
import { MEASURED_STEPS, STEP_KINDS, type TransitionKind } from '../rollout/transition.ts';
import { type DeviceLook, meterDevices } from './device-readings.ts';
import type { WrittenStep } from './landing.ts';
import type { Observation } from './observe.ts';
import type { Publisher } from './publisher.ts';
import type { ReconcilerEvents } from './reconciler.ts';
import { meterRollouts } from './rollout-readings.ts';
import type { ServiceView } from './service-view.ts';

const PHASE_EDGES = [0.01, 0.1, 0.5, 1, 5, 30];
const DIRECTIVE_EDGES = [0.5, 1, 2, 5, 10, 30, 60, 300, 900];
const REVERT_EDGES = [1, 5, 10, 30, 60, 120, 300, 600, 1800, 3600];
/** Rollouts whose commit waits for its directive; more are not measured. */
const MOST_WAITING = 1_000;

export interface LoopMeterParts {
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly view: () => ServiceView;
  readonly publisher: Pick<Publisher, 'expiresAtMs'>;
  readonly repository: Pick<ManifestsRepository, 'log'>;
  /** How often devices report. */
  readonly reportMs: number;
}

interface WaitingStep {
  readonly kind: TransitionKind;
  readonly revision: number;
  readonly atMs: number;
}

interface Head {
  readonly commit: string;
  readonly seenAtMs: number;
  /** As the commit says; null until it was looked up. */
  committedAtMs: number | null;
}

/** The first look at which the present attempt of a rollout was beyond a limit. */
interface Trouble {
  readonly candidate: string;
  readonly sinceMs: number;
}

/** Learns of the loop by its events; everything else it reads at each scrape. */
export class LoopMeter {
  readonly #parts: LoopMeterParts;
  readonly #steps;
  readonly #toDirective: Histogram;
  readonly #toRevert: Histogram;
  readonly #phases: Histogram;
  /** By rollout: the step that no directive has yet, and since when it is asked for. */
  readonly #waiting = new Map<string, WaitingStep>();
  readonly #troubles = new Map<string, Trouble>();
  #look: DeviceLook | undefined;
  #head: Head | undefined;
  #observedAtMs = 0;
  #publishedAtMs: number | null = null;
  #lastGoodMs: number | null = null;

  constructor(parts: LoopMeterParts) {
    this.#parts = parts;
    const { metrics, clock, view, reportMs } = parts;
    this.#steps = metrics.counter(
      'slipway_steps_total',
      'Steps of rollouts that this process put on the branch, by kind.',
    );
    for (const kind of STEP_KINDS) this.#steps.add({ kind }, 0);
    this.#phases = metrics.histogram(
      'slipway_cycle_phase_seconds',
      'Time that each phase of a cycle takes.',
      PHASE_EDGES,
    );
    this.#toDirective = metrics.histogram(
      'slipway_commit_to_directive_seconds',
      'Time from the commit that asks for a step, or its own where measurements ask, until the directive with it is published.',
      DIRECTIVE_EDGES,
    );
    this.#toRevert = metrics.histogram(
      'slipway_first_bad_report_to_revert_seconds',
      'Time from the first look at reports that put a rule beyond its limit until the revert is on the branch.',
      REVERT_EDGES,
    );
    this.#readLoop();
    meterRollouts(metrics, () => view().outlooks);
    meterDevices(metrics, { look: () => this.#look, view, now: () => clock.now(), reportMs });
  }

  /** The events that it needs, passed on to others. */
  events(others: ReconcilerEvents = {}): ReconcilerEvents {
    return {
      ...others,
      onSteps: (steps) => {
        this.#noteSteps(steps);
        others.onSteps?.(steps);
      },
      onPublished: (sequence) => {
        this.#notePublished();
        others.onPublished?.(sequence);
      },
      onObserved: (observation) => {
        this.#noteObserved(observation);
        others.onObserved?.(observation);
      },
    };
  }

  notePhase({ name, startMs, endMs }: Phase): void {
    this.#phases.observe((endMs - startMs) / 1000, { phase: name });
  }

  #readLoop(): void {
    const { metrics, view, publisher } = this.#parts;
    const one = (name: string, help: string, read: () => number | null): void =>
      metrics.reading(name, help, () => [{ value: read() }]);
    one(
      'slipway_last_good_cycle_timestamp_seconds',
      'When a cycle ended last that observed everything, in seconds since 1970.',
      () => inSeconds(this.#lastGood()),
    );
    one('slipway_source_up', '1 while the branch of the repository can be read, else 0.', () =>
      view().source.kind === 'followed' ? 1 : 0,
    );
    one(
      'slipway_source_answered_timestamp_seconds',
      'When the host of the repository last answered with the head of the branch, in seconds since 1970.',
      () => {
        const { source } = view();
        return source.kind === 'followed' ? source.atMs / 1000 : null;
      },
    );
    one(
      'slipway_head_seen_timestamp_seconds',
      'When this process first saw the commit that is the head of the branch now, in seconds since 1970.',
      () => inSeconds(this.#head?.seenAtMs ?? null),
    );
    one('slipway_publication_sequence', 'Sequence of the newest publication.', () => view().publishedSequence);
    one('slipway_publication_timestamp_seconds', 'When this process published last, in seconds since 1970.', () =>
      inSeconds(this.#publishedAtMs),
    );
    one(
      'slipway_publication_expiry_timestamp_seconds',
      'When devices stop believing the publication unless it is renewed, in seconds since 1970.',
      () => inSeconds(publisher.expiresAtMs),
    );
    one('slipway_document_problems', "Documents of the repository that can't be used.", () => view().problems.length);
    one(
      'slipway_emergency_rollbacks',
      'Rollouts whose devices got a rollback before its commit.',
      () => view().emergencyRollbacks.length,
    );
  }

  /** A cycle that could not finish has a trouble; the view of a good one stands until the next. */
  #lastGood(): number | null {
    const { cycledAtMs, trouble } = this.#parts.view();
    if (trouble === null && cycledAtMs !== null) this.#lastGoodMs = cycledAtMs;
    return this.#lastGoodMs;
  }

  #noteObserved({ fleet, facts, snapshot }: Observation): void {
    const { clock, view } = this.#parts;
    this.#lastGood();
    this.#observedAtMs = clock.now();
    this.#look = { fleet, published: facts.published };
    if (snapshot.commit !== this.#head?.commit) this.#noteHead(snapshot.commit);
    // What stands in the directive and was not published here, another process published.
    for (const { rollout, revision } of facts.published?.entries ?? []) {
      if ((this.#waiting.get(rollout)?.revision ?? Number.POSITIVE_INFINITY) <= revision) this.#waiting.delete(rollout);
    }
    const { outlooks, cycledAtMs } = view();
    this.#noteTroubles(outlooks, cycledAtMs ?? this.#observedAtMs);
  }

  #noteHead(commit: string): void {
    const head: Head = { commit, seenAtMs: this.#observedAtMs, committedAtMs: null };
    this.#head = head;
    const look = async (): Promise<void> => {
      const [found] = await this.#parts.repository.log(commit, 1);
      head.committedAtMs = found?.atMs ?? null;
    };
    // Without it the step's own commit is where the time begins.
    look().catch(() => undefined);
  }

  /** A step that answers what a person has just committed is asked for since then; one that waited for other things is not slow. */
  #askedSince(kind: TransitionKind, now: number): number {
    const { seenAtMs = 0, committedAtMs = null } = this.#head ?? {};
    const answers = !MEASURED_STEPS.has(kind) && seenAtMs === this.#observedAtMs;
    return answers && committedAtMs !== null ? Math.min(now, committedAtMs) : now;
  }

  /** The outlooks are those of the cycle before, and so is the time. */
  #noteTroubles(outlooks: readonly Outlook[], atMs: number): void {
    const present = new Map(outlooks.map((one) => [one.rollout, one]));
    for (const rollout of this.#troubles.keys()) if (!hasTrouble(present.get(rollout))) this.#troubles.delete(rollout);
    for (const [rollout, outlook] of present) {
      const { candidate } = outlook;
      if (candidate === null || !hasTrouble(outlook) || this.#troubles.get(rollout)?.candidate === candidate) continue;
      this.#troubles.set(rollout, { candidate, sinceMs: atMs });
    }
  }

  #noteSteps(steps: readonly WrittenStep[]): void {
    const now = this.#parts.clock.now();
    for (const { step } of steps) {
      const { kind, rollout, next, subject } = step;
      this.#steps.add({ kind });
      const waiting = { kind, revision: next.revision, atMs: this.#askedSince(kind, now) };
      if (this.#waiting.size < MOST_WAITING) this.#waiting.set(rollout, waiting);
      if (kind !== 'roll-back' || !step.verdict?.rules.some(isInTrouble)) continue;
      const trouble = this.#troubles.get(rollout);
      const sinceMs = trouble?.candidate === subject?.version ? trouble?.sinceMs : undefined;
      this.#toRevert.observe(Math.max(0, now - (sinceMs ?? this.#observedAtMs)) / 1000);
    }
  }

  #notePublished(): void {
    const now = this.#parts.clock.now();
    this.#publishedAtMs = now;
    for (const { atMs, kind } of this.#waiting.values())
      this.#toDirective.observe(Math.max(0, now - atMs) / 1000, { kind });
    this.#waiting.clear();
  }
}

function hasTrouble(outlook: Outlook | undefined): boolean {
  return outlook?.verdict?.rules.some(isInTrouble) ?? false;
}

function inSeconds(ms: number | null): number | null {
  return ms === null ? null : ms / 1000;
}
