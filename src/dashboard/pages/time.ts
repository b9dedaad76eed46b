// Owns how times and ages are written on the screen: UTC, 24 h, and ages that grow without reading anything again.
import { html } from 'htm/preact';
import { createContext, type VNode } from 'preact';
import { useContext } from 'preact/hooks';

/** The service's time. On the server it stands still; in the browser it is a signal that ticks. */
export interface Now {
  readonly value: number;
}

export const NowContext = createContext<Now>({ value: 0 });

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

/** `8 s`, `12 min`, `1 h 11 min`, `2 d 3 h`; two units at most. */
export function formatAge(ms: number): string {
  const part = (of: number, unit: string): string => (of === 0 ? '' : ` ${of} ${unit}`);
  if (!(ms >= 1000)) return '0 s';
  if (ms < MINUTE_MS) return `${Math.floor(ms / 1000)} s`;
  if (ms < HOUR_MS) return `${Math.floor(ms / MINUTE_MS)} min`;
  if (ms < DAY_MS) return `${Math.floor(ms / HOUR_MS)} h${part(Math.floor((ms % HOUR_MS) / MINUTE_MS), 'min')}`;
  const days = Math.floor(ms / DAY_MS);
  return `${days} d${days < 7 ? part(Math.floor((ms % DAY_MS) / HOUR_MS), 'h') : ''}`;
}

/** Dates that no calendar has come from hostile reports: they are no reason to show no page. */
function isoOf(atMs: number): string | null {
  const date = new Date(atMs);
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}

/** `12:03:07`. */
export function formatTime(atMs: number): string {
  return isoOf(atMs)?.slice(11, 19) ?? 'at an unknown time';
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** `3 Mar`, with the year where it is another than that of `nowMs`. */
export function formatDay(atMs: number, nowMs: number = atMs): string {
  const [date, now] = [new Date(atMs), new Date(nowMs)];
  if (Number.isNaN(date.getTime())) return 'on an unknown day';
  const year = date.getUTCFullYear() === now.getUTCFullYear() ? '' : ` ${date.getUTCFullYear()}`;
  return `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]}${year}`;
}

/** The time alone within a day of `nowMs`, else with its day: `24 Feb 09:26`. */
export function formatInstant(atMs: number, nowMs: number): string {
  return Math.abs(nowMs - atMs) < DAY_MS / 2
    ? formatTime(atMs)
    : `${formatDay(atMs, nowMs)} ${formatTime(atMs).slice(0, 5)}`;
}

/** An instant of the past, as a machine reads it too. */
export function Instant({ atMs }: { readonly atMs: number }): VNode {
  const now = useContext(NowContext);
  const iso = isoOf(atMs);
  return html`<time datetime=${iso} title=${iso}>${formatInstant(atMs, now.value)}</time>`;
}

/** How long ago it was, growing: `8 s ago`; without `ago`, how long it has lasted. */
export function Age({ sinceMs, ago = false }: { readonly sinceMs: number | null; readonly ago?: boolean }): VNode {
  const now = useContext(NowContext);
  if (sinceMs === null) return html`<span>–</span>`;
  const iso = isoOf(sinceMs);
  return html`<time datetime=${iso} title=${iso}>${formatAge(now.value - sinceMs)}${ago ? ' ago' : ''}</time>`;
}
