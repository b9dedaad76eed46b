// Owns how often one caller may ask: token buckets by key, in bounded memory.

export interface RateLimit {
  readonly perSecond: number;
  /** How many may come at once after a pause. */
  readonly burst: number;
}

/** What one address may do. */
export interface AddressLimits {
  readonly perAddress: RateLimit;
  /** Bytes of bodies. */
  readonly bytesPerAddress: RateLimit;
  /** Wrong signatures, and at a part of their cost envelopes of unknown devices. A device never sends one; checking one costs as much as a right one. */
  readonly forgedPerAddress: RateLimit;
  /** Wrong bearer tokens. */
  readonly wrongTokensPerAddress: RateLimit;
  /** Callers that wait for the next publication at once. */
  readonly waitersPerAddress: number;
  /** Open event streams. */
  readonly streamsPerAddress: number;
}

/** Enough for a site of some hundred devices; `factor` times as much where more share an address. */
export function addressLimits(factor = 1): AddressLimits {
  const times = (perSecond: number, burst: number) => ({ perSecond: factor * perSecond, burst: factor * burst });
  return {
    perAddress: times(500, 2_000),
    bytesPerAddress: times(2 * MIB, 64 * MIB),
    forgedPerAddress: times(1, 256),
    wrongTokensPerAddress: times(1, 60),
    waitersPerAddress: factor * 2_000,
    streamsPerAddress: factor * 500,
  };
}

interface Bucket {
  tokens: number;
  filledAtMs: number;
}

const MIB = 1024 * 1024;
const MOST_BUCKETS = 100_000;
/** Nobody is sent away for longer at once. */
const MOST_WAIT_SECONDS = 60;

export class RateLimiter {
  readonly #limit: RateLimit;
  readonly #buckets = new Map<string, Bucket>();

  constructor(limit: RateLimit) {
    this.#limit = limit;
  }

  /** Takes `cost` for the key; 0 when it may go on, else after how many seconds it may ask again. `nowMs` is monotonic. */
  take(key: string, nowMs: number, cost = 1): number {
    const { burst } = this.#limit;
    const bucket = this.#buckets.get(key) ?? this.#make(key, nowMs);
    // More than a full bucket is never there: let it in when the bucket is full.
    const needed = Math.min(cost, burst);
    const seconds = this.#wait(bucket, needed, nowMs);
    if (seconds === 0) bucket.tokens -= needed;
    return seconds;
  }

  /** As `take` for a cost of one, but takes nothing. */
  wait(key: string, nowMs: number): number {
    const bucket = this.#buckets.get(key);
    return bucket === undefined ? 0 : this.#wait(bucket, 1, nowMs);
  }

  /** Takes what has been spent already, as far as there is any. */
  charge(key: string, nowMs: number, spent: number): void {
    const bucket = this.#buckets.get(key) ?? this.#make(key, nowMs);
    this.#wait(bucket, 0, nowMs);
    bucket.tokens = Math.max(0, bucket.tokens - spent);
  }

  /** Fills the bucket up to now. A time before the last one adds nothing and takes nothing. */
  #wait(bucket: Bucket, needed: number, nowMs: number): number {
    const { perSecond, burst } = this.#limit;
    const elapsedMs = Math.max(0, nowMs - bucket.filledAtMs);
    bucket.tokens = Math.min(burst, bucket.tokens + (elapsedMs / 1000) * perSecond);
    bucket.filledAtMs = Math.max(bucket.filledAtMs, nowMs);
    if (bucket.tokens >= needed) return 0;
    return Math.min(MOST_WAIT_SECONDS, Math.max(1, Math.ceil((needed - bucket.tokens) / perSecond)));
  }

  #make(key: string, nowMs: number): Bucket {
    if (this.#buckets.size >= MOST_BUCKETS) this.#forget(nowMs);
    const bucket = { tokens: this.#limit.burst, filledAtMs: nowMs };
    this.#buckets.set(key, bucket);
    return bucket;
  }

  /** Full buckets tell nothing; when none is full, the oldest go. */
  #forget(nowMs: number): void {
    const fillMs = (this.#limit.burst / this.#limit.perSecond) * 1000;
    for (const [key, { filledAtMs }] of this.#buckets) if (nowMs - filledAtMs >= fillMs) this.#buckets.delete(key);
    for (const key of this.#buckets.keys()) {
      if (this.#buckets.size < MOST_BUCKETS) return;
      this.#buckets.delete(key);
    }
  }
}
