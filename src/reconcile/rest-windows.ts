// Owns the windows of versions that are fully out: they begin anew in time, and are judged by what their policy watches.
import { type Digest, digestOfJson } from '../contract/digest.ts';
import { formatDuration, parseDurationMs, parsePercent } from '../contract/duration.ts';
import { type ParsedRule, parseRule } from '../documents/rules/rule-text.ts';
import type { PolicyWatch, RolloutStatus } from '../documents/types.generated.ts';
import { edgesToCount, type FrozenLimit, freezeLimits } from '../gates/freeze-limits.ts';
import { judgeStage } from '../gates/judge-stage.ts';
import type { RuleVerdict } from '../gates/rule-verdict.ts';
import type { WatchedRule } from '../rollout/alerts.ts';
import { rulesWithin, stagesOf } from '../rollout/stages-of-policy.ts';
import type { FleetStore, WindowReading } from '../store/fleet-store.ts';
import type { WindowSpec } from '../telemetry/window.ts';
import { countOf, formatAmount } from '../wording/amounts.ts';
import { reasonsInWords } from '../wording/reason-in-words.ts';
import { countsOf, type WindowCounts } from './window-counts.ts';
import type { RolloutInForce } from './windows.ts';

export type RestStore = Pick<FleetStore, 'readWindow' | 'readAside' | 'setAside' | 'putHolding' | 'readHolding'>;

export interface RestQuestion extends RolloutInForce {
  /** What is watched; null when nothing is. */
  readonly watch: PolicyWatch | null;
  readonly now: number;
}

/** A day, so that each window holds the same times of day. */
const DEFAULT_WINDOW_MS = 24 * 60 * 60_000;
const LEAST_INTERVALS = 10;
/** Watching goes on for months: each window may raise a false alarm this often, with every rule at its limit. */
const DEFAULT_WATCH_LEVEL = 0.01;

/** What the windows of a rest count; only a candidate's gauges are followed. */
type RestCounts = Required<Omit<WindowCounts, 'gauges'>> & Pick<WindowSpec, 'baselineEdges'>;

/** What is known of one version's watch; plain JSON in the store. */
interface WatchState {
  readonly format: 1;
  /** Changes with the version and with what is watched. */
  readonly key: Digest;
  /** `learning`: the first window, which becomes the baseline. */
  readonly phase: 'learning' | 'watching';
  readonly limits: readonly FrozenLimit[];
  /** What its windows count. */
  readonly counts: RestCounts;
}

interface Looked {
  readonly atMs: number;
  readonly opened: number;
  readonly key: Digest;
  readonly rules: readonly WatchedRule[];
}

type Resting = RestQuestion & { readonly stable: NonNullable<RolloutStatus['stable']> };

const stateHolding = (rollout: string): string => `watch/${rollout}`;

