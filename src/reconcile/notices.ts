// Owns notifying: alerts and steps become log lines, metrics and notices in queues, each once, over restarts and several processes.
import type { Clock } from '../base/clock.ts';
import { toCodedError } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import type { Gauge, Metrics } from '../base/metrics.ts';
import type { Notice, NoticeContent } from '../notify/notice.ts';
import { type AlertRecord, stepBook } from '../rollout/alert-book.ts';
import { type Alert, type AlertReading, alertKeyOf } from '../rollout/alerts.ts';
import { alertsOf } from '../rollout/alerts-of.ts';
import { evidenceAlerts, lostNoticesAlerts } from '../rollout/loss-alerts.ts';
import type { OffDeclared } from '../rollout/off-declared.ts';
import type { StatusClaims } from '../snapshot/status-claims.ts';
import type { Leases } from '../store/leases.ts';
import type { NoticeOrder, NoticeQueue } from '../store/notice-queue.ts';
import { alertInWords, alertRemedy } from '../wording/alerts-in-words.ts';
import { runbookOfAlert } from '../wording/runbook-of.ts';
import { alertFactsOf, type Looked, sourceFactsOf } from './alert-facts.ts';
import type { EvidenceGap } from './evidence-keeper.ts';
import { alertNotice, retrainingNotice, stepNotice } from './notice-of.ts';
import { Reverts } from './reverts.ts';
import type { ServiceView } from './service-view.ts';

const LEASE = 'notices';
/** So long after the last notice was lost, people are told. */
const LOST_FOR_MS = 60 * 60_000;
/** Stands among the rollouts for "there were notices before": a store that is new to a repository sends none about its past. */
const BEGUN = '';

/** What of the settings matters here. */
export interface NoticeList {
  /** Who is notified of what; delivering is another's business. */
  readonly targets: readonly { readonly name: string; wants(content: NoticeContent): boolean }[];
  /** By kind of alert, from the settings; `*` for all others. */
  readonly runbooks: ReadonlyMap<string, string>;
  /** Where the project's own runbooks are read, unless at their usual place. */
  readonly runbookBase?: string;
  /** Address of the screen, for links. */
  readonly publicUrl?: string;
}

export interface NoticesParts {
  readonly store: Leases & NoticeQueue;
  readonly claims: StatusClaims;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics?: Metrics;
  /** Until another is put in force. */
  readonly list: NoticeList;
  /** Names this process among those that may notify. */
  readonly holder: string;
  readonly leaseMs: number;
  /** Steps whose evidence is not as it was signed; none unless given. */
  readonly gaps?: () => readonly EvidenceGap[];
  /** Something was queued. */
  readonly onQueued?: () => void;
}

/** Notices of steps, and up to which revision they go. */
interface NoticesOfSteps {
  readonly notices: readonly Notice[];
  readonly revisions: ReadonlyMap<string, number>;
}

const NO_STEPS: NoticesOfSteps = { notices: [], revisions: new Map() };

export class Notices {
  readonly #parts: NoticesParts;
  #list: NoticeList;
  #lease: { readonly token: number; readonly renewAtMs: number } | undefined;
  #book: readonly AlertRecord[] | undefined;
  #notified: Map<string, number> | undefined;
  readonly #reverts: Reverts;
  readonly #alertGauge: Gauge | undefined;
  readonly #offGauge: Gauge | undefined;
  readonly #lostGauge: Gauge | undefined;
  readonly #raised;
  /** Labels that were set before, so that what ended goes back to 0. */
  readonly #shown = new Map<string, { readonly kind: string; readonly rollout: string }>();

  readonly #offShown = new Set<string>();

