// Owns enrolment: a token and a key come in over any transport, an epoch goes out.
import type { Counter } from '../base/metrics.ts';
import {
  type Enrolment,
  type EnrolmentAnswer,
  type EnrolmentRefusal,
  type EnrolmentRequest,
  parseEnrolmentRequest,
  type ServiceError,
} from '../contract/fleet-messages.ts';

export type EnrolmentOutcome =
  | { readonly kind: 'enrolled'; readonly enrolment: Enrolment }
  | { readonly kind: 'refused'; readonly error: ServiceError };

const MESSAGES: Readonly<Record<EnrolmentRefusal, string>> = {
  'unknown-token': 'The service does not know the token.',
  'expired-token': 'The token has expired.',
  'used-token': 'The token is used up.',
  'other-device': 'The token is for another device.',
  'key-taken': 'The device is enrolled with another key.',
};

export interface EnrolmentParts {
  /** The fleet store. */
  readonly register: {
    enrol(order: EnrolmentRequest & { readonly nowMs: number }): Promise<EnrolmentAnswer>;
  };
  readonly isDenied: (device: string) => boolean;
  readonly answers: Counter;
}

/** Throws what `parseEnrolmentRequest` and the store throw. */
export async function enrolDevice(parts: EnrolmentParts, message: unknown, nowMs: number): Promise<EnrolmentOutcome> {
  const request = parseEnrolmentRequest(message);
  const { device } = request;
  if (parts.isDenied(device)) {
    parts.answers.add({ answer: 'denied' });
    return { kind: 'refused', error: { code: 'ENROLMENT_DENIED', message: `The deny list names ${device}.` } };
  }
  const answer = await parts.register.enrol({ ...request, nowMs });
  parts.answers.add({ answer: answer.kind === 'enrolled' ? 'enrolled' : answer.reason });
  if (answer.kind === 'enrolled')
    return { kind: 'enrolled', enrolment: { device, epoch: answer.epoch, labels: answer.labels } };
  const { reason } = answer;
  const error = {
    code: `ENROLMENT_${reason.toUpperCase().replaceAll('-', '_')}`,
    message: MESSAGES[reason],
    remedy:
      reason === 'key-taken'
        ? `Make a token for this device: \`slipway token --device ${device}\`.`
        : 'Make a new token: `slipway token`.',
  };
  return { kind: 'refused', error };
}
