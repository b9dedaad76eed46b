// Owns what a store promises about devices without an agent: what they say of themselves under a token, shown and never judged.
import type { Digest } from '../contract/digest.ts';
import type { PlainReport } from '../contract/plain-report.ts';
import type { RecentPoint } from './recent-reports.ts';

/** Devices that are kept; more are turned away. */
export const MOST_PLAIN_DEVICES = 100_000;
/** Models of one. */
export const MOST_PLAIN_MODELS = 16;
/** Keys of reports that are kept of one: a report that is sent again within so many counts once. */
export const MOST_PLAIN_KEYS = 128;

/** `enrolled`: the device signs its reports, so nobody else may speak for it. */
export type PlainAnswer = 'accepted' | 'duplicate' | 'enrolled' | 'too-many-devices' | 'too-many-models';

export interface PlainModel {
  readonly version: string;
  readonly digest: Digest | null;
  /** When the device says that it was so; when the report came where it does not say. */
  readonly statedAtMs: number;
}

/** What is known of a device that nothing vouches for but the token that its reports came with. */
export interface PlainDevice {
  readonly id: string;
  readonly models: ReadonlyMap<string, PlainModel>;
  /** Figures of its newest report, by the name of their field. */
  readonly figures: Readonly<Record<string, number>>;
  readonly firstSeenAtMs: number;
  readonly lastSeenAtMs: number;
  readonly lastSeenListenedMs: number;
  /** Id of the token that its newest report came with. */
  readonly token: string;
}

export interface PlainFleet {
  /** Changes whenever anything in `devices` does. */
  readonly version: number;
  readonly devices: ReadonlyMap<string, PlainDevice>;
}

export interface ReceivedPlainReport {
  readonly report: PlainReport;
  readonly receivedAtMs: number;
  readonly token: string;
}

export interface PlainRegister {
  /** Counts each report once; answers in their order, after the commit that holds all. */
  ingestPlain(reports: readonly ReceivedPlainReport[]): Promise<readonly PlainAnswer[]>;
  readPlainFleet(): Promise<PlainFleet>;
  /** The recent past of any device, the oldest first; empty where nothing is known. */
  readRecent(device: string): Promise<readonly RecentPoint[]>;
}
