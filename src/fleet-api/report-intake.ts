// Owns the way of reports from envelopes to the store, over any transport: each is verified by its device's key, checked, and answered.
import type { Clock } from '../base/clock.ts';
import { CodedError } from '../base/errors.ts';
import { isDeeperThan } from '../base/json-depth.ts';
import type { Counter } from '../base/metrics.ts';
import {
  MOST_ENVELOPES,
  type ReportAnswer,
  type StoredAnswer,
  type VerifiedReport,
} from '../contract/fleet-messages.ts';
import { parseReport } from '../contract/parse-report.ts';
import type { Readmission } from '../contract/readmission.ts';
import { type DeviceReport, REPORT_PAYLOAD_TYPE } from '../contract/report.ts';
import { type DeviceSignatures, deviceOf } from './device-signatures.ts';
import { RateLimiter } from './rate-limit.ts';
import type { RefusedReports } from './refused-reports.ts';

/** Epochs are given by the clock, which may have been set back with the store. */
const EPOCH_AHEAD_S = 86_400;
/** Devices of which the address is known. */
const MOST_PLACED = 100_000;
/** A device or an address that is turned away is noted at most so often: the note is a write. */
const NOTED = { perSecond: 0.2, burst: 1 };
/** As deep as reports are, and some more for those of later versions. */
const DEEPEST_REPORT = 16;

export type IntakeOutcome =
  | { readonly kind: 'answered'; readonly answers: readonly ReportAnswer[] }
  /** Without a device it is the address that sends too many wrong signatures. */
  | { readonly kind: 'too-many'; readonly device: string | null; readonly retryAfterSeconds: number };

type Checked =
  | { readonly kind: 'verified'; readonly report: VerifiedReport }
  /** `device` is whose report it says it is, `isOwn` whether that device's key vouches for it. */
  | { readonly kind: 'rejected'; readonly reason: string; readonly device?: string; readonly isOwn?: boolean };

export interface ReportIntakeParts {
  /** The fleet store. */
  readonly register: {
    readmit(order: Readmission): Promise<void>;
    findDevice(id: string): Promise<{ readonly newestSequence: number } | undefined>;
    /** Answers in order, once all are durable. */
    ingest(batch: readonly VerifiedReport[]): Promise<readonly StoredAnswer[]>;
    noteTurnedAway(devices: readonly string[]): Promise<void>;
  };
  readonly signatures: DeviceSignatures;
  /** The key that the fleet documents name for a device; throws FLEET_NOT_READ while nobody knows. */
  readonly keyOf?: ((device: string) => string | undefined) | undefined;
  readonly perDevice: RateLimiter;
  readonly refused: RefusedReports;
  readonly clock: Clock;
  readonly answers: Counter;
  /** A device shows the pointer that it accepted, newer than what it is given. Not to be believed without its signature. */
  readonly onPointer?: ((pointer: string) => void) | undefined;
  /** Reports that the store has just counted for the first time. */
  readonly onTaken?: (taken: TakenReports) => void;
}

export interface TakenReports {
  readonly reports: readonly DeviceReport[];
  readonly receivedMs: number;
  readonly storedMs: number;
}

export class ReportIntake {
  readonly #parts: ReportIntakeParts;
  readonly #noted = new RateLimiter(NOTED);
  /** From where each device sent what its key vouches for, the last that did so at the end. */
  readonly #addresses = new Map<string, string>();

  constructor(parts: ReportIntakeParts) {
    this.#parts = parts;
  }

