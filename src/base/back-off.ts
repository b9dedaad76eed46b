// Owns waiting between tries: exponential, capped, with full jitter after the cap so that nobody stays in step.
import type { RandomStream } from './random.ts';

export interface BackOff {
  readonly firstMs: number;
  readonly capMs: number;
}

/**
 * How long to wait before try number `attempt` (0 = the first retry): uniform in (0, min(cap, first · 2^attempt)].
 * The jitter is taken of the capped value: taken before the cap, every late client waits exactly the cap.
 */
export function backOffMs(attempt: number, backOff: BackOff, random: RandomStream): number {
  const bound = Math.min(backOff.capMs, backOff.firstMs * 2 ** Math.min(attempt, 40));
  return bound * (1 - random.next());
}
