// Owns rules over a gauge of one device that must hold for a time, such as "cpu > 80 % for 5 min".

export interface SustainedRule {
  readonly limit: number;
  readonly durationMs: number;
  /** A longer silence starts the count anew. */
  readonly longestGapMs: number;
}

/** Where one device stands: since when every sample has been above the limit, and when the last came. */
export interface SustainedState {
  readonly sinceMs: number | null;
  readonly lastMs: number | null;
}

export const NOT_SUSTAINED: SustainedState = { sinceMs: null, lastMs: null };

/** The state after one more sample; samples come in time order. */
export function addSample(rule: SustainedRule, state: SustainedState, atMs: number, value: number): SustainedState {
  if (!(value > rule.limit)) return { sinceMs: null, lastMs: atMs };
  const isBroken = state.lastMs === null || atMs - state.lastMs > rule.longestGapMs;
  return { sinceMs: state.sinceMs === null || isBroken ? atMs : state.sinceMs, lastMs: atMs };
}

/** Has the gauge been above its limit for the whole duration, as of the last sample? */
export function isSustained(rule: SustainedRule, state: SustainedState): boolean {
  return state.sinceMs !== null && state.lastMs !== null && state.lastMs - state.sinceMs >= rule.durationMs;
}
