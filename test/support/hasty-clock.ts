// A clock whose longest waits are soon over, such as those that a host asks for; others are real.
import { SystemClock } from '../../src/base/clock.ts';
import type { RandomStream } from '../../src/base/random.ts';

const LONGEST_MS = 6000;

export class HastyClock extends SystemClock {
  /** The waits that were cut short. */
  readonly cutMs: number[] = [];

  override sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (ms <= LONGEST_MS) return super.sleep(ms, signal);
    this.cutMs.push(ms);
    return super.sleep(100, signal);
  }
}

/** Draws the shortest waits between tries, and counts them. */
export class HastyRandom implements RandomStream {
  draws = 0;

  next(): number {
    this.draws++;
    return 0.9999;
  }
}
