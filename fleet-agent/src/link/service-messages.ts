// Owns the shapes of what the service says to the agent, and their parsers.
import { CodedError } from '../../../src/base/errors.ts';
import { isDeviceId, parseLabels } from '../../../src/contract/parse-report.ts';

export interface EnrolmentRequest {
  readonly token: string;
  readonly device: string;
  /** SPKI PEM. */
  readonly publicKey: string;
  readonly labels: Readonly<Record<string, string>>;
}

export interface Enrolment {
  readonly device: string;
  readonly epoch: number;
  /** The labels that the device states from now on. */
  readonly labels: Readonly<Record<string, string>>;
}

/** Throws ENROLMENT_ANSWER, or what `parseLabels` throws. */
export function parseEnrolment(value: unknown): Enrolment {
  const { device, epoch, labels = {} } = Object(value) as Record<string, unknown>;
  if (!isDeviceId(device) || !Number.isSafeInteger(epoch)) {
    throw new CodedError({ code: 'ENROLMENT_ANSWER', message: 'The enrolment has no device id or no epoch.' });
  }
  return { device, epoch: Number(epoch), labels: parseLabels(labels) };
}

export interface ReportAnswer {
  readonly kind: 'accepted' | 'duplicate' | 'too-late' | 'rejected';
  readonly reason?: string;
}

/** Does the service not know the device, or know it under a newer epoch? Then the device enrols again and repeats the report. */
export function needsEnrolment({ reason = '' }: ReportAnswer): boolean {
  return ['unknown-device', 'other-epoch'].includes(reason);
}

/** The answers to a batch of `count` reports. Throws REPORT_ANSWERS. */
export function parseReportAnswers(value: unknown, count: number): readonly ReportAnswer[] {
  if (Array.isArray(value) && value.length === count)
    return value.map(({ answer, reason }: { answer: ReportAnswer['kind']; reason?: string }) => ({
      kind: answer,
      ...(reason === undefined ? {} : { reason }),
    }));
  throw new CodedError({
    code: 'REPORT_ANSWERS',
    kind: 'retry-later',
    message: 'The service did not answer each report.',
    remedy: 'The agent tries again by itself.',
  });
}

/** The error in the body of an answer, cut to a line's length; undefined when it holds none. */
export function findServiceError(value: unknown): { readonly code: string; readonly message: string } | undefined {
  const { code, message } = Object(Object(value).error) as Record<string, unknown>;
  if (typeof code !== 'string' || typeof message !== 'string') return undefined;
  return { code: code.slice(0, 60), message: message.slice(0, 200) };
}
