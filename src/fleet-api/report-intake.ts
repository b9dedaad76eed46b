// Owns the way of reports from envelopes to the store: each is verified by its device's key, checked, and answered.
import type { KeyObject } from 'node:crypto';
import { CodedError } from '../base/errors.ts';
import type { Counter } from '../base/metrics.ts';
import { isDeviceId, parseReport } from '../contract/parse-report.ts';
import { REPORT_PAYLOAD_TYPE } from '../contract/report.ts';
import { verifyDsse } from '../contract/trust/dsse.ts';
import { parsePublicKey } from '../contract/trust/keys.ts';
import type { FleetRegister, StoredAnswer, VerifiedReport } from './fleet-register.ts';
import { HttpRefusal } from './http-answers.ts';
import type { RateLimiter } from './rate-limit.ts';

export const MOST_ENVELOPES = 64;
const MOST_KEYS = 100_000;

/** What a device hears of each report that it sent. Rejected ones need not be sent again. */
export interface ReportReply {
  /** Null when the envelope could not be verified. */
  readonly sequence: number | null;
  readonly answer: 'accepted' | 'duplicate' | 'too-late' | 'rejected';
  /** Why it was rejected: a word, or the code of `parseReport`. */
  readonly reason?: string;
}

type Checked =
  | { readonly kind: 'verified'; readonly report: VerifiedReport }
  | { readonly kind: 'rejected'; readonly reason: string };

export interface ReportIntakeOptions {
  readonly register: FleetRegister;
  readonly isDenied: (device: string) => boolean;
  readonly perDevice: RateLimiter;
  readonly answers: Counter;
}

export class ReportIntake {
  readonly #options: ReportIntakeOptions;
  /** Parsed keys by their PEM text. */
  readonly #keys = new Map<string, KeyObject>();

  constructor(options: ReportIntakeOptions) {
    this.#options = options;
  }

  /** Answers in the order of the envelopes, after the store committed them. Throws HttpRefusal 400 or 429. */
  async take(body: unknown, nowMs: number): Promise<readonly ReportReply[]> {
    if (!Array.isArray(body) || body.length > MOST_ENVELOPES) {
      throw new HttpRefusal({
        status: 400,
        code: 'REPORTS_SHAPE',
        message: `The body is not a list of at most ${MOST_ENVELOPES} envelopes.`,
      });
    }
    const checked: Checked[] = [];
    for (const envelope of body) checked.push(await this.#check(envelope, nowMs));
    const verified = checked.flatMap((one) => (one.kind === 'verified' ? [one.report] : []));
    this.#limit(verified, nowMs);
    const stored = await this.#options.register.ingest(verified);
    return this.#replies(checked, stored);
  }

  async #check(envelope: unknown, receivedAtMs: number): Promise<Checked> {
    const rejected = (reason: string): Checked => ({ kind: 'rejected', reason });
    const device = deviceOf(envelope);
    if (device === undefined) return rejected('bad-envelope');
    if (this.#options.isDenied(device)) return rejected('denied');
    const known = await this.#options.register.findDevice(device);
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
  #limit(verified: readonly VerifiedReport[], nowMs: number): void {
    const counts = new Map<string, number>();
    for (const { report } of verified) counts.set(report.device, (counts.get(report.device) ?? 0) + 1);
    for (const [device, count] of counts) {
      const seconds = this.#options.perDevice.take(device, nowMs, count);
      if (seconds === 0) continue;
      throw new HttpRefusal({
        status: 429,
        code: 'REPORTS_TOO_MANY',
        message: `The device ${device} reports too often.`,
        remedy: 'Send again after the time in Retry-After.',
        headers: { 'Retry-After': seconds },
      });
    }
  }

  #replies(checked: readonly Checked[], stored: readonly StoredAnswer[]): ReportReply[] {
    let next = 0;
    return checked.map((one) => {
      const reply = one.kind === 'verified' ? replyOf(one.report, stored[next++]) : rejection(null, one.reason);
      this.#options.answers.add({ answer: reply.answer, reason: reply.reason ?? '' });
      return reply;
    });
  }
}

function rejection(sequence: number | null, reason: string): ReportReply {
  return { sequence, answer: 'rejected', reason };
}

function replyOf({ report }: VerifiedReport, answer: StoredAnswer | undefined): ReportReply {
  const { sequence } = report;
  if (answer === 'accepted' || answer === 'duplicate' || answer === 'too-late') return { sequence, answer };
  return rejection(sequence, answer ?? 'not-stored');
}

/** Which device the envelope says it is from: the id of its only key. */
function deviceOf(envelope: unknown): string | undefined {
  if (typeof envelope !== 'object' || envelope === null) return undefined;
  const { signatures } = envelope as { readonly signatures?: unknown };
  if (!Array.isArray(signatures)) return undefined;
  const keyid: unknown = (signatures[0] as { readonly keyid?: unknown } | null | undefined)?.keyid;
  return isDeviceId(keyid) ? keyid : undefined;
}
