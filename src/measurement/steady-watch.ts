// Owns the judging of stable versions by what their policy watches, window by window, and which windows begin anew for that.
import { type Digest, digestOfJson } from '../contract/digest.ts';
import { parseDurationMs, parsePercent } from '../contract/duration.ts';
import { type ParsedRule, parseRule } from '../documents/rules/rule-text.ts';
import type { PolicyWatch, RolloutStatus } from '../documents/types.generated.ts';
import { edgesToCount, type FrozenLimit, freezeLimits } from '../gates/freeze-limits.ts';
import { judgeStage } from '../gates/judge-stage.ts';
import type { RuleVerdict } from '../gates/rule-verdict.ts';
import type { WatchedRule } from '../rollout/alerts.ts';
import { rulesWithin, stagesOf } from '../rollout/stages-of-policy.ts';
import type { NamedValues } from '../store/reconciler-state.ts';
import type { AsideName, AsideOrder, WindowReader, WindowReading } from '../store/window-store.ts';
import type { WindowSpec } from '../telemetry/window.ts';
import { countsOf, type WindowCounts } from './window-counts.ts';
import { shownIn } from './window-outputs.ts';
import type { RolloutInForce } from './window-spec.ts';

export type WatchReadings = Pick<WindowReader, 'readWindow' | 'readAside'> & Pick<NamedValues, 'readValue'>;

/** What has to change in the store before the next look, in this order. */
export type WatchChange =
  | { readonly kind: 'begin-anew'; readonly order: AsideOrder }
  | { readonly kind: 'remember'; readonly name: string; readonly state: WatchState };

export interface SteadyLook {
  readonly rules: readonly WatchedRule[];
  readonly changes: readonly WatchChange[];
}

export interface SteadyQuestion extends RolloutInForce {
  /** What is watched; null when nothing is. */
  readonly watch: PolicyWatch | null;
  readonly now: number;
}

/** A day, so that each window holds the same times of day. */
const DEFAULT_WINDOW_MS = 24 * 60 * 60_000;
const LEAST_INTERVALS = 10;
/** Watching goes on for months: each window may raise a false alarm this often, with every rule at its limit. */
const DEFAULT_WATCH_LEVEL = 0.01;

/** What the windows of a steady state count; only a candidate's gauges are followed. */
type SteadyCounts = Required<Omit<WindowCounts, 'gauges'>> & Pick<WindowSpec, 'baselineEdges'>;

/** What is known of one version's watch; plain JSON in the store. */
export interface WatchState {
  readonly format: 1;
  /** Changes with the version and with what is watched. */
  readonly key: Digest;
  /** `learning`: the first window, which becomes the baseline. */
  readonly phase: 'learning' | 'watching';
  readonly limits: readonly FrozenLimit[];
  /** What its windows count. */
  readonly counts: SteadyCounts;
}

interface Looked {
  readonly atMs: number;
  readonly opened: number;
  readonly key: Digest;
  readonly rules: readonly WatchedRule[];
}

type Steady = SteadyQuestion & { readonly stable: NonNullable<RolloutStatus['stable']> };

const stateName = (rollout: string): string => `watch/${rollout}`;

function watchKey({ stable, watch }: Steady): Digest {
  return digestOfJson({
    digest: stable.digest,
    parameters: stable.parameters,
    rules: watch?.rules ?? [],
    window: watch?.window ?? '',
  });
}

function rulesOf(watch: PolicyWatch | null): readonly ParsedRule[] {
  return (watch?.rules ?? []).map(parseRule);
}

/** Stable's latencies are counted by its own edges: nothing else runs. */
function edgesOf(rules: readonly ParsedRule[], limits: readonly FrozenLimit[]): readonly number[] {
  const { edges, baselineEdges } = edgesToCount(rules, limits);
  return [...new Set([...edges, ...baselineEdges])].sort((a, b) => a - b);
}

/** The part of what a window counts that a steady state is about. */
function steadyCounts({ baselineEdges, classes, histograms, events = [] }: WindowSpec | SteadyCounts): SteadyCounts {
  return { baselineEdges, classes, histograms, events };
}

