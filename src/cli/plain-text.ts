// Owns texts of several lines that others wrote, safe to print, and counted nouns.

/** The text with its line breaks, without other control characters. */
export function withoutControls(text: string): string {
  return text.replace(/[^\P{C}\n]|\u2028|\u2029/gu, '\u{fffd}');
}

/** `3 devices`, `1 device`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
