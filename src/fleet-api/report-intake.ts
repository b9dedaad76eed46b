// Owns the way of reports from envelopes to the store, over any transport: each is verified by its device's key, checked, and answered.
import type { KeyObject } from 'node:crypto';
import { CodedError } from '../base/errors.ts';
import type { Counter } from '../base/metrics.ts';
import {
  MOST_ENVELOPES,
  type ReportAnswer,
  type StoredAnswer,
  type VerifiedReport,
} from '../contract/fleet-messages.ts';
import { parseReport } from '../contract/parse-report.ts';
import { REPORT_PAYLOAD_TYPE } from '../contract/report.ts';
import { isDeviceId } from '../contract/report-reader.ts';
import { verifyDsse } from '../contract/trust/dsse.ts';
import { parsePublicKey } from '../contract/trust/keys.ts';
import type { RateLimiter } from './rate-limit.ts';

const MOST_KEYS = 100_000;

export type IntakeOutcome =
  | { readonly kind: 'answered'; readonly answers: readonly ReportAnswer[] }
  | { readonly kind: 'too-many'; readonly device: string; readonly retryAfterSeconds: number };

type Checked =
  | { readonly kind: 'verified'; readonly report: VerifiedReport }
  | { readonly kind: 'rejected'; readonly reason: string };

export interface ReportIntakeParts {
  /** The fleet store. */
  readonly register: {
    findDevice(id: string): Promise<{ readonly publicKey: string; readonly newestSequence: number } | undefined>;
    /** Answers in order, once all are durable. */
    ingest(batch: readonly VerifiedReport[]): Promise<readonly StoredAnswer[]>;
  };
  readonly isDenied: (device: string) => boolean;
  readonly perDevice: RateLimiter;
  readonly answers: Counter;
}

export class ReportIntake {
  readonly #parts: ReportIntakeParts;
  /** Parsed keys by their PEM text. */
  readonly #keys = new Map<string, KeyObject>();

  constructor(parts: ReportIntakeParts) {
    this.#parts = parts;
  }

  /** Answers in the order of the envelopes, after the store committed them. Throws REPORTS_SHAPE, and what the store throws. */
  async take(message: unknown, nowMs: number): Promise<IntakeOutcome> {
    if (!Array.isArray(message) || message.length > MOST_ENVELOPES) {
      throw new CodedError({
        code: 'REPORTS_SHAPE',
        message: `The message is not a list of at most ${MOST_ENVELOPES} envelopes.`,
      });
    }
    const checked: Checked[] = [];
    for (const envelope of message) checked.push(await this.#check(envelope, nowMs));
    const verified = checked.flatMap((one) => (one.kind === 'verified' ? [one.report] : []));
    const tooMany = this.#overLimit(verified, nowMs);
    if (tooMany !== undefined) return tooMany;
    const stored = await this.#parts.register.ingest(verified);
    const countsFrom = await this.#countsFrom(verified, stored);
    return { kind: 'answered', answers: this.#answersTo(checked, stored, countsFrom) };
  }

  async #check(envelope: unknown, receivedAtMs: number): Promise<Checked> {
    const rejected = (reason: string): Checked => ({ kind: 'rejected', reason });
    const device = deviceOf(envelope);
    if (device === undefined) return rejected('bad-envelope');
    if (this.#parts.isDenied(device)) return rejected('denied');
    const known = await this.#parts.register.findDevice(device);
    if (known === undefined) return rejected('unknown-device');
    const key = this.#keyOf(known.publicKey);
    const check = verifyDsse(envelope, (keyid) => (keyid === device ? key : undefined), REPORT_PAYLOAD_TYPE);
    if (check.kind === 'refused') return rejected('bad-signature');
    try {
      const report = parseReport(check.payload);
      // Its own key vouches for a device's own reports only.
      return report.device === device
        ? { kind: 'verified', report: { report, receivedAtMs } }
        : rejected('other-device');
    } catch (error) {
      if (error instanceof CodedError && error.kind === 'fix-input') return rejected(error.code);
      throw error;
    }
  }

  #keyOf(pem: string): KeyObject {
    const known = this.#keys.get(pem);
    if (known !== undefined) return known;
    if (this.#keys.size >= MOST_KEYS) this.#keys.clear();
    const key = parsePublicKey(pem, 'The device key');
    this.#keys.set(pem, key);
    return key;
  }

  /** Charged after the signature was checked: otherwise a stranger could use up a device's share. */
  #overLimit(verified: readonly VerifiedReport[], nowMs: number): IntakeOutcome | undefined {
    const counts = new Map<string, number>();
    for (const { report } of verified) counts.set(report.device, (counts.get(report.device) ?? 0) + 1);
    for (const [device, count] of counts) {
      const retryAfterSeconds = this.#parts.perDevice.take(device, nowMs, count);
      if (retryAfterSeconds > 0) return { kind: 'too-many', device, retryAfterSeconds };
    }
    return undefined;
  }

  /** The next number of each device whose numbers are too low or too high: without it, it could send for ever in vain. */
  async #countsFrom(
    verified: readonly VerifiedReport[],
    stored: readonly StoredAnswer[],
  ): Promise<ReadonlyMap<string, number>> {
    const next = new Map<string, number>();
    for (const [i, { report }] of verified.entries()) {
      if (stored[i] !== 'too-late' && stored[i] !== 'sequence-jump') continue;
      const known = await this.#parts.register.findDevice(report.device);
      if (known !== undefined) next.set(report.device, known.newestSequence + 1);
    }
    return next;
  }

  #answersTo(
    checked: readonly Checked[],
    stored: readonly StoredAnswer[],
    countsFrom: ReadonlyMap<string, number>,
  ): ReportAnswer[] {
    let next = 0;
    return checked.map((one) => {
      const answer: ReportAnswer =
        one.kind === 'verified' ? answerTo(one.report, stored[next++], countsFrom) : { ...one, sequence: null };
      this.#parts.answers.add({ answer: answer.kind, reason: answer.kind === 'rejected' ? answer.reason : '' });
      return answer;
    });
  }
}

function answerTo(
  { report: { device, sequence } }: VerifiedReport,
  stored: StoredAnswer | undefined,
  countsFrom: ReadonlyMap<string, number>,
): ReportAnswer {
  if (stored === 'accepted' || stored === 'duplicate') return { kind: stored, sequence };
  const next = countsFrom.get(device);
  const from = next === undefined ? {} : { countsFrom: next };
  if (stored === 'too-late') return { kind: stored, sequence, ...from };
  return { kind: 'rejected', sequence, reason: stored ?? 'not-stored', ...(stored === 'sequence-jump' ? from : {}) };
}

/** Which device the envelope says it is from: the id of its only key. */
function deviceOf(envelope: unknown): string | undefined {
  if (typeof envelope !== 'object' || envelope === null) return undefined;
  const { signatures } = envelope as { readonly signatures?: unknown };
  if (!Array.isArray(signatures)) return undefined;
  const keyid: unknown = (signatures[0] as { readonly keyid?: unknown } | null | undefined)?.keyid;
  return isDeviceId(keyid) ? keyid : undefined;
}
