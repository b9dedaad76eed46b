// Owns how charts and pages write instants: UTC, 24 h, and the day where hours would not tell.

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const LAST_INSTANT_MS = 8.64e15;
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
export const NOT_KNOWN = '–';

export function isInstant(atMs: number | null | undefined): atMs is number {
  return typeof atMs === 'number' && Math.abs(atMs) <= LAST_INSTANT_MS;
}

/** `11:48`, or `11:48:07`. */
export function clockText(atMs: number | null | undefined, precision: 'minutes' | 'seconds' = 'minutes'): string {
  if (!isInstant(atMs)) return NOT_KNOWN;
  return new Date(atMs)
    .toISOString()
    .replace(/^.*T/, '')
    .slice(0, precision === 'seconds' ? 8 : 5);
}

/** `24 Feb`. */
export function dayText(atMs: number | null | undefined): string {
  if (!isInstant(atMs)) return NOT_KNOWN;
  const at = new Date(atMs);
  return `${at.getUTCDate()} ${MONTHS[at.getUTCMonth()]}`;
}

/** The writing for ticks of an axis that spans so long: no two of them read the same. */
export function tickText(spanMs: number): (atMs: number) => string {
  if (spanMs > 2 * DAY_MS) return dayText;
  return spanMs < 5 * MINUTE_MS ? (atMs) => clockText(atMs, 'seconds') : (atMs) => clockText(atMs);
}
