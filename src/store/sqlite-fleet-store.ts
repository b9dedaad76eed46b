// Owns the fleet store on one SQLite file: the default, with nothing to install beside it.
import type { Clock } from '../base/clock.ts';
import type { JsonValue } from '../contract/digest.ts';
import type { EnrolmentAnswer, StoredAnswer, VerifiedReport } from '../contract/fleet-messages.ts';
import type { AlertRecord } from '../rollout/alert-book.ts';
import type { WindowSpec } from '../telemetry/window.ts';
import { changedDeviceRows, DeviceDecoder, findDeviceRow } from './device-rows.ts';
import type {
  AsideName,
  AsideOrder,
  Brake,
  DeviceRecord,
  EnrolmentOrder,
  EnrolmentTokenOrder,
  FleetPicture,
  FleetStore,
  LeaseRequest,
  Listening,
  NoticeOrder,
  Publication,
  PublicationOrder,
  QueuedNotice,
  SeenStatus,
  WindowReading,
} from './fleet-store.ts';
import { GroupCommit } from './group-commit.ts';
import { raiseCounter, readCounter } from './sqlite-counters.ts';
import { SqliteDatabase, type SqliteDatabaseOptions, toStoreError } from './sqlite-database.ts';
import { createEnrolmentTokens, enrol } from './sqlite-enrolment.ts';
import { ingestGroup } from './sqlite-ingest.ts';
import { readListening, recordListening } from './sqlite-listening.ts';
import * as notices from './sqlite-notices.ts';
import * as memory from './sqlite-reconciler-memory.ts';
import { SqliteWindows } from './sqlite-windows.ts';

export interface SqliteFleetStoreOptions extends SqliteDatabaseOptions {
  readonly clock: Clock;
  /** How often `recordListening` is called; 2 s unless given. */
  readonly heartbeatMs?: number;
  /** How long the first report of a group waits for others; 4 ms unless given. */
  readonly gatherMs?: number;
}

/** Several processes of one machine may share the file; never over a network file system. */
export class SqliteFleetStore implements FleetStore, AsyncDisposable {
  readonly #db: SqliteDatabase;
  readonly #decoder = new DeviceDecoder();
  readonly #windows: SqliteWindows;
  readonly #intake: GroupCommit<VerifiedReport, StoredAnswer>;
  readonly #heartbeatMs: number;
  readonly #seen = new memory.SeenStatuses();
  readonly #publication = new memory.PublicationRecord();
  readonly #devices = new Map<string, DeviceRecord>();
  #pictured = 0;

  /** Opens or makes the file. Throws STORE_TOO_NEW, STORE_BUSY or STORE_FAILED. */
  constructor(options: SqliteFleetStoreOptions) {
    this.#db = new SqliteDatabase(options);
    this.#windows = new SqliteWindows(this.#db);
    this.#heartbeatMs = options.heartbeatMs ?? 2_000;
    this.#intake = new GroupCommit({
      clock: options.clock,
      commit: (reports) => ingestGroup({ db: this.#db, decoder: this.#decoder, windows: this.#windows }, reports),
      ...(options.gatherMs === undefined ? {} : { gatherMs: options.gatherMs }),
    });
  }

