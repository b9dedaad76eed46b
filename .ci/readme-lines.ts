// Owns finding the commands of a Markdown page that readers are promised to work: `sh` blocks below a `<!-- ci -->` mark.

export interface CommandLine {
  /** Line of the page, from 1. */
  readonly line: number;
  readonly command: string;
}

const MARK = /^\s*<!--\s*ci\s*-->\s*$/;
const OPENING = /^(`{3,})(?:sh|bash|shell)\s*$/;

/** The commands in order. A line that ends in `\` goes on in the next; comments and empty lines are left out. */
export function findCommandLines(markdown: string): CommandLine[] {
  const lines = markdown.split('\n');
  const commands: CommandLine[] = [];
  for (let index = 0; index < lines.length; index++) {
    if (!MARK.test(lines[index] ?? '')) continue;
    const fence = OPENING.exec(lines[index + 1] ?? '')?.[1];
    if (fence === undefined) throw new SyntaxError(`line ${index + 1}: no sh block right below the ci mark`);
    index += 2;
    let begun: CommandLine | undefined;
    for (; index < lines.length && lines[index] !== fence; index++) {
      const text = lines[index] ?? '';
      if (begun === undefined && /^\s*(#|$)/.test(text)) continue;
      const whole = begun === undefined ? text : `${begun.command}\n${text}`;
      const line: number = begun?.line ?? index + 1;
      begun = text.endsWith('\\') ? { line, command: whole } : undefined;
      if (begun === undefined) commands.push({ line, command: whole });
    }
    if (index >= lines.length) throw new SyntaxError('a sh block below a ci mark never ends');
  }
  return commands;
}

/**
 * One shell for all commands, as a reader has: folders, variables and background jobs carry over. It writes the line
 * of each command that succeeded to file descriptor 3, and stops at the first that fails.
 */
export function toScript(commands: readonly CommandLine[]): string {
  const steps = commands.map(({ line, command }) => `echo '+ README.md:${line}' >&2\n${command}\necho ${line} >&3`);
  return `set -euo pipefail\ntrap 'jobs -p | xargs -r kill 2>/dev/null || true' EXIT\n${steps.join('\n')}\n`;
}
