// Owns what a fleet store promises, whatever database is below: devices, reports, windows, listening time and the reconciler's memory.
import type { Digest, JsonValue } from '../contract/digest.ts';
import type { Directive } from '../contract/directive.ts';
import type { EnrolmentAnswer, EnrolmentRequest, StoredAnswer, VerifiedReport } from '../contract/fleet-messages.ts';
import type { FailureReason, ModelState, Outcome } from '../contract/report.ts';
import type { AlertRecord } from '../rollout/alert-book.ts';
import type { WindowSpec } from '../telemetry/window.ts';
import type { WindowTallies } from '../telemetry/window-tallies.ts';

/* ---- enrolment ---- */

export interface EnrolmentTokenOrder {
  /** How many tokens; 1 unless given, at most 10,000. */
  readonly count?: number;
  /** Labels that an enrolling device gets, over what it states itself. */
  readonly labels?: Readonly<Record<string, string>>;
  /** The only device that may use the tokens. Only such a token may replace the key of an enrolled device. */
  readonly device?: string;
  readonly expiresAtMs: number;
  /** How many devices may enrol with each token; 1 unless given. */
  readonly uses?: number;
}

export interface EnrolmentOrder extends EnrolmentRequest {
  readonly nowMs: number;
}

/* ---- devices ---- */

/** The last that was heard of one digest on one device under one rollout. */
export interface LatestOutcome {
  readonly kind: Outcome['kind'];
  readonly model: string;
  readonly attempt: number;
  readonly reason: FailureReason | null;
  readonly message: string;
  /** When the store received it. */
  readonly atMs: number;
}

/** A digest that a device was seen taking (staged, tried or running) under a rollout. */
export interface TakenDigest {
  readonly digest: Digest;
  /** Highest attempt seen; 0 when only seen running. */
  readonly attempt: number;
  readonly firstSeenAtMs: number;
}

export interface DeviceRecord {
  readonly id: string;
  readonly epoch: number;
  readonly publicKey: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly properties: Readonly<Record<string, string | number>>;
  /** When the newest report came; the enrolment's time before the first. */
  readonly lastSeenAtMs: number;
  /** Listening time of the store (see `Listening`) at that instant: silence is the present listening time minus this. */
  readonly lastSeenListenedMs: number;
  /** By model. */
  readonly models: ReadonlyMap<string, ModelState>;
  /** By `outcomeKey` (contract/report.ts) of rollout and digest. */
  readonly outcomes: ReadonlyMap<string, LatestOutcome>;
  /** By rollout: the last few digests taken, oldest first. */
  readonly tookCandidate: ReadonlyMap<string, readonly TakenDigest[]>;
}

/** Was the device seen taking this attempt of the digest? */
export function hasTaken(device: DeviceRecord, rollout: string, digest: Digest, attempt: number): boolean {
  const taken = device.tookCandidate.get(rollout)?.find((one) => one.digest === digest);
  return taken !== undefined && (taken.attempt === 0 || taken.attempt >= attempt);
}

export interface FleetPicture {
  /** Changes whenever anything in `devices` does. */
  readonly version: number;
  readonly devices: ReadonlyMap<string, DeviceRecord>;
}

/* ---- windows ---- */

export interface WindowReading {
  readonly spec: WindowSpec;
  readonly tallies: WindowTallies;
  readonly openedAtMs: number;
  /** Null while open. */
  readonly closedAtMs: number | null;
  /** Time in which the store was listening since the window opened. */
  readonly listenedMs: number;
  /** The part of it in which the stage's minimum devices ran the candidate (see `markReady`). */
  readonly readyMs: number;
  /** Reports that came after the window closed: kept and shown, never folded. */
  readonly late: { readonly count: number; readonly last: readonly LateReport[] };
}

export interface LateReport {
  readonly device: string;
  readonly epoch: number;
  readonly sequence: number;
  readonly digest: Digest;
  readonly inferences: number;
  readonly receivedAtMs: number;
}

/** A window at rest begins anew. */
export interface AsideOrder {
  /** What counts from now on, under the same revision. */
  readonly spec: WindowSpec;
  /** What becomes of what was counted until now; it replaces what was put aside under the same name. */
  readonly as: AsideName;
  readonly nowMs: number;
}

export type AsideName = 'previous' | 'baseline';

/* ---- listening ---- */

export interface Listening {
  /** Total time in which some process durably recorded that it was listening. Zero in an empty store. */
  readonly listenedMs: number;
  readonly heartbeatAtMs: number | null;
}

/* ---- the reconciler's memory ---- */

export interface SeenStatus {
  readonly revision: number;
  /** Head commit on which the status was seen. */
  readonly commit: string;
  readonly status: JsonValue;
}

export interface Brake {
  readonly rollout: string;
  readonly revision: number;
  readonly reason: string;
  readonly sinceMs: number;
}

export interface LeaseRequest {
  readonly name: string;
  readonly holder: string;
  readonly ttlMs: number;
  readonly nowMs: number;
}

export interface Publication {
  /** Counts publications; 0 before the first. */
  readonly sequence: number;
  readonly directive: Directive | null;
  /** TUF metadata version of the newest publication. */
  readonly metadataVersion: number;
}

