// Owns how text that others wrote gets into ours: on one line, without control characters, never longer than its place allows.

/** Longest reason that a status keeps; its schema allows 2,000 characters. */
export const MOST_REASON = 500;

/**
 * One line of visible text. Line breaks, controls, direction marks and lone surrogates go: nothing out of a document or a report may forge a
 * line or a trailer, nor steer a terminal.
 */
export function oneLine(text: string): string {
  return text
    .toWellFormed()
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\ufffd]+/gu, ' ')
    .replace(/ {2,}/g, ' ')
    .trim();
}

/** At most `most` UTF-16 units, cut between characters. */
export function clipped(text: string, most: number): string {
  if (text.length <= most) return text;
  return `${text
    .slice(0, most - 1)
    .toWellFormed()
    .replace(/\ufffd$/, '')}…`;
}

/** A reason as a status may hold it: one line, bounded, never empty. */
export function asReason(text: string): string {
  return clipped(oneLine(text), MOST_REASON) || 'no reason was given';
}

/** A sentence: with a capital, unless it begins with the name of something, such as `error_rate`. */
export function asSentence(text: string): string {
  const clean = oneLine(text);
  const capital = clean.replace(/^[a-z](?=[a-z]*[ :,])/, (first) => first.toUpperCase());
  return /[.!?…]$/.test(capital) ? capital : `${capital}.`;
}

/** Text of several lines that others wrote, made safe to print: nothing in it may steer a terminal. */
export function withoutControls(text: string): string {
  return text.replace(/[^\P{C}\n]|\u2028|\u2029/gu, '\u{fffd}');
}
