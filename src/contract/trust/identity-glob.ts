// Owns patterns of identities: a glob that names its organisation in full, matched without regular expressions.

/** Longer identities fit no pattern. */
const LONGEST_IDENTITY = 2048;

/** Up to the organisation's own slash, or a mail address at a whole domain: what strangers can't have. */
const URL_OF_ORGANISATION = /^https?:\/\/[^/*@?#]+\/[^/*@?#]+\//;
const URI_OF_DOMAIN = /^(?!https?:)[a-z][a-z0-9+.-]*:\/\/[^/*@?#]+\//;
const MAIL_AT_DOMAIN = /^(?!.*\*\*)[^/@]*@[^/@*]+\.[^/@*.]+$/;
/** Characters of regular expressions that no identity has: the author meant something else than what this would match. */
const REGULAR_EXPRESSION = /[\\^$|()[\]{}]|\.[*+]/;

/** Why the pattern is refused; undefined when it is a safe one. */
export function findPatternProblem(pattern: string): string | undefined {
  if (REGULAR_EXPRESSION.test(pattern)) return 'is a regular expression';
  if (!pattern.includes('*')) return undefined;
  const isNarrow = [URL_OF_ORGANISATION, URI_OF_DOMAIN, MAIL_AT_DOMAIN].some((form) => form.test(pattern));
  return isNarrow ? undefined : 'does not name one organisation in full, so strangers could fit it';
}

export const PATTERN_REMEDY =
  'Write a glob such as `https://github.com/acme/*/.github/workflows/release.yml@refs/heads/main` or `*@acme.example`: `*` is any text without `/` and `@`, `**` any text.';

type Piece = { readonly kind: 'text'; readonly text: string } | { readonly kind: 'some' | 'any' };

function piecesOf(pattern: string): Piece[] {
  return pattern
    .split(/(\*+)/)
    .filter((part) => part !== '')
    .map((part) => (part[0] === '*' ? { kind: part === '*' ? 'some' : 'any' } : { kind: 'text', text: part }));
}

/**
 * Does the whole identity fit? `*` stands for any text without `/` and `@`, `**` for any text. All ways are followed at once, so no
 * pattern makes it slow.
 */
export function matchesIdentityGlob(pattern: string, identity: string): boolean {
  if (identity.length > LONGEST_IDENTITY) return false;
  let ends: ReadonlySet<number> = new Set([0]);
  for (const piece of piecesOf(pattern)) {
    ends = piece.kind === 'text' ? afterText(ends, piece.text, identity) : afterWild(ends, piece.kind, identity);
    if (ends.size === 0) return false;
  }
  return ends.has(identity.length);
}

function afterText(starts: ReadonlySet<number>, text: string, identity: string): Set<number> {
  const ends = new Set<number>();
  for (const start of starts) if (identity.startsWith(text, start)) ends.add(start + text.length);
  return ends;
}

function afterWild(starts: ReadonlySet<number>, kind: 'some' | 'any', identity: string): Set<number> {
  const ends = new Set<number>();
  let isInside = false;
  for (let at = 0; at <= identity.length; at++) {
    if (at > 0 && kind === 'some' && '/@'.includes(identity.charAt(at - 1))) isInside = false;
    if (starts.has(at)) isInside = true;
    if (isInside) ends.add(at);
  }
  return ends;
}
