// Owns asking the outside signals of present stages, at a pace of their own: cycles only read what was answered.
import { type Clock, toIsoSeconds } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import type { Metrics } from '../base/metrics.ts';
import {
  addAnswer,
  NO_ANSWERS,
  type SignalReading,
  type SignalRule,
  type SignalSilence,
  type SignalState,
  type SignalTrack,
} from '../gates/signal-track.ts';
import type { SignalAnswer, SignalProvider, SignalQuestion } from '../signals/signal-provider.ts';
import { type ProviderStanding, providerStanding } from './provider-standing.ts';
import { askedText, longestGapOf, questionOf, type SignalStage, sampleOf } from './signal-question.ts';

export interface SignalBoardParts {
  readonly providers: readonly SignalProvider[];
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics?: Metrics;
}

/** What is kept of one rule. */
interface Entry {
  readonly rule: SignalRule;
  readonly provider: SignalProvider | undefined;
  question: SignalQuestion;
  isReady: boolean;
  /** Has a usable answer come since the stage is ready? */
  isHeard: boolean;
  track: SignalTrack;
  silence: { readonly why: SignalSilence; readonly sinceMs: number } | null;
  /** These are on the monotonic clock. */
  nextAtMs: number;
  askedAtMs: number | null;
  /** When the newest usable answer was asked for, or since when the stage is ready. */
  heardAtMs: number;
  /** How long lay between the last two questions. */
  paceMs: number;
  isAsking: boolean;
}

interface Stage {
  readonly key: string;
  readonly entries: readonly Entry[];
}

/** So many questions may be on their way to one provider. */
const MOST_AT_ONCE = 8;
const LONGEST_REST_MS = 1_000;

function stateOf({ provider, silence, isReady, isHeard }: Entry): SignalState {
  if (!isReady && provider !== undefined) return { kind: 'resting', why: 'not-ready' };
  if (silence !== null) return { kind: 'silent', ...silence };
  // What was answered before a pause says nothing about now, neither for nor against.
  return isHeard ? { kind: 'answering' } : { kind: 'resting', why: 'no-new-answer' };
}

/**
 * Asks each rule's provider at the provider's own interval, at most one question of a rule at a time, and only while the stage is ready.
 * What was answered is kept in memory: after a restart a rule's time begins anew, which holds a stage and never decides one.
 */
export class SignalBoard {
  readonly #parts: SignalBoardParts;
  readonly #stages = new Map<string, Stage>();
  #providers: readonly SignalProvider[];
  readonly #asking = new Map<SignalProvider, number>();
  readonly #pending = new Set<Promise<void>>();
  readonly #answered: (provider: string, outcome: string) => void;
  readonly #silent: (provider: string, rules: number) => void;
  #wake = new AbortController();

  constructor(parts: SignalBoardParts) {
    this.#parts = parts;
    this.#providers = parts.providers;
    const answers = parts.metrics?.counter(
      'slipway_signal_answers_total',
      'Answers of outside signals, by provider and by what they came to: value, pass, fail, undecided or none.',
    );
    const silent = parts.metrics?.gauge(
      'slipway_signal_silent_rules',
      'Rules whose provider gives nothing that can be used, by provider.',
    );
    this.#answered = (provider, outcome) => answers?.add({ provider, outcome });
    this.#silent = (provider, rules) => silent?.set(rules, { provider });
  }

