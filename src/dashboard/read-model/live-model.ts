// Owns the read model of now: made anew after each cycle as far as something changed, and shared by all who ask.
import type { Clock } from '../../base/clock.ts';
import type { Outlook } from '../../rollout/outlook.ts';
import type { RolloutFacts } from '../../rollout/rollout-facts.ts';
import type { TimeSeries } from '../../store/time-series.ts';
import type { WindowReader } from '../../store/window-store.ts';
import { runbookOfRule } from '../../wording/runbook-of.ts';
import type { EventFeed } from '../event-feed.ts';
import { MOST_NAME, text } from './bounded.ts';
import { changedParts } from './changed-parts.ts';
import { type CycleFacts, NO_CYCLE, type ObservedFacts } from './cycle-facts.ts';
import { countFleet, type FleetCounts, fleetSummary, NO_DEVICES } from './fleet-counts.ts';
import type { FleetList } from './fleet-index.ts';
import { Adoption, DAYS_14_MS, modelVersions } from './models-in-field.ts';
import { personNeeds } from './person-needs.ts';
import { rolesByModel } from './roles-by-model.ts';
import { rolloutRow, statusOf } from './rollout-row.ts';
import { marksOf, type RolloutViewFacts, rolloutView } from './rollout-view.ts';
import { type Attempt, RuleHistories } from './rule-history.ts';
import { type ServiceParts, serviceState } from './service-state.ts';
import type {
  AsOf,
  HistoryRow,
  ModelInField,
  ModelVersions,
  Overview,
  RolloutRow,
  Rollouts,
  RolloutView,
  Versions,
} from './types.generated.ts';

export interface LiveModelParts {
  readonly clock: Clock;
  readonly store: TimeSeries & Pick<WindowReader, 'readWindow'>;
  readonly feed: EventFeed;
  /** All devices as they stand. */
  readonly fleet: () => Promise<FleetList>;
  /** What the service's other parts say of themselves now. */
  readonly service: () => Promise<ServiceParts>;
  /** The newest commits of a rollout; none unless given. */
  readonly historyOf?: (rollout: string) => Promise<readonly HistoryRow[]>;
  /** The newest steps of all rollouts; none unless given. */
  readonly newestSteps?: () => Promise<readonly HistoryRow[]>;
  /** Address of a rule's page on what to do; the usual one unless given. */
  readonly runbookOf?: RolloutViewFacts['runbookOf'];
}

interface KnownRow {
  readonly outlook: Outlook;
  readonly facts: RolloutFacts | undefined;
  readonly row: RolloutRow;
}

/** The fleet is counted at most so often: a walk over all devices. */
const COUNT_EVERY_MS = 10_000;

export class LiveModel {
  readonly #parts: LiveModelParts;
  readonly #histories: RuleHistories;
  readonly #adoption: Adoption;
  #cycle: CycleFacts = NO_CYCLE;
  #observed: ObservedFacts | undefined;
  #rows: ReadonlyMap<string, KnownRow> = new Map();
  #counts: FleetCounts = NO_DEVICES;
  #countedMs = Number.NEGATIVE_INFINITY;
  #counted: FleetList | undefined;
  #models: readonly ModelVersions[] = [];
  /** Views by name, as long as nothing changed. */
  #views = new Map<string, Promise<unknown>>();
  #sequence: number;
  /** The newest steps, and the commit that they were read at. */
  #steps: { readonly commit: string; readonly rows: readonly HistoryRow[] } | undefined;

  constructor(parts: LiveModelParts) {
    this.#parts = parts;
    this.#histories = new RuleHistories(parts.store);
    this.#adoption = new Adoption(parts.store);
    this.#sequence = parts.feed.sequence;
  }

  /** What the newest cycle saw and said. */
  get cycle(): CycleFacts {
    return this.#cycle;
  }

  get observed(): ObservedFacts | undefined {
    return this.#observed;
  }

  observe(observed: ObservedFacts): void {
    this.#observed = observed;
  }

