// Owns how the rules of an attempt stood over time: sampled after cycles, kept thin in the store, read back in points.
import type { JsonValue } from '../../contract/digest.ts';
import type { RuleVerdict } from '../../gates/rule-verdict.ts';
import { ruleStateOf } from '../../rollout/rollout-state.ts';
import type { NewPoint, SeriesPoint, TimeSeries } from '../../store/time-series.ts';
import { finite, text } from './bounded.ts';
import { seriesNameOf } from './rule-view.ts';
import type { RulePoint, RuleState } from './types.generated.ts';

/** Samples of one attempt come no closer than this, and no closer than a fraction of its age: a long one has as many points as a short one. */
const LEAST_BETWEEN_MS = 5_000;
const POINTS_OF_AN_ATTEMPT = 250;
/** Samples are written together. */
const WRITE_EVERY_MS = 10_000;
/** Nobody reads the charts of more rules. */
const MOST_RULES = 100;
export const MOST_SENT = 60;

const STATES: readonly RuleState[] = ['fail', 'in-trouble', 'undecided', 'pass', 'dry-run', 'not-applicable'];

/** One attempt of a rollout. */
export interface Attempt {
  readonly rollout: string;
  readonly digest: string;
  readonly attempt: number;
}

interface Progress {
  readonly series: string;
  firstMs: number;
  lastMs: number;
  /** States at the last sample, by rule. */
  states: ReadonlyMap<string, RuleState>;
}

/** `[name, estimate, low, high, baseline, limit, state]`. */
type Sampled = readonly [string, ...(number | null)[]];

function rounded(value: number | null | undefined): number | null {
  const number = finite(value);
  return number === null ? null : Number(number.toPrecision(6));
}

function sampleOf(rule: RuleVerdict): Sampled {
  const { estimate, lower, upper, baseline, limit } = rule;
  const numbers = [estimate, lower, upper, baseline?.estimate, limit].map(rounded);
  return [seriesNameOf(rule), ...numbers, STATES.indexOf(ruleStateOf(rule))];
}

function pointOf(atMs: number, sampled: readonly JsonValue[]): RulePoint {
  const [, estimate, low, high, baseline, limit, state] = sampled;
  const number = (value: JsonValue | undefined): number | null => (typeof value === 'number' ? finite(value) : null);
  return {
    atMs,
    ...{ estimate: number(estimate), low: number(low), high: number(high) },
    ...{ baseline: number(baseline), limit: number(limit) },
    state: STATES[typeof state === 'number' ? state : -1] ?? 'undecided',
  };
}

/** What a rule's points say of it. */
export interface RuleHistory {
  readonly series: readonly RulePoint[];
  /** Since when the rule is decided as it is; null while it is not. */
  readonly decidedAtMs: number | null;
}

export class RuleHistories {
  readonly #store: Pick<TimeSeries, 'appendPoints' | 'readPoints'>;
  readonly #known = new Map<string, Progress>();
  #waiting: NewPoint[] = [];
  #writtenMs = 0;

  constructor(store: Pick<TimeSeries, 'appendPoints' | 'readPoints'>) {
    this.#store = store;
  }

  /** Takes note of how an attempt's rules stand now. */
  note(attempt: Attempt, rules: readonly RuleVerdict[], nowMs: number): void {
    if (rules.length === 0) return;
    const known = this.#progressOf(attempt, nowMs);
    const states = new Map(rules.slice(0, MOST_RULES).map((rule) => [seriesNameOf(rule), ruleStateOf(rule)]));
    const isTurn = [...states].some(([name, state]) => known.states.has(name) && known.states.get(name) !== state);
    const betweenMs = Math.max(LEAST_BETWEEN_MS, (nowMs - known.firstMs) / POINTS_OF_AN_ATTEMPT);
    if (!isTurn && nowMs - known.lastMs < betweenMs && nowMs >= known.lastMs) return;
    const value = rules.slice(0, MOST_RULES).map(sampleOf) as unknown as JsonValue;
    this.#waiting.push({ series: known.series, atMs: Math.floor(nowMs), isKept: isTurn, value });
    known.lastMs = nowMs;
    known.states = states;
  }

  /** Forgets the attempts that are over; what was written of them stays. */
  keepOnly(attempts: readonly Attempt[]): void {
    const present = new Set(attempts.map(seriesOf));
    for (const series of this.#known.keys()) if (!present.has(series)) this.#known.delete(series);
  }

  /** Writes what waits, now and then. Throws what the store throws, and tries again then. */
  async write(
    nowMs: number,
    isDue = nowMs - this.#writtenMs >= WRITE_EVERY_MS || nowMs < this.#writtenMs,
  ): Promise<void> {
    if (!isDue || this.#waiting.length === 0) return;
    const points = this.#waiting;
    this.#waiting = [];
    this.#writtenMs = nowMs;
    try {
      await this.#store.appendPoints(points);
    } catch (error) {
      // A store that takes nothing for long must not fill the memory.
      this.#waiting = [...points, ...this.#waiting].slice(-1_000);
      throw error;
    }
  }

  /** By rule, the points of the attempt, at most `MOST_SENT` each. */
  async read(attempt: Attempt): Promise<ReadonlyMap<string, RuleHistory>> {
    const series = seriesOf(attempt);
    const stored = await this.#store.readPoints(series, { most: MOST_SENT });
    const waiting = this.#waiting.filter((one) => one.series === series);
    return historiesOf([...stored, ...waiting.slice(-Math.max(0, MOST_SENT - stored.length))]);
  }

  #progressOf(attempt: Attempt, nowMs: number): Progress {
    const series = seriesOf(attempt);
    const known = this.#known.get(series) ?? {
      series,
      firstMs: nowMs,
      lastMs: Number.NEGATIVE_INFINITY,
      states: new Map(),
    };
    this.#known.set(series, known);
    return known;
  }
}

function seriesOf({ rollout, digest, attempt }: Attempt): string {
  return `rules ${text(rollout, 100)} ${digest.slice(0, 23)} ${attempt}`;
}

function historiesOf(points: readonly SeriesPoint[]): ReadonlyMap<string, RuleHistory> {
  const byRule = new Map<string, RulePoint[]>();
  for (const { atMs, value } of points) {
    for (const sampled of Array.isArray(value) ? value : []) {
      if (!Array.isArray(sampled) || typeof sampled[0] !== 'string') continue;
      const known = byRule.get(sampled[0]) ?? [];
      known.push(pointOf(atMs, sampled));
      byRule.set(sampled[0], known);
    }
  }
  return new Map([...byRule].map(([name, series]) => [name, { series, decidedAtMs: decidedAt(series) }]));
}

function decidedAt(series: readonly RulePoint[]): number | null {
  const state = series.at(-1)?.state;
  if (state !== 'pass' && state !== 'fail') return null;
  const before = series.findLastIndex((point) => point.state !== state);
  return series[before + 1]?.atMs ?? null;
}
