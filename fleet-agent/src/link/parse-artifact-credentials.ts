// Owns reading the device's credentials file: which addresses there are credentials for, and where each secret is kept. No secret stands in it.
import { CodedError } from '../../../src/base/errors.ts';
import { isConfidential } from '../../../src/contract/artifact-location.ts';
import type { FieldPath } from '../../../src/contract/source/document-source.ts';
import { locateProblems, type Problem } from '../../../src/contract/source/problem.ts';
import { readSource } from '../../../src/contract/source/read-source.ts';

export type SecretPlace =
  | { readonly kind: 'file'; readonly file: string }
  | { readonly kind: 'env'; readonly name: string };

export type Proof =
  | { readonly kind: 'bearer'; readonly secret: SecretPlace }
  | { readonly kind: 'basic'; readonly user: string; readonly secret: SecretPlace }
  | { readonly kind: 'header'; readonly name: string; readonly secret: SecretPlace };

export interface ArtifactCredential {
  /** Scheme, host and port. */
  readonly origin: string;
  /** Ends in a slash: the address is below it. */
  readonly path: string;
  readonly proof: Proof;
}

type Fields = Readonly<Record<string, unknown>>;

const MOST_ENTRIES = 64;
const PROOFS = ['bearer', 'basic', 'header'] as const;
/** What the request itself sets. */
const OWN_HEADERS = /^(?:host|range|if-range|connection|content-length|transfer-encoding|accept-encoding|expect)$/i;
const SECRET_REMEDY = 'Write `{ file: /path/to/secret }` or `{ env: NAME }`.';

/** Throws DOCUMENT_… for what is no YAML or JSON, and CREDENTIALS_SHAPE with its place. */
export function parseArtifactCredentials(file: string, bytes: Uint8Array): readonly ArtifactCredential[] {
  const read = readSource(file, bytes);
  if (read.kind === 'broken') throw read.errors[0] ?? new CodedError({ code: 'CREDENTIALS_SHAPE', message: file });
  const problems: Problem[] = [];
  const note = (path: FieldPath, message: string, remedy: string): undefined => {
    problems.push({ code: 'CREDENTIALS_SHAPE', path, message, remedy });
    return undefined;
  };
  const { credentials, ...others } = Object(read.value) as Fields;
  const isList = Array.isArray(credentials) && credentials.length <= MOST_ENTRIES;
  if (!isList || Object.keys(others).length > 0)
    note(
      [],
      `The file is not a list \`credentials:\` of at most ${MOST_ENTRIES} entries.`,
      'See docs/how-to/private-artifacts.md.',
    );
  const entries = isList ? credentials : [];
  const parsed = entries.flatMap((entry: unknown, i) => parseEntry(entry, ['credentials', i], note) ?? []);
  const [problem] = locateProblems(read.source, problems);
  if (problem !== undefined) throw problem;
  return parsed;
}

type Note = (path: FieldPath, message: string, remedy: string) => undefined;

function parseEntry(entry: unknown, path: FieldPath, note: Note): ArtifactCredential | undefined {
  const fields = Object(entry) as Fields;
  const { prefix, ...rest } = fields;
  const kinds = PROOFS.filter((kind) => kind in rest);
  const [kind] = kinds;
  if (kind === undefined || kinds.length !== 1 || Object.keys(rest).length !== 1)
    return note(path, 'An entry has `prefix` and one of `bearer`, `basic` and `header`.', 'Keep one of them.');
  const place = parsePrefix(prefix);
  if (place === undefined)
    return note(
      [...path, 'prefix'],
      'The prefix is not an https address that ends in a slash.',
      'Write it like `https://models.example.com/private/`, without password, `?` and `#`. Plain http is for this machine alone.',
    );
  const proof = parseProof(kind, rest[kind], [...path, kind], note);
  return proof && { ...place, proof };
}

function parsePrefix(prefix: unknown): Pick<ArtifactCredential, 'origin' | 'path'> | undefined {
  if (typeof prefix !== 'string' || !isConfidential(prefix) || /[?#]/.test(prefix)) return undefined;
  const { origin, pathname } = new URL(prefix);
  return pathname.endsWith('/') ? { origin, path: pathname } : undefined;
}

function parseProof(kind: (typeof PROOFS)[number], value: unknown, path: FieldPath, note: Note): Proof | undefined {
  if (kind === 'bearer') {
    const secret = parseSecret(value, path, note);
    return secret && { kind, secret };
  }
  if (kind === 'basic') {
    const { user, password, ...others } = Object(value) as Fields;
    if (typeof user !== 'string' || user.includes(':') || Object.keys(others).length > 0)
      return note(path, '`basic` needs `user`, without a colon, and `password`.', 'Correct it.');
    const secret = parseSecret(password, [...path, 'password'], note);
    return secret && { kind, user, secret };
  }
  const { name, value: place, ...others } = Object(value) as Fields;
  const isName = typeof name === 'string' && /^[A-Za-z][A-Za-z0-9-]{0,63}$/.test(name) && !OWN_HEADERS.test(name);
  if (!isName || Object.keys(others).length > 0)
    return note(path, '`header` needs the `name` of a header, and its `value`.', 'Name one such as `PRIVATE-TOKEN`.');
  const secret = parseSecret(place, [...path, 'value'], note);
  return secret && { kind, name, secret };
}

function parseSecret(value: unknown, path: FieldPath, note: Note): SecretPlace | undefined {
  const [[kind, place] = [], ...others] = Object.entries(Object(value) as Fields);
  if (typeof value === 'object' && others.length === 0 && typeof place === 'string' && place !== '') {
    if (kind === 'file') return { kind, file: place };
    if (kind === 'env') return { kind, name: place };
  }
  return note(path, 'This is not the place of a secret. The file holds no secrets itself.', SECRET_REMEDY);
}
