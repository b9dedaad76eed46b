// Owns turning what pages print into what a test types: their marked blocks, with names of one's own, and what pages say in words between them.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { type CommandBlock, findCommandBlocks } from '../../.ci/page-commands.ts';

const ROOT = path.join(import.meta.dirname, '../..');

export const page = (name: string, chosen: readonly string[] = ['ci']): CommandBlock[] =>
  findCommandBlocks(name, readFileSync(path.join(ROOT, name), 'utf8'), chosen);

/** What the pages leave to the reader: names and addresses of one's own. */
export function filledIn(blocks: readonly CommandBlock[], own: readonly (readonly [string, string])[]): CommandBlock[] {
  const fill = (text: string): string => own.reduce((filled, [from, to]) => filled.replaceAll(from, to), text);
  return blocks.map((block) => ({
    ...block,
    commands: block.commands.map(({ place, command }) => ({ place, command: fill(command) })),
  }));
}

/** Blocks of a page that stand in the script a second time. */
export function again(blocks: readonly CommandBlock[]): CommandBlock[] {
  return blocks.map((block) => ({
    ...block,
    commands: block.commands.map(({ place, command }) => ({ place: `${place} again`, command })),
  }));
}

/** Between the pages: what they say in words. */
export function inWords(place: string, ...commands: readonly string[]): CommandBlock {
  return {
    place,
    commands: commands.map((command, index) => ({ place: `${place} ${index + 1}`, command })),
    printed: null,
  };
}