  /**
   * The address is turned away unread, so that nobody knows which of its devices asked: none of those that were heard from there last is
   * silent. A stranger keeps no device from falling silent that is elsewhere.
   */
  async turnAway(address: string): Promise<void> {
    if (this.#noted.take(`from ${address}`, this.#parts.clock.monotonicMs()) > 0) return;
    const devices = [...this.#addresses].flatMap(([device, from]) => (from === address ? [device] : []));
    for (const device of devices) this.#parts.refused.note(device, 'address-limited');
    if (devices.length > 0) await this.#parts.register.noteTurnedAway(devices);
  }

  /** Answers in the order of the envelopes, after the store committed them. Throws REPORTS_SHAPE, and what the store throws. */
  async take(message: unknown, address: string): Promise<IntakeOutcome> {
    if (!Array.isArray(message) || message.length > MOST_ENVELOPES) {
      throw new CodedError({
        code: 'REPORTS_SHAPE',
        message: `The message is not a list of at most ${MOST_ENVELOPES} envelopes.`,
      });
    }
    const { clock, perDevice, register, signatures } = this.#parts;
    const tired = signatures.waitSeconds(address);
    if (tired > 0) {
      await this.turnAway(address);
      return { kind: 'too-many', device: null, retryAfterSeconds: tired };
    }
    for (const device of new Set(message.map(deviceOf))) {
      // Only what a device signed was charged to it, so it was heard a moment ago.
      const seconds = device === undefined ? 0 : perDevice.wait(device, clock.monotonicMs());
      if (device !== undefined && seconds > 0) return { kind: 'too-many', device, retryAfterSeconds: seconds };
    }
    const checked: Checked[] = [];
    for (const envelope of message) checked.push(await this.#check(envelope, clock.now()));
    signatures.charge(
      address,
      checked.flatMap((one) => (one.kind === 'rejected' ? [one.reason] : [])),
    );
    const verified = checked.flatMap((one) => (one.kind === 'verified' ? [one.report] : []));
    for (const { report } of verified) this.#place(report.device, address);
    const tooMany = this.#overLimit(verified, clock.monotonicMs());
    if (tooMany !== undefined) {
      await this.#noteTurnedAway(verified.map(({ report }) => report.device));
      return tooMany;
    }
    const stored = await register.ingest(verified);
    this.#tellTaken(verified, stored);
    const countsFrom = await this.#countsFrom(verified, stored);
    const outcome: IntakeOutcome = { kind: 'answered', answers: this.#answersTo(checked, stored, countsFrom) };
    await this.#noteTurnedAway(
      checked.flatMap((one) => (one.kind === 'rejected' && one.isOwn && one.device ? [one.device] : [])),
    );
    return outcome;
  }

  #tellTaken(verified: readonly VerifiedReport[], stored: readonly StoredAnswer[]): void {
    const { onTaken, clock } = this.#parts;
    const taken = onTaken === undefined ? [] : verified.filter((_, i) => stored[i] === 'accepted');
    const [first] = taken;
    if (onTaken === undefined || first === undefined) return;
    const reports = taken.map(({ report }) => report);
    onTaken({ reports, receivedMs: first.receivedAtMs, storedMs: clock.now() });
  }

  #place(device: string, address: string): void {
    this.#addresses.delete(device);
    this.#addresses.set(device, address);
    const [oldest] = this.#addresses.keys();
    if (this.#addresses.size > MOST_PLACED && oldest !== undefined) this.#addresses.delete(oldest);
  }

  /** Their silence is the service's doing. */
  async #noteTurnedAway(devices: readonly string[]): Promise<void> {
    const nowMs = this.#parts.clock.monotonicMs();
    const due = [...new Set(devices)].filter((device) => this.#noted.take(device, nowMs) === 0);
    if (due.length > 0) await this.#parts.register.noteTurnedAway(due);
  }

  async #check(envelope: unknown, receivedAtMs: number): Promise<Checked> {
    const check = await this.#parts.signatures.check(envelope, REPORT_PAYLOAD_TYPE, this.#parts.keyOf);
    if (check.kind === 'rejected') return check;
    const { device, publicKey, knownEpoch } = check;
    const rejected = (reason: string): Checked => ({ kind: 'rejected', reason, device, isOwn: true });
    if (isDeeperThan(DEEPEST_REPORT, check.payload)) return rejected('REPORT_DEPTH');
    try {
      const report = parseReport(check.payload);
      // Its own key vouches for a device's own reports only.
      if (report.device !== device) return rejected('other-device');
      if (report.epoch > knownEpoch) await this.#readmit(report, publicKey, receivedAtMs);
      if (report.acceptedPointer !== undefined) this.#parts.onPointer?.(report.acceptedPointer);
      return { kind: 'verified', report: { report, receivedAtMs } };
    } catch (error) {
      if (error instanceof CodedError && error.kind === 'fix-input') return rejected(error.code);
      throw error;
    }
  }

  /** Its key is proven; whether it may come back by that, the fleet documents say. */
  async #readmit(report: DeviceReport, publicKey: string, nowMs: number): Promise<void> {
    const { keyOf, register } = this.#parts;
    const { device, epoch, labels } = report;
    if (keyOf?.(device) !== publicKey || epoch > nowMs / 1000 + EPOCH_AHEAD_S) return;
    await register.readmit({ device, publicKey, epoch, labels, nowMs });
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
        one.kind === 'verified'
          ? answerTo(one.report, stored[next++], countsFrom)
          : { kind: 'rejected', reason: one.reason, sequence: null };
      this.#book(one.kind === 'verified' ? one.report.report.device : one.device, answer);
      this.#parts.answers.add({ answer: answer.kind, reason: answer.kind === 'rejected' ? answer.reason : '' });
      return answer;
    });
  }

  #book(device: string | undefined, answer: ReportAnswer): void {
    if (device === undefined) return;
    if (answer.kind === 'rejected') this.#parts.refused.note(device, answer.reason);
    else this.#parts.refused.accepted(device);
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
