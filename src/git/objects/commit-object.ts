// Owns the bytes of commit objects: writing one, reading one, its trailers, and where its signature sits.
import { CodedError } from '../../base/errors.ts';
import { objectCorrupt } from '../git-errors.ts';
import type { CommitAuthor, CommitFacts, CommitSigner } from '../manifests-repository.ts';

export interface CommitContent {
  readonly tree: string;
  /** Null of a first commit. */
  readonly parent: string | null;
  readonly message: string;
  readonly atMs: number;
  /** The committer unless given. */
  readonly author?: CommitAuthor | undefined;
}

function personLine(person: CommitAuthor, atMs: number): string {
  const clean = (text: string): string => text.replace(/[\0\n\r<>]/g, ' ').trim();
  return `${clean(person.name)} <${clean(person.email)}> ${Math.floor(atMs / 1000)} +0000`;
}

/** The commit object, signed when a signer is given: the signature goes into `gpgsig`, each further line after a space. */
export function renderCommit(
  content: CommitContent,
  committer: CommitAuthor,
  signer: CommitSigner | undefined,
): Buffer {
  if (content.message.includes('\0')) {
    throw new CodedError({ code: 'GIT_MESSAGE_REFUSED', kind: 'bug', message: 'A commit message contains a NUL.' });
  }
  const by = personLine(committer, content.atMs);
  const author = personLine(content.author ?? committer, content.atMs);
  const parent = content.parent === null ? '' : `parent ${content.parent}\n`;
  const head = `tree ${content.tree}\n${parent}author ${author}\ncommitter ${by}\n`;
  const body = `\n${content.message.trimEnd()}\n`;
  if (signer === undefined) return Buffer.from(head + body);
  const signature = signer
    .sign(head + body)
    .trimEnd()
    .replaceAll('\n', '\n ');
  return Buffer.from(`${head}gpgsig ${signature}\n${body}`);
}

interface Header {
  readonly name: string;
  readonly value: string;
  /** Byte range including its newline. */
  readonly start: number;
  readonly end: number;
}

const NEWLINE = 10;
const SPACE = 32;
const MOST_HEADERS = 200;

/** Header lines with their continuation lines, and where the message starts. */
function readHeaders(raw: Buffer, oid: string): { readonly headers: readonly Header[]; readonly messageAt: number } {
  const headers: Header[] = [];
  let start = 0;
  while (raw[start] !== NEWLINE) {
    let end = raw.indexOf(NEWLINE, start);
    while (end >= 0 && raw[end + 1] === SPACE) end = raw.indexOf(NEWLINE, end + 1);
    if (end < 0 || headers.length >= MOST_HEADERS) throw objectCorrupt(oid, 'the commit has no end of its head');
    const text = raw.toString('utf8', start, end);
    const space = text.indexOf(' ');
    if (space < 1) throw objectCorrupt(oid, 'a head line of the commit is malformed');
    headers.push({
      name: text.slice(0, space),
      value: text.slice(space + 1).replaceAll('\n ', '\n'),
      start,
      end: end + 1,
    });
    start = end + 1;
  }
  return { headers, messageAt: start + 1 };
}

function readPerson(value: string): { readonly name: string; readonly email: string; readonly atMs: number } {
  const match = /^(.*?) ?<([^>]*)> (-?\d{1,15})(?: [+-]\d{4})?$/.exec(value);
  if (!match) return { name: value.slice(0, 200), email: '', atMs: 0 };
  return { name: match[1] ?? '', email: match[2] ?? '', atMs: Number(match[3]) * 1000 };
}

/** Trailers (`Key: value`) of the last paragraph, when every line of it is one or continues one. */
export function readTrailers(message: string): ReadonlyMap<string, readonly string[]> {
  const paragraphs = message.trimEnd().split(/\n(?:[ \t]*\n)+/);
  const found = new Map<string, string[]>();
  if (paragraphs.length < 2) return found;
  let last: string[] | undefined;
  for (const line of (paragraphs.at(-1) ?? '').split('\n')) {
    const match = /^([A-Za-z0-9][A-Za-z0-9-]*): (.*)$/.exec(line);
    if (match) {
      last = found.get(match[1] ?? '') ?? [];
      last.push((match[2] ?? '').trim());
      found.set(match[1] ?? '', last);
    } else if (/^[ \t]/.test(line) && last !== undefined) {
      last.push(`${last.pop() ?? ''} ${line.trim()}`);
    } else {
      return new Map();
    }
  }
  return found;
}

/** Reads a commit object. Throws GIT_OBJECT_CORRUPT where its head is malformed or stands twice. */
export function parseCommit(oid: string, raw: Buffer): CommitFacts {
  const { headers, messageAt } = readHeaders(raw, oid);
  const values = (name: string): readonly Header[] => headers.filter((header) => header.name === name);
  const single = (name: string): string => {
    const [only, ...more] = values(name);
    if (only === undefined || more.length > 0) throw objectCorrupt(oid, `the commit has not exactly one ${name}`);
    return only.value;
  };
  const signatures = headers.filter(({ name }) => name === 'gpgsig' || name === 'gpgsig-sha256');
  const [signature] = signatures;
  if (signatures.length > 1) throw objectCorrupt(oid, 'the commit has more than one signature');
  const committer = readPerson(single('committer'));
  const author = readPerson(single('author'));
  const message = raw.toString('utf8', messageAt);
  return {
    oid,
    tree: single('tree'),
    parents: values('parent').map(({ value }) => value),
    author: { name: author.name, email: author.email },
    committer: { name: committer.name, email: committer.email },
    atMs: committer.atMs,
    message,
    trailers: readTrailers(message),
    signature:
      signature?.name === 'gpgsig'
        ? {
            payload: Buffer.concat([raw.subarray(0, signature.start), raw.subarray(signature.end)]),
            armored: `${signature.value.trimEnd()}\n`,
          }
        : null,
  };
}
