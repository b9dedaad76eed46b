// Laws of asking outside signals: at the provider's pace, only while the stage is ready, bounded, and without holding anyone up.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Clock } from '../../src/base/clock.ts';
import { createLogger } from '../../src/base/logger.ts';
import { Metrics } from '../../src/base/metrics.ts';
import { parseQuery } from '../../src/documents/rules/query-text.ts';
import { parseSignalLimit, parseSignalPass } from '../../src/documents/rules/signal-rule-text.ts';
import type { RolloutStatus } from '../../src/documents/types.generated.ts';
import type { SignalReading, SignalRule } from '../../src/gates/signal-track.ts';
import { judgeSignal } from '../../src/gates/signal-verdict.ts';
import { SignalBoard } from '../../src/measurement/signal-board.ts';
import { blankStatus } from '../../src/rollout/next-status.ts';
import type {
  JudgingProvider,
  QueryProvider,
  SignalAnswer,
  SignalQuestion,
} from '../../src/signals/signal-provider.ts';

const START_MS = Date.parse('2026-11-20T10:00:00Z');

/** Time that passes when the test says so; whoever sleeps wakes in order. */
class SteppedClock implements Clock {
  #ms = 0;
  readonly #sleepers = new Set<{ readonly atMs: number; readonly wake: () => void }>();
  now = (): number => START_MS + this.#ms;
  monotonicMs = (): number => this.#ms;
  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const sleeper = {
        atMs: this.#ms + ms,
        wake: () => {
          this.#sleepers.delete(sleeper);
          resolve();
        },
      };
      this.#sleepers.add(sleeper);
      signal?.addEventListener('abort', sleeper.wake, { once: true });
    });
  }
  async pass(ms: number): Promise<void> {
    const endMs = this.#ms + ms;
    for (;;) {
      await settle();
      const next = [...this.#sleepers].sort((a, b) => a.atMs - b.atMs)[0];
      if (next === undefined || next.atMs > endMs) break;
      this.#ms = next.atMs;
      next.wake();
    }
    this.#ms = endMs;
    await settle();
  }
}

async function settle(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
}

const RULE: SignalRule = {
  ...parseSignalLimit('errors < 5 for 1m'),
  from: { kind: 'prometheus', provider: 'main', query: parseQuery('errors{v="{{candidate.version}}"}') },
  dryRun: false,
};
const DESK: SignalRule = {
  ...parseSignalPass('desk passes'),
  from: { kind: 'webhook', provider: 'desk' },
  dryRun: false,
};

const STATUS: RolloutStatus = {
  ...blankStatus('*', START_MS),
  model: 'door',
  revision: 3,
  opened: 2,
  state: 'rolling',
  stage: 'canary',
  candidate: { version: '2.0.0', digest: `sha256:${'2'.repeat(64)}`, attempt: 1, parameters: {} },
  evidence: 'evidence/doors/3.json',
};

