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
  readonly mayEnrol: (device: string) => boolean;
  /** The only key with which the device may enrol; undefined, or without this, any will do. */
  readonly keyOf?: ((device: string) => string | undefined) | undefined;
  readonly answers: Counter;
}

/** Throws what `parseEnrolmentRequest` and the store throw. */
export async function enrolDevice(parts: EnrolmentParts, message: unknown, nowMs: number): Promise<EnrolmentOutcome> {
  const request = parseEnrolmentRequest(message);
  const { device } = request;
  if (!parts.mayEnrol(device)) {
    parts.answers.add({ answer: 'denied' });
    const message = `The fleet documents turn ${device} away: a deny list names it, or only listed devices are admitted.`;
    const remedy = 'List the device in a DeviceGroup, or take it off the deny list.';
    return { kind: 'refused', error: { code: 'ENROLMENT_DENIED', message, remedy } };
  }
  if ((parts.keyOf?.(device) ?? request.publicKey) !== request.publicKey) {
    parts.answers.add({ answer: 'other-key' });
    const message = `The fleet documents name another key for ${device}.`;
    const remedy = 'Correct `publicKey` in its DeviceGroup, or enrol the device that holds the key.';
    return { kind: 'refused', error: { code: 'ENROLMENT_OTHER_KEY', message, remedy } };
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