function watchKey({ stable, watch }: Resting): Digest {
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

/** What a window counts, of that what a rest is about. */
function restCounts({ baselineEdges, classes, histograms, events = [] }: WindowSpec | RestCounts): RestCounts {
  return { baselineEdges, classes, histograms, events };
}

function isCounting(spec: WindowSpec, counts: RestCounts): boolean {
  return JSON.stringify(restCounts(spec)) === JSON.stringify(restCounts(counts));
}

/** Looks at each watched version once a report interval; what it puts aside bounds the store to three windows a version. */
export class RestWindows {
  readonly #store: RestStore;
  readonly #intervalMs: number;
  readonly #looked = new Map<string, Looked>();

  constructor(store: RestStore, intervalMs: number) {
    this.#store = store;
    this.#intervalMs = intervalMs;
  }

  /** How the stable version keeps to what is watched. Its window must be open. While something rolls nobody can tell. */
  async look(question: RestQuestion): Promise<readonly WatchedRule[]> {
    const { name, status, now } = question;
    const { stable } = status;
    if (stable === null) return [];
    const resting = { ...question, stable };
    if (status.candidate !== null) return undecided(resting);
    const key = watchKey(resting);
    const last = this.#looked.get(name);
    const isKnown = last?.opened === status.opened && last.key === key;
    if (isKnown && Math.abs(now - last.atMs) < this.#paceMs(question.watch)) return last.rules;
    const rules = await this.#lookAnew(resting, key);
    this.#looked.set(name, { atMs: now, opened: status.opened, key, rules });
    return rules;
  }

  /** Forgets the rollouts that are gone. */
  keepOnly(names: ReadonlySet<string>): void {
    for (const name of this.#looked.keys()) if (!names.has(name)) this.#looked.delete(name);
  }

  async #lookAnew(question: Resting, key: Digest): Promise<readonly WatchedRule[]> {
    const { name, status, watch } = question;
    const reading = await this.#store.readWindow(name, status.opened);
    if (reading === undefined || reading.closedAtMs !== null) return undecided(question);
    const isDue = reading.listenedMs >= this.#windowMs(watch);
    if (watch === null) {
      if (isDue) await this.#begin(question, reading, reading.spec, 'previous');
      return [];
    }
    const state = await this.#readState(name, key);
    if (state === undefined) return this.#learn(question, reading, key);
    if (!isCounting(reading.spec, state.counts)) {
      await this.#begin(question, reading, state.counts, 'previous');
      return undecided(question);
    }
    const hasTraffic = reading.tallies.stable.names.length > 0;
    if (isDue && state.phase === 'learning' && hasTraffic) return this.#freeze(question, reading, state);
    if (isDue) await this.#begin(question, reading, state.counts, 'previous');
    return this.#judge(question, reading, state);
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
    const value = (await this.#store.readHolding(stateHolding(name))) as unknown as WatchState | undefined;
    return value?.format === 1 && value.key === key ? value : undefined;
  }

  /** The state first: whoever is killed in between finds a window that does not count what it says, and begins it. */
  async #putState(name: string, state: WatchState): Promise<void> {
    await this.#store.putHolding(stateHolding(name), JSON.parse(JSON.stringify(state)));
  }

  /** What is watched is new, or the version is: the window that begins now becomes its baseline. */
  async #learn(question: Resting, reading: WindowReading, key: Digest): Promise<readonly WatchedRule[]> {
    const limits = freezeLimits(rulesOf(question.watch), null);
    const counts = this.#countsOf(question, reading, limits);
    await this.#putState(question.name, { format: 1, key, phase: 'learning', limits, counts });
    await this.#begin(question, reading, counts, 'previous');
    return undecided(question);
  }

  /** The first window is over: relative limits are frozen from it, and later windows are held against it. */
  async #freeze(question: Resting, reading: WindowReading, state: WatchState): Promise<readonly WatchedRule[]> {
    const limits = freezeLimits(rulesOf(question.watch), reading.tallies.stable.summary.latencyMs);
    const counts = this.#countsOf(question, reading, limits);
    const rules = await this.#judge(question, reading, state);
    await this.#begin(question, reading, counts, 'baseline');
    await this.#putState(question.name, { ...state, phase: 'watching', limits, counts });
    return rules;
  }

  /** What the stages' rules ask for is counted on: the next start finds its baseline in these windows. */
  #countsOf(question: Resting, { tallies }: WindowReading, limits: readonly FrozenLimit[]): RestCounts {
    const ofStages = question.policy === null ? [] : stagesOf(question.policy).flatMap((stage) => stage.rules);
    const watched = rulesOf(question.watch);
    const rules = [...ofStages.map((one) => one.rule), ...watched];
    const { classes } = tallies.stable.summary;
    const counts = countsOf(rules, question.classes, classes);
    return { events: [], ...counts, baselineEdges: edgesOf([...ofStages.flatMap(rulesWithin), ...watched], limits) };
  }

  async #begin(
    { now }: Resting,
    { spec }: WindowReading,
    counts: WindowSpec | RestCounts,
    as: 'previous' | 'baseline',
  ): Promise<void> {
    const next = { ...spec, ...restCounts(counts), openedAtMs: now };
    await this.#store.setAside({ spec: next, as, nowMs: now });
  }

  async #judge(question: Resting, reading: WindowReading, state: WatchState): Promise<readonly WatchedRule[]> {
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

function undecided({ name, stable, watch }: Resting): readonly WatchedRule[] {
  return rulesOf(watch).map(({ source: rule }) => {
    const { version, digest } = stable;
    return { rollout: name, version, digest, rule, verdict: 'undecided', message: '', numbers: {} };
  });
}

function watchedRule({ name, stable }: Resting, found: RuleVerdict, { listenedMs }: WindowReading): WatchedRule {
  const { rule, verdict, estimate, lower, upper, limit, unit, devices, trials, reasons } = found;
  const seen = estimate === null ? '' : ` (${formatAmount(estimate, unit)})`;
  const why = reasons.length === 0 ? '' : `; ${reasonsInWords(reasons)}`;
  const over = `on ${countOf(devices, 'device')} over ${formatDuration(Math.round(listenedMs / 1000) * 1000)}`;
  return {
    rollout: name,
    version: stable.version,
    digest: stable.digest,
    rule,
    verdict: verdict === 'not-applicable' ? 'undecided' : verdict,
    message: `${stable.version}, fully out, breaks ${rule}${seen} ${over}${why}`,
    numbers: { estimate, lower, upper, limit, unit, devices, trials },
  };
}