function isCounting(spec: WindowSpec, counts: SteadyCounts): boolean {
  return JSON.stringify(steadyCounts(spec)) === JSON.stringify(steadyCounts(counts));
}

/** What the stages' rules ask for is counted on: the next start finds its baseline in these windows. */
function countsOfSteady(question: Steady, reading: WindowReading, limits: readonly FrozenLimit[]): SteadyCounts {
  const ofStages = question.policy === null ? [] : stagesOf(question.policy).flatMap((stage) => stage.rules);
  const watched = rulesOf(question.watch);
  const rules = [...ofStages.map((one) => one.rule), ...watched];
  const counts = countsOf(rules, question, shownIn(reading, question.stable.digest));
  return { events: [], ...counts, baselineEdges: edgesOf([...ofStages.flatMap(rulesWithin), ...watched], limits) };
}

function beginAnew(
  { now }: Steady,
  { spec }: WindowReading,
  counts: WindowSpec | SteadyCounts,
  as: AsideName,
): WatchChange {
  const next = { ...spec, ...steadyCounts(counts), openedAtMs: now };
  return { kind: 'begin-anew', order: { spec: next, as, nowMs: now } };
}

function remember({ name: rollout }: Steady, state: WatchState): WatchChange {
  return { kind: 'remember', name: stateName(rollout), state };
}

const NOTHING_WATCHED: SteadyLook = { rules: [], changes: [] };

/** Looks at each watched version once a report interval; the changes that it asks for bound the store to three windows a version. */
export class SteadyWatch {
  readonly #store: WatchReadings;
  readonly #intervalMs: number;
  readonly #looked = new Map<string, Looked>();

  constructor(store: WatchReadings, intervalMs: number) {
    this.#store = store;
    this.#intervalMs = intervalMs;
  }

  /** How the stable version keeps to what is watched. While something rolls nobody can tell. */
  async look(question: SteadyQuestion): Promise<SteadyLook> {
    const { name, status, now } = question;
    const { stable } = status;
    if (stable === null) return NOTHING_WATCHED;
    const steady = { ...question, stable };
    if (status.candidate !== null) return undecided(steady);
    const key = watchKey(steady);
    const last = this.#looked.get(name);
    const isKnown = last?.opened === status.opened && last.key === key;
    if (isKnown && Math.abs(now - last.atMs) < this.#paceMs(question.watch)) return { rules: last.rules, changes: [] };
    const reading = await this.#store.readWindow(name, status.opened);
    // It is opened after this look: the next one finds it.
    if (reading === undefined || reading.closedAtMs !== null) return undecided(steady);
    const look = await this.#lookAnew(steady, reading, key);
    this.#looked.set(name, { atMs: now, opened: status.opened, key, rules: look.rules });
    return look;
  }

  /** Forgets the rollouts that are gone. */
  keepOnly(names: ReadonlyMap<string, unknown>): void {
    for (const name of this.#looked.keys()) if (!names.has(name)) this.#looked.delete(name);
  }

  async #lookAnew(question: Steady, reading: WindowReading, key: Digest): Promise<SteadyLook> {
    const { name, watch } = question;
    const isDue = reading.listenedMs >= this.#windowMs(watch);
    if (watch === null)
      return { rules: [], changes: isDue ? [beginAnew(question, reading, reading.spec, 'previous')] : [] };
    const state = await this.#readState(name, key);
    if (state === undefined) return this.#learn(question, reading, key);
    const next = beginAnew(question, reading, state.counts, 'previous');
    if (!isCounting(reading.spec, state.counts)) return undecided(question, [next]);
    const rules = await this.#judge(question, reading, state);
    if (!isDue) return { rules, changes: [] };
    const isLearnt = state.phase === 'learning' && reading.tallies.stable.names.length > 0;
    return { rules, changes: isLearnt ? this.#freeze(question, reading, state) : [next] };
  }

  /** What nothing watches is only kept from growing. */
  #paceMs(watch: PolicyWatch | null): number {
    return watch === null ? Math.max(this.#intervalMs, DEFAULT_WINDOW_MS / 24) : this.#intervalMs;
  }

  #windowMs(watch: PolicyWatch | null): number {
    const wantedMs = watch?.window === undefined ? DEFAULT_WINDOW_MS : parseDurationMs(watch.window);
    return Math.max(wantedMs, LEAST_INTERVALS * this.#intervalMs);
  }

  async #readState(name: string, key: Digest): Promise<WatchState | undefined> {
    const value = (await this.#store.readValue(stateName(name))) as unknown as WatchState | undefined;
    return value?.format === 1 && value.key === key ? value : undefined;
  }

  /**
   * What is watched is new, or the version is: the window that begins now becomes its baseline. The state comes first: whoever is killed in
   * between finds a window that does not count what it says, and begins it.
   */
  #learn(question: Steady, reading: WindowReading, key: Digest): SteadyLook {
    const limits = freezeLimits(rulesOf(question.watch), null);
    const counts = countsOfSteady(question, reading, limits);
    const state = { format: 1, key, phase: 'learning', limits, counts } as const;
    return undecided(question, [remember(question, state), beginAnew(question, reading, counts, 'previous')]);
  }

  /** The first window is over: relative limits are frozen from it, and later windows are held against it. */
  #freeze(question: Steady, reading: WindowReading, state: WatchState): WatchChange[] {
    const limits = freezeLimits(rulesOf(question.watch), reading.tallies.stable.summary.latencyMs);
    const counts = countsOfSteady(question, reading, limits);
    return [
      beginAnew(question, reading, counts, 'baseline'),
      remember(question, { ...state, phase: 'watching', limits, counts }),
    ];
  }

