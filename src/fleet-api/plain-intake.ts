// Owns the way of plain reports to the store: JSON under a token, checked one by one, from devices that nothing else vouches for.
import type { Clock } from '../base/clock.ts';
import { CodedError } from '../base/errors.ts';
import type { Counter } from '../base/metrics.ts';
import { MOST_PLAIN_REPORTS, type PlainReport, parsePlainReport } from '../contract/plain-report.ts';
import type { RateLimiter } from './rate-limit.ts';

/** What the store says of one report. */
type Stored = 'accepted' | 'duplicate' | 'enrolled' | 'too-many-devices' | 'too-many-models';

export type PlainAnswer =
  | { readonly kind: 'accepted' | 'duplicate' }
  | { readonly kind: 'rejected'; readonly code: string; readonly message: string };

export interface PlainIntakeParts {
  /** The fleet store. */
  readonly register: {
    ingestPlain(
      reports: readonly { readonly report: PlainReport; readonly receivedAtMs: number; readonly token: string }[],
    ): Promise<readonly Stored[]>;
  };
  /** Do the fleet documents turn the device away? */
  readonly isDenied: (device: string) => boolean;
  readonly perDevice: RateLimiter;
  readonly clock: Clock;
  readonly answers: Counter;
  /** How many reports the store has just counted for the first time. */
  readonly onTaken?: (count: number) => void;
}

const REFUSALS: Readonly<Record<Exclude<Stored, 'accepted' | 'duplicate'>, readonly [code: string, message: string]>> =
  {
    enrolled: ['PLAIN_ENROLLED', 'The device is enrolled: only reports that its own key signs count.'],
    'too-many-devices': ['PLAIN_TOO_MANY', 'The service keeps no more devices that report plainly.'],
    'too-many-models': ['PLAIN_TOO_MANY', 'The device names more models than the service keeps.'],
  };

/** The parsed report, or why there is none. */
type Checked = PlainReport | Extract<PlainAnswer, { kind: 'rejected' }>;

export class PlainIntake {
  readonly #parts: PlainIntakeParts;

  constructor(parts: PlainIntakeParts) {
    this.#parts = parts;
  }

  /** Answers in order. Throws PLAIN_REPORTS, and what the store throws. */
  async take(message: unknown, token: string): Promise<PlainAnswer[]> {
    const list = Array.isArray(message) ? message : [message];
    if (list.length > MOST_PLAIN_REPORTS)
      throw new CodedError({
        code: 'PLAIN_REPORTS',
        message: `The message has ${list.length} reports.`,
        remedy: `Send at most ${MOST_PLAIN_REPORTS} at once.`,
      });
    const { register, clock, answers } = this.#parts;
    const receivedAtMs = clock.now();
    const checked = list.map((one) => this.#check(one));
    const reports = checked.flatMap((one) => ('kind' in one ? [] : [{ report: one, receivedAtMs, token }]));
    const stored = reports.length === 0 ? [] : await register.ingestPlain(reports);
    const taken = stored.filter((one) => one === 'accepted').length;
    if (taken > 0) this.#parts.onTaken?.(taken);
    let next = 0;
    return checked.map((one) => {
      const answer = 'kind' in one ? one : answerOf(stored[next++]);
      answers.add({ answer: answer.kind, reason: answer.kind === 'rejected' ? answer.code : '' });
      return answer;
    });
  }

  #check(value: unknown): Checked {
    const { isDenied, perDevice, clock } = this.#parts;
    try {
      const report = parsePlainReport(value);
      if (isDenied(report.device)) return rejected('PLAIN_DENIED', 'The fleet documents turn the device away.');
      if (perDevice.take(report.device, clock.monotonicMs()) > 0)
        return rejected('PLAIN_TOO_OFTEN', 'The device reports too often. Send again later.');
      return report;
    } catch (error) {
      if (error instanceof CodedError && error.kind === 'fix-input') return rejected(error.code, error.message);
      throw error;
    }
  }
}

function rejected(code: string, message: string): Extract<PlainAnswer, { kind: 'rejected' }> {
  return { kind: 'rejected', code, message };
}

function answerOf(stored: Stored | undefined): PlainAnswer {
  if (stored === 'accepted' || stored === 'duplicate') return { kind: stored };
  return rejected(...REFUSALS[stored ?? 'too-many-devices']);
}
