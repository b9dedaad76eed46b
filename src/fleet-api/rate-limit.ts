// Owns how often one caller may ask: token buckets by key, in bounded memory.

export interface RateLimit {
  readonly perSecond: number;
  /** How many may come at once after a pause. */
  readonly burst: number;
}

interface Bucket {
  tokens: number;
  filledAtMs: number;
}

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
