// Owns how long a version's next download waits: over looks at the directive and news of other things, and shorter after progress.
import { type BackOff, backOffMs } from '../../../src/base/back-off.ts';
import type { Clock } from '../../../src/base/clock.ts';
import type { RandomStream } from '../../../src/base/random.ts';
import type { Digest } from '../../../src/contract/digest.ts';
import { BAR_MS, type Failed } from '../record/model-record.ts';
import type { Later, SupplyRequest } from './supply-request.ts';

export const DOWNLOAD_BACK_OFF: BackOff = { firstMs: 2000, capMs: 300_000 };
/** Answers with wrong bytes after which the version is left alone for a while. */
const MOST_WRONG = 4;

export class SupplyPause {
  readonly #clock: Clock;
  readonly #random: RandomStream;
  #digest: Digest | null = null;
  #untilMs = 0;
  #tries = 0;
  #wrong = 0;
  #turn = 0;
  #spread: { readonly digest: Digest; readonly fromMs: number } | null = null;

  constructor({ clock, random }: { readonly clock: Clock; readonly random: RandomStream }) {
    this.#clock = clock;
    this.#random = random;
  }

  /** The first byte of a version waits so long, so that a fleet does not download at one instant; said once for each version. */
  spread(digest: Digest, waitMs: number): void {
    if (this.#spread?.digest !== digest) this.#spread = { digest, fromMs: this.#clock.monotonicMs() + waitMs };
  }

  /** What is left of the wait; 0 when the version may be fetched. `hasBegun`: a part of it is here. */
  leftMs(digest: Digest, hasBegun: boolean): number {
    const spreadMs = !hasBegun && this.#spread?.digest === digest ? this.#spread.fromMs : 0;
    const untilMs = this.#digest === digest ? this.#untilMs : 0;
    return Math.max(0, Math.max(spreadMs, untilMs) - this.#clock.monotonicMs());
  }

  /** Which source to ask, and how often wrong bytes came. */
  askedOf(digest: Digest): Pick<SupplyRequest, 'turn' | 'wrongAnswers'> {
    const isSame = this.#digest === digest;
    return { turn: isSame ? this.#turn : 0, wrongAnswers: isSame ? this.#wrong : 0 };
  }

  /** Takes note of a try that did not end; returns how long the next one waits. `hasProgressed`: bytes came that are kept. */
  note(digest: Digest, { reason, afterMs }: Later, hasProgressed: boolean): number {
    if (this.#digest !== digest) this.clear(digest);
    const isWrong = isWrongAnswer(reason);
    if (isWrong) this.#wrong += 1;
    if (isWrong || !hasProgressed) this.#turn += 1;
    else this.#tries = 0;
    const waitMs = Math.max(backOffMs(this.#tries++, DOWNLOAD_BACK_OFF, this.#random), afterMs ?? 0);
    this.#untilMs = this.#clock.monotonicMs() + waitMs;
    return waitMs;
  }

  /** The bar on a version whose hosts keep sending wrong bytes; undefined while they may be asked. `nowMs` is the wall clock. */
  barOf(digest: Digest, { reason, message }: Later, nowMs: number): Failed | undefined {
    if (!isWrongAnswer(reason) || this.askedOf(digest).wrongAnswers < MOST_WRONG) return undefined;
    this.clear(digest);
    return { kind: 'failed', reason, message, expiry: { kind: 'time', untilMs: nowMs + BAR_MS } };
  }

  /** Begins anew for this version. */
  clear(digest: Digest): void {
    this.#digest = digest;
    this.#untilMs = 0;
    this.#tries = 0;
    this.#wrong = 0;
    this.#turn = 0;
  }
}

function isWrongAnswer(reason: Later['reason']): boolean {
  return reason === 'corrupt' || reason === 'signature';
}
