// Owns the interface between the agent and the service, whatever carries it: HTTPS, a broker, a gateway or a simulation.
import type { CodedError } from '../../../src/base/errors.ts';
import type { ArtifactLocation } from '../../../src/contract/artifact-location.ts';
import type { Enrolment, EnrolmentRequest, ReportAnswer } from '../../../src/contract/fleet-messages.ts';
import type { DsseEnvelope } from '../../../src/contract/trust/dsse.ts';

/** No method throws for what networks and services do; each ends soon after its signal is aborted. */
export interface ServiceLink {
  /** Asks for the device's epoch and labels. Repeating is safe: token and key stay the same. */
  enrol(request: EnrolmentRequest, signal: AbortSignal): Promise<EnrolmentResult>;
  /** Hands over signed reports; the answers stand in the order of the reports. */
  send(reports: readonly DsseEnvelope[], signal: AbortSignal): Promise<SendResult>;
  /** Asks where a file in a private bucket can be had now; the request is signed. */
  locate(request: DsseEnvelope, signal: AbortSignal): Promise<LocationResult>;
  /** Waits until the service publishes something else than `known`, or the time is up. */
  waitForChange(wait: ChangeWait): Promise<ChangeResult>;
}

export type EnrolmentResult = { readonly kind: 'enrolled'; readonly enrolment: Enrolment } | LinkFailure;

export type SendResult = { readonly kind: 'answered'; readonly answers: readonly ReportAnswer[] } | LinkFailure;

export type LocationResult =
  | ({ readonly kind: 'located' } & ArtifactLocation)
  /** The request's time is not the service's, which is `nowMs`. */
  | { readonly kind: 'other-time'; readonly nowMs: number; readonly error: CodedError }
  | LinkFailure;

export interface ChangeWait {
  /** The last `ChangeResult.publication` heard; empty at first, which is always answered at once. */
  readonly known: string;
  readonly waitMs: number;
  readonly signal: AbortSignal;
}

export type ChangeResult =
  | { readonly kind: 'changed'; readonly publication: string }
  | { readonly kind: 'unchanged' }
  | LinkFailure;

/** The service did not do it: try again later, not before `retryAfterMs` where the service asked for that. */
export interface LinkFailure {
  readonly kind: 'failed';
  readonly error: CodedError;
  readonly retryAfterMs: number | null;
}
