// Owns when the steps of a plan are carried out: not while the repository is away, and later after each push that failed.
import { type BackOff, backOffMs } from '../base/back-off.ts';
import type { Clock } from '../base/clock.ts';
import { assertNever, type CodedError, toCodedError } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import type { RandomStream } from '../base/random.ts';
import type { Plan } from '../rollout/decide.ts';
import type { RolloutFacts } from '../rollout/rollout-facts.ts';
import { takesBack } from '../rollout/transition.ts';
import type { Snapshot } from '../snapshot/snapshot.ts';
import type { CarriedOut, Executor } from './carry-out.ts';
import type { EvidenceKeeper } from './evidence-keeper.ts';
import type { WrittenStep } from './landing.ts';
import type { Observation } from './observe.ts';
import type { SourceFollower } from './source-follower.ts';

/** What became of a plan's steps. */
export type StepsOfCycle =
  | { readonly kind: 'in-step'; readonly plan: Plan }
  | { readonly kind: 'stepped'; readonly plan: Plan; readonly steps: readonly WrittenStep[] }
  /** Somebody has to accept them. */
  | { readonly kind: 'proposed'; readonly plan: Plan; readonly where: string }
  /** They are not on the branch as far as anyone knows; `isLost`: others may have moved it. */
  | { readonly kind: 'not-landed'; readonly plan: Plan; readonly reason: string; readonly isLost: boolean };

export interface PushPaceParts {
  readonly executor: Pick<Executor, 'carryOut'>;
  readonly evidence: EvidenceKeeper;
  readonly clock: Clock;
  readonly random: RandomStream;
  readonly logger: Logger;
}

/** A host that refuses to take evidence back is asked so often; steps don't wait for that. */
const KEEP_AGAIN_MS = 60_000;
const PUSH_BACK_OFF: BackOff = { firstMs: 500, capMs: 30_000 };
/** More would make a push that hosts and the mirror's own bounds refuse. */
const MOST_STEPS_A_PUSH = 200;

export class PushPace {
  readonly #parts: PushPaceParts;
  readonly #source: SourceFollower;
  #unwritten: CodedError | null = null;
  #head: string | null = null;
  #failedPushes = 0;
  #pushAgainAt = 0;
  #keepAgainAt = 0;

  constructor(parts: PushPaceParts, source: SourceFollower) {
    this.#parts = parts;
    this.#source = source;
  }

  /** Why no step could be written in the last cycle; null when that was not so. */
  get unwritten(): CodedError | null {
    return this.#unwritten;
  }

  async carryOut(plan: Plan, { facts, snapshot }: Observation, signal: AbortSignal): Promise<StepsOfCycle> {
    if (snapshot.commit !== this.#head) this.#failedPushes = 0;
    this.#head = snapshot.commit;
    const notLanded = (reason: string, isLost = false): StepsOfCycle => ({ kind: 'not-landed', plan, reason, isLost });
    this.#unwritten = null;
    const steps = landable(plan.steps, facts.rollouts);
    const { clock, executor } = this.#parts;
    const held = this.#whyHeldBack();
    if (steps.length === 0) {
      if (held === null) await this.#keepEvidence(facts.rollouts, snapshot, signal);
      return { kind: 'in-step', plan };
    }
    if (held !== null) return notLanded(held);
    const now = Math.max(clock.now(), ...facts.rollouts.map((one) => one.now));
    const carry = (some: Plan['steps']): Promise<CarriedOut> =>
      executor.carryOut({ steps: some, snapshot, now, signal }).catch(asUnwritten);
    const first = firstSteps(steps);
    let answer = await carry(first);
    if (answer.kind === 'unwritten') {
      // What can't be written holds up no other rollout.
      this.#unwritten = answer.error;
      const others = steps.filter((one) => !first.includes(one)).slice(0, MOST_STEPS_A_PUSH);
      if (others.length > 0) answer = await carry(others);
    }
    switch (answer.kind) {
      case 'landed':
        this.#afterLanding(answer);
        return { kind: 'stepped', plan, steps: answer.steps };
      case 'proposed':
        return { kind: 'proposed', plan, where: answer.where };
      case 'unwritten':
        this.#unwritten = answer.error;
        return notLanded(answer.error.message);
      case 'lost':
      case 'unknown':
        this.#afterLostPush(answer.reason);
        return notLanded(answer.reason, true);
      default:
        return assertNever(answer);
    }
  }

  /** When there is nothing else to do: evidence that someone deleted or changed is put back. */
  async #keepEvidence(rollouts: readonly RolloutFacts[], snapshot: Snapshot, signal: AbortSignal): Promise<void> {
    const { evidence, clock, logger } = this.#parts;
    if (clock.monotonicMs() < this.#keepAgainAt) return;
    const kept = await evidence.keep(rollouts, snapshot, { now: clock.now(), signal });
    if (kept.kind === 'pushed') this.#source.moveTo(kept.head);
    if (kept.kind !== 'lost') return;
    logger.warn('evidence could not be put back', { reason: kept.reason });
    this.#source.askSoon();
    this.#keepAgainAt = clock.monotonicMs() + KEEP_AGAIN_MS;
  }

  #whyHeldBack(): string | null {
    if (this.#source.state.kind !== 'followed' || this.#source.isAsking) return 'the repository is away';
    const isTooSoon = this.#parts.clock.monotonicMs() < this.#pushAgainAt;
    return isTooSoon ? 'the last push failed; the next one waits' : null;
  }

  #afterLanding({ head, steps }: Extract<CarriedOut, { kind: 'landed' }>): void {
    this.#failedPushes = 0;
    this.#source.moveTo(head);
    for (const { step, commit } of steps) {
      const { rollout, kind, from, to, reason } = step;
      this.#parts.logger.info('step', { rollout, kind, from, to, reason, commit });
    }
  }

  /** The remote is asked at once. When the branch did not move, the same push would fail again: wait longer each time. */
  #afterLostPush(reason: string): void {
    const { clock, random, logger } = this.#parts;
    logger.warn('push lost, deciding again', { reason });
    this.#source.askSoon();
    if (this.#failedPushes > 0)
      this.#pushAgainAt = clock.monotonicMs() + backOffMs(this.#failedPushes, PUSH_BACK_OFF, random);
    this.#failedPushes++;
  }
}

/** Where HEAD has no document that could be written a rollback waits for its emergency; a deleted one needs none. */
function landable(steps: Plan['steps'], rollouts: readonly RolloutFacts[]): Plan['steps'] {
  const unwritable = rollouts.filter(({ lost }) => lost && lost.kind !== 'rollout-deleted').map(({ name }) => name);
  return unwritable.length === 0 ? steps : steps.filter(({ rollout }) => !unwritable.includes(rollout));
}

/** Steps that take a bad candidate back go alone: no other one may keep their push from landing. The rest follows in the next cycles at once. */
function firstSteps(steps: Plan['steps']): Plan['steps'] {
  const back = steps.filter(takesBack);
  return (back.length > 0 ? back : steps).slice(0, MOST_STEPS_A_PUSH);
}

/** Whatever keeps the steps from being written, the rollbacks among them wait, and the time of an emergency rollback runs. */
function asUnwritten(thrown: unknown): { readonly kind: 'unwritten'; readonly error: CodedError } {
  return { kind: 'unwritten', error: toCodedError(thrown, 'STEP_NOT_WRITTEN') };
}
