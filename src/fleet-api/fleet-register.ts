// Owns what the HTTP side asks of the fleet store; rooms on one floor don't meet, so it names only what it needs.
import type { DeviceReport } from '../contract/report.ts';

export interface EnrolmentRequest {
  readonly token: string;
  readonly device: string;
  /** SPKI PEM, in the one form in which Node writes it. */
  readonly publicKey: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly nowMs: number;
}

export type EnrolmentRefusal = 'unknown-token' | 'expired-token' | 'used-token' | 'other-device' | 'key-taken';
export type EnrolmentAnswer =
  | { readonly kind: 'enrolled'; readonly epoch: number; readonly labels: Readonly<Record<string, string>> }
  | { readonly kind: 'refused'; readonly reason: EnrolmentRefusal };

/** A report whose envelope was verified by the device's key and whose shape was checked. */
export interface VerifiedReport {
  readonly report: DeviceReport;
  readonly receivedAtMs: number;
}

export type StoredAnswer = 'accepted' | 'duplicate' | 'too-late' | 'other-epoch' | 'unknown-device';

/** A part of `FleetStore`. Errors are CodedErrors. */
export interface FleetRegister {
  findDevice(id: string): Promise<{ readonly publicKey: string } | undefined>;
  enrol(request: EnrolmentRequest): Promise<EnrolmentAnswer>;
  /** Answers in order, once all are durable. */
  ingest(batch: readonly VerifiedReport[]): Promise<readonly StoredAnswer[]>;
  readPublication(): Promise<{ readonly sequence: number }>;
  /** Throws when nothing can be written now. */
  probe(): Promise<void>;
}
