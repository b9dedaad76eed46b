// Owns finding the commands of a Markdown page that readers are promised to work, and what they print: `sh` blocks below a `<!-- ci -->` mark, or one that names their test.

export interface CommandLine {
  /** Where it stands, as `docs/tutorial.md:12`. */
  readonly place: string;
  readonly command: string;
}

export interface CommandBlock {
  readonly place: string;
  readonly commands: readonly CommandLine[];
  /** Lines that the block prints, of the block right below it; null when the page shows none. */
  readonly printed: readonly string[] | null;
}

const MARK = /^\s*<!--\s*(?:ci(?::\s*([\w-]+))?|tried by (\S+))\s*-->\s*$/;
const COMMANDS = /^( *`{3,})(?:sh|bash|shell)\s*$/;
const PRINTED = /^( *`{3,})(?:text)?\s*$/;

/**
 * The marked blocks whose name is among the chosen, in order: `ci` is the name of plain marks, `git-host` that of `<!-- ci: git-host -->`, the
 * test that of `<!-- tried by test/x.test.ts -->`. A plain block after the commands, with nothing but an empty line between, shows what they print. Throws SyntaxError.
 */
export function findCommandBlocks(page: string, markdown: string, chosen: readonly string[] = ['ci']): CommandBlock[] {
  const lines = markdown.split('\n');
  const blocks: CommandBlock[] = [];
  for (let index = 0; index < lines.length; index++) {
    const mark = MARK.exec(lines[index] ?? '');
    if (mark === null) continue;
    const place = `${page}:${index + 1}`;
    const fence = COMMANDS.exec(lines[index + 1] ?? '')?.[1];
    if (fence === undefined) throw new SyntaxError(`${place}: no sh block right below the ci mark`);
    const end = lines.indexOf(fence, index + 2);
    if (end < 0) throw new SyntaxError(`${place}: the sh block below the ci mark never ends`);
    const indent = fence.indexOf('`');
    const commands = joinLines(
      page,
      lines.slice(index + 2, end).map((line) => line.slice(indent)),
      index + 3,
    );
    const below = lines[end + 1] === '' ? end + 2 : end + 1;
    const shown = PRINTED.exec(lines[below] ?? '')?.[1];
    const printed = shown === undefined ? null : lines.slice(below + 1, lines.indexOf(shown, below + 1));
    if (chosen.includes(mark[1] ?? mark[2] ?? 'ci')) blocks.push({ place, commands, printed });
    index = end;
  }
  return blocks;
}

/** A line that ends in `\`, or opens a here-document or a loop, goes on in the next; comments and empty lines are left out. */
function joinLines(page: string, lines: readonly string[], first: number): CommandLine[] {
  const commands: CommandLine[] = [];
  let begun: CommandLine | undefined;
  for (const [index, text] of lines.entries()) {
    if (begun === undefined && /^\s*(#|$)/.test(text)) continue;
    begun =
      begun === undefined
        ? { place: `${page}:${first + index}`, command: text }
        : { ...begun, command: `${begun.command}\n${text}` };
    if (isOpen(begun.command)) continue;
    commands.push(begun);
    begun = undefined;
  }
  if (begun !== undefined) commands.push(begun);
  return commands;
}

function isOpen(command: string): boolean {
  const ending = /<<\s*'?(\w+)'?/.exec(command)?.[1];
  if (ending !== undefined) return !command.split('\n').slice(1).includes(ending);
  return command.endsWith('\\') || (/^for\b/.test(command) && !/^done\b/m.test(command));
}

/**
 * One shell for all blocks, as a reader has: folders, variables and background jobs carry over. It writes the place of each command that
 * succeeded to file descriptor 3, stops at the first that fails, and puts what the nth block prints into the file of that number.
 */
export function toScript(blocks: readonly CommandBlock[], outputFolder: string): string {
  const steps = blocks.flatMap(({ commands, printed }, index) => {
    const file = `'${outputFolder}/${index}'`;
    const typed = commands.map(({ place, command }) => `echo '+ ${place}' >&2\n${command}\necho '${place}' >&3`);
    return printed === null ? typed : [`exec 4>&1 >${file}`, ...typed, `exec >&4 4>&-; cat ${file}`];
  });
  return `set -euo pipefail\ntrap 'jobs -p | xargs -r kill 2>/dev/null || true' EXIT\n${steps.join('\n')}\n`;
}

/** The first shown line that was not printed, in the order of the page; undefined when all were. */
export function findMissingLine(shown: readonly string[], printed: string): string | undefined {
  const rest = printed.split('\n').map(comparable);
  return shown.find((line) => {
    const wanted = comparable(line)
      .split('…')
      .map((part) => part.replaceAll(/[.*+?^${}()|[\]\\/]/g, '\\$&'));
    const pattern = new RegExp(`^${wanted.join('.*')}$`);
    const found = rest.findIndex((one) => pattern.test(one));
    if (found >= 0) rest.splice(0, found + 1);
    return found < 0 && line !== '…';
  });
}

/** Ids, times, numbers and the widths of columns differ from run to run; versions such as 1.2.0 don't. */
function comparable(line: string): string {
  return line
    .replaceAll(/\b[0-9a-f]{7,}\b/g, 'ID')
    .replaceAll(/\d+(?:[.,]\d+)*/g, (number) => (/^\d+\.\d+\.\d+$/.test(number) ? number : '0'))
    .replaceAll(/\s+/g, ' ')
    .trim();
}
