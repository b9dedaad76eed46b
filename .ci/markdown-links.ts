// Owns the check of links in Markdown: relative files must exist, and anchors must name a heading.
import { posix as path } from 'node:path';

export interface MarkdownFile {
  /** From the root of the repository, with `/`. */
  readonly path: string;
  readonly text: string;
}

export interface BrokenLink {
  readonly path: string;
  readonly line: number;
  readonly message: string;
}

const ELSEWHERE = /^([a-z][a-z0-9+.-]*:|\/\/)/i;
/** Only the end of the text is looked at, so that an image inside a link is found as well. */
const INLINE_LINK = /\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)/g;
const REFERENCE = /^ {0,3}\[[^\]]+\]:\s*<?(\S+?)>?(?:\s+"[^"]*")?\s*$/;
const HEADING = /^ {0,3}#{1,6}\s+(.*?)\s*#*\s*$/;
const EXPLICIT_ANCHOR = /<a\s+(?:id|name)="([^"]+)"/g;

/** The lines with fenced code and inline code blanked, so that samples are not read as links. */
function proseLines(text: string): string[] {
  let fence: string | undefined;
  return text.split('\n').map((line) => {
    const mark = /^\s*(`{3,}|~{3,})/.exec(line)?.[1];
    if (fence !== undefined) {
      if (mark?.startsWith(fence)) fence = undefined;
      return '';
    }
    if (mark !== undefined) {
      fence = mark;
      return '';
    }
    return line.replace(/(`+)(?!`).*?[^`]\1(?!`)/g, '');
  });
}

/** A heading's anchor as GitHub makes it: lower case, punctuation dropped, spaces to hyphens. */
function slugOf(heading: string): string {
  const words = heading.replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
  return words.replace(/[^\p{L}\p{N}\p{M}_\- ]/gu, '').replaceAll(' ', '-');
}

/** All anchors of a file; a repeated heading gets -1, -2, … */
export function anchorsOf(text: string): Set<string> {
  const anchors = new Set<string>();
  const seen = new Map<string, number>();
  const prose = proseLines(text);
  for (const [index, line] of text.split('\n').entries()) {
    const heading = prose[index] === '' ? undefined : HEADING.exec(line)?.[1];
    if (heading !== undefined) {
      const slug = slugOf(heading);
      const count = seen.get(slug) ?? 0;
      seen.set(slug, count + 1);
      anchors.add(count === 0 ? slug : `${slug}-${count}`);
    }
    for (const [, anchor] of line.matchAll(EXPLICIT_ANCHOR)) if (anchor !== undefined) anchors.add(anchor);
  }
  return anchors;
}

/** Links that lead nowhere. `exists` answers for paths from the root, files and folders. */
export function findBrokenLinks(
  files: readonly MarkdownFile[],
  exists: (relativePath: string) => boolean,
): BrokenLink[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const judge = (file: MarkdownFile, link: string): string | undefined => {
    if (ELSEWHERE.test(link)) return undefined;
    const [place = '', anchor] = link.split('#', 2);
    const decoded = decodeURIComponent(place);
    const target = decoded === '' ? file.path : path.normalize(path.join(path.dirname(file.path), decoded));
    if (target.startsWith('..') || decoded.startsWith('/')) return `${link} leaves the repository`;
    if (decoded !== '' && !exists(target)) return `${link} leads to ${target}, which does not exist`;
    const markdown = byPath.get(target);
    if (anchor === undefined || markdown === undefined || anchorsOf(markdown.text).has(anchor)) return undefined;
    return `${link} names an anchor that ${target} does not have`;
  };
  return files.flatMap((file) =>
    proseLines(file.text).flatMap((line, index) => {
      const reference = REFERENCE.exec(line)?.[1];
      const links = [...line.matchAll(INLINE_LINK)].map((match) => match[1] ?? '');
      if (reference !== undefined) links.push(reference);
      const messages = links.flatMap((link) => judge(file, link) ?? []);
      return messages.map((message) => ({ path: file.path, line: index + 1, message }));
    }),
  );
}
