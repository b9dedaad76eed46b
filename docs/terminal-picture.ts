// Owns the picture of a terminal: the text of a session as SVG, light or dark as its reader prefers.

const LINE_HEIGHT = 20;
const CHARACTER_WIDTH = 8.43;
const MARGIN = 20;
const TITLE_HEIGHT = 34;
const COLUMNS = 96;

const STYLE = `
    text { font: 14px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; white-space: pre; fill: #24292f; }
    .window { fill: #f6f8fa; stroke: #d0d7de; } .dots { fill: #d0d7de; }
    .typed { font-weight: bold; fill: #0550ae; } .revert { fill: #b3261e; font-weight: bold; }
    @media (prefers-color-scheme: dark) {
      text { fill: #d1d7de; } .window { fill: #161b22; stroke: #30363d; } .dots { fill: #484f58; }
      .typed { fill: #79c0ff; } .revert { fill: #ff8f85; }
    }
  `;

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}

function classOf(line: string): string {
  if (line.startsWith('$ ')) return ' class="typed"';
  return /\brevert\b|roll-back|, not </.test(line) ? ' class="revert"' : '';
}

/** Lines that begin with `$ ` were typed, the others printed. Throws when a line is too long for the picture. */
export function terminalPicture(session: string, title: string): string {
  const lines = session.trimEnd().split('\n');
  const long = lines.find((line) => line.length > COLUMNS);
  if (long !== undefined) throw new RangeError(`longer than ${COLUMNS} characters: ${long}`);
  const width = Math.ceil(COLUMNS * CHARACTER_WIDTH) + 2 * MARGIN;
  const height = TITLE_HEIGHT + lines.length * LINE_HEIGHT + MARGIN;
  const texts = lines.map((line, index) => {
    const y = TITLE_HEIGHT + (index + 0.75) * LINE_HEIGHT;
    return line === ''
      ? ''
      : `  <text x="${MARGIN}" y="${y}"${classOf(line)} xml:space="preserve">${escaped(line)}</text>\n`;
  });
  const dots = [0, 1, 2].map((dot) => `<circle class="dots" cx="${MARGIN + 4 + dot * 18}" cy="18" r="5.5"/>`);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(title)}">
  <style>${STYLE}</style>
  <rect class="window" x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="9"/>
  ${dots.join('')}
${texts.join('')}</svg>`;
}
