// Owns what a store promises about devices: how they enrol, what they report, and what is known of each.

import type { Labels } from '../contract/bound-labels.ts';
import type { Digest } from '../contract/digest.ts';
import type { DirectiveEntry } from '../contract/directive.ts';
import type { EnrolmentAnswer, EnrolmentRequest, StoredAnswer, VerifiedReport } from '../contract/fleet-messages.ts';
import type { Readmission } from '../contract/readmission.ts';
import type { FailureReason, ModelState, Outcome } from '../contract/report.ts';
import type { AnswerSteps } from '../telemetry/answer-steps.ts';
import type { FalseClaim } from '../telemetry/attribution.ts';
import type { Forgotten } from './retention.ts';

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
  /** Listening time of the store when it was seen taking that attempt. */
  readonly takenListenedMs: number;
}

/** A revision of a rollout that a device's report followed, and the listening time of the store then. */
export interface HeardRevision {
  readonly revision: number;
  readonly heardListenedMs: number;
  /** Under it the device answered for both arms in one interval, and switched in none; absent where it did not. */
  readonly isInBoth?: true;
  /** Its answers in a step (`AnswerSteps`) before it followed the revision; absent where nobody knows. */
  readonly usual?: number;
}

/** A device was not heard for more than `SILENT_INTERVALS` report intervals, in the listening time of the store. */
export interface Silence {
  /** When it was heard last before. */
  readonly fromListenedMs: number;
  readonly untilListenedMs: number;
}

export interface DeviceRecord {
  readonly id: string;
  readonly epoch: number;
  readonly publicKey: string;
  /** Number of the newest report that was counted; 0 before the first. */
  readonly newestSequence: number;
  /** The labels that count: what the device stated, changed only where that moves nothing that runs; bound ones win. */
  readonly labels: Labels;
  /** Labels that its token or the fleet documents give it. */
  readonly bound: Labels;
  /** Labels in its newest report. */
  readonly stated: Labels;
  /** Number of the change in the store by which it enrolled first: it counts in no stage that was open then. */
  readonly joined: number;
  /** Number of the last change of its labels, 0 before the first: it counts in no attempt that was under way then. */
  readonly relabelled: number;
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
  /** By rollout: the last few revisions that its reports followed, oldest first. */
  readonly heard: ReadonlyMap<string, readonly HeardRevision[]>;
  /** The last few that are over, oldest first. */
  readonly silences: readonly Silence[];
  /** By rollout. */
  readonly answers: ReadonlyMap<string, AnswerSteps>;
  /** Of the newest report: what it says that the directive contradicts. None of that is counted. */
  readonly claim: FalseClaim | null;
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

export interface DeviceRegister {
  /** Makes tokens; the store keeps their hashes only. */
  createEnrolmentTokens(order: EnrolmentTokenOrder): Promise<readonly string[]>;
  /** Repeating the same token, device and key gives the same answer; a new token starts a new epoch. */
  enrol(order: EnrolmentOrder): Promise<EnrolmentAnswer>;
  /** Without a token: whoever calls has checked that the device holds the key, and that the fleet documents name it. Repeating changes nothing. */
  readmit(order: Readmission): Promise<void>;
  findDevice(id: string): Promise<DeviceRecord | undefined>;
  /** Labels that the fleet documents give to devices, in place of those they gave before; also to devices that enrol later. */
  bindLabels(labels: ReadonlyMap<string, Labels>): Promise<void>;
  /**
   * Counts each report once, in its device's record and in the open windows. Answers in the order of the batch, after the commit that holds
   * all of it; requests that come together share a commit.
   */
  ingest(batch: readonly VerifiedReport[]): Promise<readonly StoredAnswer[]>;
  /** These devices were heard now, and the service turned their reports away: they are not silent. Ids that are not enrolled are passed over. */
  noteTurnedAway(devices: readonly string[]): Promise<void>;
  /** Forgets devices and tokens by the rule of `retention.ts`. */
  forgetOld(nowMs: number): Promise<Forgotten>;
  /** All devices, with what every process committed. The map also shows what is committed later; its records never change. */
  readFleet(): Promise<FleetPicture>;
}

/** What devices were told: reports name it by revision, and count by what it says. */
export interface EntryKeeping {
  /** Keeps what is about to be published: a report that names it may come at once. Repeating is safe. */
  keepEntries(entries: readonly DirectiveEntry[]): Promise<void>;
}