  async createEnrolmentTokens(order: EnrolmentTokenOrder): Promise<readonly string[]> {
    return createEnrolmentTokens(this.#db, order);
  }

  async enrol(order: EnrolmentOrder): Promise<EnrolmentAnswer> {
    return enrol(this.#db, order);
  }

  async findDevice(id: string): Promise<DeviceRecord | undefined> {
    return this.#guard(() => {
      const row = findDeviceRow(this.#db, id);
      return row === undefined ? undefined : this.#decoder.record(row);
    });
  }

  ingest(batch: readonly VerifiedReport[]): Promise<readonly StoredAnswer[]> {
    return this.#intake.submit(batch);
  }

  async readFleet(): Promise<FleetPicture> {
    return this.#db.read(() => {
      const version = readCounter(this.#db, 'changes');
      if (version !== this.#pictured) {
        for (const row of changedDeviceRows(this.#db, this.#pictured))
          this.#devices.set(row.id, this.#decoder.record(row));
        this.#pictured = version;
      }
      return { version, devices: this.#devices };
    });
  }

  async openWindow(spec: WindowSpec, nowMs: number): Promise<void> {
    this.#windows.open(spec, nowMs);
  }

  async closeWindow(rollout: string, nowMs: number): Promise<void> {
    this.#windows.close(rollout, nowMs);
  }

  async readWindow(rollout: string, openedRevision: number): Promise<WindowReading | undefined> {
    return this.#windows.read(rollout, openedRevision);
  }

  async setAside(order: AsideOrder): Promise<void> {
    this.#windows.setAside(order);
  }

  async readAside(rollout: string, as: AsideName): Promise<WindowReading | undefined> {
    return this.#windows.readAside(rollout, as);
  }

  async markReady(rollout: string, ready: boolean): Promise<void> {
    this.#windows.markReady(rollout, ready);
  }

  async recordListening(nowMs: number): Promise<Listening> {
    return recordListening(this.#db, nowMs, this.#heartbeatMs);
  }

  async readListening(): Promise<Listening> {
    return this.#db.read(() => readListening(this.#db));
  }

  async recordSeen(rollout: string, seen: SeenStatus): Promise<'recorded' | 'stale' | 'conflict'> {
    return memory.recordSeen(this.#db, rollout, seen);
  }

  async readSeen(): Promise<ReadonlyMap<string, SeenStatus>> {
    return this.#seen.read(this.#db);
  }

  async setBrake(brake: Brake): Promise<void> {
    this.#guard(() => memory.setBrake(this.#db, brake));
  }

  async clearBrake(rollout: string): Promise<void> {
    this.#guard(() => memory.clearBrake(this.#db, rollout));
  }

  async readBrakes(): Promise<ReadonlyMap<string, Brake>> {
    return this.#guard(() => memory.readBrakes(this.#db));
  }

  async acquireLease(request: LeaseRequest): Promise<number | null> {
    return memory.acquireLease(this.#db, request);
  }

  async releaseLease(name: string, token: number): Promise<void> {
    this.#guard(() => memory.releaseLease(this.#db, name, token));
  }

  async readPublication(): Promise<Publication> {
    return this.#guard(() => this.#publication.read(this.#db));
  }

  async reserveMetadataVersion(above = 0): Promise<number> {
    return memory.reserveMetadataVersion(this.#db, above);
  }

  async commitPublication(order: PublicationOrder): Promise<'published' | 'lost'> {
    return memory.commitPublication(this.#db, order);
  }

  async readAlerts(): Promise<readonly AlertRecord[]> {
    return this.#guard(() => notices.readAlerts(this.#db));
  }

  async readTold(): Promise<ReadonlyMap<string, number>> {
    return this.#guard(() => notices.readTold(this.#db));
  }

  async commitNotices(order: NoticeOrder): Promise<'recorded' | 'lost'> {
    return notices.commitNotices(this.#db, order);
  }

  async readNotices(target: string, most: number): Promise<readonly QueuedNotice[]> {
    return this.#guard(() => notices.readNotices(this.#db, target, most));
  }

  async dropNotice(number: number): Promise<void> {
    this.#guard(() => notices.dropNotice(this.#db, number));
  }

  async dropNoticesOf(target: string): Promise<number> {
    return this.#guard(() => notices.dropNoticesOf(this.#db, target));
  }

  async countNotices(): Promise<ReadonlyMap<string, number>> {
    return this.#guard(() => notices.countNotices(this.#db));
  }

  async putHolding(name: string, value: JsonValue): Promise<void> {
    this.#guard(() => memory.putHolding(this.#db, name, value));
  }

  async readHolding(name: string): Promise<JsonValue | undefined> {
    return this.#guard(() => memory.readHolding(this.#db, name));
  }

  async probe(): Promise<void> {
    this.#db.transact(() => raiseCounter(this.#db, 'probes'));
  }

  /** Commits what waits, then closes the file. */
  async close(): Promise<void> {
    this.#intake.flush();
    this.#db.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #guard<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw toStoreError(error);
    }
  }
}
