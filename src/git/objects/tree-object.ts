// Owns the bytes of tree objects: reading, writing, and which names are fit to appear in one.
import { objectCorrupt } from '../git-errors.ts';

export type EntryMode = '100644' | '100755' | '120000' | '160000' | '40000';

export interface RawEntry {
  readonly name: string;
  /** The name as it stands in the object, where that is not the UTF-8 form of `name`; kept when the tree is rewritten. */
  readonly rawName?: Buffer;
  readonly mode: EntryMode;
  readonly oid: string;
}

const LONGEST_NAME = 255;

/** Why a name may not stand in a tree, or undefined. The rules of `git fsck`, plus control characters and length. */
export function nameFault(name: string): string | undefined {
  if (name === '' || name === '.' || name === '..') return 'a name is empty or made of dots';
  if (name.toLowerCase() === '.git') return 'a name is .git';
  if (name.includes('/')) return 'a name contains a slash';
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\u0000-\u001f\u007f\ufffd\\]/.test(name))
    return 'a name contains a control character, a backslash or is not UTF-8';
  if (Buffer.byteLength(name) > LONGEST_NAME) return `a name is longer than ${LONGEST_NAME} bytes`;
  return undefined;
}

/** The mode as Git itself reads it, so that no odd one stops anything: of a file's bits only "executable" counts; what is no file, link or folder is a submodule. */
function parseMode(text: string): EntryMode | undefined {
  if (!/^[0-7]+$/.test(text)) return undefined;
  const mode = Number.parseInt(text.slice(-6), 8);
  switch (mode & 0o170000) {
    case 0o100000:
      return (mode & 0o100) === 0 ? '100644' : '100755';
    case 0o120000:
      return '120000';
    case 0o040000:
      return '40000';
    default:
      return '160000';
  }
}

/** Reads a tree object. Throws GIT_OBJECT_CORRUPT when malformed; unfit names are the reader's to skip. */
export function parseTree(oid: string, raw: Buffer): readonly RawEntry[] {
  const entries: RawEntry[] = [];
  for (let offset = 0; offset < raw.length; ) {
    const space = raw.indexOf(32, offset);
    const nul = raw.indexOf(0, offset);
    if (space < 0 || nul < space || nul + 21 > raw.length) throw objectCorrupt(oid, 'the tree is malformed');
    const mode = parseMode(raw.toString('latin1', offset, space));
    if (mode === undefined) throw objectCorrupt(oid, 'the tree has a mode that is no number');
    const bytes = raw.subarray(space + 1, nul);
    const name = bytes.toString('utf8');
    const entry = { name, mode, oid: raw.toString('hex', nul + 1, nul + 21) };
    entries.push(Buffer.from(name).equals(bytes) ? entry : { ...entry, rawName: Buffer.from(bytes) });
    offset = nul + 21;
  }
  return entries;
}

function rawNameOf(entry: RawEntry): Buffer {
  return entry.rawName ?? Buffer.from(entry.name);
}

/** The tree object of entries, in git's order: folders sort as if their names ended in a slash. */
export function renderTree(entries: readonly RawEntry[]): Buffer {
  const slash = Buffer.from('/');
  const keyed = entries.map((entry) => {
    const name = rawNameOf(entry);
    return { entry, name, key: entry.mode === '40000' ? Buffer.concat([name, slash]) : name };
  });
  keyed.sort((left, right) => Buffer.compare(left.key, right.key));
  return Buffer.concat(
    keyed.flatMap(({ entry, name }) => [
      Buffer.from(`${entry.mode} `),
      name,
      Buffer.of(0),
      Buffer.from(entry.oid, 'hex'),
    ]),
  );
}
