// Owns the check that readers find each page: what lies in docs stands on the map, docs/README.md.
import { posix as path } from 'node:path';
import type { BrokenLink, MarkdownFile } from './markdown-links.ts';

const MAP = 'docs/README.md';
/** Folders that the map names as a whole: a runbook is reached from its alert. */
const WHOLE_FOLDERS = ['docs/decisions/', 'docs/runbooks/'];

/** Pages that the map does not link, and folders of which it links neither pages nor the whole. */
export function findPagesOffTheMap(files: readonly MarkdownFile[]): BrokenLink[] {
  const map = files.find((file) => file.path === MAP);
  if (map === undefined) return [{ path: MAP, line: 1, message: 'is missing: it is the map of all pages' }];
  const links = [...map.text.matchAll(/\]\(([^)#\s]+)/g)].map(([, link = '']) => path.join('docs', link));
  const isOnMap = (file: string): boolean =>
    links.includes(file) ||
    WHOLE_FOLDERS.some((folder) => file.startsWith(folder) && links.includes(folder.slice(0, -1)));
  const pages = files.map((file) => file.path).filter((file) => file.startsWith('docs/') && file !== MAP);
  return pages
    .filter((file) => !isOnMap(file))
    .map((file) => ({ path: file, line: 1, message: `is on no line of ${MAP}: add it where readers look for it` }));
}
