// Owns texts of several lines that others wrote, made safe to print: nothing in them may steer a terminal.

/** The text with its line breaks, without other control characters. */
export function withoutControls(text: string): string {
  return text.replace(/[^\P{C}\n]|\u2028|\u2029/gu, '\u{fffd}');
}
