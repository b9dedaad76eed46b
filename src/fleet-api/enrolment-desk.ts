// Owns enrolment over HTTP: a token and a key come in, an epoch goes out.
import type { Counter } from '../base/metrics.ts';
import { isDeviceId, parseLabels } from '../contract/parse-report.ts';
import { parsePublicKey } from '../contract/trust/keys.ts';
import type { EnrolmentRefusal, FleetRegister } from './fleet-register.ts';
import { HttpRefusal } from './http-answers.ts';

export interface EnrolmentReply {
  readonly device: string;
  /** Reports bear it; their sequence starts at 1. */
  readonly epoch: number;
  /** What the device shall call itself from now on. */
  readonly labels: Readonly<Record<string, string>>;
}

const WORDS: Readonly<Record<EnrolmentRefusal, string>> = {
  'unknown-token': 'The token is not known.',
  'expired-token': 'The token has expired.',
  'used-token': 'The token was used.',
  'other-device': 'The token is for another device.',
  'key-taken': 'The device is enrolled with another key.',
};

export interface EnrolmentDeskOptions {
  readonly register: FleetRegister;
  readonly isDenied: (device: string) => boolean;
  readonly answers: Counter;
}

/** Throws HttpRefusal 400 or 403, and the CodedErrors of the parsers. */
export async function enrolDevice(
  options: EnrolmentDeskOptions,
  body: unknown,
  nowMs: number,
): Promise<EnrolmentReply> {
  const { token, device, publicKey, labels = {} } = Object(body) as Record<string, unknown>;
  if (typeof token !== 'string' || token.length > 200 || !isDeviceId(device) || typeof publicKey !== 'string') {
    throw new HttpRefusal({
      status: 400,
      code: 'ENROLMENT_SHAPE',
      message: 'The request needs token, device, publicKey and may have labels.',
    });
  }
  if (options.isDenied(device)) {
    options.answers.add({ answer: 'denied' });
    throw new HttpRefusal({
      status: 403,
      code: 'ENROLMENT_DENIED',
      message: `The device ${device} is on the deny list.`,
    });
  }
  // The store compares keys as text, so one key has one text.
  const key = parsePublicKey(publicKey, 'The device key').export({ type: 'spki', format: 'pem' }).toString();
  const answer = await options.register.enrol({ token, device, publicKey: key, labels: parseLabels(labels), nowMs });
  options.answers.add({ answer: answer.kind === 'enrolled' ? 'enrolled' : answer.reason });
  if (answer.kind === 'enrolled') return { device, epoch: answer.epoch, labels: answer.labels };
  throw new HttpRefusal({
    status: 403,
    code: `ENROLMENT_${answer.reason.toUpperCase().replaceAll('-', '_')}`,
    message: WORDS[answer.reason],
    remedy: answer.reason === 'key-taken' ? 'Make a token for this very device.' : 'Make a new token: `slipway token`.',
  });
}
