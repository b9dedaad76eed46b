// Owns notifying: alerts and steps become log lines, metrics and notices in queues, each once, over restarts and several processes.
import type { Clock } from '../base/clock.ts';
import { toCodedError } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import type { Metrics } from '../base/metrics.ts';
import type { AlertNotice, Notice, NoticeContent } from '../notify/notice.ts';
import { type AlertRecord, stepBook } from '../rollout/alert-book.ts';
import type { Alert, AlertReading } from '../rollout/alerts.ts';
import { alertsOf } from '../rollout/alerts-of.ts';
import { evidenceAlerts, lostNoticesAlerts } from '../rollout/loss-alerts.ts';
import { withSilences } from '../rollout/silences.ts';
import type { StatusClaims } from '../snapshot/status-claims.ts';
import type { Leases } from '../store/leases.ts';
import type { NoticeOrder, NoticeQueue } from '../store/notice-queue.ts';
import type { NamedValues } from '../store/reconciler-state.ts';
import { readSilences } from '../store/silences.ts';
import { alertInWords, alertRemedy } from '../wording/alerts-in-words.ts';
import { runbookOfAlert } from '../wording/runbook-of.ts';
import { aboutStep, linkOf } from './about-step.ts';
import { alertFactsOf, type Looked, sourceFactsOf } from './alert-facts.ts';
import { AlertMetrics } from './alert-metrics.ts';
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
  readonly store: Leases & NoticeQueue & Pick<NamedValues, 'readValue'>;
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
  readonly #metrics: AlertMetrics;

  constructor(parts: NoticesParts) {
    this.#parts = parts;
    this.#list = parts.list;
    this.#reverts = new Reverts(parts.claims);
    this.#metrics = new AlertMetrics(parts.metrics);
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
    this.#metrics.showOffDeclared(looked.offDeclared);
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
      this.#metrics.showAlerts(others);
      return others;
    }
    const nowMs = clock.now();
    const lost = await this.#readLost(nowMs);
    const all = {
      present: [...reading.present, ...lost, ...evidenceAlerts(this.#parts.gaps?.() ?? [])],
      unknown: reading.unknown,
    };
    const begun = stepBook(await this.#readBook(), this.#withRunbooks(all), nowMs);
    const stepped = withSilences(begun, await readSilences(store), nowMs);
    const ofSteps = looked === null ? NO_STEPS : await this.#stepsOf(looked);
    const modelOf = (rollout: string | null): string =>
      looked?.view.outlooks.find((one) => one.rollout === rollout)?.model ?? '';
    // A silence keeps people from alerts, and nobody from training.
    const retrainings = begun.changes.flatMap((change, i) => {
      const before = begun.changes.slice(0, i).map((one) => one.alert.id);
      const isLater = (record: AlertRecord): boolean => record.raisedAtMs === nowMs && !before.includes(record.id);
      const standing = begun.records.filter((record) => !isLater(record));
      const retraining = retrainingNotice(change, standing, modelOf(change.alert.rollout), nowMs);
      return retraining === null ? [] : [retraining];
    });
    const told = stepped.changes.map((change) =>
      alertNotice(change, { model: modelOf(change.alert.rollout), ...linkOf(this.#list, change.alert) }, nowMs),
    );
    const notices = [...ofSteps.notices, ...retrainings, ...told].flatMap((notice) => {
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
    this.#log(begun.changes, stepped.records);
    this.#metrics.showAlerts(stepped.records);
    if (notices.length > 0 || stepped.isChanged) onQueued?.();
    return stepped.records;
  }

  /** Notices that nobody got a while ago. */
  async #readLost(nowMs: number): Promise<Alert[]> {
    const lost = [...(await this.#parts.store.readLostNotices())];
    for (const [target, { count }] of lost) this.#metrics.showLost(target, count);
    return lostNoticesAlerts(lost.filter(([, { lastAtMs }]) => Math.abs(nowMs - lastAtMs) < LOST_FOR_MS));
  }

  async #record(order: NoticeOrder): Promise<boolean> {
    if ((await this.#parts.store.commitNotices(order)) === 'recorded') return true;
    this.#forget();
    return false;
  }

  /** The alerts that stand and that no silence keeps back, as they are now; for who is told again and again. */
  async standing(): Promise<readonly AlertNotice[]> {
    const nowMs = this.#parts.clock.now();
    const records = (await this.#parts.store.readAlerts()).filter((one) => one.raisedAtMs !== null && !one.silenced);
    return records.flatMap((alert) => {
      const { content } = alertNotice({ kind: 'raised', alert }, linkOf(this.#list, alert), nowMs);
      return content.kind === 'alert' ? [content] : [];
    });
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
      for (const step of known)
        notices.push(
          stepNotice(step, named, await aboutStep(step, this.#list, { claims, snapshot: observation.snapshot })),
        );
    }
    return { notices, revisions };
  }

  #log(changes: ReturnType<typeof stepBook>['changes'], records: readonly AlertRecord[]): void {
    const { logger } = this.#parts;
    for (const { kind, alert } of changes) {
      const about = { kind: alert.kind, rollout: alert.rollout, reason: alert.reason, what: alertInWords(alert) };
      const runbook = alert.runbook ? { runbook: alert.runbook } : {};
      if (kind === 'ended') {
        logger.info('alert ended', { ...about, alert: alert.id });
        continue;
      }
      const silenced = records.find(({ id }) => id === alert.id)?.silenced;
      const kept = silenced === undefined ? {} : { silenced: silenced.reason };
      logger.warn('alert', { ...about, remedy: alertRemedy(alert), ...runbook, ...kept, alert: alert.id });
      this.#metrics.countRaised(alert);
    }
  }
}