  constructor(parts: NoticesParts) {
    this.#parts = parts;
    this.#list = parts.list;
    this.#reverts = new Reverts(parts.claims);
    const { metrics } = parts;
    this.#alertGauge = metrics?.gauge('slipway_alert', 'Alerts that stand, by kind and rollout; 0 when they are over.');
    this.#raised = metrics?.counter('slipway_alerts_total', 'Alerts raised, by kind and rollout.');
    this.#lostGauge = metrics?.gauge('slipway_notices_lost', 'Notices that a target never got, by target.');
    this.#offGauge = metrics?.gauge(
      'slipway_devices_off_declared',
      'Devices that run something else than the directive declares, by rollout.',
    );
  }

  /** Queues for others from now on; a new target hears of what happens from here. */
  useList(list: NoticeList): void {
    this.#list = list;
  }

  /** Does this process notify, rather than another on the same store? */
  async mayNotify(): Promise<boolean> {
    return (await this.#acquire()) !== null;
  }

  /** After a cycle: notices of what began and what ended. Never throws: notifying must not stop the loop. */
  async note(looked: Looked): Promise<readonly AlertRecord[]> {
    this.#showOffDeclared(looked.offDeclared);
    return this.#guarded(async () => {
      const reverted = await this.#reverts.look(looked.observation, this.#parts.clock.now());
      return this.#step(alertsOf({ ...alertFactsOf(looked), reverted }), looked);
    });
  }

  /** After a cycle that observed nothing: it says something of the service, and nothing of the rollouts. */
  async noteBlind({ source, trouble }: ServiceView): Promise<readonly AlertRecord[]> {
    return this.#guarded(async () => {
      const nothing = {
        outlooks: [],
        forged: [],
        emergencyRollbacks: [],
        offDeclared: [],
        watched: [],
        runbooks: new Map(),
      };
      const nobody = { count: 0, first: [] };
      const devices = { refusing: nobody, onRevoked: nobody, claiming: nobody, refusedReports: nobody };
      const reading = alertsOf({ ...nothing, ...devices, ...sourceFactsOf(source), trouble });
      const seen = new Set(['source-away', 'cycle-failed']);
      const unknown = (await this.#readBook()).filter((record) => !seen.has(record.kind));
      return this.#step({ ...reading, unknown }, null);
    });
  }

  async #guarded(work: () => Promise<readonly AlertRecord[]>): Promise<readonly AlertRecord[]> {
    try {
      return (await work()).filter((record) => record.raisedAtMs !== null);
    } catch (thrown) {
      this.#forget();
      const error = toCodedError(thrown, 'NOTICES_FAILED');
      this.#parts.logger.warn('notices could not be recorded; they are tried again', { error });
      return [];
    }
  }

  #forget(): void {
    this.#lease = undefined;
    this.#book = undefined;
    this.#notified = undefined;
  }

  async #acquire(): Promise<number | null> {
    const { store, clock, holder, leaseMs } = this.#parts;
    const nowMs = clock.monotonicMs();
    if (this.#lease !== undefined && nowMs < this.#lease.renewAtMs) return this.#lease.token;
    const token = await store.acquireLease({ name: LEASE, holder, ttlMs: leaseMs, nowMs: clock.now() });
    if (token !== this.#lease?.token) this.#forget();
    this.#lease = token === null ? undefined : { token, renewAtMs: nowMs + leaseMs / 3 };
    return token;
  }

  async #readBook(): Promise<readonly AlertRecord[]> {
    this.#book ??= await this.#parts.store.readAlerts();
    return this.#book;
  }

  async #step(reading: AlertReading, looked: Looked | null): Promise<readonly AlertRecord[]> {
    const { store, clock, onQueued } = this.#parts;
    const token = await this.#acquire();
    if (token === null) {
      const others = await store.readAlerts();
      this.#showAlerts(others);
      return others;
    }
    const nowMs = clock.now();
    const lost = await this.#readLost(nowMs);
    const all = {
      present: [...reading.present, ...lost, ...evidenceAlerts(this.#parts.gaps?.() ?? [])],
      unknown: reading.unknown,
    };
    const stepped = stepBook(await this.#readBook(), this.#withRunbooks(all), nowMs);
    const ofSteps = looked === null ? NO_STEPS : await this.#stepsOf(looked);
    const modelOf = (rollout: string | null): string =>
      looked?.view.outlooks.find((one) => one.rollout === rollout)?.model ?? '';
    const ofAlerts = stepped.changes.flatMap((change, i) => {
      const before = stepped.changes.slice(0, i).map((one) => one.alert.id);
      const isLater = (record: AlertRecord): boolean => record.raisedAtMs === nowMs && !before.includes(record.id);
      const standing = stepped.records.filter((record) => !isLater(record));
      const retraining = retrainingNotice(change, standing, modelOf(change.alert.rollout), nowMs);
      return [alertNotice(change, nowMs), ...(retraining === null ? [] : [retraining])];
    });
    const notices = [...ofSteps.notices, ...ofAlerts].flatMap((notice) => {
      const wanting = this.#list.targets.filter((target) => target.wants(notice.content));
      const value = JSON.parse(JSON.stringify(notice));
      const lane = notice.content.kind === 'alert' ? ('alerts' as const) : ('others' as const);
      return wanting.map(({ name }) => ({ target: name, lane, id: notice.id, notice: value }));
    });
    if (stepped.isChanged || ofSteps.revisions.size > 0) {
      const alerts = stepped.isChanged ? { alerts: stepped.records } : {};
      const isRecorded = await this.#record({
        lease: LEASE,
        token,
        ...alerts,
        notified: ofSteps.revisions,
        notices,
        nowMs,
      });
      if (!isRecorded) return store.readAlerts();
    }
    this.#book = stepped.records;
    for (const [rollout, revision] of ofSteps.revisions) this.#notified?.set(rollout, revision);
    this.#log(stepped.changes);
    this.#showAlerts(stepped.records);
    if (notices.length > 0) onQueued?.();
    return stepped.records;
  }

  /** Notices that nobody got a while ago. */
  async #readLost(nowMs: number): Promise<Alert[]> {
    const lost = [...(await this.#parts.store.readLostNotices())];
    for (const [target, { count }] of lost) this.#lostGauge?.set(count, { target });
    return lostNoticesAlerts(lost.filter(([, { lastAtMs }]) => Math.abs(nowMs - lastAtMs) < LOST_FOR_MS));
  }

  async #record(order: NoticeOrder): Promise<boolean> {
    if ((await this.#parts.store.commitNotices(order)) === 'recorded') return true;
    this.#forget();
    return false;
  }

  #withRunbooks({ present, unknown }: AlertReading): AlertReading {
    const { runbooks, runbookBase } = this.#list;
    const runbookOf = (alert: Alert): string =>
      alert.runbook ?? runbooks.get(alert.kind) ?? runbooks.get('*') ?? runbookOfAlert(alert, runbookBase);
    return { present: present.map((one) => ({ ...one, runbook: runbookOf(one) })), unknown };
  }

  /** The steps on the branch without a notice yet, as their evidence has them: oldest first within a rollout. */
  async #stepsOf({ observation, view }: Looked): Promise<NoticesOfSteps> {
    const { store, claims } = this.#parts;
    this.#notified ??= new Map(await store.readNotified());
    const notified = this.#notified;
    const revisions = new Map<string, number>();
    if (!notified.has(BEGUN)) revisions.set(BEGUN, 1);
    const notices: Notice[] = [];
    for (const { name, claim } of observation.facts.rollouts) {
      if (claim.kind !== 'authentic') continue;
      const { revision, model } = claim.status;
      const before = notified.get(name) ?? 0;
      if (revision <= before) continue;
      revisions.set(name, revision);
      if (!notified.has(BEGUN)) continue;
      const named = model ?? view.outlooks.find((one) => one.rollout === name)?.model ?? '';
      const steps = await claims.stepsAbove(name, observation.snapshot, before);
      const known = steps.filter((step) => step.predicate.revision <= revision);
      notices.push(...known.map((step) => stepNotice(step, named)));
    }
    return { notices, revisions };
  }

  #log(changes: ReturnType<typeof stepBook>['changes']): void {
    const { logger } = this.#parts;
    for (const { kind, alert } of changes) {
      const about = { kind: alert.kind, rollout: alert.rollout, reason: alert.reason, what: alertInWords(alert) };
      const runbook = alert.runbook ? { runbook: alert.runbook } : {};
      if (kind === 'ended') {
        logger.info('alert ended', { ...about, alert: alert.id });
        continue;
      }
      logger.warn('alert', { ...about, remedy: alertRemedy(alert), ...runbook, alert: alert.id });
      this.#raised?.add({ kind: alert.kind, rollout: alert.rollout ?? '' });
    }
  }

  #showAlerts(records: readonly AlertRecord[]): void {
    const standing = new Set<string>();
    for (const { kind, rollout: name, raisedAtMs } of records) {
      const labels = { kind, rollout: name ?? '' };
      const key = alertKeyOf({ ...labels, kind, subject: '' });
      if (raisedAtMs !== null) standing.add(key);
      if (raisedAtMs !== null) this.#shown.set(key, labels);
    }
    for (const [key, labels] of this.#shown) {
      this.#alertGauge?.set(standing.has(key) ? 1 : 0, labels);
      if (!standing.has(key)) this.#shown.delete(key);
    }
  }

  #showOffDeclared(counts: readonly OffDeclared[]): void {
    for (const rollout of this.#offShown) this.#offGauge?.set(0, { rollout });
    this.#offShown.clear();
    for (const { rollout, count } of counts) {
      this.#offGauge?.set(count, { rollout });
      this.#offShown.add(rollout);
    }
  }
}