  /** What is known of the signals of a rollout's present stage, in the order of its rules; from now on they are asked for. */
  read(stage: SignalStage): readonly SignalReading[] {
    const key = `${stage.status.opened} ${stage.status.candidate?.digest} ${stage.status.policy}`;
    const known = this.#stages.get(stage.rollout);
    const present = known?.key === key ? known : this.#begin(stage, key);
    for (const entry of present.entries) {
      entry.question = questionOf(stage, entry.rule.name);
      if (stage.isReady && !entry.isReady) this.#beginAsking(entry);
      entry.isReady = stage.isReady;
      this.#noteLate(entry);
    }
    return present.entries.map((entry) => this.#readingOf(entry));
  }

  /** The stage is over: nobody is asked about it any more. */
  forget(rollout: string): void {
    const gone = this.#stages.get(rollout);
    this.#stages.delete(rollout);
    for (const { rule } of gone?.entries ?? []) this.#countSilent(rule.from.provider);
  }

  /** Each provider, and those that rules ask for in vain. */
  providers(): ProviderStanding[] {
    return providerStanding(
      this.#providers,
      [...this.#stages.values()].flatMap(({ entries }) => entries),
    );
  }

  /** Asks others from now on. Every rule's time begins anew: the same name may stand for another source. */
  useProviders(providers: readonly SignalProvider[]): void {
    const rollouts = [...this.#stages.keys()];
    for (const rollout of rollouts) this.forget(rollout);
    this.#providers = providers;
  }

  /** Asks until stopped. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts;
    while (!signal.aborted) {
      this.#wake = new AbortController();
      const restMs = this.#askDue(signal);
      await clock.sleep(restMs, AbortSignal.any([signal, this.#wake.signal]));
    }
    await Promise.all(this.#pending);
  }

  #begin(stage: SignalStage, key: string): Stage {
    const nowMs = this.#parts.clock.monotonicMs();
    const entries = stage.rules.map((rule): Entry => {
      const { kind, provider } = rule.from;
      const found = this.#providers.find((one) => one.kind === kind && one.name === provider);
      const question = questionOf(stage, rule.name);
      const track = NO_ANSWERS;
      return {
        ...{ rule, provider: found, question, track },
        ...{ isReady: false, isHeard: false, silence: null, isAsking: false },
        ...{ nextAtMs: nowMs, askedAtMs: null, heardAtMs: nowMs, paceMs: 0 },
      };
    });
    this.forget(stage.rollout);
    const begun = { key, entries };
    if (entries.length > 0) this.#stages.set(stage.rollout, begun);
    for (const entry of entries) {
      if (entry.provider === undefined) this.#fallSilent(entry, { kind: 'unknown-provider' });
    }
    return begun;
  }

  #beginAsking(entry: Entry): void {
    entry.heardAtMs = this.#parts.clock.monotonicMs();
    [entry.askedAtMs, entry.paceMs, entry.isHeard] = [null, 0, false];
    this.#wake.abort();
  }

  /** A provider that is asked more than it can answer lets rules wait for their turn, and nobody else would say so. */
  #noteLate(entry: Entry): void {
    const waitedMs = this.#parts.clock.monotonicMs() - entry.heardAtMs;
    const isLate = waitedMs > longestGapOf(entry.provider, entry.paceMs);
    if (entry.isReady && entry.provider !== undefined && entry.silence === null && isLate)
      this.#fallSilent(entry, { kind: 'late' });
  }

  #readingOf(entry: Entry): SignalReading {
    return {
      asked: askedText(entry.rule, entry.question),
      longestGapMs: longestGapOf(entry.provider, entry.paceMs),
      state: stateOf(entry),
      track: entry.track,
    };
  }

  /** Starts the questions that are due, the longest due first; returns how long nothing else will be. */
  #askDue(signal: AbortSignal): number {
    const nowMs = this.#parts.clock.monotonicMs();
    const idle = [...this.#stages.values()]
      .flatMap((stage) => stage.entries)
      .filter((entry) => entry.provider !== undefined && entry.isReady && !entry.isAsking)
      .sort((a, b) => a.nextAtMs - b.nextAtMs);
    for (const entry of idle) {
      if (entry.isAsking) continue;
      if (entry.nextAtMs > nowMs) return Math.min(LONGEST_REST_MS, entry.nextAtMs - nowMs);
      if (entry.provider === undefined || (this.#asking.get(entry.provider) ?? 0) >= MOST_AT_ONCE) continue;
      const asking = this.#ask(this.#equalTo(entry, idle), entry.provider, signal);
      this.#pending.add(asking);
      void asking.finally(() => this.#pending.delete(asking));
    }
    return LONGEST_REST_MS;
  }

  /** The rules that are asked the same of the same provider: one question serves them all. */
  #equalTo(entry: Entry, idle: readonly Entry[]): readonly [Entry, ...Entry[]] {
    const text = askedText(entry.rule, entry.question);
    const isEqual = (one: Entry): boolean =>
      one !== entry && one.provider === entry.provider && askedText(one.rule, one.question) === text;
    return [entry, ...idle.filter(isEqual)];
  }

  async #ask(entries: readonly [Entry, ...Entry[]], provider: SignalProvider, signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts;
    const [atMs, nowMs] = [clock.now(), clock.monotonicMs()];
    for (const entry of entries) {
      if (entry.askedAtMs !== null) entry.paceMs = nowMs - entry.askedAtMs;
      [entry.isAsking, entry.askedAtMs, entry.nextAtMs] = [true, nowMs, nowMs + provider.everyMs];
    }
    this.#asking.set(provider, (this.#asking.get(provider) ?? 0) + 1);
    const answer = await this.#answerOf(entries[0], provider, signal);
    this.#asking.set(provider, (this.#asking.get(provider) ?? 1) - 1);
    this.#wake.abort();
    for (const entry of entries) {
      entry.isAsking = false;
      if (!signal.aborted) this.#take(entry, answer, { atMs, monotonicMs: nowMs });
    }
  }

  /** Providers don't throw; were one to, its rule alone is silent: null. */
  async #answerOf(entry: Entry, provider: SignalProvider, signal: AbortSignal): Promise<SignalAnswer | null> {
    try {
      return provider.kind === 'prometheus'
        ? await provider.ask(askedText(entry.rule, entry.question), signal)
        : await provider.ask(entry.question, signal);
    } catch (error) {
      this.#parts.logger.error('outside signal could not be asked', { signal: entry.rule.name, error });
      return null;
    }
  }

  #take(
    entry: Entry,
    answer: SignalAnswer | null,
    asked: { readonly atMs: number; readonly monotonicMs: number },
  ): void {
    const { rule, question } = entry;
    const { provider } = rule.from;
    const sample = sampleOf(rule, answer, asked.atMs);
    this.#answered(provider, answer?.kind === 'judged' ? answer.verdict : (answer?.kind ?? 'none'));
    if ('kind' in sample) {
      this.#fallSilent(entry, sample);
      return;
    }
    // While nobody was ready, what was asked before says nothing about the stage.
    if (!entry.isReady) return;
    entry.isHeard = true;
    entry.heardAtMs = Math.max(entry.heardAtMs, asked.monotonicMs);
    entry.track = addAnswer(entry.track, sample, longestGapOf(entry.provider, entry.paceMs));
    if (entry.silence === null) return;
    const silentSince = toIsoSeconds(entry.silence.sinceMs);
    entry.silence = null;
    this.#countSilent(provider);
    const { rollout, stage } = question;
    this.#parts.logger.info('outside signal answers again', {
      rollout,
      stage,
      signal: rule.name,
      provider,
      silentSince,
    });
  }

  /** Logged once; its reason may change while it lasts. */
  #fallSilent(entry: Entry, why: SignalSilence): void {
    const { rule, question, silence } = entry;
    entry.silence = { why, sinceMs: silence?.sinceMs ?? this.#parts.clock.now() };
    this.#countSilent(rule.from.provider);
    if (silence !== null) return;
    const { rollout, stage } = question;
    const { provider } = rule.from;
    this.#parts.logger.warn('outside signal is silent: its rule stays undecided', {
      ...{ rollout, stage, signal: rule.name, provider, why, dryRun: rule.dryRun },
    });
  }

  #countSilent(provider: string): void {
    const entries = [...this.#stages.values()].flatMap((stage) => stage.entries);
    this.#silent(provider, entries.filter((one) => one.silence !== null && one.rule.from.provider === provider).length);
  }
}
