// Owns enrolment: tokens that the store knows by their hashes alone, each turning a device's key into an epoch.
import { randomBytes } from 'node:crypto';
import { CodedError } from '../base/errors.ts';
import { ENROLMENT_TOKEN_PREFIX } from '../contract/api-token.ts';
import type { Labels } from '../contract/bound-labels.ts';
import type { EnrolmentAnswer, EnrolmentRefusal } from '../contract/fleet-messages.ts';
import type { Readmission } from '../contract/readmission.ts';
import { MOST_ENROLMENT_TOKENS } from '../contract/token-messages.ts';
import type { EnrolmentOrder, EnrolmentTokenOrder } from './device-register.ts';

const MOST_USES = 10_000_000;

/** What the store keeps of a token, by its hash. */
export interface KnownToken {
  readonly labels: Readonly<Record<string, string>>;
  readonly device: string | null;
  readonly expiresAtMs: number;
  readonly usesLeft: number;
}

/** New tokens, and what is kept of each. */
export function makeTokens(order: EnrolmentTokenOrder): { readonly tokens: string[]; readonly known: KnownToken } {
  const { count = 1, uses = 1, labels = {}, device = null, expiresAtMs } = order;
  if (!(count >= 1 && count <= MOST_ENROLMENT_TOKENS && uses >= 1 && uses <= MOST_USES)) {
    throw new CodedError({
      code: 'ENROLMENT_ORDER',
      message: `${count} tokens of ${uses} uses can't be made.`,
      remedy: `Ask for 1 to ${MOST_ENROLMENT_TOKENS} tokens of 1 to ${MOST_USES} uses.`,
    });
  }
  const tokens = Array.from(
    { length: count },
    () => `${ENROLMENT_TOKEN_PREFIX}${randomBytes(32).toString('base64url')}`,
  );
  return { tokens, known: { labels, device, expiresAtMs: Math.floor(expiresAtMs), usesLeft: uses } };
}

export interface EnrolmentFacts {
  readonly token: KnownToken | undefined;
  /** The epoch that this token gave to the device before. */
  readonly usedEpoch: number | undefined;
  /** The device as it is enrolled now. */
  readonly known: { readonly publicKey: string; readonly epoch: number; readonly tokenLabels: Labels } | undefined;
}

/** The answer, and whether it starts a new epoch and so spends a use of the token. */
export interface EnrolmentVerdict {
  readonly answer: EnrolmentAnswer;
  readonly isNew: boolean;
}

/** A store that was set back may not know a device, or only what it was before it enrolled again. Its key must be the one that is known. */
export function mayReadmit(
  known: Pick<NonNullable<EnrolmentFacts['known']>, 'publicKey' | 'epoch'> | undefined,
  { publicKey, epoch }: Readmission,
): boolean {
  return known === undefined || (known.publicKey === publicKey && known.epoch < epoch);
}

function refused(reason: EnrolmentRefusal): EnrolmentVerdict {
  return { answer: { kind: 'refused', reason }, isNew: false };
}

export function judgeEnrolment(
  { device, publicKey, nowMs }: EnrolmentOrder,
  { token, usedEpoch, known }: EnrolmentFacts,
): EnrolmentVerdict {
  if (token === undefined) return refused('unknown-token');
  if (token.device !== null && token.device !== device) return refused('other-device');
  // A token for this one device says who it is: without labels it changes the key and nothing else.
  const keepsLabels = token.device !== null && known !== undefined && Object.keys(token.labels).length === 0;
  const labels = keepsLabels ? known.tokenLabels : token.labels;
  const enrolled = (epoch: number, isNew: boolean): EnrolmentVerdict => ({
    answer: { kind: 'enrolled', epoch, labels },
    isNew,
  });
  if (usedEpoch !== undefined) {
    // The answer was lost on its way: the same again, but never an epoch that a later token has ended.
    const isRepeat = known?.publicKey === publicKey && known.epoch === usedEpoch;
    return isRepeat ? enrolled(usedEpoch, false) : refused('used-token');
  }
  if (nowMs >= token.expiresAtMs) return refused('expired-token');
  if (token.usesLeft === 0) return refused('used-token');
  // Someone with just any token must not take over a device that is already there.
  if (known !== undefined && known.publicKey !== publicKey && token.device === null) return refused('key-taken');
  // Epochs follow the clock: a device enrolled into an emptied store must not get an epoch that it had before, for old reports of that
  // epoch could pass for new ones.
  return enrolled(Math.max((known?.epoch ?? 0) + 1, Math.floor(nowMs / 1000)), true);
}