describe('a board', () => {
  const clock = new SteppedClock();
  let stop: AbortController;
  let board: SignalBoard;
  let done: Promise<void>;
  let asked: { readonly atMs: number; readonly query: string }[];
  let questions: SignalQuestion[];
  let answer: () => SignalAnswer | Promise<SignalAnswer>;
  let log: string[];
  let metrics: Metrics;

  beforeEach(() => {
    [asked, questions, log] = [[], [], []];
    [stop, metrics] = [new AbortController(), new Metrics()];
    answer = () => ({ kind: 'value', value: 1 });
    const main: QueryProvider = {
      ...{ kind: 'prometheus', name: 'main', everyMs: 15_000, timeoutMs: 10_000 },
      ask: async (query) => {
        asked.push({ atMs: clock.monotonicMs(), query });
        return answer();
      },
    };
    const desk: JudgingProvider = {
      ...{ kind: 'webhook', name: 'desk', everyMs: 15_000, timeoutMs: 10_000 },
      ask: async (question) => {
        questions.push(question);
        return { kind: 'judged', verdict: 'fail', reason: 'x'.repeat(1000) };
      },
    };
    const write = (line: string): void => void log.push(line);
    const logger = createLogger({ least: 'info', pretty: false, now: () => clock.now(), write });
    board = new SignalBoard({ providers: [main, desk], clock, logger, metrics });
    done = board.run(stop.signal);
  });

  afterEach(async () => {
    stop.abort();
    await clock.pass(0);
    await done;
  });

  function read(
    over: { isReady?: boolean; status?: RolloutStatus; rules?: SignalRule[]; rollout?: string } = {},
  ): SignalReading[] {
    const stage = { rollout: 'doors', model: 'door', status: STATUS, rules: [RULE], isReady: true, ...over };
    return [...board.read(stage)];
  }
  const verdict = (reading: SignalReading | undefined, rule = RULE) => judgeSignal(rule, reading ?? null);

  /** Another rollout with a question of its own. */
  const other = (i: number) => {
    const query = parseQuery(`errors{n="${i}"}`);
    const rules: SignalRule[] = [{ ...RULE, from: { kind: 'prometheus', provider: 'main', query } }];
    return { rollout: `r${i}`, status: { ...STATUS, opened: i + 1 }, rules };
  };

  test('asks nobody before the stage is ready, nor after it is not any more', async () => {
    expect(read({ isReady: false })[0]?.state.kind).toBe('resting');
    await clock.pass(60_000);
    expect(asked).toEqual([]);
    read();
    await clock.pass(31_000);
    expect(asked).toHaveLength(3);
    read({ isReady: false });
    await clock.pass(120_000);
    expect(asked).toHaveLength(3);
    answer = () =>
      new Promise((resolve) => stop.signal.addEventListener('abort', () => resolve({ kind: 'none', reason: '' })));
    // What was answered before the pause no longer counts, not even until the next answer.
    expect(verdict(read()[0], { ...RULE, sustainedMs: 0 })).toMatchObject({ verdict: 'undecided', within: false });
    expect(read()[0]?.state).toEqual({ kind: 'resting', why: 'no-new-answer' });
  });

  test('names each provider, and since when and why one of its rules is silent', async () => {
    const standing = () => board.providers().map(({ name, silence }) => [name, silence?.why ?? null]);
    expect(standing()).toEqual([
      ['main', null],
      ['desk', null],
    ]);
    answer = () => ({ kind: 'none', reason: 'no route to host' });
    read();
    await clock.pass(1_000);
    expect(standing()).toEqual([
      ['main', { kind: 'said', text: expect.stringContaining('no route to host') }],
      ['desk', null],
    ]);
    expect(board.providers()[0]?.silence?.sinceMs).toBe(clock.now() - 1_000);
    answer = () => ({ kind: 'value', value: 1 });
    await clock.pass(20_000);
    expect(standing()[0]).toEqual(['main', null]);
  });

  test('says of each provider whether it is asked and since when it is silent, and names one that is not there', async () => {
    const of = (name: string) => board.providers().find((one) => one.name === name);
    expect(of('main')).toMatchObject({ kind: 'prometheus', isAsked: false, silence: null });
    answer = () => ({ kind: 'none', reason: 'connection refused' });
    const lost: SignalRule = { ...DESK, from: { kind: 'webhook', provider: 'lost' } };
    read({ rules: [RULE, DESK, lost] });
    const sinceMs = clock.now();
    await clock.pass(31_000);
    expect(of('main')).toMatchObject({ isAsked: true, silence: { sinceMs, why: { text: 'connection refused' } } });
    expect(of('desk')).toMatchObject({ isAsked: true, silence: null });
    expect(of('lost')?.silence?.why).toEqual({ kind: 'unknown-provider' });
    read({ isReady: false, rules: [RULE, DESK, lost] });
    expect(of('main')).toMatchObject({ isAsked: false, silence: null });
    board.forget('doors');
    expect(board.providers().map(({ name }) => name)).toEqual(['main', 'desk']);
  });

  test('after a pause the count starts anew', async () => {
    read();
    await clock.pass(61_000);
    expect(read()[0]?.track.run?.count).toBe(5);
    read({ isReady: false });
    await clock.pass(120_000);
    read();
    await clock.pass(1000);
    expect(read()[0]?.track.run?.count).toBe(1);
  });

  test('asks once an interval however often it is read, with the candidate in the query', async () => {
    for (let i = 0; i < 300; i++) {
      read();
      await clock.pass(200);
    }
    const times = asked.map((one) => one.atMs);
    expect(times.slice(1).map((ms, i) => ms - (times[i] ?? 0))).toEqual([15_000, 15_000, 15_000, 15_000]);
    expect(asked[0]?.query).toBe('errors{v="2.0.0"}');
    await clock.pass(15_000);
    expect(verdict(read()[0])).toMatchObject({ verdict: 'pass', estimate: 1 });
  });

  test('never asks again while an answer is on its way, and holds up no reader', async () => {
    let release: (answer: SignalAnswer) => void = () => undefined;
    answer = () => new Promise((resolve) => (release = resolve));
    read();
    await clock.pass(60_000);
    expect(asked).toHaveLength(1);
    expect(verdict(read()[0])).toMatchObject({
      verdict: 'undecided',
      reasons: [{ kind: 'signal-silent', why: { kind: 'late' } }],
    });
    release({ kind: 'value', value: 1 });
    await clock.pass(0);
    expect(asked).toHaveLength(2);
    release({ kind: 'value', value: 1 });
  });

  test('has at most eight questions on their way to one provider, and asks the longest due first', async () => {
    const releases: (() => void)[] = [];
    answer = () => new Promise((resolve) => releases.push(() => resolve({ kind: 'value', value: 1 })));
    for (let i = 0; i < 20; i++) read(other(i));
    await clock.pass(2000);
    expect(asked).toHaveLength(8);
    for (const release of releases.splice(0)) release();
    await clock.pass(0);
    expect(asked).toHaveLength(16);
    answer = () => ({ kind: 'value', value: 1 });
    for (const release of releases.splice(0)) release();
    await clock.pass(20_000);
    for (let i = 0; i < 20; i++) expect(read(other(i))[0]?.track.run?.count).toBeGreaterThan(0);
  });

  test('equal questions to one provider are asked once, and each rule hears the answer', async () => {
    for (let i = 0; i < 300; i++) {
      for (const rollout of ['a', 'b', 'c']) read({ rollout });
      await clock.pass(200);
    }
    expect(asked).toHaveLength(5);
    for (const rollout of ['a', 'b', 'c']) expect(read({ rollout })[0]?.track.run?.count).toBe(5);
  });

  test('many rules decide on a slow provider, at the pace that it has; until then it is told that they wait', async () => {
    answer = () => clock.sleep(9_000, stop.signal).then(() => ({ kind: 'value', value: 1 }));
    const all = Array.from({ length: 160 }, (_, i) => other(i));
    const readAll = (): SignalReading[] => all.map((one) => read(one)[0]!);
    readAll();
    await clock.pass(60_000);
    const early = readAll();
    const late = early.filter(({ state }) => state.kind === 'silent' && state.why.kind === 'late');
    expect(late.length).toBeGreaterThan(50);
    expect(early.filter(({ state }) => state.kind === 'answering').length).toBeGreaterThan(20);
    for (let i = 0; i < 60; i++) {
      await clock.pass(10_000);
      readAll();
    }
    const verdicts = readAll().map((reading) => verdict(reading).verdict);
    expect(new Set(verdicts)).toEqual(new Set(['pass']));
  });

  test('a silent provider is logged once, counted, and logged again when it answers; the rule is open all the while', async () => {
    read();
    await clock.pass(61_000);
    expect(verdict(read()[0]).verdict).toBe('pass');
    answer = () => ({ kind: 'none', reason: 'it answers HTTP 503' });
    await clock.pass(60_000);
    const silent = read()[0];
    expect(silent?.state).toMatchObject({ kind: 'silent', why: { kind: 'said', text: 'it answers HTTP 503' } });
    expect(verdict(silent)).toMatchObject({ verdict: 'undecided', within: false });
    expect(metrics.write()).toContain('slipway_signal_silent_rules{provider="main"} 1');
    expect(metrics.write()).toContain('slipway_signal_answers_total{provider="main",outcome="none"} 4');
    answer = () => ({ kind: 'value', value: 9 });
    await clock.pass(15_000);
    expect(verdict(read()[0])).toMatchObject({
      verdict: 'undecided',
      reasons: [{ kind: 'signal-short', within: false, heldMs: 0, neededMs: 60_000 }],
    });
    await clock.pass(60_000);
    expect(verdict(read()[0])).toMatchObject({ verdict: 'fail', estimate: 9 });
    expect(metrics.write()).toContain('slipway_signal_silent_rules{provider="main"} 0');
    const told = log.map((line) => JSON.parse(line) as { level: string; message: string; reason?: string });
    expect(told.map((one) => `${one.level} ${one.message}`)).toEqual([
      'warn outside signal is silent: its rule stays undecided',
      'info outside signal answers again',
    ]);
  });

  test('a lost answer or two do not start the count anew', async () => {
    read();
    await clock.pass(31_000);
    answer = () => ({ kind: 'none', reason: 'no answer within 10 s' });
    await clock.pass(15_000);
    answer = () => ({ kind: 'value', value: 1 });
    await clock.pass(15_000);
    expect(read()[0]?.track.run?.count).toBe(4);
    expect(verdict(read()[0]).verdict).toBe('pass');
  });

  test('a provider that the service does not know is silent from the start', () => {
    const rule: SignalRule = { ...RULE, from: { kind: 'webhook', provider: 'main' }, demand: { kind: 'passes' } };
    const [reading] = read({ rules: [rule], isReady: false });
    expect(verdict(reading, rule)).toMatchObject({
      verdict: 'undecided',
      reasons: [{ kind: 'signal-silent', why: { kind: 'unknown-provider' } }],
    });
    expect(log.join()).toContain('outside signal is silent');
    expect(metrics.write()).toContain('slipway_signal_silent_rules{provider="main"} 1');
    board.useProviders([]);
    expect(metrics.write()).toContain('slipway_signal_silent_rules{provider="main"} 0');
  });

  test('a provider that throws is silent, and the others go on', async () => {
    answer = () => {
      throw new Error('a bug');
    };
    read();
    read({ rollout: 'other', rules: [DESK] });
    await clock.pass(31_000);
    expect(read()[0]?.state).toMatchObject({ kind: 'silent', why: { kind: 'failed' } });
    expect(questions).toHaveLength(3);
    expect(asked).toHaveLength(3);
  });

  test('another stage begins without the answers of the one before, and a forgotten one is not asked about', async () => {
    read();
    await clock.pass(31_000);
    expect(read({ status: { ...STATUS, opened: 5 } })[0]?.track.samples).toEqual([]);
    board.forget('doors');
    const before = asked.length;
    await clock.pass(60_000);
    expect(asked.length).toBeLessThanOrEqual(before + 1);
    await clock.pass(60_000);
    expect(asked.length).toBeLessThanOrEqual(before + 1);
  });

  test('a webhook receives the facts of the rollout, and its answer is bounded', async () => {
    read({ rules: [RULE, DESK] });
    await clock.pass(1000);
    const [, reading] = read({ rules: [RULE, DESK] });
    expect(questions[0]).toMatchObject({
      signal: 'desk',
      rollout: 'doors',
      stage: 'canary',
      revision: 3,
      stable: null,
    });
    expect(verdict(reading, DESK)).toMatchObject({
      verdict: 'fail',
      reasons: [{ kind: 'provider-said', text: 'x'.repeat(200) }],
    });
    expect(JSON.parse(reading?.asked ?? '')).toMatchObject({ candidate: { version: '2.0.0' } });
  });
});
