// Owns the breaking of prose into lines that a terminal and `git log` show whole.

const WIDTH = 80;
/** A number stays with its unit. */
const BOUND = /(?<=\d) (?=ms\b|s\b|min\b|h\b|d\b|°C)/g;
const HELD = '\u0000';

/** The text in lines of at most `width` characters; a longer word stands alone. */
export function wrapped(text: string, width = WIDTH): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.replaceAll(BOUND, HELD).split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (longer.length > width && line !== '') {
      lines.push(line);
      line = word;
    } else line = longer;
  }
  return [...lines, line].map((one) => one.replaceAll(HELD, ' '));
}