export interface PublicationOrder {
  readonly lease: string;
  /** Fencing token from `acquireLease`. */
  readonly token: number;
  readonly expectedSequence: number;
  readonly directive: Directive;
  readonly metadataVersion: number;
  /** Makes the publication visible (a rename); runs inside the transaction, exactly when lease and sequence hold. */
  readonly swap: () => void;
}

/* ---- what is to be told ---- */

/** What is told changes in one transaction, by whom the lease belongs to. */
export interface NoticeOrder {
  readonly lease: string;
  /** Fencing token from `acquireLease`. */
  readonly token: number;
  /** All alerts as they stand now; left out when they did not change. */
  readonly alerts?: readonly AlertRecord[];
  /** Up to which revision each rollout was told of. */
  readonly told?: ReadonlyMap<string, number>;
  /** Put at the end of the queues of their targets. */
  readonly notices: readonly { readonly target: string; readonly id: string; readonly notice: JsonValue }[];
}

export interface QueuedNotice {
  /** Its place in the queue. */
  readonly number: number;
  readonly id: string;
  readonly notice: JsonValue;
}

/**
 * The durable memory of the service. Every method may be called by several processes on one store.
 * Errors are `CodedError`s `STORE_…`: kind `retry-later` when the database is busy or full, `bug` otherwise.
 */
export interface FleetStore {
  /** Makes tokens; the store keeps their hashes only. */
  createEnrolmentTokens(order: EnrolmentTokenOrder): Promise<readonly string[]>;
  /** Repeating the same token, device and key gives the same answer; a new token starts a new epoch. */
  enrol(order: EnrolmentOrder): Promise<EnrolmentAnswer>;
  findDevice(id: string): Promise<DeviceRecord | undefined>;

  /** Answers in the order of the batch, after the commit that holds all of it. */
  ingest(batch: readonly VerifiedReport[]): Promise<readonly StoredAnswer[]>;
  /** All devices, brought up to date with what every process committed. The map is updated in place by the next call; its records never change. */
  readFleet(): Promise<FleetPicture>;

  /** Closes an older window of the rollout. Goes on with the window of this revision where there is one; does nothing when a newer one was opened before. Open it before its directive is published. */
  openWindow(spec: WindowSpec, nowMs: number): Promise<void>;
  closeWindow(rollout: string, nowMs: number): Promise<void>;
  /** The tallies are shared with later readings: never change them. */
  readWindow(rollout: string, openedRevision: number): Promise<WindowReading | undefined>;
  /** Puts the open window of this revision aside and opens it anew; does nothing when another process did, or when it is not open. */
  setAside(order: AsideOrder): Promise<void>;
  /** What was put aside last under the name. */
  readAside(rollout: string, as: AsideName): Promise<WindowReading | undefined>;
  /** Says whether the stage's minimum devices run the candidate now: only then `readyMs` grows. */
  markReady(rollout: string, ready: boolean): Promise<void>;

  /**
   * Says that this process is listening for reports: call each heartbeat. Time since the last heartbeat of any process is added
   * once; a gap longer than five heartbeats counts as not listening.
   */
  recordListening(nowMs: number): Promise<Listening>;
  readListening(): Promise<Listening>;

  /** `stale`: below the highest seen; `conflict`: another status was seen at this revision. Neither changes anything. */
  recordSeen(rollout: string, seen: SeenStatus): Promise<'recorded' | 'stale' | 'conflict'>;
  readSeen(): Promise<ReadonlyMap<string, SeenStatus>>;

  setBrake(brake: Brake): Promise<void>;
  clearBrake(rollout: string): Promise<void>;
  readBrakes(): Promise<ReadonlyMap<string, Brake>>;

  /** A fencing token that grows with each change of holder (a renewal keeps it), or null while another holds the lease. */
  acquireLease(request: LeaseRequest): Promise<number | null>;
  releaseLease(name: string, token: number): Promise<void>;

  readPublication(): Promise<Publication>;
  /** A metadata version that was never given out before, above every published one and above the given one (what lies in the publication folder). */
  reserveMetadataVersion(above?: number): Promise<number>;
  /** `lost`: another holds the lease, or published meanwhile; nothing changed and `swap` did not run. */
  commitPublication(order: PublicationOrder): Promise<'published' | 'lost'>;

  readAlerts(): Promise<readonly AlertRecord[]>;
  /** Up to which revision each rollout was told of. */
  readTold(): Promise<ReadonlyMap<string, number>>;
  /** `lost`: another holds the lease; nothing changed. Of a queue that is too long the oldest notices are dropped. */
  commitNotices(order: NoticeOrder): Promise<'recorded' | 'lost'>;
  /** The notices that wait for a target, the oldest first. */
  readNotices(target: string, most: number): Promise<readonly QueuedNotice[]>;
  /** It was delivered, or never will be. */
  dropNotice(number: number): Promise<void>;
  /** Nobody is there to be told: all that waits for the target is dropped, and counted. */
  dropNoticesOf(target: string): Promise<number>;
  /** How many notices wait, by target. */
  countNotices(): Promise<ReadonlyMap<string, number>>;

  /** Small state of the service by name, at most 64 KiB each. */
  putHolding(name: string, value: JsonValue): Promise<void>;
  readHolding(name: string): Promise<JsonValue | undefined>;

  /** Throws when the store can't commit a write now. */
  probe(): Promise<void>;
  close(): Promise<void>;
}
