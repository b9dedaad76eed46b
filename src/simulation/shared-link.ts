// Owns a link that its transfers share: each gets an equal part of the bandwidth, no more than its own device can take, and may be cut.

/** A download under way. */
export interface Transfer {
  readonly sinceMs: number;
  /** Still to come. */
  leftBytes: number;
  /** When it is cut, if it lasts as long. */
  readonly cutAtMs: number;
  /** When it ended: nothing is left, or it was cut. Null while it lasts. */
  endedAtMs: number | null;
}

export class SharedLink {
  readonly #bytesPerSecond: number;
  readonly #mostOfOne: number;
  #transfers: Transfer[] = [];
  #nowMs: number;

  /** Bandwidths in bytes a second: of the link, and of one device alone on it. */
  constructor(bytesPerSecond: number, mostOfOne: number, nowMs: number) {
    this.#bytesPerSecond = bytesPerSecond;
    this.#mostOfOne = mostOfOne;
    this.#nowMs = nowMs;
  }

  add(transfer: Transfer): void {
    this.#transfers.push(transfer);
  }

  remove(transfer: Transfer): void {
    this.#transfers = this.#transfers.filter((one) => one !== transfer);
  }

  /** Lets the bytes flow until then: from one begin, end or cut to the next. */
  flowUntil(untilMs: number): void {
    while (this.#transfers.length > 0 && this.#nowMs < untilMs) {
      const flowing = this.#transfers.filter(({ sinceMs }) => sinceMs <= this.#nowMs);
      const perMs = Math.min(this.#mostOfOne, this.#bytesPerSecond / Math.max(1, flowing.length)) / 1000;
      let nextMs = untilMs;
      for (const { sinceMs, leftBytes, cutAtMs } of this.#transfers) {
        const changesAtMs = sinceMs > this.#nowMs ? sinceMs : Math.min(cutAtMs, this.#nowMs + leftBytes / perMs);
        nextMs = Math.min(nextMs, changesAtMs);
      }
      for (const one of flowing) this.#flow(one, perMs, nextMs);
      this.#transfers = this.#transfers.filter(({ endedAtMs }) => endedAtMs === null);
      this.#nowMs = nextMs;
    }
    this.#nowMs = untilMs;
  }

  #flow(one: Transfer, perMs: number, untilMs: number): void {
    const left = one.leftBytes - perMs * (untilMs - this.#nowMs);
    one.leftBytes = left < 1 ? 0 : left;
    if (one.leftBytes === 0 || one.cutAtMs <= untilMs) one.endedAtMs = untilMs;
  }
}