  async #judge(question: Steady, reading: WindowReading, state: WatchState): Promise<readonly WatchedRule[]> {
    const { name, stable, watch, now } = question;
    const { spec, tallies } = reading;
    const aside = state.phase === 'watching' ? await this.#store.readAside(name, 'baseline') : undefined;
    const baseline = aside?.spec.stableDigest === stable.digest ? aside.tallies.stable : null;
    const { rules } = judgeStage({
      rules: rulesOf(watch).map((rule) => ({ rule, dryRun: false })),
      limits: state.limits,
      candidate: tallies.stable,
      baseline: null,
      earlierBaseline: baseline,
      isWatch: true,
      // Devices that joined since are not what drifted: a fail must hold for those that were there as well.
      restBaseline: spec.rows.stable === 'device' ? baseline : null,
      hasStable: true,
      installs: { bad: 0, good: 0, pending: 0 },
      minimum: { devices: 0, inferences: 0 },
      errorLevel: watch?.errorLevel === undefined ? DEFAULT_WATCH_LEVEL : parsePercent(watch.errorLevel),
      deadlineMs: this.#windowMs(watch),
      intervalMs: this.#intervalMs,
      openMs: Math.max(0, now - spec.openedAtMs),
      perMinute: null,
    });
    return rules.map((rule) => watchedRule(question, rule, reading));
  }
}

function undecided({ name, stable, watch }: Steady, changes: readonly WatchChange[] = []): SteadyLook {
  const rules = rulesOf(watch).map(({ source: rule }) => {
    const { version, digest } = stable;
    return { rollout: name, version, digest, rule, verdict: 'undecided' as const, seen: null };
  });
  return { rules, changes };
}

function watchedRule({ name, stable }: Steady, found: RuleVerdict, { listenedMs }: WindowReading): WatchedRule {
  const { rule, verdict, estimate, lower, upper, limit, unit, devices, trials, reasons } = found;
  return {
    rollout: name,
    version: stable.version,
    digest: stable.digest,
    rule,
    verdict: verdict === 'not-applicable' ? 'undecided' : verdict,
    seen: { estimate, lower, upper, limit, unit, devices, trials, reasons, listenedMs },
  };
}