  /** A cycle is over: makes the rows of what changed, and tells all readers. */
  show(cycle: CycleFacts): void {
    const before = { cycle: this.#cycle, rows: this.#rows };
    this.#cycle = cycle;
    const facts = new Map((this.#observed?.facts.rollouts ?? []).map((one) => [one.name, one]));
    this.#rows = new Map(
      cycle.outlooks.map((outlook) => {
        const known = before.rows.get(outlook.rollout);
        const own = facts.get(outlook.rollout);
        const isSame = known?.outlook === outlook && known.facts === own;
        return [outlook.rollout, isSame ? known : { outlook, facts: own, row: rolloutRow(outlook, own) }];
      }),
    );
    const parts = changedParts(before, { cycle, rows: this.#rows });
    this.#views = new Map();
    const { commit } = cycle;
    this.#sequence = this.#parts.feed.publish('changed', { atMs: this.#atMs(), commit, parts });
  }

  /** Notes how rules and versions stand, for the curves; at the service's own pace. Throws what the store throws. */
  async keep(nowMs: number): Promise<void> {
    const attempts: Attempt[] = [];
    for (const { outlook, facts } of this.#rows.values()) {
      const attempt = attemptOf(outlook, facts);
      if (attempt === null) continue;
      attempts.push(attempt);
      this.#histories.note(attempt, outlook.verdict?.rules ?? [], nowMs);
    }
    this.#histories.keepOnly(attempts);
    await this.#readSteps();
    await this.#countFleet(nowMs);
    await this.#histories.write(nowMs);
  }

  /** Writes what waits to be written. */
  async settle(): Promise<void> {
    await this.#histories.write(this.#parts.clock.now(), true);
  }

  asOf(): AsOf {
    const { commit, publishedSequence } = this.#cycle;
    return { atMs: this.#atMs(), commit, sequence: this.#sequence, publication: publishedSequence };
  }

  rollouts(): Promise<Rollouts> {
    return this.#once('rollouts', async () => ({ asOf: this.asOf(), rollouts: this.#allRows() }));
  }

  overview(): Promise<Overview> {
    return this.#once('overview', async () => {
      const service = serviceState(this.#cycle, await this.#parts.service(), this.#counts.heard);
      const rows = this.#allRows();
      return {
        asOf: this.asOf(),
        needsPerson: personNeeds(this.#cycle, rows, service.problems),
        fleet: fleetSummary(this.#counts),
        rollouts: rows,
        models: this.#models.map((one) => this.#modelInField(one)),
        service,
      };
    });
  }

  /** Of one model, or of all. */
  versions(model?: string): Promise<Versions> {
    const models = this.#models.filter((one) => model === undefined || one.model === model);
    const make = async (): Promise<Versions> => ({ asOf: this.asOf(), models });
    return models.length === 0 ? make() : this.#once(`versions ${model ?? ''}`, make);
  }

  /** Undefined where there is no rollout of the name. */
  rollout(name: string): Promise<RolloutView | undefined> {
    const known = this.#rows.get(name);
    if (known === undefined) return Promise.resolve(undefined);
    return this.#once(`rollout ${name}`, () => this.#rolloutView(known));
  }

  async #rolloutView({ outlook, facts, row }: KnownRow): Promise<RolloutView> {
    const { store, historyOf, runbookOf = runbookOfRule } = this.#parts;
    const asOf = this.asOf();
    const attempt = attemptOf(outlook, facts);
    const status = statusOf(facts);
    const [histories, reading, history] = await Promise.all([
      attempt === null ? new Map() : this.#histories.read(attempt),
      attempt === null || status === null ? undefined : store.readWindow(outlook.rollout, status.opened),
      historyOf?.(outlook.rollout) ?? [],
    ]);
    const { devices = [], contradicting = [] } = this.#observed?.fleet ?? {};
    const findDevice = (id: string) => devices.find((device) => device.id === id);
    const given = { asOf, row, outlook, facts, histories, reading, history, findDevice, runbookOf };
    return rolloutView({ ...given, contradicting: contradicting.length });
  }

  #allRows(): RolloutRow[] {
    return [...this.#rows.values()].map(({ row }) => row);
  }

  #modelInField(one: ModelVersions): ModelInField {
    const history = this.#adoption.read(one, this.#atMs());
    const sinceMs = this.#atMs() - DAYS_14_MS;
    const rows = this.#steps?.rows ?? [];
    const own = rows.filter(({ rollout, atMs }) => atMs >= sinceMs && this.#rows.get(rollout)?.row.model === one.model);
    return { ...one, history, marks: marksOf(own) };
  }

  /** Once a commit: what it adds to the past, at the service's own pace. */
  async #readSteps(): Promise<void> {
    const { commit } = this.#cycle;
    if (commit === null || this.#steps?.commit === commit) return;
    this.#steps = { commit, rows: (await this.#parts.newestSteps?.()) ?? [] };
    this.#views = new Map();
  }

  async #countFleet(nowMs: number): Promise<void> {
    const { facts } = this.#observed ?? {};
    const isDue = nowMs - this.#countedMs >= COUNT_EVERY_MS || nowMs < this.#countedMs;
    if (facts === undefined || !isDue) return;
    const list = await this.#parts.fleet();
    this.#countedMs = nowMs;
    if (list === this.#counted) return;
    this.#counted = list;
    const roles = rolesByModel(facts.rollouts);
    this.#counts = await countFleet(list, roles);
    this.#models = modelVersions(this.#counts, roles);
    this.#views = new Map();
    this.#sequence = this.#parts.feed.publish('changed', {
      atMs: this.#atMs(),
      commit: this.#cycle.commit,
      parts: ['overview', 'devices'],
    });
    await this.#adoption.note(this.#models, nowMs);
  }

  #atMs(): number {
    return Math.floor(this.#cycle.cycledAtMs ?? this.#parts.clock.now());
  }

  /** One computation for all who ask before the next change. */
  #once<T>(name: string, make: () => Promise<T>): Promise<T> {
    const known = this.#views.get(name);
    if (known !== undefined) return known as Promise<T>;
    const views = this.#views;
    const view = make();
    views.set(name, view);
    view.catch(() => views.delete(name));
    return view;
  }
}

function attemptOf({ rollout, candidate }: Outlook, facts: RolloutFacts | undefined): Attempt | null {
  const running = statusOf(facts)?.candidate ?? null;
  if (candidate === null || running === null) return null;
  return { rollout: text(rollout, MOST_NAME), digest: running.digest, attempt: running.attempt };
}
