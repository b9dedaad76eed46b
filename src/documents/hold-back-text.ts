// Owns how people write which devices keep the stable version in a last stage: `0`, `5%`, `5% for 4w`.
import { parseDurationMs, parsePercent } from '../contract/duration.ts';

export interface HoldBackText {
  /** Of the target's devices, 0..1. */
  readonly share: number;
  /** At least so long; 0 for as long as the rules take. */
  readonly forMs: number;
}

/** Null for 0, which holds nobody back. Throws PERCENT_SYNTAX, DURATION_SYNTAX. */
export function parseHoldBack(text: string | 0): HoldBackText | null {
  if (text === 0) return null;
  const [share = '', time] = text.split(' for ');
  const forMs = time === undefined ? 0 : parseDurationMs(time);
  const part = parsePercent(share);
  return part > 0 ? { share: part, forMs } : null;
}
