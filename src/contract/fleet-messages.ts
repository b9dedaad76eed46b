// Owns the messages between devices and the service: enrolment, batches of reports, and their answers, each with the parser of whoever receives it.
import { CodedError } from '../base/errors.ts';
import type { DeviceReport } from './report.ts';
import { isDeviceId, parseLabels } from './report-reader.ts';
import { parsePublicKey } from './trust/keys.ts';

/* ---- enrolment ---- */

export interface EnrolmentRequest {
  readonly token: string;
  readonly device: string;
  /** SPKI PEM of a P-256 key, in the one form in which Node writes it: the store compares keys as text. */
  readonly publicKey: string;
  readonly labels: Readonly<Record<string, string>>;
}

export interface Enrolment {
  readonly device: string;
  /** Reports bear it; their sequence starts at 1. */
  readonly epoch: number;
  /** Labels that its token gives the device: they win over its own. Those of the fleet documents come with the directive. */
  readonly labels: Readonly<Record<string, string>>;
}

export type EnrolmentRefusal = 'unknown-token' | 'expired-token' | 'used-token' | 'other-device' | 'key-taken';

/** What the store makes of a request. */
export type EnrolmentAnswer =
  | { readonly kind: 'enrolled'; readonly epoch: number; readonly labels: Readonly<Record<string, string>> }
  | { readonly kind: 'refused'; readonly reason: EnrolmentRefusal };

const MOST_TOKEN_CHARACTERS = 200;

/** Throws ENROLMENT_SHAPE, TRUST_KEY_…, or what `parseLabels` throws. */
export function parseEnrolmentRequest(value: unknown): EnrolmentRequest {
  const { token, device, publicKey, labels = {} } = Object(value) as Record<string, unknown>;
  const isToken = typeof token === 'string' && token.length <= MOST_TOKEN_CHARACTERS;
  if (!isToken || !isDeviceId(device) || typeof publicKey !== 'string') {
    throw new CodedError({
      code: 'ENROLMENT_SHAPE',
      message: 'The request needs token, device, publicKey and may have labels.',
    });
  }
  const key = parsePublicKey(publicKey, 'The device key').export({ type: 'spki', format: 'pem' }).toString();
  return { token, device, publicKey: key, labels: parseLabels(labels) };
}

/** Throws ENROLMENT_ANSWER, or what `parseLabels` throws. */
export function parseEnrolment(value: unknown): Enrolment {
  const { device, epoch, labels = {} } = Object(value) as Record<string, unknown>;
  if (!isDeviceId(device) || !Number.isSafeInteger(epoch)) {
    throw new CodedError({ code: 'ENROLMENT_ANSWER', message: 'The enrolment has no device id or no epoch.' });
  }
  return { device, epoch: Number(epoch), labels: parseLabels(labels) };
}

/* ---- reports ---- */

/** Envelopes in one batch. */
export const MOST_ENVELOPES = 64;
/** Bytes of a batch as JSON. */
export const MOST_BATCH_BYTES = 1_048_576;

/** A report whose envelope was verified by the device's key and whose shape was checked. */
export interface VerifiedReport {
  readonly report: DeviceReport;
  readonly receivedAtMs: number;
}

/**
 * What the store did with a report. `other-epoch`: the device has enrolled anew since, or never had this epoch. `sequence-jump`: its number
 * is too far beyond the newest one.
 */
export type StoredAnswer = 'accepted' | 'duplicate' | 'too-late' | 'sequence-jump' | 'other-epoch' | 'unknown-device';

/** What a device hears of each report that it sent, in their order. It need not send any of them again but those of `needsEnrolment`. */
export type ReportAnswer =
  | { readonly kind: 'accepted' | 'duplicate'; readonly sequence: number }
  /** `countsFrom`: the lowest number that was never counted; the device goes on from there at least. */
  | { readonly kind: 'too-late'; readonly sequence: number; readonly countsFrom?: number }
  /** `sequence` is null when the envelope could not be verified; the reason is a word, or the code of `parseReport`. */
  | {
      readonly kind: 'rejected';
      readonly sequence: number | null;
      readonly reason: string;
      readonly countsFrom?: number;
    };

/** Does the service not know the device, or know it under a newer epoch? Then the device enrols again and repeats the report. */
export function needsEnrolment(answer: ReportAnswer | undefined): boolean {
  return answer?.kind === 'rejected' && ['unknown-device', 'other-epoch'].includes(answer.reason);
}

/** Did the service not count the report because of its number alone? Then the device repeats it under `countsFrom`. */
export function needsNumber(answer: ReportAnswer | undefined): boolean {
  return answer?.kind === 'rejected' && answer.reason === 'sequence-jump' && answer.countsFrom !== undefined;
}

/** The answers to a batch of `count` reports. Throws REPORT_ANSWERS. */
export function parseReportAnswers(value: unknown, count: number): readonly ReportAnswer[] {
  const answers = Array.isArray(value) && value.length === count ? value.map(findReportAnswer) : [];
  const known = answers.filter((one) => one !== undefined);
  if (known.length === count) return known;
  throw new CodedError({
    code: 'REPORT_ANSWERS',
    kind: 'retry-later',
    message: 'The service did not answer each report.',
    remedy: 'The agent tries again by itself.',
  });
}

function findReportAnswer(value: unknown): ReportAnswer | undefined {
  const { kind, sequence, reason, countsFrom } = Object(value) as Record<string, unknown>;
  const from = Number.isSafeInteger(countsFrom) ? { countsFrom: Number(countsFrom) } : {};
  if (kind === 'rejected') {
    const text = typeof reason === 'string' ? reason.slice(0, 200) : '';
    return { kind, sequence: typeof sequence === 'number' ? sequence : null, reason: text, ...from };
  }
  if (typeof sequence !== 'number') return undefined;
  if (kind === 'too-late') return { kind, sequence, ...from };
  return kind === 'accepted' || kind === 'duplicate' ? { kind, sequence } : undefined;
}

/* ---- refusals ---- */

/** The `error` of every answer that is not a success. */
export interface ServiceError {
  readonly code: string;
  readonly message: string;
  readonly remedy?: string;
}

/** The error in the body of an answer, cut to a line's length; undefined when it holds none. */
export function findServiceError(body: Uint8Array): ServiceError | undefined {
  try {
    const { error } = JSON.parse(new TextDecoder().decode(body)) as { readonly error?: Partial<ServiceError> };
    if (error === undefined) return undefined;
    return { code: String(error.code).slice(0, 60), message: String(error.message).slice(0, 200) };
  } catch {
    return undefined;
  }
}
