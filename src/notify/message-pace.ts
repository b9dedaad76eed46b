// Owns how many messages a target gets in a minute: some at once, the others spread.

interface Bucket {
  readonly atMs: number;
  /** Messages that may be sent now; below zero for those that wait already. */
  readonly tokens: number;
}

const MINUTE_MS = 60_000;

export class MessagePace {
  readonly #buckets = new Map<string, Bucket>();

  /** Takes one message, and says in how many milliseconds it may be sent; 0 is now. */
  take(target: string, perMinute: number, nowMs: number): number {
    const before = this.#buckets.get(target) ?? { atMs: nowMs, tokens: perMinute };
    const everyMs = MINUTE_MS / perMinute;
    const filled = Math.min(perMinute, before.tokens + Math.max(0, nowMs - before.atMs) / everyMs);
    this.#buckets.set(target, { atMs: nowMs, tokens: filled - 1 });
    return filled >= 1 ? 0 : Math.ceil((1 - filled) * everyMs);
  }
}
